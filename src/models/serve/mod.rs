//! A local model as an OpenAI-compatible endpoint, good enough to try an agent without a key.
//!
//! Chat Completions only: conversations with tools, JSON schemas, streams. Requests are answered
//! one after the other; what one has in common with the one before is not read again.

mod answer;
mod error;
mod events;
mod grammar;
mod reading;
mod request;

use std::future::Future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::local::{ChatTemplate, Generation, LocalModel, Piece};
use crate::fill::Filler;
use answer::{Answer, Head, Step};
use error::{Refusal, json_response};
use events::Events;
use reading::{Calls, Reading};
use request::Request;

/// The longest request, in bytes: some times what the largest context holds.
const LONGEST: usize = 4 << 20;

/// Why a model cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its file holds no template of conversations.
    #[error(
        "no conversation can be had with the model {0}: its file holds no chat template that can be used; \
         take an instruction-tuned model, such as those of `plancache models list`"
    )]
    NoTemplate(String),
    /// Everyone could ask it from everywhere.
    #[error("the model is served on loopback addresses only, since it asks for no key, and {0} is none")]
    Open(String),
    /// The address cannot be listened on.
    #[error("{listen} cannot be listened on")]
    Listen {
        /// The address.
        listen: String,
        /// The reason.
        source: std::io::Error,
    },
}

/// A model that answers requests. Clones share it.
#[derive(Clone, Debug)]
pub struct ModelServer {
    model: Arc<LocalModel>,
    since: u64,
}

impl ModelServer {
    /// Makes a server of a model.
    ///
    /// # Errors
    /// When no conversation can be had with it.
    pub fn new(model: LocalModel) -> Result<Self, ServeError> {
        match model.chat_template() {
            Some(_) => Ok(Self { model: Arc::new(model), since: now() }),
            None => Err(ServeError::NoTemplate(model.name().to_owned())),
        }
    }

    /// Listens on a loopback address.
    ///
    /// # Errors
    /// When it cannot, or when it is another address.
    pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
        let wrong = |source| ServeError::Listen { listen: address.to_owned(), source };
        let addresses: Vec<_> = tokio::net::lookup_host(address).await.map_err(wrong)?.collect();
        if !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(ServeError::Open(address.to_owned()));
        }
        TcpListener::bind(addresses.as_slice()).await.map_err(wrong)
    }

    /// Answers requests until `stop` is done, then lets those under way end.
    ///
    /// # Errors
    /// When connections can no longer be accepted.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/chat/completions", post(chat))
            .fallback(nowhere)
            .with_state(self);
        axum::serve(listener, router).with_graceful_shutdown(stop).await
    }
}

async fn models(State(server): State<ModelServer>) -> Response<Body> {
    let model = json!({
        "id": server.model.name(), "object": "model", "created": server.since, "owned_by": "plancache",
    });
    json_response(StatusCode::OK, &json!({"object": "list", "data": [model]}))
}

async fn nowhere() -> Response<Body> {
    let message = "there is nothing at this path; it serves /v1/models and /v1/chat/completions";
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message).response()
}

async fn chat(State(server): State<ModelServer>, body: Body) -> Response<Body> {
    complete(&server, body).await.unwrap_or_else(|refusal| refusal.response())
}

/// Answers one request.
async fn complete(server: &ModelServer, body: Body) -> Result<Response<Body>, Refusal> {
    let body = to_bytes(body, LONGEST).await.map_err(|error| {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the request cannot be read: {error}"),
        )
    })?;
    let request = Request::read(&body)?;
    let template =
        server.model.chat_template().ok_or_else(|| Refusal::of("model", "it has no chat template"))?;
    let (generation, calls) = generation(&request, template)?;
    let mut pieces = server.model.generate(generation)?;
    let mut answer = Answer::new(Reading::new(calls, request.stops()));
    let head = Head::new(server.model.name(), now());
    if request.stream == Some(true) {
        // The first piece decides whether there is an answer at all.
        let first = pieces.recv().await;
        if let Some(Piece::Failed(why)) = first {
            return Err(why.into());
        }
        let events = Events::begun(first, pieces, answer, head, request.usage_in_stream());
        return Ok(events.response());
    }
    let mut all = Vec::new();
    loop {
        match answer.next(pieces.recv().await) {
            Step::More(said) => all.extend(said),
            Step::Last(said, reason) => {
                all.extend(said);
                return Ok(json_response(StatusCode::OK, &head.whole(&all, reason, answer.tokens)));
            }
            Step::Failed(why) => return Err(why.into()),
        }
    }
}

/// What the model is to write, and where that may hold calls.
fn generation(request: &Request, template: &ChatTemplate) -> Result<(Generation, Calls), Refusal> {
    let tools = request.tools();
    if !tools.is_empty() && !template.calls_tools() {
        return Err(Refusal::of(
            "tools",
            "the model's chat template has no form of tool calls that is known here",
        ));
    }
    let choice = request.tool_choice()?;
    let shown: Vec<Value> = tools.iter().map(|tool| tool.function.shown()).collect();
    let prompt = template
        .render(&request.conversation()?, &shown)
        .map_err(|error| Refusal::of("messages", error.to_string()))?;
    let answer = request.answer_schema();
    let calls = grammar::calls(&choice, request.shows_a_call(), answer.as_ref());
    let generation = Generation {
        prompt,
        constraint: grammar::constraint(tools, &choice, calls, request.several_calls(), answer),
        max_tokens: request.max_tokens(),
        temperature: request.temperature.unwrap_or(0.0),
        top_p: request.top_p.unwrap_or(1.0),
        // Any bits will do.
        seed: request.seed.unwrap_or_else(|| now().cast_signed()) as u32,
    };
    Ok((generation, calls))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
