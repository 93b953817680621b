use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TaskPart, TemplateId, TemplateVersion};

/// Who gave a slot its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilledBy {
    /// The deterministic binder.
    Binder,
    /// The local model.
    Filler,
}

/// A slot with the value that this task gives it, and where that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilledSlot {
    /// The template whose slot it is.
    pub template: TemplateId,
    /// The slot's name.
    pub name: String,
    /// The value.
    pub value: serde_json::Value,
    /// Byte range in the task's text, if it was read there.
    pub span: Option<(usize, usize)>,
    /// Who filled it.
    pub by: FilledBy,
}

/// A template in a served plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Served {
    /// Its lineage.
    pub id: TemplateId,
    /// Its version.
    pub version: TemplateVersion,
    /// The text was read by its likeness to what was learnt, not by the learnt words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loosely: bool,
}

/// The template that came closest, and what kept it from being served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NearestMiss {
    /// The template.
    pub template: TemplateId,
    /// Its name.
    pub name: String,
    /// How much of the template's keywords the task holds, 0 to 1.
    pub score: f64,
    /// Why it was not served.
    pub why: String,
}

/// Why a run was not served from templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Miss {
    /// No template shares the task's keywords.
    NoCandidate,
    /// Templates were nominated, but some of the text is not accounted for.
    NotCovered {
        /// Byte range of the first text that no learnt pattern covers.
        from: usize,
        /// Its end.
        to: usize,
        /// The template that came closest.
        nearest: Option<NearestMiss>,
    },
    /// The text reads in two ways that lead to different calls.
    Ambiguous {
        /// What was ambiguous.
        what: String,
    },
    /// A template that the text needs is not believed enough yet.
    NotActive {
        /// The template.
        template: TemplateId,
        /// Distinct successes so far.
        evidence: u32,
        /// Distinct successes needed.
        needed: u32,
    },
    /// A value could not be had.
    SlotUnfilled {
        /// The template.
        template: TemplateId,
        /// The slot or argument.
        slot: String,
    },
    /// The text was covered, but by idle blocks alone.
    NothingToDo,
    /// A value would not stand in the task, an observation or the tool's schema.
    Ungrounded {
        /// The slot or argument.
        slot: String,
    },
    /// The filler was busy, absent or too slow.
    FillerUnavailable,
}

/// Why a run was not even looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Bypass {
    /// The mode says so.
    Mode,
    /// A tool of the plan may not be called from a template.
    Effect {
        /// The tool.
        tool: String,
    },
    /// The run was under way before the cache saw it.
    RunInProgress,
    /// The store or the index failed.
    Fault {
        /// What failed.
        what: String,
    },
}

/// Why a served run was handed back to the planner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Diverged {
    /// An observation was not as in the runs learnt from.
    Guard {
        /// The tool whose observation it was.
        tool: String,
        /// The condition that failed.
        guard: String,
    },
    /// A call failed.
    CallFailed {
        /// The tool.
        tool: String,
    },
    /// The bindings of an argument disagree, tie or yield nothing.
    Binding {
        /// The tool.
        tool: String,
        /// The argument.
        argument: String,
        /// What went wrong.
        why: String,
    },
    /// The arguments do not satisfy the tool's schema.
    Schema {
        /// The tool.
        tool: String,
        /// The validator's words.
        why: String,
    },
    /// The planner was asked for a part of the task, and did nothing for it, or failed.
    Part,
    /// The history is not the one that was served.
    History,
    /// The template was withdrawn while the run was under way.
    Withdrawn,
}

/// What the cache decided for one planning call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Outcome {
    /// Served from templates.
    Hit {
        /// The templates of the plan, in the order of their blocks; none while it only looks at what there is.
        templates: Vec<Served>,
        /// Index of the call in the plan, from 0; the number of calls for the final answer.
        step: usize,
        /// The slots filled for this step (all task slots on the first).
        slots: Vec<FilledSlot>,
    },
    /// Every call was served, but the planner is asked for the final answer.
    PlannerAnswer {
        /// The templates of the plan.
        templates: Vec<Served>,
    },
    /// No template covers a part of the task: the planner is asked for that part.
    PlannerPart {
        /// The templates of the plan.
        templates: Vec<Served>,
        /// The part, as a byte range of the task's text.
        from: usize,
        /// Its end.
        to: usize,
        /// Calls that were made for it so far.
        calls: usize,
        /// More is to be served after it. Where nothing is, the planner ends the run, with the whole task
        /// before it.
        rest: bool,
    },
    /// Not served.
    Miss(Miss),
    /// Not looked up.
    Bypass(Bypass),
    /// Served at first, then handed back.
    Diverged(Diverged),
}

impl Outcome {
    /// The part of the task for which alone the planner is asked, if it is asked for one.
    pub fn part(&self) -> Option<TaskPart> {
        match *self {
            Self::PlannerPart { from, to, calls, rest: true, .. } => Some(TaskPart { from, to, calls }),
            _ => None,
        }
    }

    /// The same, with the planner to end the run.
    #[must_use]
    pub fn to_the_end(mut self) -> Self {
        if let Self::PlannerPart { rest, .. } = &mut self {
            *rest = false;
        }
        self
    }

    /// The templates of the plan, where there is one.
    pub fn templates(&self) -> Option<&[Served]> {
        match self {
            Self::Hit { templates, .. }
            | Self::PlannerAnswer { templates }
            | Self::PlannerPart { templates, .. } => Some(templates),
            Self::Miss(_) | Self::Bypass(_) | Self::Diverged(_) => None,
        }
    }
}
