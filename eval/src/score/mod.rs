//! Whether a task was done right.
//!
//! The database that the run left must equal the one that the task's gold actions leave, and the
//! agent must have said what the task demands. The gold actions never leave this module.

pub(crate) mod airline;
pub(crate) mod blocksworld;
mod database;
pub mod dbbench;
pub(crate) mod financebench;
mod golds;
pub(crate) mod nested;
pub mod nfl;
pub(crate) mod numbers;
mod said;
pub(crate) mod same;
pub mod slots;
pub mod sql;
pub(crate) mod tabmwp;
pub(crate) mod webarena;

use std::collections::HashMap;
use std::path::Path;

use plancache::domain::{Call, fresh_call_id};
use plancache_agents::Environment;
use plancache_agents::import::ImportError;
use plancache_agents::retail::Retail;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tasks::read_by_task;

pub use golds::Golds;

/// What a run's end was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The right one.
    Right,
    /// The database is not as it should be.
    WrongState {
        /// The first difference.
        difference: String,
    },
    /// The agent did not say what it should have said.
    Unsaid {
        /// What it should have said.
        output: String,
    },
    /// The scorer does not know the task.
    UnknownTask,
}

impl Verdict {
    /// Whether the task counts as done.
    pub fn is_right(&self) -> bool {
        *self == Self::Right
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Gold {
    task_id: String,
    gold_actions: Vec<GoldAction>,
    #[serde(default)]
    outputs: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct GoldAction {
    name: String,
    arguments: Map<String, Value>,
}

/// Knows the gold actions of tasks, and judges runs by them.
#[derive(Clone, Debug)]
pub struct Scorer {
    golds: HashMap<String, Gold>,
    fresh: Retail,
}

impl Scorer {
    /// Reads the gold actions of a task file; `fresh` is the shop before any run.
    ///
    /// # Errors
    /// When the file cannot be read, or a line holds no gold actions.
    pub fn load(tasks: &Path, fresh: Retail) -> Result<Self, ImportError> {
        Ok(Self { golds: read_by_task(tasks, |gold: &Gold| &gold.task_id)?, fresh })
    }

    /// The gold actions of a task as calls: for a planner that is known to be right where no run of
    /// the task was recorded.
    pub(crate) fn gold_calls(&self, task_id: &str) -> Vec<Call> {
        let actions = self.golds.get(task_id).map(|gold| gold.gold_actions.as_slice()).unwrap_or_default();
        let call = |action: &GoldAction| Call {
            id: fresh_call_id(),
            tool: action.name.clone(),
            arguments: action.arguments.clone(),
        };
        actions.iter().map(call).collect()
    }

    /// Judges another wording of a task, under a name of its own, as it judges the task.
    pub fn also(&mut self, task_id: &str, other_name: &str) {
        if let Some(gold) = self.golds.get(task_id).cloned() {
            self.golds.insert(other_name.to_owned(), gold);
        }
    }

    /// Judges a run by the shop it left and by what the agent said.
    pub fn judge(&self, task_id: &str, left: &Retail, said: Option<&str>) -> Verdict {
        let Some(gold) = self.golds.get(task_id) else { return Verdict::UnknownTask };
        let mut right = self.fresh.clone();
        for action in gold.gold_actions.iter().filter(|action| !self.fresh.ends_run(&action.name)) {
            // A gold action that fails changes nothing, as upstream.
            let _ = right.call(&action.name, &action.arguments);
        }
        if let Some(difference) = database::first_difference(right.database(), left.database()) {
            return Verdict::WrongState { difference };
        }
        let said = said.unwrap_or_default().replace(',', "").to_lowercase();
        let unsaid = gold.outputs.iter().find(|output| !said.contains(&output.to_lowercase()));
        unsaid.map_or(Verdict::Right, |output| Verdict::Unsaid { output: output.clone() })
    }
}
