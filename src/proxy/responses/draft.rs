use serde::Deserialize;

use crate::domain::Usage;
use crate::proxy::planning::{Planned, step};
use crate::proxy::turn::call;

#[derive(Deserialize)]
struct Response {
    status: String,
    output: Vec<Output>,
    #[serde(default)]
    usage: Option<Billed>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Output {
    Message {
        content: Vec<Part>,
    },
    FunctionCall {
        call_id: String,
        name: String,
        arguments: String,
    },
    Reasoning {},
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    OutputText {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Billed {
    input_tokens: u64,
    output_tokens: u64,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    #[serde(default)]
    response: Option<serde_json::Value>,
}

/// What a whole response says; `None` if it is no step that can be learnt.
pub(in crate::proxy) fn response(body: &[u8], final_tools: &[String]) -> Option<Planned> {
    said(serde_json::from_slice(body).ok()?, final_tools)
}

fn said(response: Response, final_tools: &[String]) -> Option<Planned> {
    let Response { status, output, usage } = response;
    if status != "completed" {
        return None;
    }
    let (mut text, mut calls) = (String::new(), Vec::new());
    for item in output {
        match item {
            Output::Message { content } => {
                for part in content {
                    match part {
                        Part::OutputText { text: more } => text.push_str(&more),
                        Part::Other => return None,
                    }
                }
            }
            Output::FunctionCall { call_id, name, arguments } => calls.push(call(call_id, name, &arguments)?),
            Output::Reasoning {} => {}
            Output::Other => return None,
        }
    }
    let Billed { input_tokens, output_tokens } = usage.unwrap_or_default();
    let usage = Usage { input: input_tokens, output: output_tokens };
    Some(Planned { step: step(calls, text, final_tools), usage })
}

/// What a stream has said so far. Its last event repeats the whole response.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Draft {
    last: Option<serde_json::Value>,
    ended: bool,
    odd: bool,
}

impl Draft {
    /// Takes the data of an event.
    pub(in crate::proxy) fn event(&mut self, data: &str) {
        // Every event is looked at only so far as to tell what it is.
        let ends = ["response.completed", "response.failed", "response.incomplete", "\"error\""];
        if !ends.iter().any(|end| data.contains(end)) {
            self.odd |= serde_json::from_str::<serde::de::IgnoredAny>(data).is_err();
            return;
        }
        match serde_json::from_str::<Event>(data) {
            Ok(Event { r#type, response }) => match r#type.as_str() {
                "response.completed" => (self.last, self.ended) = (response, true),
                "response.failed" | "response.incomplete" | "error" => self.ended = true,
                _ => {}
            },
            Err(_) => self.odd = true,
        }
    }

    /// Whether the last event was there.
    pub(in crate::proxy) fn ended(&self) -> bool {
        self.ended
    }

    /// The step, if the stream came to its end and is one.
    pub(in crate::proxy) fn finish(&mut self, final_tools: &[String]) -> Option<Planned> {
        let Self { last, odd, .. } = std::mem::take(self);
        let response = last.filter(|_| !odd).and_then(|value| serde_json::from_value(value).ok())?;
        said(response, final_tools)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NextStep;
    use serde_json::json;

    #[test]
    fn the_last_event_says_it_all() {
        let whole = json!({"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 1}, "output": [
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{\"k\":1}"},
        ]});
        let mut draft = Draft::default();
        draft.event(r#"{"type":"response.created","response":{"status":"in_progress"}}"#);
        assert!(!draft.ended());
        draft.event(&json!({"type": "response.completed", "response": whole}).to_string());
        assert!(draft.ended());
        let planned = draft.finish(&[]).unwrap();
        assert_eq!(Some(planned.clone()), response(whole.to_string().as_bytes(), &[]));
        assert!(matches!(planned.step, NextStep::Calls(calls) if calls[0].id == "a"));
    }

    #[test]
    fn what_is_broken_off_or_odd_is_no_step() {
        let said = |output: serde_json::Value, status: &str| {
            response(json!({"status": status, "output": output}).to_string().as_bytes(), &[])
        };
        assert_eq!(said(json!([]), "incomplete"), None);
        assert_eq!(said(json!([{"type": "web_search_call"}]), "completed"), None);
        assert_eq!(said(json!([{"type": "message", "content": [{"type": "refusal"}]}]), "completed"), None);
        let mut draft = Draft::default();
        draft.event("{");
        draft.event(r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#);
        assert_eq!(draft.finish(&[]), None);
        assert_eq!(Draft::default().finish(&[]), None);
    }
}
