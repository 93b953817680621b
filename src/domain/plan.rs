use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::{Call, RunId, Task, TraceStep};

/// Tokens that a model read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
}

impl Usage {
    /// Tokens in and out together.
    pub fn total(self) -> u64 {
        self.input + self.output
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
    }
}

/// A part of a task: whole sentences of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskPart {
    /// First byte of the task's text.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
    /// Calls that were made for it so far.
    pub calls: usize,
}

/// "What is the next step of this run?": the task and everything that was really done so far.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRequest {
    /// Which run.
    pub run: RunId,
    /// What was asked. Shared, since every step of a run asks with the same task.
    pub task: Arc<Task>,
    /// All calls so far, in order, each with its observation.
    pub history: Vec<TraceStep>,
    /// The part of the task that is asked for, where the rest is served; `None`: all of it.
    pub part: Option<TaskPart>,
}

impl PlanRequest {
    /// A request for the next step of a run.
    pub fn new(run: RunId, task: Arc<Task>, history: Vec<TraceStep>) -> Self {
        Self { run, task, history, part: None }
    }

    /// What a planner that is asked for a part only has to be told, below the task's text. Small models
    /// that are told how to end before they have begun end at once.
    pub fn instruction(&self) -> Option<String> {
        let TaskPart { from, to, calls } = self.part?;
        let part = self.task.text.get(from..to)?.trim();
        let end = if calls > 0 { " If that is done, answer \"Done.\"" } else { "" };
        Some(format!("The task is shared: others do the rest of it. Your part is \"{part}\"{end}"))
    }
}

/// The next step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Call these tools; all observations come back before the next request.
    Calls(Vec<Call>),
    /// The run is over; this is what the user is told (empty where the agent words it itself).
    Answer(String),
}

/// A planner's reply to a [`PlanRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanResponse {
    /// What to do next.
    pub step: NextStep,
    /// What the reply cost. Zero when it was served from a template.
    #[serde(default)]
    pub usage: Usage,
}
