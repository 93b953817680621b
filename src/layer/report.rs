use std::time::Duration;

use serde::Serialize;

use crate::domain::{Outcome, RunId, Served, Usage};

/// What the cache decided for one planning call.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The decision with its reason and numbers. In shadow mode: what would have been decided.
    pub outcome: Outcome,
    /// Whether the step was answered by the cache.
    pub served: bool,
    /// How long the decision took.
    pub took: Duration,
}

/// What a run was, seen from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// No call to the planner, the final answer included.
    Hit,
    /// Every tool call was served; the planner wrote the answer.
    HitPlannerAnswer,
    /// Served but for parts of the task that no template covers; the planner was asked for those, and for
    /// the answer.
    HitPlannerPart,
    /// Served at first, then handed to the planner.
    Diverged,
    /// Not served.
    Miss,
    /// Not allowed to be served.
    Bypass,
}

impl RunKind {
    /// The label in counters.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::HitPlannerAnswer => "hit_planner_answer",
            Self::HitPlannerPart => "hit_planner_part",
            Self::Diverged => "diverged",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// Whether a run is learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// It waits in the queue.
    Queued,
    /// The queue is full; it was dropped and counted.
    Dropped,
    /// It is no success that anyone confirmed.
    NotASuccess,
    /// Templates served all of it: it says nothing that they do not say already.
    NothingNew,
    /// The mode says not to learn.
    Mode,
    /// A response of the planner could not be read.
    Unreadable,
}

/// What shadow mode found out about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowVerdict {
    /// It would have been served whole, with the planner's effects.
    WouldHaveHit,
    /// It would have been served, with other effects.
    WouldHaveBeenWrong,
    /// It would have been served at first; how it would have gone on cannot be known, since the
    /// planner went another way.
    Undecided,
    /// It would not have been served.
    WouldHaveMissed,
}

impl ShadowVerdict {
    /// The label in counters.
    pub fn label(self) -> &'static str {
        match self {
            Self::WouldHaveHit => "would_have_hit",
            Self::WouldHaveBeenWrong => "would_have_been_wrong",
            Self::Undecided => "undecided",
            Self::WouldHaveMissed => "would_have_missed",
        }
    }
}

/// What the cache knows of a run that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// Which run.
    pub run: RunId,
    /// What it was.
    pub kind: RunKind,
    /// The templates that served it, each once, in order.
    pub templates: Vec<Served>,
    /// Every decision, in order; a call that was retried counts once.
    pub decisions: Vec<Decision>,
    /// Calls to the planner.
    pub planner_calls: u32,
    /// What the planner cost.
    pub usage: Usage,
    /// Whether it is learnt from.
    pub learning: Learning,
    /// What shadow mode found out, if it is on.
    pub shadow: Option<ShadowVerdict>,
}
