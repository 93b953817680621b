//! Recorded runs, tasks' tools and effect classes from files.
//!
//! Of a recorded run only what [`plancache::import`] reads gets into a trace: no label, score or note.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use plancache::domain::{EffectClass, Namespace, RunOutcome, Task, Tool, Trace};
use plancache::import::{Format, OutcomeFrom, Reader, Recorded, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

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

/// Reads recorded runs from JSON Lines. Of a run with several user turns, the first turn that calls a
/// tool is taken to begin the task and the last one to end it: the text is what the user said until
/// the first call, the answer what the assistant said last.
///
/// # Errors
/// When the file cannot be read, or a line is not a recorded run.
pub fn read_runs(path: &Path, tools: &Arc<Vec<Tool>>) -> Result<Vec<RecordedRun>, ImportError> {
    let file = std::fs::File::open(path)
        .map_err(|e| ImportError::Read { path: path.display().to_string(), why: e.to_string() })?;
    runs(BufReader::new(file), &path.display().to_string(), tools)
}

/// One recorded run from its line.
///
/// # Errors
/// Says what is wrong with the line.
pub fn run_from_json(line: &str, tools: &Arc<Vec<Tool>>) -> Result<RecordedRun, ImportError> {
    let mut all = runs(line.as_bytes(), "the line", tools)?;
    let none = || ImportError::Format { path: "the line".to_owned(), why: "it holds no run".to_owned() };
    all.pop().ok_or_else(none)
}

/// Whatever a line says of its outcome is not read: a recording does not judge itself.
fn runs(input: impl BufRead, path: &str, tools: &Arc<Vec<Tool>>) -> Result<Vec<RecordedRun>, ImportError> {
    let settings = Settings {
        format: Format::Runs,
        tools: Arc::clone(tools),
        outcome: OutcomeFrom::Always(RunOutcome::Unknown),
        ..Settings::default()
    };
    let wrong = |line: usize, why: String| ImportError::Line { path: path.to_owned(), line, why };
    let mut all: Vec<RecordedRun> = Vec::new();
    for read in Reader::new(input, path, settings) {
        let Recorded { trace, task_id, line, turn, .. } = read.map_err(|bad| wrong(bad.line, bad.why))?;
        match (all.last_mut(), task_id) {
            (Some(run), Some(_)) if turn > 1 => {
                if run.trace.steps.is_empty() {
                    run.trace.task.text.push('\n');
                    run.trace.task.text.push_str(&trace.task.text);
                }
                run.trace.steps.extend(trace.steps);
                run.trace.answer = trace.answer;
            }
            (_, Some(task_id)) => all.push(RecordedRun { task_id, trace }),
            (_, None) => return Err(wrong(line, "there is no `task_id`".to_owned())),
        }
    }
    Ok(all)
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
    use serde_json::json;

    fn line(more: &[Value]) -> String {
        let mut messages = vec![
            json!({"role": "user", "content": "Look."}),
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "a", "name": "x", "arguments": {"k": 1}}]}),
            json!({"role": "tool", "tool_call_id": "a", "content": "{\"v\": 1}"}),
            json!({"role": "assistant", "content": "Done."}),
        ];
        messages.extend_from_slice(more);
        json!({"task_id": "t", "success": true, "notes": 7, "messages": messages}).to_string()
    }

    #[test]
    fn a_run_does_not_judge_itself() {
        let run = run_from_json(&line(&[]), &Arc::default()).unwrap();
        assert_eq!((run.task_id.as_str(), run.trace.task.text.as_str()), ("t", "Look."));
        assert_eq!(run.trace.outcome, RunOutcome::Unknown);
        assert_eq!(run.trace.steps[0].observation.as_ref().unwrap().value, json!({"v": 1}));
    }

    #[test]
    fn a_malformed_run_says_where_and_what_is_wrong() {
        let wrong = |line: &str| run_from_json(line, &Arc::default()).unwrap_err().to_string();
        assert!(wrong("{").contains("the line, line 1: EOF"));
        assert!(wrong(r#"{"task_id":"t"}"#).contains("messages"));
        assert!(wrong("").contains("no run"));
    }

    #[test]
    fn later_turns_go_on_with_the_run() {
        let more = [
            json!({"role": "user", "content": "And again."}),
            json!({"role": "assistant", "tool_calls": [{"id": "b", "name": "x", "arguments": {}}]}),
            json!({"role": "tool", "tool_call_id": "b", "content": "2"}),
            json!({"role": "assistant", "content": "Done again."}),
        ];
        let run = run_from_json(&line(&more), &Arc::default()).unwrap();
        assert_eq!((run.trace.task.text.as_str(), run.trace.steps.len()), ("Look.", 2));
        assert_eq!(run.trace.answer.as_deref(), Some("Done again."));
    }
}
