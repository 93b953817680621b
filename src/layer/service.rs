use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{Layer, Service, ServiceExt};

use super::core::{CacheHandle, Core, Settings};
use super::decider::Decider;
use super::protocol::{Native, Observed, Protocol};
use crate::domain::{PlanRequest, PlanResponse};
use crate::engine::Engine;
use crate::fill::Filler;
use crate::policy::Policy;
use crate::store::Store;

/// Puts a plan cache around planner services. All services made by one layer, and its clones,
/// share one cache.
#[derive(Clone, Debug)]
pub struct PlanCacheLayer<P = Native> {
    handle: CacheHandle,
    protocol: P,
}

impl PlanCacheLayer {
    /// A layer on an engine, for plain types.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::with(engine, Native, Settings::default())
    }

    /// Opens the cache on a store. Never fails: with a store that cannot be read, every request
    /// goes to the planner, marked as a bypass that names the fault.
    pub async fn open(policy: Policy, store: Arc<dyn Store>, filler: Option<Arc<dyn Filler>>) -> Self {
        match Engine::open(policy, store, filler).await {
            Ok(engine) => Self::new(Arc::new(engine)),
            Err(error) => {
                tracing::error!(%error, "the plan cache is out of use");
                let core = Arc::new(Core::faulty(error.to_string(), Settings::default()));
                Self { handle: CacheHandle { core }, protocol: Native }
            }
        }
    }
}

impl<P> PlanCacheLayer<P> {
    /// A layer with another protocol or other bounds.
    pub fn with(decider: Arc<dyn Decider>, protocol: P, settings: Settings) -> Self {
        Self { handle: CacheHandle { core: Arc::new(Core::new(decider, settings)) }, protocol }
    }

    /// The way to end runs and read counters.
    pub fn handle(&self) -> CacheHandle {
        self.handle.clone()
    }
}

impl<S, P: Clone> Layer<S> for PlanCacheLayer<P> {
    type Service = PlanCache<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        PlanCache { inner, handle: self.handle.clone(), protocol: self.protocol.clone() }
    }
}

/// A planner with a plan cache in front of it.
#[derive(Clone, Debug)]
pub struct PlanCache<S, P = Native> {
    inner: S,
    handle: CacheHandle,
    protocol: P,
}

impl<S, P> PlanCache<S, P> {
    /// The way to end runs and read counters.
    pub fn handle(&self) -> CacheHandle {
        self.handle.clone()
    }
}

impl<S, P, Req> Service<Req> for PlanCache<S, P>
where
    P: Protocol<Req>,
    S: Service<Req, Response = P::Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    Req: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    /// Always ready: whether the planner is needed, and so whether to wait for it, is not known
    /// before the request is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let (inner, protocol) = (self.inner.clone(), self.protocol.clone());
        let handle = self.handle.clone();
        Box::pin(async move {
            let Some(asked) = protocol.read(&request) else { return inner.oneshot(request).await };
            let outcome = loop {
                let (step, outcome) = handle.core.decide(&asked).await;
                if let Some(step) = step {
                    return Ok(protocol.answer(step, &outcome));
                }
                let Some(part) = outcome.part() else { break outcome };
                let Some(part) = protocol.part(&request, part) else {
                    break handle.core.leave(&asked, outcome);
                };
                let answered = inner.clone().oneshot(part).await;
                let response = answered.inspect_err(|_| handle.core.asked_for_part(&asked, &outcome))?;
                let (response, planned) = protocol.whole(response).await;
                if !handle.core.part(&asked, &outcome, planned.as_ref()) {
                    handle.core.asked_for_part(&asked, &outcome);
                    return Ok(protocol.mark(response, &outcome));
                }
            };
            let at = asked.history.len();
            // What is needed to find the run again; the history need not be copied for it.
            let asked = PlanRequest::new(asked.run.clone(), Arc::clone(&asked.task), Vec::new());
            let response = inner.oneshot(request).await?;
            let (response, observed) = protocol.observe(response);
            let note = {
                let protocol = protocol.clone();
                move |planned: Option<&PlanResponse>| {
                    handle.core.planned(&asked, at, planned);
                    protocol.noted(&handle, &asked, planned);
                }
            };
            match observed {
                Observed::Now(planned) => note(Some(&planned)),
                Observed::Nothing => note(None),
                Observed::Later(reading) => {
                    tokio::spawn(async move { note(reading.await.as_ref()) });
                }
            }
            Ok(protocol.mark(response, &outcome))
        })
    }
}
