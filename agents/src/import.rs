//! Recorded runs, tasks' tools and effect classes from files.
//!
//! Of a recorded run only the messages are read, and which task it is of. Whatever else a line
//! holds (labels, scores, notes) never gets into a trace.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use plancache::domain::{
    Call, EffectClass, Namespace, Observation, RunId, RunOutcome, Task, Tool, Trace, TraceStep, Usage,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What can be wrong with an imported file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("{path} cannot be read: {why}")]
    Read {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
    /// A line is not a recorded run.
    #[error("{path}, line {line}: {why}; a line is one JSON object with `task_id` and `messages`")]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file of tools or effects is not what it should be.
    #[error("{path}: {why}")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedRun {
    /// The task it is of.
    pub task_id: String,
    /// The run. Its outcome is unknown: a recording does not judge itself.
    pub trace: Trace,
}

#[derive(Deserialize)]
struct Line {
    task_id: String,
    #[serde(default)]
    run_id: Option<String>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

/// A call as normalized runs have it, or as the chat-completions wire format does.
#[derive(Deserialize)]
#[serde(untagged)]
enum ToolCall {
    Wire {
        id: String,
        function: Function,
    },
    Plain {
        id: String,
        #[serde(flatten)]
        function: Function,
    },
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl ToolCall {
    fn read(self) -> Result<Call, String> {
        let (Self::Wire { id, function } | Self::Plain { id, function }) = self;
        let arguments = match function.arguments {
            Value::Object(arguments) => arguments,
            Value::Null => Map::new(),
            Value::String(text) => serde_json::from_str(&text)
                .map_err(|e| format!("the arguments of call {id:?} are no JSON object: {e}"))?,
            other => return Err(format!("the arguments of call {id:?} are {other}, not an object")),
        };
        Ok(Call { id, tool: function.name, arguments })
    }
}

/// Reads recorded runs from JSON Lines. Of a run with several user turns, the first turn that
/// calls a tool is taken to begin the task and the last one to end it: the text is what the user
/// said until the first call, the answer what the assistant said last.
///
/// # Errors
/// When the file cannot be read, or a line is not a recorded run.
pub fn read_runs(path: &Path, tools: &Arc<Vec<Tool>>) -> Result<Vec<RecordedRun>, ImportError> {
    let text = read(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            run_from_json(line, tools).map_err(|why| ImportError::Line {
                path: path.display().to_string(),
                line: i + 1,
                why,
            })
        })
        .collect()
}

/// One recorded run from its line.
///
/// # Errors
/// Says what is wrong with the line.
pub fn run_from_json(line: &str, tools: &Arc<Vec<Tool>>) -> Result<RecordedRun, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let mut said: Vec<String> = Vec::new();
    let mut steps: Vec<TraceStep> = Vec::new();
    let mut answer = None;
    for message in line.messages {
        match message.role.as_str() {
            "system" => {}
            "user" if steps.is_empty() => said.extend(message.content),
            "user" => {}
            "assistant" => {
                answer = message.content.filter(|text| !text.is_empty() && message.tool_calls.is_empty());
                for call in message.tool_calls {
                    steps.push(TraceStep { call: call.read()?, observation: None });
                }
            }
            "tool" => {
                answer = None;
                let open = |step: &&mut TraceStep| {
                    step.observation.is_none()
                        && message.tool_call_id.as_ref().is_none_or(|id| *id == step.call.id)
                };
                let step = steps.iter_mut().find(open).ok_or_else(|| {
                    let id = message.tool_call_id.clone().unwrap_or_default();
                    format!("the tool message {id:?} answers no open call")
                })?;
                step.observation = Some(Observation::from_text(&message.content.unwrap_or_default()));
            }
            other => return Err(format!("unknown role {other:?}")),
        }
    }
    if said.is_empty() {
        return Err("there is no user message before the first call".to_owned());
    }
    let task = task(said.join("\n"), tools.clone());
    let run = RunId::new(line.run_id.unwrap_or_else(|| line.task_id.clone()));
    let trace = Trace { run, task, steps, answer, outcome: RunOutcome::Unknown, usage: Usage::default() };
    Ok(RecordedRun { task_id: line.task_id, trace })
}

/// A task with this text and these tools, in the default namespace.
pub fn task(text: String, tools: Arc<Vec<Tool>>) -> Task {
    Task { namespace: Namespace::default(), text, context: Value::Null, tools, output_format: None }
}

/// Tools from a file of OpenAI function descriptions, as they are and as [`Tool`]s.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read_tools(path: &Path) -> Result<(Vec<Value>, Arc<Vec<Tool>>), ImportError> {
    let wrong = |why: String| ImportError::Format { path: path.display().to_string(), why };
    let raw: Vec<Value> = serde_json::from_str(&read(path)?).map_err(|e| wrong(e.to_string()))?;
    let tools = tools_from_json(&raw).map_err(wrong)?;
    Ok((raw, tools))
}

/// [`Tool`]s from OpenAI function descriptions.
///
/// # Errors
/// Says which member of a description is missing.
pub fn tools_from_json(described: &[Value]) -> Result<Arc<Vec<Tool>>, String> {
    #[derive(Deserialize)]
    struct Described {
        function: Tool,
    }
    let tools = described
        .iter()
        .map(|value| serde_json::from_value::<Described>(value.clone()).map(|d| d.function))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{e}; expected [{{\"type\": \"function\", \"function\": {{..}}}}, ..]"))?;
    Ok(Arc::new(tools))
}

/// An OpenAI function description. `properties` are the schemas of its arguments, of which
/// `required` must be given.
pub fn described(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    let parameters = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    json!({
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    })
}

/// Effect classes from a TOML file: a table `[effects]` from tool names to `read`, `write` or
/// `destructive`.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read_effects(path: &Path) -> Result<BTreeMap<String, EffectClass>, ImportError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        effects: BTreeMap<String, EffectClass>,
    }
    let file: File = toml::from_str(&read(path)?)
        .map_err(|e| ImportError::Format { path: path.display().to_string(), why: e.to_string() })?;
    Ok(file.effects)
}

fn read(path: &Path) -> Result<String, ImportError> {
    std::fs::read_to_string(path)
        .map_err(|e| ImportError::Read { path: path.display().to_string(), why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"task_id":"t","reward":0.0,"success":"no","notes":7,"messages":[
        {"role":"user","content":"Look."},
        {"role":"assistant","content":null,"tool_calls":[{"id":"a","name":"x","arguments":{"k":1}},{"id":"b","name":"y","arguments":{}}]},
        {"role":"tool","tool_call_id":"b","content":"Error: no"},
        {"role":"tool","tool_call_id":"a","content":"{\"v\": 1}"},
        {"role":"assistant","content":"Done."}]}"#;

    #[test]
    fn observations_go_to_their_calls_and_labels_are_not_read() {
        let run = run_from_json(LINE, &Arc::default()).unwrap();
        assert_eq!(run.trace.task.text, "Look.");
        assert_eq!(run.trace.outcome, RunOutcome::Unknown);
        assert_eq!(run.trace.answer.as_deref(), Some("Done."));
        let seen: Vec<_> = run.trace.steps.iter().map(|s| s.observation.as_ref().unwrap()).collect();
        assert_eq!(seen[0].value, serde_json::json!({"v": 1}));
        assert!(seen[1].failed);
    }

    #[test]
    fn calls_in_the_wire_format_are_the_same_calls() {
        let wire = LINE.replace(
            r#""name":"x","arguments":{"k":1}"#,
            r#""type":"function","function":{"name":"x","arguments":"{\"k\":1}"}"#,
        );
        assert_ne!(wire, LINE);
        let read = |line: &str| run_from_json(line, &Arc::default()).unwrap();
        assert_eq!(read(&wire), read(LINE));
    }

    #[test]
    fn a_malformed_run_says_what_is_wrong() {
        let wrong = |line: &str| run_from_json(line, &Arc::default()).unwrap_err();
        assert!(wrong("{").contains("line 1 column"));
        assert!(wrong(r#"{"task_id":"t"}"#).contains("messages"));
        assert!(wrong(r#"{"task_id":"t","messages":[]}"#).contains("no user message"));
        let orphan = r#"{"task_id":"t","messages":[{"role":"tool","tool_call_id":"z","content":""}]}"#;
        assert!(wrong(orphan).contains("answers no open call"));
    }
}
