use serde::Deserialize;
use serde_json::Value;

use crate::domain::Usage;
use crate::proxy::planning::{Planned, step};
use crate::proxy::turn::call;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Billed>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
    #[serde(default)]
    function_call: Option<Value>,
}

#[derive(Clone, Copy, Deserialize)]
struct Billed {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl From<Billed> for Usage {
    fn from(billed: Billed) -> Self {
        Self { input: billed.prompt_tokens, output: billed.completion_tokens }
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Delta>,
    #[serde(default)]
    usage: Option<Billed>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    index: u32,
    delta: Piece,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Piece {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallPiece>>,
    function_call: Option<Value>,
}

#[derive(Deserialize)]
struct CallPiece {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionPiece>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<String>,
}

/// The most calls in one message that are followed.
const MOST_CALLS: usize = 128;

/// What a whole response says; `None` if it is no step that can be learnt.
pub(in crate::proxy) fn completion(body: &[u8], final_tools: &[String]) -> Option<Planned> {
    let Completion { choices, usage } = serde_json::from_slice(body).ok()?;
    let [Choice { message, finish_reason }] = <[Choice; 1]>::try_from(choices).ok()?;
    let mut draft = Draft { usage, finish: finish_reason, ..Draft::default() };
    draft.text = message.content.unwrap_or_default();
    draft.odd = message.refusal.is_some() || message.function_call.is_some();
    for raw in message.tool_calls.unwrap_or_default() {
        let text = |pointer| raw.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        draft.calls.push((
            text("/id")?,
            text("/function/name")?,
            text("/function/arguments").unwrap_or_default(),
        ));
    }
    draft.finish(final_tools)
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Said {
    /// A part of the message, or something unknown.
    Words,
    /// The usage, and nothing else.
    Usage,
    /// The end.
    Done,
}

/// What a stream has said so far.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Draft {
    text: String,
    /// Id, name and arguments.
    calls: Vec<(String, String, String)>,
    finish: Option<String>,
    usage: Option<Billed>,
    /// It said something that is no step.
    odd: bool,
}

impl std::fmt::Debug for Billed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.prompt_tokens, self.completion_tokens)
    }
}

impl Draft {
    /// Takes the data of an event; says what it is.
    pub(in crate::proxy) fn event(&mut self, data: &str) -> Said {
        if data.trim() == "[DONE]" {
            return Said::Done;
        }
        let Ok(Chunk { choices, usage }) = serde_json::from_str::<Chunk>(data) else {
            self.odd = true;
            return Said::Words;
        };
        let said = if choices.is_empty() && usage.is_some() { Said::Usage } else { Said::Words };
        self.usage = usage.or(self.usage);
        for Delta { index, delta, finish_reason } in choices {
            let Piece { content, refusal, tool_calls, function_call } = delta;
            self.odd |= index != 0 || refusal.is_some_and(|r| !r.is_empty()) || function_call.is_some();
            self.text.push_str(&content.unwrap_or_default());
            for piece in tool_calls.unwrap_or_default() {
                self.call(piece);
            }
            self.finish = finish_reason.or(self.finish.take());
        }
        said
    }

    fn call(&mut self, piece: CallPiece) {
        let CallPiece { index, id, function } = piece;
        let FunctionPiece { name, arguments } = function.unwrap_or_default();
        // Providers that leave out the index send each call whole, or name it in its first piece.
        let last = self.calls.len().saturating_sub(1);
        let at = index.unwrap_or(if name.is_some() { self.calls.len() } else { last });
        if at > self.calls.len() || at >= MOST_CALLS {
            self.odd = true;
            return;
        }
        if at == self.calls.len() {
            self.calls.push(Default::default());
        }
        let (own_id, own_name, own_arguments) = &mut self.calls[at];
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            *own_id = id;
        }
        own_name.push_str(&name.unwrap_or_default());
        own_arguments.push_str(&arguments.unwrap_or_default());
    }

    /// The step, if the message came to its end and is one.
    pub(in crate::proxy) fn finish(&mut self, final_tools: &[String]) -> Option<Planned> {
        let Self { text, calls, finish, usage, odd } = std::mem::take(self);
        if odd || !matches!(finish.as_deref(), Some("stop" | "tool_calls")) {
            return None;
        }
        let calls = calls
            .into_iter()
            .map(|(id, name, arguments)| call(id, name, &arguments))
            .collect::<Option<_>>()?;
        Some(Planned {
            step: step(calls, text, final_tools),
            usage: usage.map(Usage::from).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NextStep;

    fn stream(events: &[&str]) -> Option<Planned> {
        let mut draft = Draft::default();
        for event in events {
            draft.event(event);
        }
        draft.finish(&[])
    }

    const HEAD: &str = r#"{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"a","function":{"name":"look","arguments":""}}]}}]}"#;
    const MORE: &str = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"k\":1}"}}]}}]}"#;
    const END: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;
    const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;

    #[test]
    fn pieces_become_a_step() {
        let planned = stream(&[HEAD, MORE, END, USAGE, "[DONE]"]).unwrap();
        let NextStep::Calls(calls) = planned.step else { panic!("calls") };
        assert_eq!((calls[0].id.as_str(), &calls[0].arguments["k"]), ("a", &Value::from(1)));
        assert_eq!(planned.usage, Usage { input: 5, output: 2 });
        let mut draft = Draft::default();
        assert_eq!([END, USAGE, "[DONE]"].map(|e| draft.event(e)), [Said::Words, Said::Usage, Said::Done]);
    }

    #[test]
    fn what_is_broken_off_or_odd_is_no_step() {
        assert_eq!(stream(&[HEAD, MORE]), None);
        assert_eq!(stream(&[HEAD, "{", MORE, END]), None);
        assert_eq!(stream(&[HEAD, END.replace("tool_calls", "length").as_str()]), None);
        assert_eq!(stream(&[HEAD, r#"{"choices":[{"index":1,"delta":{}}]}"#, END]), None);
        assert_eq!(stream(&[r#"{"choices":[{"delta":{"refusal":"no"},"finish_reason":"stop"}]}"#]), None);
        let broken = r#"{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"x","arguments":"{"}}]},"finish_reason":"tool_calls"}]}"#;
        assert_eq!(completion(broken.as_bytes(), &[]), None);
        assert_eq!(completion(b"<html>", &[]), None);
    }
}
