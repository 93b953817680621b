use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RunId, Task, Usage};

/// One tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Id that ties the call to its observation.
    pub id: String,
    /// Name of the tool.
    pub tool: String,
    /// The arguments, by name.
    pub arguments: Map<String, Value>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// The answer as JSON where the tool wrote JSON, else as a string.
    pub value: Value,
    /// Whether the call failed.
    #[serde(default)]
    pub failed: bool,
}

impl Observation {
    /// Reads a tool's text: JSON objects, arrays, numbers and booleans become values, everything
    /// else stays a string. An answer that starts with the word "error" (any case), or an object
    /// whose `error` member is set, counts as failed.
    pub fn from_text(text: &str) -> Self {
        let value = match serde_json::from_str::<Value>(text.trim()) {
            Ok(value @ (Value::Object(_) | Value::Array(_) | Value::Bool(_))) => value,
            _ => Value::String(text.to_owned()),
        };
        let failed = match &value {
            Value::String(text) => {
                text.trim_start().get(..5).is_some_and(|head| head.eq_ignore_ascii_case("error"))
            }
            Value::Object(map) => map.get("error").is_some_and(|e| !e.is_null() && e != &Value::Bool(false)),
            _ => false,
        };
        Self { value, failed }
    }
}

/// One call with what came back; `observation` is absent while the call is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceStep {
    /// The call.
    pub call: Call,
    /// Its answer.
    #[serde(default)]
    pub observation: Option<Observation>,
}

/// How a run ended, as far as anyone said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// The task was done.
    Success,
    /// It was not.
    Failure,
    /// Nobody said. Never learnt as a success.
    #[default]
    Unknown,
}

/// A completed run: what was asked, done and observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Which run.
    pub run: RunId,
    /// What was asked.
    pub task: Task,
    /// The calls in order, with their observations.
    pub steps: Vec<TraceStep>,
    /// The final answer, where the agent gave one.
    #[serde(default)]
    pub answer: Option<String>,
    /// How it ended.
    #[serde(default)]
    pub outcome: RunOutcome,
    /// What the planner cost.
    #[serde(default)]
    pub usage: Usage,
}
