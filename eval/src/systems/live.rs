use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use plancache::domain::{PlanRequest, PlanResponse, canonical_hash};
use plancache_agents::endpoint::{EndpointError, EndpointPlanner, EndpointSettings};
use serde_json::json;
use tower::{Service, ServiceExt};

use super::{Metered, PlannerError};

/// The environment variable that holds the key of a live planner's endpoint.
pub const KEY: &str = "PLANCACHE_PLANNER_KEY";

/// Planning calls that a run is given, as in the founding paper (arXiv 2506.14852).
const ROUNDS: usize = 10;

/// The longest reply, in tokens: a small model may not find an end.
const LONGEST: u32 = 500;

/// A live model at an OpenAI-compatible endpoint, `URL#MODEL`, with this system prompt; `fixed` is
/// how many tokens each of its prompts begins with.
///
/// # Errors
/// When no model is named.
pub fn live(endpoint: &str, system: &str, fixed: u64) -> Result<Metered, String> {
    let (base_url, model) = endpoint
        .split_once('#')
        .filter(|(_, model)| !model.is_empty())
        .ok_or_else(|| format!("{endpoint:?} names no model; say it as http://localhost:8080/v1#MODEL"))?;
    let planner = EndpointPlanner::new(EndpointSettings {
        base_url: base_url.to_owned(),
        model: model.to_owned(),
        key: std::env::var(KEY).unwrap_or_default(),
        system: system.to_owned(),
        max_tokens: Some(LONGEST),
    });
    // What a model writes that is no step is its own fault, and ends the run; only an endpoint that
    // could not be asked is one of the machine.
    let told = |error: EndpointError| match error {
        EndpointError::Failed(why) => PlannerError::Failed(why),
        EndpointError::Answer(why) => PlannerError::OffScript(why),
    };
    Ok(Metered::new(Remembered::new(planner.map_err(told)), fixed).with_rounds(ROUNDS))
}

/// A model asked at temperature 0 says the same to the same prompt: it is asked once, so that several
/// systems on the same tasks cost one. What was said is counted each time as if it had been asked.
#[derive(Clone)]
struct Remembered<S> {
    inner: S,
    said: Arc<Mutex<HashMap<String, PlanResponse>>>,
}

impl<S> Remembered<S> {
    fn new(inner: S) -> Self {
        Self { inner, said: Arc::default() }
    }
}

impl<S> Service<PlanRequest> for Remembered<S>
where
    S: Service<PlanRequest, Response = PlanResponse, Error = PlannerError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = PlanResponse;
    type Error = PlannerError;
    type Future = Pin<Box<dyn Future<Output = Result<PlanResponse, PlannerError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PlannerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let steps: Vec<_> = (request.history.iter())
                .map(|step| (&step.call.tool, &step.call.arguments, &step.observation))
                .collect();
            let prompt =
                canonical_hash(&json!([request.task.text, request.task.context, request.task.tools, steps]));
            let known = |said: &Mutex<HashMap<String, PlanResponse>>| {
                said.lock().unwrap_or_else(PoisonError::into_inner).get(&prompt).cloned()
            };
            if let Some(said) = known(&this.said) {
                return Ok(said);
            }
            let said = this.inner.oneshot(request).await?;
            this.said.lock().unwrap_or_else(PoisonError::into_inner).insert(prompt, said.clone());
            Ok(said)
        })
    }
}
