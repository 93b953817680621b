//! The filler of the demo and of the evaluations, and how often it is asked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use plancache::fill::{Choice, FillAnswer, FillError, FillQuestion, Filler};
use plancache::models::{ChoiceError, FillerChoice};
use plancache_agents::tokens::TokenCounter;

use crate::systems::Spend;

/// Why there is no filler although one was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}; or go without by --no-filler")]
pub struct FillerError(#[from] ChoiceError);

/// A filler that counts the questions it is asked, and their tokens.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn Filler>,
    counter: TokenCounter,
    spent: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    all: u64,
    since: Spend,
}

impl Counted {
    /// Counts the questions to `inner`.
    pub fn new(inner: Arc<dyn Filler>) -> Self {
        Self { inner, counter: TokenCounter::default(), spent: Mutex::default() }
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.tally().all
    }

    /// What was asked and answered since this was last asked for. Tokens are counted with the
    /// planner's tokenizer; of a choice, those of the value chosen.
    pub fn take(&self) -> Spend {
        std::mem::take(&mut self.tally().since)
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values that a question offers.
fn offered(choice: &Choice) -> &[String] {
    match choice {
        Choice::Candidates(values) | Choice::Meant { values, .. } => values,
        Choice::Schema { .. } => &[],
    }
}

#[async_trait]
impl Filler for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        let offered = offered(&question.choice).to_vec();
        let texts = [&question.prefix, &question.task].into_iter().chain(&offered);
        let input = texts.map(|text| self.counter.text(text)).sum();
        let answered = self.inner.fill(question).await;
        let output = match &answered {
            Ok(FillAnswer::Chosen { index, .. }) => offered.get(*index).map_or(1, |v| self.counter.text(v)),
            Ok(FillAnswer::Written(value)) => self.counter.text(&value.to_string()),
            _ => 0,
        };
        let faults = u64::from(answered.is_err());
        let mut tally = self.tally();
        tally.all += 1;
        tally.since += Spend { calls: 1, input, cached: 0, output, faults };
        answered
    }
}

/// Opens a filler: a GGUF file, a name of the catalogue, an endpoint (`URL#MODEL`), or the
/// catalogue's default if its file is on this machine. `None` if none was asked for and the
/// default is not there.
///
/// # Errors
/// When one was asked for and cannot be used, or the default's file is broken.
pub fn open(wanted: Option<&str>) -> Result<Option<Arc<dyn Filler>>, FillerError> {
    Ok(wanted.map(FillerChoice::parse).unwrap_or_default().open()?)
}

/// The same, counted.
///
/// # Errors
/// As [`open`].
pub fn open_counted(wanted: Option<&str>) -> Result<Option<Arc<Counted>>, FillerError> {
    Ok(open(wanted)?.map(|filler| Arc::new(Counted::new(filler))))
}
