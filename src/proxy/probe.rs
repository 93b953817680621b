//! Asks a planner's endpoint a few small questions, to find out which settings it needs.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::ProxyError;
use super::call_id::{CallIds, fresh_run_id};
use super::frames::Frames;
use super::upstream::{Upstream, Upstreams};
use crate::config;
use crate::domain::Namespace;

/// The longest answer that is read.
const MOST_BYTES: usize = 4 << 20;

/// What was found out about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub what: &'static str,
    /// Whether it is as the settings assume.
    pub good: bool,
    /// What was found.
    pub found: String,
    /// What to set.
    pub remedy: Option<String>,
}

fn good(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, good: true, found: found.into(), remedy: None }
}

fn bad(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { what, good: false, found: found.into(), remedy: Some(remedy.into()) }
}

/// Asks the endpoint that serves this model: four short requests, which the provider charges for.
///
/// # Errors
/// When the settings name no endpoint that can be used.
pub async fn probe(settings: &config::Proxy, model: &str) -> Result<Vec<Finding>, ProxyError> {
    let upstreams = Upstreams::new(settings)?;
    let Some(upstream) = upstreams.of(Some(model)) else {
        let remedy = "name it in `models` of an upstream";
        return Ok(vec![bad("model", format!("no upstream serves {model}"), remedy)]);
    };
    let asking = Asking { upstreams: &upstreams, upstream, model };
    let mut found = vec![asking.reached().await];
    if found[0].good {
        found.push(asking.usage(upstream.usage_in_streams).await);
        found.push(asking.calls(upstream.serve).await);
    }
    Ok(found)
}

struct Asking<'u> {
    upstreams: &'u Upstreams,
    upstream: &'u Upstream,
    model: &'u str,
}

impl Asking<'_> {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<(StatusCode, Bytes), String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let permit = std::sync::Arc::new(Semaphore::new(1)).try_acquire_owned().map_err(|e| e.to_string())?;
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let forward = self.upstreams.forward(self.upstream, method, path, &headers, body, permit);
        let response = forward.send().await.map_err(|refusal| refusal.message)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    }

    async fn reached(&self) -> Finding {
        let what = "endpoint";
        match self.send(Method::GET, "/models", &Value::Null).await {
            Ok((StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _)) => {
                bad(what, "it does not take the key", "see `api_key_env` or `api_key_file` of the upstream")
            }
            // Not all have a list of models.
            Ok((status, _)) => good(what, format!("it answers (models: {})", status.as_u16())),
            Err(why) => bad(what, why, "see `base_url` of the upstream; it ends in /v1 as a rule"),
        }
    }

    async fn usage(&self, set: bool) -> Finding {
        let what = "usage in streams";
        let body = json!({
            "model": self.model, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "Say: ok"}],
        });
        let off = "set `usage_in_streams = false` for the upstream: what runs cost is then not known";
        let said = match self.send(Method::POST, "/chat/completions", &body).await {
            Ok((status, bytes)) if status.is_success() => bytes,
            Ok((status, bytes)) => {
                let found = format!("refused with {}: {}", status.as_u16(), words(&bytes));
                return if set { bad(what, found, off) } else { good(what, found) };
            }
            Err(why) => return bad(what, why, "try again"),
        };
        let events = Frames::default().push(&said);
        if events.iter().filter_map(|event| event.data.as_deref()).any(says_usage) {
            return good(what, "said when asked for");
        }
        good(what, "not said, though asked for: what runs cost is not known")
    }

    /// Whether a history may hold calls that the provider did not make, under the proxy's ids.
    async fn calls(&self, set: bool) -> Finding {
        let what = "calls in the history";
        let id = CallIds::new(&[0; 32]).issue(&Namespace::default(), &fresh_run_id(), 0);
        let long = self.history(&id).await;
        if matches!(&long, Ok((status, _)) if status.is_success()) {
            return good(what, format!("calls of the proxy are taken, ids of {} characters too", id.len()));
        }
        let short = self.history("Ab3dE6gH9").await;
        let found = match (&long, &short) {
            (_, Ok((status, _))) if status.is_success() => {
                format!("ids of {} characters are refused, ids of 9 are taken", id.len())
            }
            (Ok((status, bytes)), _) => format!("refused with {}: {}", status.as_u16(), words(bytes)),
            (Err(why), _) => why.clone(),
        };
        if set {
            bad(
                what,
                found,
                "set `serve = false` for the upstream: a run that diverged could not go on there",
            )
        } else {
            good(what, found)
        }
    }

    async fn history(&self, id: &str) -> Result<(StatusCode, Bytes), String> {
        let function = json!({"name": "weekday", "description": "The day of the week.", "parameters": {
            "type": "object", "properties": {}}});
        let call = json!({"id": id, "type": "function", "function": {"name": "weekday", "arguments": "{}"}});
        let body = json!({
            "model": self.model, "tools": [{"type": "function", "function": function}],
            "messages": [
                {"role": "user", "content": "Which day of the week is it? Say the day alone."},
                {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": id, "content": "Monday"},
            ],
        });
        self.send(Method::POST, "/chat/completions", &body).await
    }
}

fn says_usage(data: &str) -> bool {
    serde_json::from_str::<Value>(data).is_ok_and(|chunk| chunk["usage"].is_object())
}

/// The provider's own words on what is wrong, cut short.
fn words(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = value.pointer("/error/message").or_else(|| value.get("message")).and_then(Value::as_str);
    message.unwrap_or("no reason given").chars().take(200).collect()
}
