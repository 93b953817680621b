//! The layer's protocol for requests that came over HTTP.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::Refusal;
use super::runs::Ends;
use super::tee::{Tee, Watch};
use super::upstream::Forward;
use crate::domain::{NextStep, Outcome, PlanRequest, PlanResponse, TaskPart};
use crate::layer::{CacheHandle, Observed, Protocol, Whole};

/// A planning call that came over HTTP, with all that is needed to pass it on.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) plan: PlanRequest,
    pub(super) forward: Forward,
    pub(super) watch: Watch,
}

/// The answer to one.
pub(super) enum Reply {
    /// The cache says this step.
    Served { step: NextStep, outcome: Outcome },
    /// The planner's response on its way.
    Planner { response: Response<Body>, watch: Option<Box<Watch>>, outcome: Option<Outcome> },
}

/// A response whose body has been read to its end.
async fn read(response: Response<Body>, most: usize) -> Response<Body> {
    let (head, body) = response.into_parts();
    match Limited::new(body, most).collect().await {
        Ok(body) => Response::from_parts(head, Body::from(body.to_bytes())),
        Err(error) => {
            let message = match error.is::<LengthLimitError>() {
                true => format!("the planner's answer is longer than {most} bytes"),
                false => "the connection to the planner's endpoint broke".to_owned(),
            };
            Refusal::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", message).response()
        }
    }
}

/// The protocol.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    ends: Arc<Ends>,
}

impl Wire {
    pub(super) fn new(ends: Arc<Ends>) -> Self {
        Self { ends }
    }
}

impl Protocol<Asked> for Wire {
    type Response = Reply;

    fn read<'r>(&self, request: &'r Asked) -> Option<Cow<'r, PlanRequest>> {
        Some(Cow::Borrowed(&request.plan))
    }

    fn answer(&self, step: NextStep, outcome: &Outcome) -> Reply {
        Reply::Served { step, outcome: outcome.clone() }
    }

    fn observe(&self, response: Reply) -> (Reply, Observed) {
        match response {
            Reply::Planner { response, watch: Some(watch), outcome } => {
                let (response, planned) = Tee::put_on(response, *watch);
                let reading = Box::pin(async move { planned.await.ok().flatten() });
                (Reply::Planner { response, watch: None, outcome }, Observed::Later(reading))
            }
            other => (other, Observed::Nothing),
        }
    }

    fn mark(&self, response: Reply, outcome: &Outcome) -> Reply {
        match response {
            Reply::Planner { response, watch, .. } => {
                Reply::Planner { response, watch, outcome: Some(outcome.clone()) }
            }
            served @ Reply::Served { .. } => served,
        }
    }

    fn part(&self, request: &Asked, part: TaskPart) -> Option<Asked> {
        let plan = PlanRequest { part: Some(part), ..request.plan.clone() };
        let forward = request.forward.instructed(request.watch.endpoint, &plan.instruction()?)?;
        Some(Asked { plan, forward, watch: request.watch.clone() })
    }

    fn whole(&self, response: Reply) -> Whole<Reply> {
        Box::pin(async move {
            match response {
                Reply::Planner { response, watch: Some(watch), outcome } => {
                    let most = watch.most;
                    let (response, planned) = Tee::put_on(response, *watch);
                    let response = read(response, most).await;
                    (Reply::Planner { response, watch: None, outcome }, planned.await.ok().flatten())
                }
                other => (other, None),
            }
        })
    }

    fn noted(&self, cache: &CacheHandle, asked: &PlanRequest, planned: Option<&PlanResponse>) {
        if let Some(PlanResponse { step: NextStep::Answer(_), .. }) = planned {
            self.ends.answered(cache, &asked.task.namespace, &asked.run);
        }
    }
}
