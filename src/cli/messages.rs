//! Recorded runs as OpenAI-style messages, one JSON object a line, and tool descriptions.
//!
//! Of a line only `messages`, `tools`, `run_id` and the outcome member that the user names are
//! read; whatever else stands there (labels, scores, notes) never gets into a trace.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::{Call, Namespace, Observation, RunId, RunOutcome, Task, Tool, Trace, TraceStep, Usage};

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {why}")]
pub struct BadLine {
    /// Column, from 1.
    pub column: usize,
    /// The reason.
    pub why: String,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFile {
    #[error("{path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}: {why}; expected an array of tools, each with `name`, `description` and `parameters`, or such objects under `function`"
    )]
    Tools { path: PathBuf, why: String },
}

/// How the outcome of a run is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeFrom {
    /// Nobody says.
    Unknown,
    /// All runs are successes: the user says so.
    AssumedSuccess,
    /// This member of the line says.
    Field(String),
}

#[derive(Deserialize)]
struct Line {
    messages: Vec<Message>,
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

/// Text, or parts of which some are text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => {
                parts.into_iter().filter_map(|part| part.text).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// `{id, name, arguments}`, or the same under `function`, with arguments as an object or as text.
#[derive(Deserialize)]
struct ToolCall {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Option<Value>,
}

impl ToolCall {
    fn into_call(self, n: usize) -> Result<Call, String> {
        let (name, arguments) = match self.function {
            Some(function) => (Some(function.name), function.arguments),
            None => (self.name, self.arguments),
        };
        let tool = name.ok_or("a tool call has no name")?;
        let arguments = match arguments {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map,
            Some(Value::String(text)) if text.trim().is_empty() => Map::new(),
            Some(Value::String(text)) => serde_json::from_str(&text).map_err(|error| {
                format!("the arguments of the call to `{tool}` are not a JSON object: {error}")
            })?,
            Some(_) => return Err(format!("the arguments of the call to `{tool}` are not a JSON object")),
        };
        Ok(Call { id: self.id.unwrap_or_else(|| format!("call-{n}")), tool, arguments })
    }
}

/// Reads one run as `plancache runs import` does: a line `{"messages": [..], "tools": [..]}`.
/// `name` is the run's where the line has none, `tools` are used where it brings none of its own.
///
/// # Errors
/// A line that is no JSON or no run is named by column and reason.
pub fn read_run(
    text: &str,
    name: &str,
    namespace: &Namespace,
    tools: &Arc<Vec<Tool>>,
    outcome: &OutcomeFrom,
) -> Result<Trace, BadLine> {
    let json = |error: serde_json::Error| {
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or(&why).to_owned();
        BadLine { column: error.column().max(1), why }
    };
    let bad = |why: String| BadLine { column: 1, why };
    let line: Line = serde_json::from_str(text).map_err(json)?;
    let own = line.tools.map(|tools| tools.into_iter().map(tool).collect::<Result<Vec<_>, _>>());
    let tools = own.transpose().map_err(bad)?.map_or_else(|| Arc::clone(tools), Arc::new);
    let outcome = match outcome {
        OutcomeFrom::Unknown => RunOutcome::Unknown,
        OutcomeFrom::AssumedSuccess => RunOutcome::Success,
        OutcomeFrom::Field(field) => {
            let whole: Map<String, Value> = serde_json::from_str(text).map_err(json)?;
            whole.get(field).map_or(RunOutcome::Unknown, read_outcome)
        }
    };
    let mut conversation = Conversation::default();
    for (n, message) in line.messages.into_iter().enumerate() {
        conversation.take(message).map_err(|why| bad(format!("message {}: {why}", n + 1)))?;
    }
    if conversation.said.is_empty() {
        return Err(bad("no user message stands before the first call".to_owned()));
    }
    let task = Task {
        namespace: namespace.clone(),
        text: conversation.said.join("\n"),
        context: Value::Null,
        tools,
        output_format: None,
    };
    let run = RunId::new(line.run_id.unwrap_or_else(|| name.to_owned()));
    let Conversation { steps, answer, .. } = conversation;
    Ok(Trace { run, task, steps, answer, outcome, usage: Usage::default() })
}

/// A success said as `true`, `1` or "success" (and what means the same); a failure likewise.
fn read_outcome(value: &Value) -> RunOutcome {
    let said = match value {
        Value::Bool(success) => Some(*success),
        Value::Number(n) => match n.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.to_lowercase().as_str() {
            "success" | "succeeded" | "pass" | "passed" | "true" | "ok" => Some(true),
            "failure" | "failed" | "fail" | "false" | "error" => Some(false),
            _ => None,
        },
        _ => None,
    };
    match said {
        Some(true) => RunOutcome::Success,
        Some(false) => RunOutcome::Failure,
        None => RunOutcome::Unknown,
    }
}

#[derive(Default)]
struct Conversation {
    said: Vec<String>,
    steps: Vec<TraceStep>,
    /// Indices of the calls whose answers are still out.
    open: VecDeque<usize>,
    answer: Option<String>,
}

impl Conversation {
    fn take(&mut self, message: Message) -> Result<(), String> {
        let text = message.content.map(Content::into_text);
        match message.role.as_str() {
            "system" | "developer" => {}
            "user" if self.steps.is_empty() => self.said.extend(text),
            "user" => {
                return Err(
                    "the user speaks again after the first call; only runs of one turn can be learnt \
                            from: split the conversation at this message"
                        .to_owned(),
                );
            }
            "assistant" => {
                let calls = message.tool_calls.unwrap_or_default();
                self.answer = text.filter(|text| calls.is_empty() && !text.is_empty());
                for call in calls {
                    self.open.push_back(self.steps.len());
                    let call = call.into_call(self.steps.len())?;
                    self.steps.push(TraceStep { call, observation: None });
                }
            }
            "tool" | "function" => {
                self.observe(message.tool_call_id.as_deref(), &text.unwrap_or_default())?
            }
            other => return Err(format!("the role `{other}` is not known")),
        }
        Ok(())
    }

    /// A tool's answer goes to the call that it names, else to the oldest one still open.
    fn observe(&mut self, id: Option<&str>, text: &str) -> Result<(), String> {
        let at = match id {
            Some(id) => self.open.iter().position(|step| self.steps[*step].call.id == id),
            None => (!self.open.is_empty()).then_some(0),
        };
        let step = at.and_then(|at| self.open.remove(at));
        let Some(step) = step else {
            return Err(match id {
                Some(id) => format!("it answers the call `{id}`, which is not open"),
                None => "it answers a call, but none is open".to_owned(),
            });
        };
        self.steps[step].observation = Some(Observation::from_text(text));
        Ok(())
    }
}

fn tool(value: Value) -> Result<Tool, String> {
    let value = match value {
        Value::Object(mut map) if map.contains_key("function") => map.remove("function").unwrap_or_default(),
        other => other,
    };
    serde_json::from_value(value).map_err(|error| format!("a tool cannot be read: {error}"))
}

/// Reads tools from a file: an array of [`Tool`]s, or of OpenAI function descriptions.
pub(super) fn read_tools(path: &Path) -> Result<Vec<Tool>, BadFile> {
    let bad = |why: String| BadFile::Tools { path: path.to_owned(), why };
    let all: Vec<Value> = serde_json::from_str(&read_file(path)?).map_err(|error| bad(error.to_string()))?;
    let tools = all.into_iter().map(tool).collect::<Result<Vec<_>, _>>().map_err(bad)?;
    for tool in &tools {
        crate::validate::check_tool(tool).map_err(|error| bad(error.to_string()))?;
    }
    Ok(tools)
}

pub(super) fn read_file(path: &Path) -> Result<String, BadFile> {
    std::fs::read_to_string(path).map_err(|source| BadFile::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &Value, outcome: &OutcomeFrom) -> Result<Trace, BadLine> {
        read_run(&line.to_string(), "f:1", &Namespace::default(), &Arc::default(), outcome)
    }

    fn messages(calls: Value) -> Value {
        json!({"success": true, "reward": 0, "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url"}]},
            {"role": "assistant", "content": null, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "b", "content": "{\"v\": 2}"},
            {"role": "tool", "tool_call_id": "a", "content": "Error: none"},
            {"role": "assistant", "content": "Done.", "tool_calls": []}
        ]})
    }

    #[test]
    fn both_forms_of_calls_are_read_and_answers_find_their_calls() {
        let flat = json!([{"id": "a", "name": "x", "arguments": {"k": 1}}, {"id": "b", "name": "y"}]);
        let nested = json!([
            {"id": "a", "type": "function", "function": {"name": "x", "arguments": "{\"k\": 1}"}},
            {"id": "b", "type": "function", "function": {"name": "y", "arguments": ""}}
        ]);
        for calls in [flat, nested] {
            let trace = read(&messages(calls), &OutcomeFrom::Unknown).unwrap();
            assert_eq!((trace.task.text.as_str(), trace.answer.as_deref()), ("Look", Some("Done.")));
            assert_eq!((trace.run.as_str(), trace.outcome), ("f:1", RunOutcome::Unknown));
            assert_eq!(trace.steps[0].call.arguments, *json!({"k": 1}).as_object().unwrap());
            assert!(trace.steps[0].observation.as_ref().unwrap().failed);
            assert_eq!(trace.steps[1].observation.as_ref().unwrap().value, json!({"v": 2}));
        }
    }

    #[test]
    fn an_outcome_is_read_only_from_the_member_that_was_named() {
        let line = messages(json!([{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]));
        let outcome = |from: OutcomeFrom| read(&line, &from).unwrap().outcome;
        assert_eq!(outcome(OutcomeFrom::Unknown), RunOutcome::Unknown);
        assert_eq!(outcome(OutcomeFrom::AssumedSuccess), RunOutcome::Success);
        assert_eq!(outcome(OutcomeFrom::Field("success".into())), RunOutcome::Success);
        assert_eq!(outcome(OutcomeFrom::Field("reward".into())), RunOutcome::Failure);
        assert_eq!(outcome(OutcomeFrom::Field("absent".into())), RunOutcome::Unknown);
        for (value, expected) in [
            (json!("passed"), RunOutcome::Success),
            (json!(1.0), RunOutcome::Success),
            (json!("maybe"), RunOutcome::Unknown),
            (json!(0.5), RunOutcome::Unknown),
            (json!(null), RunOutcome::Unknown),
        ] {
            assert_eq!(read_outcome(&value), expected, "{value}");
        }
    }

    #[test]
    fn bad_lines_say_where_and_why() {
        let why = |line: Value| read(&line, &OutcomeFrom::Unknown).unwrap_err().to_string();
        let user = json!({"role": "user", "content": "x"});
        let call = json!({"role": "assistant", "tool_calls": [{"id": "a", "name": "x", "arguments": "{"}]});
        let late = json!({"role": "assistant", "tool_calls": [{"id": "a", "name": "x"}]});
        assert!(why(json!({})).contains("missing field `messages`"));
        assert!(why(json!({"messages": []})).contains("no user message"));
        assert!(
            why(json!({"messages": [user, call]})).contains("message 2: the arguments of the call to `x`")
        );
        assert!(why(json!({"messages": [user, late, user]})).contains("message 3: the user speaks again"));
        assert!(why(json!({"messages": [user, {"role": "tool", "content": "1"}]})).contains("none is open"));
        assert!(why(json!({"messages": [user, {"role": "oracle"}]})).contains("`oracle`"));
        assert!(
            why(json!({"messages": [user], "tools": [{"description": 1}]})).contains("a tool cannot be read")
        );
        let broken =
            read_run("{\"messages\": [}", "f", &Namespace::default(), &Arc::default(), &OutcomeFrom::Unknown);
        assert_eq!(broken.unwrap_err().column, 15);
    }
}
