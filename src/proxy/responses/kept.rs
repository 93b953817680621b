use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lru::LruCache;
use serde_json::{Value, json};

use crate::proxy::fields::Fields;

/// The most responses that are kept, and the longest conversation of one.
const MOST: usize = 4_096;
const MOST_BYTES: usize = 256 << 10;

const PREVIOUS: &str = "previous_response_id";

/// Conversations up to responses that the proxy made itself. A client may go on from one by its id,
/// as if the provider knew it; the provider does not, so the conversation is put into the request.
#[derive(Debug)]
pub(in crate::proxy) struct Kept(Mutex<LruCache<String, Arc<Vec<Value>>>>);

impl Default for Kept {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NonZeroUsize::new(MOST).unwrap_or(NonZeroUsize::MIN))))
    }
}

impl Kept {
    /// Keeps a response and what was asked, unless the client wants nothing stored.
    pub(in crate::proxy) fn keep(&self, request: &Fields<'_>, response: &Value) {
        let length = request.raw("input").map_or(0, str::len);
        let wanted = request.get::<bool>("store").unwrap_or(true);
        let (Some(id), true, true) = (response["id"].as_str(), wanted, length <= MOST_BYTES) else { return };
        let Some(mut items) = request.get("input").and_then(items) else { return };
        items.extend(response["output"].as_array().into_iter().flatten().cloned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(id.to_owned(), Arc::new(items));
    }

    /// The body of a request that goes on from a kept response, with the conversation in it; `None`
    /// if it goes on from no such.
    pub(in crate::proxy) fn expanded(&self, body: &[u8]) -> Option<Bytes> {
        let fields = Fields::read(body)?;
        let id = fields.get::<String>(PREVIOUS)?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()?;
        let new = items(fields.get("input")?)?;
        let all: Vec<&Value> = kept.iter().chain(&new).collect();
        let input = format!("\"input\":{}", json!(all));
        Some(fields.edited(&[PREVIOUS, "input"], Some(&input)))
    }
}

fn items(input: Value) -> Option<Vec<Value>> {
    match input {
        Value::String(text) => Some(vec![json!({"role": "user", "content": text})]),
        Value::Array(items) => Some(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_goes_on_from_a_kept_response() {
        let kept = Kept::default();
        let response = json!({"id": "r1", "output": [{"type": "function_call", "call_id": "c"}]});
        let first = br#"{"model":"m","input":"Look."}"#;
        kept.keep(&Fields::read(first).unwrap(), &response);
        let next = br#"{"model":"m","previous_response_id":"r1","input":[{"type":"function_call_output"}]}"#;
        let body = kept.expanded(next).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let types: Vec<&Value> = body["input"].as_array().unwrap().iter().map(|i| &i["type"]).collect();
        assert_eq!(types, [&Value::Null, &json!("function_call"), &json!("function_call_output")]);
        assert_eq!(body.get(PREVIOUS), None);
        assert_eq!(kept.expanded(br#"{"previous_response_id":"r2","input":[]}"#), None);
        assert_eq!(kept.expanded(first), None);
        let unstored = br#"{"input":"Look.","store":false}"#;
        kept.keep(&Fields::read(unstored).unwrap(), &json!({"id": "r3", "output": []}));
        assert_eq!(kept.expanded(br#"{"previous_response_id":"r3","input":[]}"#), None);
    }
}
