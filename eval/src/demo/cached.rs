use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use plancache::domain::{Outcome, PlanRequest, PlanResponse, Usage};
use plancache::engine::Engine;
use plancache_agents::recorded::{RecordedError, RecordedPlanner};
use tower::{Service, ServiceExt};

/// What the cache said to one planning call.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    pub(super) served: bool,
    pub(super) took: Duration,
}

/// The planner behind the cache; keeps the decisions of the run under way.
#[derive(Clone)]
pub(super) struct CachedPlanner {
    engine: Arc<Engine>,
    planner: RecordedPlanner,
    decisions: Arc<Mutex<Vec<Decision>>>,
}

impl CachedPlanner {
    pub(super) fn new(engine: Arc<Engine>, planner: RecordedPlanner) -> Self {
        Self { engine, planner, decisions: Arc::default() }
    }

    /// The decisions since the last time they were taken.
    pub(super) fn take_decisions(&self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service<PlanRequest> for CachedPlanner {
    type Response = PlanResponse;
    type Error = RecordedError;
    type Future = Pin<Box<dyn Future<Output = Result<PlanResponse, RecordedError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RecordedError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let asked = Instant::now();
            let reply = this.engine.next(&request).await;
            let decision =
                Decision { outcome: reply.outcome, served: reply.step.is_some(), took: asked.elapsed() };
            this.decisions.lock().unwrap_or_else(PoisonError::into_inner).push(decision);
            match reply.step {
                Some(step) => Ok(PlanResponse { step, usage: Usage::default() }),
                None => this.planner.oneshot(request).await,
            }
        })
    }
}
