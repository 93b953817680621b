use plancache::domain::Trace;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Case;

/// What a run was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the task is done.
    pub succeeded: bool,
    /// Whether what was done, if it was served, is not what should have been. Where there is a
    /// true state of the world this is the contrary of `succeeded`; where a served step can only
    /// be compared with what the planner did there, it says whether it differs.
    pub wrong: bool,
    /// What is wrong: the first difference, with the argument or field in which it lies.
    pub why: Option<String>,
}

impl Verdict {
    /// Done.
    pub fn right() -> Self {
        Self { succeeded: true, wrong: false, why: None }
    }

    /// Not done, and this is what is wrong.
    pub fn wrong(why: impl Into<String>) -> Self {
        Self { succeeded: false, wrong: true, why: Some(why.into()) }
    }
}

/// Knows what is right. Asked only when a task is over, with what was done and observed; nothing
/// that plans, matches or fills can reach it.
pub trait Judge: Send + Sync {
    /// Judges a run by its calls, its observations and its answer.
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict;

    /// Where one call is the whole plan: whether this tool is the one that is meant, and how many of
    /// the arguments are right.
    fn parts(&self, _: &Case, _tool: &str, _arguments: &Map<String, Value>) -> Option<Parts> {
        None
    }
}

/// How far a plan of one call is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Whether the tool is the one that is meant.
    pub tool: bool,
    /// Arguments that are right, of those that are meant.
    pub arguments: (u64, u64),
}
