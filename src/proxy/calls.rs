//! One request, from its arrival to its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use tokio::sync::OwnedSemaphorePermit;
use tower::{Layer, Service};

use super::control::Control;
use super::endpoint::Endpoint;
use super::error::Refusal;
use super::fields::Fields;
use super::headers::{Did, say, text};
use super::planning::{Planning, as_final_call};
use super::runs::{Ends, marked};
use super::shared::Shared;
use super::tee::Watch;
use super::tracker::Thread;
use super::turn::Unfit;
use super::upstream::{Planner, Upstream};
use super::wire::{Asked, Reply};
use crate::config::SystemPrompt;
use crate::domain::{Namespace, NextStep, Outcome, PlanRequest, RunId, Task};
use crate::layer::CacheHandle;
use crate::policy::Mode;
use crate::telemetry::{REQUEST_SPAN, RequestSpan};

/// Ties spans of several programs together (W3C Trace Context).
const TRACE_PARENT: &str = "traceparent";

/// A request whose head and body are there.
struct Arrived {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    permit: OwnedSemaphorePermit,
}

/// What is needed to send a request again that was not sent.
type Spare = (Bytes, HeaderMap, Uri, Method);

fn overloaded() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests are under way")
}

/// Takes a request in: its place among those under way, its body within bounds.
async fn arrive(shared: &Shared, request: Request) -> Result<Arrived, Refusal> {
    let permit = Arc::clone(&shared.gate).try_acquire_owned().map_err(|_| overloaded())?;
    let limits = shared.settings.limits;
    let (head, body) = request.into_parts();
    let whole = Limited::new(body, limits.body_bytes).collect();
    let body = match tokio::time::timeout(Duration::from_secs(limits.read_seconds), whole).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("the request's body is longer than {} bytes", limits.body_bytes);
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message));
        }
        Ok(Err(_)) => {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "body", "the request's body broke off"));
        }
        Err(_) => {
            let message = "the request's body did not come in time";
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message));
        }
    };
    Ok(Arrived { method: head.method, uri: head.uri, headers: head.headers, body, permit })
}

/// Any request that is no planning call: to the upstream and back, as it is.
pub(super) async fn pass(shared: &Shared, request: Request) -> Response<Body> {
    let began = Instant::now();
    let response = match pass_on(shared, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(),
    };
    shared.metrics.answered("other", response.status(), began.elapsed());
    response
}

async fn pass_on(shared: &Shared, request: Request) -> Result<Response<Body>, Refusal> {
    shared.clients.of(request.headers())?;
    let Arrived { method, uri, headers, body, permit } = arrive(shared, request).await?;
    let model = Fields::read(&body).and_then(|fields| fields.get::<String>("model"));
    let upstream = upstream(shared, model.as_deref())?;
    shared.upstreams.forward(upstream, method, path(&uri), &headers, body, permit).send().await
}

fn upstream<'s>(shared: &'s Shared, model: Option<&str>) -> Result<&'s Arc<Upstream>, Refusal> {
    let found = shared.upstreams.of(model).or_else(|| match model {
        Some(_) => None,
        None => shared.upstreams.all().first(),
    });
    found.ok_or_else(|| {
        let message = "no upstream of this proxy serves the model";
        Refusal::new(StatusCode::NOT_FOUND, "model_not_found", message)
    })
}

/// The path below `/v1`, with the query.
fn path(uri: &Uri) -> &str {
    let whole = uri.path_and_query().map_or("", |path| path.as_str());
    whole.strip_prefix("/v1").unwrap_or(whole)
}

/// A planning call.
pub(super) async fn plan(shared: &Shared, endpoint: Endpoint, mut request: Request) -> Response<Body> {
    let began = Instant::now();
    let span = RequestSpan::begin(text(request.headers(), TRACE_PARENT), endpoint.label());
    if let Some(parent) = span.traceparent().and_then(|parent| HeaderValue::from_str(&parent).ok()) {
        request.headers_mut().insert(TRACE_PARENT, parent);
    }
    let response = match decide(shared, endpoint, &span, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(),
    };
    let (status, took) = (response.status(), began.elapsed());
    let did = text(response.headers(), "x-plancache").unwrap_or_default();
    let reason = text(response.headers(), "x-plancache-reason").unwrap_or_default();
    let (operation, took_us) = (endpoint.label(), took.as_micros());
    tracing::debug!(operation, status = status.as_u16(), did, reason, took_us, "{REQUEST_SPAN}");
    span.end(status.as_u16(), did, reason);
    shared.metrics.answered(operation, status, took);
    response
}

/// What one planning call is about.
struct Call<'s, 'b> {
    shared: &'s Shared,
    endpoint: Endpoint,
    upstream: &'s Arc<Upstream>,
    control: Control,
    tenant: Namespace,
    fields: Fields<'b>,
}

async fn decide(
    shared: &Shared,
    endpoint: Endpoint,
    span: &RequestSpan,
    request: Request,
) -> Result<Response<Body>, Refusal> {
    let client = shared.clients.of(request.headers())?;
    let arrived = arrive(shared, request).await?;
    let expanded = || shared.kept.expanded(&arrived.body);
    let expanded = (endpoint == Endpoint::Responses).then(expanded).flatten();
    let body = expanded.unwrap_or_else(|| arrived.body.clone());
    let Some(fields) = Fields::read(&body) else {
        // The upstream says better what is wrong with it.
        let forward = forward(shared, upstream(shared, None)?, body, arrived);
        return unfit(shared, Unfit::BODY, forward.send().await);
    };
    let control = Control::read(&arrived.headers, Some(&fields)).map_err(|misunderstood| {
        Refusal::new(StatusCode::BAD_REQUEST, "plancache_header", misunderstood.0)
    })?;
    let tenant = client.tenant(&control)?;
    let model = fields.get::<String>("model");
    span.model(model.as_deref().unwrap_or_default());
    let upstream = upstream(shared, model.as_deref())?;
    let mode = control.mode(client.mode);
    let call = Call { shared, endpoint, upstream, control, tenant, fields };
    match call.read(mode) {
        Ok(planning) => Ok(call.ask(mode, planning, body.clone(), arrived).await),
        Err(why) if call.control.only_if_cached => {
            let message =
                format!("the cache cannot answer this ({}), and the request asks for nothing else", why.0);
            Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "only_if_cached", message))
        }
        Err(why) => {
            let body = call.body(None, &body).0;
            unfit(shared, why, forward(shared, upstream, body, arrived).send().await)
        }
    }
}

/// A request that the cache is not asked about: the upstream's response, marked.
fn unfit(
    shared: &Shared,
    why: Unfit,
    sent: Result<Response<Body>, Refusal>,
) -> Result<Response<Body>, Refusal> {
    shared.metrics.unfit(why.0);
    let mut response = sent.unwrap_or_else(|refusal| refusal.response());
    say(response.headers_mut(), &Did::Unfit(why.0), None);
    Ok(response)
}

fn forward(shared: &Shared, upstream: &Upstream, body: Bytes, arrived: Arrived) -> super::upstream::Forward {
    let Arrived { method, uri, headers, permit, .. } = arrived;
    shared.upstreams.forward(upstream, method, path(&uri), &headers, body, permit)
}

impl Call<'_, '_> {
    fn read(&self, mode: Mode) -> Result<Planning, Unfit> {
        if mode == Mode::Off {
            return Err(Unfit::MODE);
        }
        if !self.upstream.serve && mode.serves() {
            return Err(Unfit::UPSTREAM);
        }
        self.endpoint.read(&self.fields, &self.shared.settings, &self.shared.lists)
    }

    /// The body for the upstream, and whether the usage in its stream is to be hidden. Where nothing
    /// is to be changed, it is the client's, byte for byte.
    fn body(&self, planning: Option<&Planning>, body: &Bytes) -> (Bytes, bool) {
        let wants_usage = planning.is_some_and(|planning| {
            planning.form.stream
                && self.endpoint == Endpoint::Chat
                && self.upstream.usage_in_streams
                && self.fields.raw("stream_options").is_none()
        });
        let has_alias = self.fields.raw("cache").is_some();
        let with = wants_usage.then_some(r#""stream_options":{"include_usage":true}"#);
        let without: &[&str] = match (has_alias, wants_usage) {
            (false, false) => return (body.clone(), false),
            (true, true) => &["cache", "stream_options"],
            (true, false) => &["cache"],
            (false, true) => &["stream_options"],
        };
        (self.fields.edited(without, with), wants_usage)
    }

    /// Asks the cache, and the planner if it has no answer.
    async fn ask(&self, mode: Mode, planning: Planning, body: Bytes, arrived: Arrived) -> Response<Body> {
        let shared = self.shared;
        let namespace = match shared.settings.system_prompt {
            SystemPrompt::Contract => marked(&self.tenant, &planning.turn.instructions),
            SystemPrompt::Ignore => self.tenant.clone(),
        };
        let (run, thread) = shared.tracker.identify(&shared.ids, &namespace, &planning.turn, &self.control);
        let claimed = self.control.outcome;
        shared.tracker.note(&self.tenant, &run, &namespace, mode, &planning.turn.history, claimed);
        let Some(layer) = shared.modes.of(mode) else {
            let sent = forward(shared, self.upstream, self.body(None, &body).0, arrived).send().await;
            return unfit(shared, Unfit::MODE, sent).unwrap_or_else(|refusal| refusal.response());
        };
        let (sent, hide_usage) = self.body(Some(&planning), &body);
        let watch = self.watch(&run, thread, hide_usage);
        // Should the step turn out to be one that the request does not allow.
        let spare = planning.is_strict().then(|| {
            (self.body(None, &body).0, arrived.headers.clone(), arrived.uri.clone(), arrived.method.clone())
        });
        let asked = Asked {
            plan: PlanRequest::new(
                run.clone(),
                Arc::new(Task {
                    namespace: namespace.clone(),
                    text: planning.turn.text.clone(),
                    context: serde_json::Value::Null,
                    tools: Arc::clone(&planning.tools),
                    output_format: planning.output_format.clone(),
                }),
                planning.turn.history.clone(),
            ),
            forward: forward(shared, self.upstream, sent, arrived),
            watch,
        };
        let handle = layer.handle();
        let planner = Planner { only_if_cached: self.control.only_if_cached };
        match layer.layer(planner).call(asked).await {
            Ok(Reply::Served { step, outcome }) => match self.allowed(step, &planning) {
                Some(step) => self.served(step, &outcome, &planning, (&namespace, &run, thread), &handle),
                None => self.after_all(spare).await.unwrap_or_else(|refusal| refusal.response()),
            },
            Ok(Reply::Planner { mut response, outcome, .. }) => {
                if let Some(outcome) = &outcome {
                    let did = Did::Decided { outcome, served: false, shadow: mode == Mode::Shadow };
                    say(response.headers_mut(), &did, Some(&run));
                }
                response
            }
            Err(response) => self.failed(*response, mode, &namespace, &run, &handle),
        }
    }

    /// Passes a request on whose step cannot be given as the request wants it.
    async fn after_all(&self, spare: Option<Spare>) -> Result<Response<Body>, Refusal> {
        let permit = Arc::clone(&self.shared.gate).try_acquire_owned().ok();
        let (Some((body, headers, uri, method)), Some(permit)) = (spare, permit) else {
            return Err(overloaded());
        };
        let arrived = Arrived { method, uri, headers, body: body.clone(), permit };
        unfit(
            self.shared,
            Unfit::TOOL_CHOICE,
            forward(self.shared, self.upstream, body, arrived).send().await,
        )
    }

    fn watch(&self, run: &RunId, thread: Thread, hide_usage: bool) -> Watch {
        Watch {
            endpoint: self.endpoint,
            final_tools: Arc::clone(&self.shared.final_tools),
            hide_usage,
            most: self.shared.settings.limits.observed_bytes,
            tenant: self.tenant.clone(),
            run: run.clone(),
            thread,
            tracker: Arc::clone(&self.shared.tracker),
        }
    }

    /// The step in the form that the request allows: an answer may have to be a call.
    fn allowed(&self, step: NextStep, planning: &Planning) -> Option<NextStep> {
        match step {
            NextStep::Answer(text) => match as_final_call(&text, &planning.tools, &self.shared.final_tools) {
                Some(call) => Some(NextStep::Calls(vec![call])),
                None if planning.must_call => None,
                None if planning.stops.iter().any(|stop| text.contains(stop)) => None,
                None => Some(NextStep::Answer(text)),
            },
            calls @ NextStep::Calls(_) => Some(calls),
        }
    }

    /// Answers with a step of the cache.
    fn served(
        &self,
        mut step: NextStep,
        outcome: &Outcome,
        planning: &Planning,
        (namespace, run, thread): (&Namespace, &RunId, Thread),
        handle: &CacheHandle,
    ) -> Response<Body> {
        let at = planning.turn.history.len();
        let mut over = true;
        if let NextStep::Calls(calls) = &mut step {
            for (nth, call) in calls.iter_mut().enumerate() {
                over &= self.shared.final_tools.contains(&call.tool);
                call.id = self.shared.ids.issue(namespace, run, at + nth);
            }
            if !over {
                let ids = calls.iter().map(|call| call.id.as_str());
                self.shared.tracker.tie(&self.tenant, run, thread, ids);
            }
        }
        let written = self.endpoint.answer(&step, &planning.form, &self.fields, &self.shared.kept);
        let mut response = written.response();
        let did = Did::Decided { outcome, served: true, shadow: false };
        say(response.headers_mut(), &did, Some(run));
        if over {
            Ends::new(Arc::clone(&self.shared.tracker), self.shared.settings.completed)
                .answered(handle, namespace, run);
        }
        response
    }

    /// The planner gave no answer: its response as it is, with what the cache had decided before.
    fn failed(
        &self,
        mut response: Response<Body>,
        mode: Mode,
        namespace: &Namespace,
        run: &RunId,
        handle: &CacheHandle,
    ) -> Response<Body> {
        if let Some(decision) = handle.last_decision(namespace, run) {
            let did =
                Did::Decided { outcome: &decision.outcome, served: false, shadow: mode == Mode::Shadow };
            say(response.headers_mut(), &did, Some(run));
        }
        response
    }
}
