//! Routes: each path to its handler.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{any, get, post};
use serde_json::json;

use super::calls::{pass, plan};
use super::endpoint::Endpoint;
use super::error::{Refusal, json_response};
use super::outcomes::outcome;
use super::shared::Shared;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/responses", post(responses))
        .route("/v1/{*path}", any(pass_through))
        .route("/plancache/runs/{run}/outcome", post(outcome))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(nowhere)
        .with_state(shared)
}

async fn chat(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    plan(&shared, Endpoint::Chat, request).await
}

async fn responses(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    plan(&shared, Endpoint::Responses, request).await
}

async fn pass_through(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    pass(&shared, request).await
}

async fn health() -> Response<Body> {
    json_response(StatusCode::OK, &json!({"status": "ok"}))
}

/// Ready also without the cache: requests then pass through.
async fn ready(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let cache = shared.cache.as_ref().map_or("fault", |_| "ok");
    if shared.draining() {
        return json_response(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({"status": "draining", "cache": cache}),
        );
    }
    json_response(StatusCode::OK, &json!({"status": "ready", "cache": cache}))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let snapshots: Vec<_> = shared.modes.handles().map(|handle| handle.counters()).collect();
    let in_flight = shared.settings.limits.in_flight.saturating_sub(shared.gate.available_permits());
    let mut response = Response::new(Body::from(shared.metrics.text(&snapshots, in_flight)));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

async fn nowhere() -> Response<Body> {
    let message = "there is nothing at this path; a client's base_url ends in /v1";
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message).response()
}
