use std::time::Duration;

use plancache::domain::Trace;
use plancache_agents::Ending;
use serde::{Deserialize, Serialize};

use super::Spend;
use crate::measure::Missed;

/// How a task was served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Without a call to the planner.
    Hit,
    /// The planner did it all.
    #[default]
    Miss,
    /// Served but for a part of the task, which the planner was asked for.
    Part,
    /// Served at first, then handed back to the planner.
    Diverged,
}

/// A task, done.
#[derive(Debug)]
pub struct Ran {
    /// What was asked, done and observed.
    pub trace: Trace,
    /// How it ended.
    pub ending: Ending,
    /// How it was served.
    pub kind: Kind,
    /// What the planner cost.
    pub planner: Spend,
    /// What any other model cost that the system asks for itself.
    pub own: Spend,
    /// Why it was not served to the end.
    pub reason: Option<String>,
    /// It was served by its likeness to what was learnt, not by the learnt words.
    pub loosely: bool,
    /// What stood in the way, without values.
    pub missed: Option<Missed>,
    /// What it was served from: names of templates, or ids of earlier tasks.
    pub from: Vec<String>,
    /// Slots that the binder filled, and that a model filled.
    pub slots: (u64, u64),
    /// How long the decision on the first planning call took.
    pub decision: Option<Duration>,
    /// How long all planning calls took.
    pub planning: Duration,
    /// Whether learning from it left a part of the run unlearnt; known after `finish`.
    pub rejected: Vec<String>,
}

impl Ran {
    /// Whether the run came to an end of its own.
    pub fn ended(&self) -> bool {
        matches!(self.ending, Ending::Answered | Ending::EndedByCall)
    }
}
