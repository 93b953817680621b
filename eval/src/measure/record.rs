use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bench::Parts;
use crate::systems::{Kind, Spend};

/// The first call of a wrong plan that is not one that the planner makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongCall {
    /// Its index in the run.
    pub at: usize,
    /// Its tool.
    pub tool: String,
    /// The argument that differs, if the planner makes such a call with another value.
    pub argument: Option<String>,
    /// What was served.
    pub served: Value,
    /// What the planner does.
    pub planned: Option<Value>,
}

/// What stood in the way of serving a task to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// What it was: the masked text that is not covered, the argument, the condition.
    pub at: String,
    /// The template that came closest, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The tools of that template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

/// What is kept of a task that is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Which task.
    pub task: String,
    /// How it was served.
    pub kind: Kind,
    /// Whether it was done, by the judge.
    pub succeeded: bool,
    /// Whether something was served that should not have been.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wrong: bool,
    /// What the judge found wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Of a wrong plan, the call in which it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_call: Option<WrongCall>,
    /// Why it was not served to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It was served by its likeness to what was learnt, not by the learnt words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loosely: bool,
    /// Where it was not served to the end: what stood in the way, without values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Where one call is the whole plan: how far what was served, or came closest, is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// Whether the shapes of its plan came before in the stream, but never together.
    #[serde(default, skip_serializing_if = "is_false")]
    pub new_together: bool,
    /// Whether all shapes of its plan came before, in runs that can be learnt.
    #[serde(default, skip_serializing_if = "is_false")]
    pub within_reach: bool,
    /// What it was served from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// What the planner cost.
    pub planner: Spend,
    /// What models cost that the system asks for itself.
    #[serde(default, skip_serializing_if = "Spend::is_nothing")]
    pub own: Spend,
    /// Slots by the binder, and by a model.
    #[serde(default)]
    pub slots: (u64, u64),
    /// Microseconds of the decision on the first planning call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_us: Option<f64>,
    /// Milliseconds that all planning calls took.
    pub planning_ms: f64,
    /// Whether it failed by a fault of the machine or the network.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fault: bool,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
