use std::collections::HashMap;
use std::future::Future;
use std::ops::AddAssign;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use plancache::domain::{PlanRequest, PlanResponse, RunId};
use plancache_agents::Agent;
use plancache_agents::recorded::{RecordedError, RecordedPlanner};
use serde::{Deserialize, Serialize};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

/// What a model read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Calls to it.
    pub calls: u64,
    /// Tokens read.
    pub input: u64,
    /// Of these, tokens that a provider's prompt cache would have held.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
    /// Calls that failed by a fault of the machine or the network.
    pub faults: u64,
}

impl Spend {
    /// Whether nothing was asked.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Tokens read and written.
    pub fn tokens(&self) -> u64 {
        self.input + self.output
    }
}

impl AddAssign for Spend {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
        self.faults += other.faults;
    }
}

/// Why a planner gave no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlannerError {
    /// A recorded planner cannot go on from what was done.
    #[error("{0}")]
    OffScript(String),
    /// It could not be asked: a fault of the machine or the network, not of a plan.
    #[error("{0}")]
    Failed(String),
}

/// A prompt's beginning is cached from this length on, in steps of [`STEP`] (OpenAI, "Prompt
/// caching": prompts of 1,024 tokens or more, in increments of 128).
const LEAST_CACHED: u64 = 1_024;
/// Tokens by which the cached beginning grows.
const STEP: u64 = 128;

/// A planner whose every call is counted, by run. Clones share the counts.
#[derive(Clone)]
pub struct Metered {
    inner: BoxCloneSyncService<PlanRequest, PlanResponse, PlannerError>,
    /// Tokens at the beginning of every prompt, whatever the task.
    fixed: u64,
    /// Planning calls that a run is given.
    rounds: usize,
    accounts: Arc<Mutex<HashMap<RunId, Account>>>,
}

/// Planning calls that a run is given by default; the longest recorded runs have about half.
const ROUNDS: usize = 60;

#[derive(Clone, Copy, Default)]
struct Account {
    spend: Spend,
    /// Tokens of the last prompt of this run: the next one begins with it.
    last: u64,
}

impl Metered {
    /// A planner that answers with recorded runs; `fixed` is how many tokens each prompt begins
    /// with whatever the task.
    pub fn recorded(planner: RecordedPlanner, fixed: u64) -> Self {
        Self::new(planner.map_err(|e: RecordedError| PlannerError::OffScript(e.to_string())), fixed)
    }

    /// Any planner.
    pub fn new<S>(planner: S, fixed: u64) -> Self
    where
        S: Service<PlanRequest, Response = PlanResponse, Error = PlannerError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self { inner: BoxCloneSyncService::new(planner), fixed, rounds: ROUNDS, accounts: Arc::default() }
    }

    /// The same planner with counts of its own: streams that run side by side do the same tasks.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { accounts: Arc::default(), ..self.clone() }
    }

    /// Gives each run at most so many planning calls.
    #[must_use]
    pub fn with_rounds(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// An agent that gives a run as many planning calls as this planner's are given.
    pub fn agent(&self) -> Agent {
        Agent::new(self.rounds)
    }

    /// What it was asked in this run since it was last asked for.
    pub fn take(&self, run: &RunId) -> Spend {
        self.accounts().remove(run).unwrap_or_default().spend
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<RunId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answer. An answer that cost nothing was not asked of a model.
    fn count(&self, run: &RunId, answered: &PlanResponse) {
        if answered.usage.total() == 0 {
            return;
        }
        let mut accounts = self.accounts();
        let account = accounts.entry(run.clone()).or_default();
        let known = account.last.max(self.fixed).min(answered.usage.input);
        let cached = if known >= LEAST_CACHED { known - known % STEP } else { 0 };
        account.last = answered.usage.input;
        account.spend +=
            Spend { calls: 1, input: answered.usage.input, cached, output: answered.usage.output, faults: 0 };
    }
}

impl Service<PlanRequest> for Metered {
    type Response = PlanResponse;
    type Error = PlannerError;
    type Future = Pin<Box<dyn Future<Output = Result<PlanResponse, PlannerError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PlannerError>> {
        // The clone that is called is driven to readiness by itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let run = request.run.clone();
            let answered = this.inner.clone().oneshot(request).await;
            match &answered {
                Ok(answered) => this.count(&run, answered),
                Err(PlannerError::Failed(_)) => this.accounts().entry(run).or_default().spend.faults += 1,
                Err(PlannerError::OffScript(_)) => {}
            }
            answered
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache::domain::{NextStep, Usage};

    fn answered(input: u64, output: u64) -> PlanResponse {
        PlanResponse { step: NextStep::Answer(String::new()), usage: Usage { input, output } }
    }

    fn meter(fixed: u64) -> Metered {
        let none = tower::service_fn(|_| std::future::ready(Err(PlannerError::Failed("none".into()))));
        Metered::new(none, fixed)
    }

    #[test]
    fn the_beginning_that_was_sent_before_is_cached_in_steps() {
        let (meter, run) = (meter(1_000), RunId::new("r"));
        meter.count(&run, &answered(1_500, 10));
        meter.count(&run, &answered(1_700, 10));
        // Nothing of the first: 1,000 tokens are too few. 1,408 = 11 * 128 of the second.
        assert_eq!(meter.take(&run), Spend { calls: 2, input: 3_200, cached: 1_408, output: 20, faults: 0 });
        assert_eq!(meter.take(&run), Spend::default());
    }

    #[test]
    fn streams_side_by_side_count_apart() {
        let (one, run) = (meter(0), RunId::new("r"));
        let other = one.apart();
        one.count(&run, &answered(10, 1));
        assert_eq!(other.take(&run), Spend::default());
        assert_eq!(one.clone().take(&run).calls, 1);
    }

    #[test]
    fn a_long_fixed_prompt_is_cached_from_the_first_call_and_free_answers_are_no_calls() {
        let (meter, run) = (meter(2_000), RunId::new("r"));
        meter.count(&run, &answered(2_100, 1));
        meter.count(&run, &answered(0, 0));
        assert_eq!(meter.take(&run), Spend { calls: 1, input: 2_100, cached: 1_920, output: 1, faults: 0 });
    }
}
