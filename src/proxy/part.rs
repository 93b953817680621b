//! The body of a request that asks for a part of its task only.

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::fields::Fields;

/// A request's body with an instruction below what the user said last. `None` if the user's message is
/// not to be found, or is in no form that can be added to.
pub(super) fn instructed(endpoint: Endpoint, body: &[u8], instruction: &str) -> Option<Bytes> {
    let fields = Fields::read(body)?;
    let (name, kind) = match endpoint {
        Endpoint::Chat => ("messages", "text"),
        Endpoint::Responses => ("input", "input_text"),
    };
    let said = match fields.get::<Value>(name)? {
        Value::String(text) => Value::from(below(&text, instruction)).to_string(),
        Value::Array(_) => messages(fields.raw(name)?, kind, instruction)?,
        _ => return None,
    };
    Some(fields.edited(&[name], Some(&format!("{}:{said}", Value::from(name)))))
}

/// The messages, all but the user's last one as they were written.
fn messages(raw: &str, kind: &str, instruction: &str) -> Option<String> {
    let mut all: Vec<Box<RawValue>> = serde_json::from_str(raw).ok()?;
    let own = all.iter_mut().rev().find_map(|message| {
        let read: Map<String, Value> = serde_json::from_str(message.get()).ok()?;
        (read.get("role")? == "user").then_some((message, read))
    });
    let (message, mut read) = own?;
    match read.get_mut("content")? {
        Value::String(text) => *text = below(text, instruction),
        Value::Array(parts) => parts.push(json!({"type": kind, "text": instruction})),
        _ => return None,
    }
    *message = serde_json::value::to_raw_value(&read).ok()?;
    serde_json::to_string(&all).ok()
}

fn below(text: &str, instruction: &str) -> String {
    format!("{text}\n\n{instruction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(endpoint: Endpoint, body: &str) -> Option<String> {
        let bytes = instructed(endpoint, body.as_bytes(), "Now \"a\".")?;
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn the_users_last_message_is_added_to_and_nothing_else() {
        let chat = r#"{"n": 1.0,"messages":[{"role":"user","content":"x"},{"role":"user","content":"y","name":"u"},{"role":"tool",  "content":"z"}]}"#;
        assert_eq!(
            body(Endpoint::Chat, chat).as_deref(),
            Some(
                r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":"y\n\nNow \"a\".","name":"u"},{"role":"tool",  "content":"z"}],"n":1.0}"#
            )
        );
        let parts = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}"#;
        let asked: Value = serde_json::from_str(&body(Endpoint::Chat, parts).unwrap()).unwrap();
        assert_eq!(asked["messages"][0]["content"][1], json!({"type": "text", "text": "Now \"a\"."}));
    }

    #[test]
    fn an_input_may_be_a_text() {
        let asked = |input: &str| body(Endpoint::Responses, &format!(r#"{{"input":{input}}}"#));
        assert_eq!(asked(r#""x""#).as_deref(), Some(r#"{"input":"x\n\nNow \"a\"."}"#));
        let items = asked(r#"[{"role":"user","content":[]},{"type":"function_call_output"}]"#).unwrap();
        assert!(items.contains(r#"{"type":"input_text","text":"Now \"a\"."}"#), "{items}");
        assert_eq!(asked("3"), None);
        assert_eq!(asked(r#"[{"role":"user","content":null}]"#), None);
        assert_eq!(asked("[]"), None);
    }
}
