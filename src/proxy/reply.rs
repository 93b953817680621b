//! Answers that the proxy writes itself.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::error::json_response;

/// An answer in a provider's form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    /// One JSON object.
    Whole(Value),
    /// A stream of events.
    Events(String),
}

impl Written {
    pub(super) fn response(self) -> Response<Body> {
        match self {
            Self::Whole(value) => json_response(StatusCode::OK, &value),
            Self::Events(text) => {
                let mut response = Response::new(Body::from(text));
                let headers = response.headers_mut();
                let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
                headers.insert(header::CONTENT_TYPE, events);
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                response
            }
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Characters in a piece of a stream.
const PIECE: usize = 24;

/// A text in pieces, as a stream sends it.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.char_indices().nth(PIECE).map_or(rest.len(), |(at, _)| at);
        let (piece, more) = rest.split_at(cut);
        rest = more;
        Some(piece)
    })
}
