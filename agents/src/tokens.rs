//! What a chat-completions planner would have been charged for, by one named tokenizer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use plancache::domain::{Call, Observation, PlanRequest, Task, TraceStep, Usage};
use serde_json::{Map, Value};
use tiktoken_rs::CoreBPE;

use crate::python;

/// The tokenizer with which all tokens are counted.
pub const TOKENIZER: &str = "o200k_base";

/// Tokens that frame one message (its role and its ends), and that prime the reply.
const MESSAGE: u64 = 3;

/// Counts tokens, remembering each text's count by its hash, since every planning call sends the
/// whole conversation again.
pub struct TokenCounter {
    encoding: &'static CoreBPE,
    known: Mutex<HashMap<u64, u64>>,
}

impl std::fmt::Debug for TokenCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCounter").field("tokenizer", &TOKENIZER).finish_non_exhaustive()
    }
}

impl Default for TokenCounter {
    fn default() -> Self {
        Self { encoding: tiktoken_rs::o200k_base_singleton(), known: Mutex::default() }
    }
}

impl TokenCounter {
    /// Tokens of a text.
    pub fn text(&self, text: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(known) = self.known().get(&key) {
            return *known;
        }
        let count = self.encoding.count_ordinary(text) as u64;
        self.known().insert(key, count);
        count
    }

    /// Tokens of a message with this text, framing included.
    pub fn message(&self, text: &str) -> u64 {
        MESSAGE + self.text(text)
    }

    /// Tokens of calls as the planner writes them: each tool's name and its arguments as JSON.
    pub fn calls<'a>(&self, calls: impl IntoIterator<Item = &'a Call>) -> u64 {
        calls
            .into_iter()
            .map(|call| self.text(&call.tool) + self.text(&arguments_text(&call.arguments)))
            .sum()
    }

    /// Tokens of a step as part of the conversation: the assistant's call and the tool's message.
    pub fn step(&self, step: &TraceStep) -> u64 {
        let answer = step.observation.as_ref().map_or(0, |o| self.message(&observation_text(o)));
        MESSAGE + self.calls([&step.call]) + answer
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<u64, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands before the conversation in every planning call.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The system prompt.
    pub system: String,
    /// The tools, as the request lists them.
    pub tools: Vec<Value>,
}

impl Prompt {
    /// Tokens that are read on every call, whatever the task: system prompt, tools and the priming
    /// of the reply.
    pub fn tokens(&self, counter: &TokenCounter) -> u64 {
        let tools: u64 = self.tools.iter().map(|tool| counter.text(&tool.to_string())).sum();
        counter.message(&self.system) + tools + MESSAGE
    }
}

/// A task as a planner is told it: its text, and below it the context that came with it.
pub fn task_text(task: &Task) -> Cow<'_, str> {
    match &task.context {
        Value::Null => Cow::Borrowed(&task.text),
        context => Cow::Owned(format!("{}\n\nContext: {context}", task.text)),
    }
}

/// What a planner is asked of a task: all of it, or the part that the request says.
pub fn asked_text<'t>(task: &'t Task, request: &PlanRequest) -> Cow<'t, str> {
    let text = task_text(task);
    match request.instruction() {
        Some(instruction) => Cow::Owned(format!("{text}\n\n{instruction}")),
        None => text,
    }
}

/// What one planning call costs, given the history it is sent and what it writes.
pub fn planning_cost(
    counter: &TokenCounter,
    prompt: &Prompt,
    task: &str,
    history: &[TraceStep],
    written: u64,
) -> Usage {
    let conversation: u64 = history.iter().map(|step| counter.step(step)).sum();
    Usage { input: prompt.tokens(counter) + counter.message(task) + conversation, output: written }
}

/// The arguments as compact JSON.
fn arguments_text(arguments: &Map<String, Value>) -> String {
    Value::Object(arguments.clone()).to_string()
}

/// An observation as the tool wrote it.
pub fn observation_text(observation: &Observation) -> String {
    match &observation.value {
        Value::String(text) => text.clone(),
        value => python::dumps(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_those_of_the_tokenizer_and_stay_the_same_when_remembered() {
        let counter = TokenCounter::default();
        assert_eq!(counter.text("hello world"), 2);
        assert_eq!(counter.text("hello world"), 2);
        assert_eq!(counter.message(""), MESSAGE);
    }

    #[test]
    fn a_planner_is_told_the_context_where_there_is_one() {
        let plain = crate::import::task("Look.".into(), Default::default());
        assert_eq!(task_text(&plain), "Look.");
        let task = Task { context: json!({"a": 1}), ..plain };
        assert_eq!(task_text(&task), "Look.\n\nContext: {\"a\":1}");
    }

    #[test]
    fn each_call_is_sent_the_whole_history_again() {
        let counter = TokenCounter::default();
        let prompt = Prompt { system: "Be brief.".into(), tools: vec![json!({"name": "look"})] };
        let call = Call { id: "c".into(), tool: "look".into(), arguments: Map::new() };
        let step = TraceStep { call, observation: Some(Observation::from_text("{\"a\": 1}")) };
        let none = planning_cost(&counter, &prompt, "Look.", &[], 4);
        let one = planning_cost(&counter, &prompt, "Look.", std::slice::from_ref(&step), 4);
        assert_eq!(one.input - none.input, counter.step(&step));
        assert_eq!(one.output, 4);
        assert_eq!(observation_text(step.observation.as_ref().unwrap()), "{\"a\": 1}");
    }
}
