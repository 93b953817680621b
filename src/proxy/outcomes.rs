//! `POST /plancache/runs/{id}/outcome`: how a run went, said after it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;

use super::control::Control;
use super::error::{Refusal, json_response};
use super::shared::Shared;
use super::tracker::Ended;
use crate::domain::{Namespace, RunId, RunOutcome};

/// The longest body.
const MOST_BYTES: usize = 4 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    outcome: RunOutcome,
    #[serde(default)]
    namespace: Option<String>,
    /// Answer only when what the run teaches has been learnt.
    #[serde(default)]
    wait: bool,
}

pub(super) async fn outcome(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<String>,
    request: Request,
) -> Response<Body> {
    end(&shared, RunId::new(run), request).await.unwrap_or_else(|refusal| refusal.response())
}

async fn end(shared: &Shared, run: RunId, request: Request) -> Result<Response<Body>, Refusal> {
    let client = shared.clients.of(request.headers())?;
    let wrong = |why: &str| {
        let message = format!(r#"{why}; expected {{"outcome": "success" | "failure" | "unknown"}}"#);
        Refusal::new(StatusCode::BAD_REQUEST, "outcome", message)
    };
    let body = Limited::new(request.into_body(), MOST_BYTES).collect().await;
    let body = body.map_err(|_| wrong("the body cannot be read"))?.to_bytes();
    let Said { outcome, namespace, wait } =
        serde_json::from_slice(&body).map_err(|error| wrong(&error.to_string()))?;
    let tenant = client.tenant(&Control { namespace, ..Control::default() })?;
    let unknown = || {
        let message = "no run of this name is under way here; it may have ended, or be another process's";
        Refusal::new(StatusCode::NOT_FOUND, "run_not_found", message)
    };
    let tracked = shared.tracker.of(&tenant, &run).ok_or_else(unknown)?;
    // An answer without a call may be a question back: it teaches nothing.
    let outcome = match outcome {
        RunOutcome::Success if tracked.calls == 0 => RunOutcome::Unknown,
        outcome => outcome,
    };
    let handle = shared.modes.of(tracked.mode).ok_or_else(unknown)?.handle();
    let Some(report) = handle.finish(&tracked.namespace, &run, outcome) else {
        let withdrawn = withdraw(shared, &tenant, &run, outcome).await.ok_or_else(unknown)?;
        let body = json!({"run": run, "outcome": outcome, "kind": "ended", "withdrawn": withdrawn});
        return Ok(json_response(StatusCode::OK, &body));
    };
    if wait {
        handle.flush().await;
    }
    let body = json!({
        "run": report.run, "outcome": outcome, "kind": report.kind, "learning": report.learning,
        "planner_calls": report.planner_calls, "templates": report.templates.len(), "shadow": report.shadow,
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// A run that was taken for a success went wrong after all: what served it is withdrawn. How many
/// templates that were; `None` where there is nothing to withdraw.
async fn withdraw(shared: &Shared, tenant: &Namespace, run: &RunId, outcome: RunOutcome) -> Option<usize> {
    let engine = shared.cache.as_ref().ok().filter(|_| outcome == RunOutcome::Failure)?;
    let Ended { namespace, templates } = shared.tracker.take_ended(tenant, run)?;
    match engine.served(&namespace, &templates, false, outcome, None).await {
        Ok(()) => Some(templates.len()),
        Err(error) => {
            tracing::warn!(%error, "templates could not be withdrawn");
            Some(0)
        }
    }
}
