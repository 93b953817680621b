//! The filler of the demo and of the evaluations, and how often it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use plancache::fill::{FillAnswer, FillError, FillQuestion, Filler};
use plancache::models::{ChoiceError, FillerChoice};

/// Why there is no filler although one was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}; or go without by --no-filler")]
pub struct FillerError(#[from] ChoiceError);

/// A filler that counts the questions it is asked.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn Filler>,
    asked: AtomicU64,
}

impl Counted {
    /// Counts the questions to `inner`.
    pub fn new(inner: Arc<dyn Filler>) -> Self {
        Self { inner, asked: AtomicU64::new(0) }
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Filler for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.fill(question).await
    }
}

/// Opens a filler: a GGUF file, a name of the catalogue, an endpoint (`URL#MODEL`), or the
/// catalogue's default if its file is on this machine. `None` if none was asked for and the
/// default is not there.
///
/// # Errors
/// When one was asked for and cannot be used, or the default's file is broken.
pub fn open(wanted: Option<&str>) -> Result<Option<Arc<Counted>>, FillerError> {
    let choice = wanted.map(FillerChoice::parse).unwrap_or_default();
    Ok(choice.open()?.map(|filler| Arc::new(Counted::new(filler))))
}
