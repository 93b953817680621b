//! The founding paper's method (Agentic Plan Caching, arXiv 2506.14852), and two controls of it.
//!
//! A small model names the intent of a task in a short phrase; the phrase is looked up exactly. On
//! a miss the planner does the task; of a success the calls are kept, and a small model takes the
//! names and numbers out of them. On a hit a small planner is prompted at every round with the
//! template, its next item, the task, and what was answered so far.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{Namespace, NextStep, PlanRequest, RunId, RunOutcome, Task, Trace};
use plancache_agents::import::task;
use plancache_agents::tokens::observation_text;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tower::ServiceExt;

use super::replay::{planned, ran};
use super::{Kind, Metered, Ran, Spend, System, SystemError};
use crate::bench::{Case, World};

/// What the small planner is shown on a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The template of the task's own phrase: the paper's method.
    Template,
    /// The whole earlier run of the task's own phrase: the paper's full-history cache.
    FullHistory,
    /// The template of a random earlier task: the control.
    RandomTemplate,
}

impl Shown {
    /// The system's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "apc",
            Self::FullHistory => "full_history",
            Self::RandomTemplate => "random_template_prompted",
        }
    }
}

/// The small model's prompt for the intent.
pub const NAME_THE_INTENT: &str = "Name the intent of the user's task in one short phrase of two to \
five lower-case words, without names, numbers or other details of this task, so that all tasks that \
are done in the same way get the same phrase. Answer with the phrase alone.";
/// The small model's prompt for a template.
pub const GENERALIZE: &str = "Rewrite the plan as a template for similar tasks: keep its numbered \
items and the tools they call, and put a word in angle brackets for each name, number and other value \
that belongs to this task alone. Answer with the template alone.";

/// The models that are asked.
#[derive(Clone)]
pub struct Models {
    /// The planner on a miss.
    pub planner: Metered,
    /// The small planner on a hit.
    pub small: Metered,
    /// The small model that names intents.
    pub namer: Metered,
    /// The small model that writes templates.
    pub writer: Metered,
}

impl Models {
    /// The same models with counts of their own (see [`Metered::apart`]).
    #[must_use]
    pub fn apart(&self) -> Self {
        let Self { planner, small, namer, writer } = self;
        Self { planner: planner.apart(), small: small.apart(), namer: namer.apart(), writer: writer.apart() }
    }
}

struct Entry {
    from: String,
    text: String,
    items: Vec<String>,
}

/// A cache of templates as text.
pub struct Prompted {
    shown: Shown,
    models: Models,
    entries: HashMap<(Namespace, String), Arc<Entry>>,
    dice: ChaCha8Rng,
    phrase: Option<String>,
}

impl Prompted {
    /// With an empty cache.
    pub fn new(shown: Shown, models: Models, seed: u64) -> Self {
        let dice = ChaCha8Rng::seed_from_u64(seed);
        Self { shown, models, entries: HashMap::new(), dice, phrase: None }
    }

    fn found(&mut self, case: &Case, phrase: &str) -> Option<Arc<Entry>> {
        let namespace = &case.task.namespace;
        if self.shown != Shown::RandomTemplate {
            return self.entries.get(&(namespace.clone(), phrase.to_owned())).cloned();
        }
        let mut same: Vec<_> = self.entries.iter().filter(|((space, _), _)| space == namespace).collect();
        same.sort_unstable_by_key(|((_, phrase), _)| phrase.as_str());
        same.choose(&mut self.dice).map(|(_, entry)| (*entry).clone())
    }

    /// A small model's answer to one text, and what it cost.
    async fn said(&self, model: &Metered, case: &Case, text: String) -> Result<(String, Spend), SystemError> {
        let run = RunId::new(&case.id);
        let asked = PlanRequest::new(run.clone(), Arc::new(task(text, Arc::default())), Vec::new());
        let answered = model.clone().oneshot(asked).await;
        let spend = model.take(&run);
        match answered.map(|answered| answered.step) {
            Ok(NextStep::Answer(text)) => Ok((text, spend)),
            Ok(NextStep::Calls(_)) => Ok((String::new(), spend)),
            Err(error) => Err(SystemError { system: self.name(), why: error.to_string() }),
        }
    }

    async fn prompted(&self, case: &Case, world: World, entry: &Arc<Entry>) -> Ran {
        let small = self.models.small.clone();
        let entry_of_round = entry.clone();
        let mut planner = tower::service_fn(move |mut request: PlanRequest| {
            let text = prompt(&entry_of_round, &request);
            request.task = Arc::new(Task { text, ..request.task.as_ref().clone() });
            small.clone().oneshot(request)
        });
        let run = RunId::new(&case.id);
        let agent = self.models.small.agent();
        let record = agent.run(&mut planner, run.clone(), case.task.clone(), world).await;
        let own = self.models.small.take(&run);
        Ran { own, from: vec![entry.from.clone()], ..ran(record, Kind::Hit) }
    }
}

/// What the small planner is told in one round.
fn prompt(entry: &Entry, request: &PlanRequest) -> String {
    let next = entry.items.get(request.history.len()).map_or("answer the user", String::as_str);
    format!(
        "{}\n\nA similar task was solved by this plan:\n{}\nThe next item of the plan is: {next}",
        request.task.text, entry.text
    )
}

/// A run's calls as numbered items; what was observed too, if the whole history is kept.
fn items(trace: &Trace, with_observations: bool) -> Vec<String> {
    let item = |(i, step): (usize, &plancache::domain::TraceStep)| {
        let call = &step.call;
        let arguments = Value::Object(call.arguments.clone());
        let observed = step.observation.as_ref().filter(|_| with_observations).map(observation_text);
        let observed = observed.map(|text| format!(" -> {text}")).unwrap_or_default();
        format!("{}. {}({arguments}){observed}", i + 1, call.tool)
    };
    trace.steps.iter().enumerate().map(item).collect()
}

/// A phrase as a key: lower case, single blanks, no punctuation at its ends.
fn key(phrase: &str) -> String {
    let line = phrase.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    words.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

#[async_trait]
impl System for Prompted {
    fn name(&self) -> String {
        self.shown.name().to_owned()
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        let (said, spent) = self.said(&self.models.namer, case, case.task.text.clone()).await?;
        let phrase = key(&said);
        let mut ran = match self.found(case, &phrase) {
            Some(entry) => self.prompted(case, world, &entry).await,
            None => planned(case, world, &self.models.planner).await,
        };
        ran.own += spent;
        self.phrase = Some(phrase);
        Ok(ran)
    }

    async fn finish(&mut self, case: &Case, ran: &mut Ran, outcome: RunOutcome) -> Result<(), SystemError> {
        let phrase = self.phrase.take().unwrap_or_default();
        let learns = outcome == RunOutcome::Success && ran.kind == Kind::Miss && !phrase.is_empty();
        if !learns || ran.trace.steps.is_empty() {
            return Ok(());
        }
        let mut items = items(&ran.trace, self.shown == Shown::FullHistory);
        if self.shown != Shown::FullHistory {
            let text = format!("Task: {}\n\nPlan:\n{}", case.task.text, items.join("\n"));
            let (said, spent) = self.said(&self.models.writer, case, text).await?;
            ran.own += spent;
            items = said.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
        }
        let entry = Entry { from: case.id.clone(), text: items.join("\n"), items };
        self.entries.entry((case.task.namespace.clone(), phrase)).or_insert_with(|| Arc::new(entry));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_a_key_whatever_its_case_and_ends() {
        assert_eq!(key("\n \"Find  Longest Run\".\nBecause"), "find longest run");
        assert_eq!(key(""), "");
    }
}
