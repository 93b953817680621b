use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::decider::{Decider, ServedRun};
use super::queue::{Job, Queue};
use super::report::{Decision, Learning, RunKind, RunReport, ShadowVerdict};
use super::runs::{RunState, Runs};
use super::shadow::{self, Proposal};
use crate::domain::{
    Bypass, Diverged, Namespace, NextStep, Outcome, PlanRequest, PlanResponse, RunId, RunOutcome, TaskPart,
    Trace,
};
use crate::engine::Reply;
use crate::telemetry::{Counters, DECIDE_SPAN, Snapshot, labels};

/// Bounds of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most runs that are remembered while under way; the longest untouched goes first.
    pub most_runs: usize,
    /// A run that is not touched for so long has ended, outcome unknown.
    pub idle: Duration,
    /// The most jobs that wait to be learnt.
    pub queue: usize,
    /// A decision that takes longer than this is a bypass.
    pub deadline: Duration,
}

impl Default for Settings {
    /// 10,000 runs, 30 minutes, 1,024 jobs, 30 seconds.
    fn default() -> Self {
        Self {
            most_runs: 10_000,
            idle: Duration::from_secs(30 * 60),
            queue: 1_024,
            deadline: Duration::from_secs(30),
        }
    }
}

/// What is behind the layer.
enum Behind {
    Cache(Arc<dyn Decider>),
    /// It could not be opened; every request is a bypass.
    Fault(String),
}

pub(super) struct Core {
    behind: Behind,
    settings: Settings,
    runs: Mutex<Runs>,
    queue: Option<Queue>,
    counters: Arc<Counters>,
}

impl Core {
    pub(super) fn new(decider: Arc<dyn Decider>, settings: Settings) -> Self {
        let counters = Arc::new(Counters::default());
        let queue = Queue::new(settings.queue, Arc::clone(&decider), Arc::clone(&counters));
        Self {
            behind: Behind::Cache(decider),
            settings,
            runs: Mutex::new(Runs::new(settings.most_runs, settings.idle)),
            queue: Some(queue),
            counters,
        }
    }

    pub(super) fn faulty(what: String, settings: Settings) -> Self {
        Self {
            behind: Behind::Fault(what),
            settings,
            runs: Mutex::new(Runs::new(settings.most_runs, settings.idle)),
            queue: None,
            counters: Arc::default(),
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides one planning call: the step to serve, or `None` for the planner.
    pub(super) async fn decide(&self, request: &PlanRequest) -> (Option<NextStep>, Outcome) {
        let (handed_over, gone) = {
            let mut runs = self.runs();
            let (state, gone) = runs.touch(request);
            (state.handed_over.clone(), gone)
        };
        gone.into_iter().for_each(|state| self.expired(state));

        let asked = Instant::now();
        let shadows = matches!(&self.behind, Behind::Cache(decider) if decider.shadows());
        let mut reply = match handed_over {
            Some(outcome) if !shadows => Reply { step: None, outcome },
            _ => self.ask(request).await,
        };
        if shadows {
            reply.outcome = reply.outcome.to_the_end();
        }
        let took = asked.elapsed();
        let served = reply.step.is_some() && !shadows;
        // A request for a part counts once it is known whether anything comes of it.
        if reply.outcome.part().is_none() {
            self.counters.decided(&reply.outcome, served, took);
        }
        let (result, reason) = labels(&reply.outcome);
        tracing::debug!(result, reason, served, took_us = took.as_micros(), "{DECIDE_SPAN}");

        let step = reply.step.clone().filter(|_| served);
        if let Some(state) = self.runs().of(request) {
            if shadows {
                let at = request.history.len();
                state.proposals.retain(|proposal| proposal.at != at);
                state.proposals.push(Proposal { at, step: reply.step, outcome: reply.outcome.clone() });
            } else if !(served
                || matches!(reply.outcome, Outcome::PlannerAnswer { .. })
                || reply.outcome.part().is_some())
            {
                state.handed_over.get_or_insert_with(|| reply.outcome.clone());
            }
            state.decided(Decision { outcome: reply.outcome.clone(), served, took });
            if let Some(step) = &step {
                state.answered(step);
            }
        }
        (step, reply.outcome)
    }

    /// Asks the cache, within the deadline; a panic or a late answer is a bypass.
    async fn ask(&self, request: &PlanRequest) -> Reply {
        let bypass = |why: Bypass| Reply { step: None, outcome: Outcome::Bypass(why) };
        let decider = match &self.behind {
            Behind::Cache(decider) => decider,
            Behind::Fault(what) => return bypass(Bypass::Fault { what: what.clone() }),
        };
        if !decider.serves() && !decider.shadows() {
            return bypass(Bypass::Mode);
        }
        let mut next = pin!(decider.next(request));
        let guarded = std::future::poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| next.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => std::task::Poll::Ready(None),
            }
        });
        match tokio::time::timeout(self.settings.deadline, guarded).await {
            Ok(Some(reply)) => reply,
            Ok(None) => bypass(Bypass::Fault { what: "the decision failed".to_owned() }),
            Err(_) => bypass(Bypass::Fault { what: "the decision took too long".to_owned() }),
        }
    }

    /// Notes what the planner answered when so many calls were done; `None` if it could not be
    /// read.
    pub(super) fn planned(&self, request: &PlanRequest, at: usize, response: Option<&PlanResponse>) {
        if let Some(state) = self.runs().of(request) {
            state.planned(at, response);
        }
    }

    /// Notes what the planner answered when it was asked for a part only; says whether that is over, so that
    /// the cache is to be asked again. A planner that made no call for the part, or whose last one failed,
    /// has not done it: the run is the planner's from there on.
    pub(super) fn part(
        &self,
        request: &PlanRequest,
        outcome: &Outcome,
        response: Option<&PlanResponse>,
    ) -> bool {
        let is_over = matches!(response, Some(PlanResponse { step: NextStep::Answer(_), .. }));
        let mut runs = self.runs();
        let Some(state) = runs.of(request) else { return is_over };
        state.planned(request.history.len(), response);
        let Some(TaskPart { from, calls, .. }) = outcome.part() else { return false };
        if is_over {
            let last = request.history.last().and_then(|step| step.observation.as_ref());
            let worked = calls > 0 && last.is_some_and(|observation| !observation.failed);
            let noted = || matches!(&self.behind, Behind::Cache(behind) if behind.part_done(request, from));
            if !(worked && state.part_done(from) && noted()) {
                state.handed_over = Some(Outcome::Diverged(Diverged::Part));
            }
        }
        is_over
    }

    /// Counts a request with which the planner was asked for a part only.
    pub(super) fn asked_for_part(&self, request: &PlanRequest, outcome: &Outcome) {
        let took = self.runs().of(request).and_then(|state| Some(state.decisions.last()?.1.took));
        self.counters.decided(outcome, false, took.unwrap_or_default());
    }

    /// Leaves the rest of a run to a planner that cannot be asked for a part only.
    pub(super) fn leave(&self, request: &PlanRequest, outcome: Outcome) -> Outcome {
        self.asked_for_part(request, &outcome);
        let outcome = outcome.to_the_end();
        if let Some(state) = self.runs().of(request) {
            state.handed_over.get_or_insert_with(|| outcome.clone());
        }
        outcome
    }

    /// A run that nobody ended: how it went is unknown, so that nothing is learnt from it.
    fn expired(&self, state: RunState) {
        self.counters.change(|counts| counts.runs_expired += 1);
        self.end(state, RunOutcome::Unknown);
    }

    fn end(&self, state: RunState, outcome: RunOutcome) -> RunReport {
        let kind = state.kind();
        self.counters.ended(kind.label());
        let (mut learning, mut shadow) = (Learning::Mode, None);
        if let (Behind::Cache(decider), Some(queue)) = (&self.behind, &self.queue) {
            if state.served_steps > 0 {
                queue.push(Job::Served(ServedRun {
                    run: state.run.clone(),
                    namespace: state.task.namespace.clone(),
                    templates: state.templates.clone(),
                    diverged: kind == RunKind::Diverged,
                    outcome,
                    wrong: (outcome == RunOutcome::Failure).then(|| Box::new(state.trace(outcome))),
                }));
            }
            if decider.shadows() {
                let verdict =
                    shadow::judge(&state.proposals, &state.trace(outcome).steps, |tool| decider.effect(tool));
                self.counters.shadow(verdict.label());
                // The planner's run was right, and the plan would not have been: with what was observed.
                if verdict == ShadowVerdict::WouldHaveBeenWrong && outcome == RunOutcome::Success {
                    queue.push(Job::Served(disagreed(&state)));
                }
                shadow = Some(verdict);
            }
            learning = self.learn(decider.as_ref(), queue, &state, outcome);
        }
        report(state, kind, learning, shadow)
    }

    fn learn(&self, decider: &dyn Decider, queue: &Queue, state: &RunState, outcome: RunOutcome) -> Learning {
        if !decider.learns() {
            Learning::Mode
        } else if outcome != RunOutcome::Success {
            Learning::NotASuccess
        } else if state.unreadable.is_some() {
            Learning::Unreadable
        } else if state.planner_calls == 0 {
            Learning::NothingNew
        } else if queue.push(Job::Admit(Box::new(state.trace(outcome)))) {
            Learning::Queued
        } else {
            Learning::Dropped
        }
    }
}

/// What a plan that the planner did not follow in shadow mode leaves behind: the states with which it
/// was wrong. It was not served, so that nothing else is laid to it.
fn disagreed(state: &RunState) -> ServedRun {
    let templates = state.proposals.iter().find_map(|proposal| proposal.outcome.templates());
    ServedRun {
        run: state.run.clone(),
        namespace: state.task.namespace.clone(),
        templates: templates.unwrap_or_default().to_vec(),
        diverged: true,
        outcome: RunOutcome::Unknown,
        wrong: Some(Box::new(state.trace(RunOutcome::Unknown))),
    }
}

fn report(state: RunState, kind: RunKind, learning: Learning, shadow: Option<ShadowVerdict>) -> RunReport {
    RunReport {
        run: state.run,
        kind,
        templates: if state.served_steps > 0 { state.templates } else { Vec::new() },
        decisions: state.decisions.into_iter().map(|(_, decision)| decision).collect(),
        planner_calls: state.planner_calls,
        usage: state.usage,
        learning,
        shadow,
    }
}

/// How a caller tells the cache that a run is over, and reads what it knows. Cheap to clone; all
/// clones speak to the same cache.
#[derive(Clone)]
pub struct CacheHandle {
    pub(super) core: Arc<Core>,
}

impl CacheHandle {
    /// Ends the run that was last asked about under this id. A success is learnt in the
    /// background; anything else is not. `None` if the cache knows no such run (any more).
    pub fn finish(&self, namespace: &Namespace, run: &RunId, outcome: RunOutcome) -> Option<RunReport> {
        let state = self.core.runs().end(&(namespace.clone(), run.clone()))?;
        Some(self.core.end(state, outcome))
    }

    /// Ends a run of which the caller knows more than the cache saw: the observations of its last
    /// calls, after which nobody asked again. The trace's steps, answer and outcome count.
    pub fn finish_with(&self, trace: &Trace) -> Option<RunReport> {
        let key = (trace.task.namespace.clone(), trace.run.clone());
        let mut state = self.core.runs().end(&key)?;
        state.history.clone_from(&trace.steps);
        state.pending.clear();
        if trace.answer.is_some() {
            state.answer.clone_from(&trace.answer);
        }
        Some(self.core.end(state, trace.outcome))
    }

    /// The last decision for a run under way.
    pub fn last_decision(&self, namespace: &Namespace, run: &RunId) -> Option<Decision> {
        let mut runs = self.core.runs();
        runs.last(&(namespace.clone(), run.clone()))?.decisions.last().map(|(_, decision)| decision.clone())
    }

    /// Waits until everything that was finished so far has been learnt.
    pub async fn flush(&self) {
        if let Some(queue) = &self.core.queue {
            queue.flush().await;
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Snapshot {
        self.core.counters.snapshot()
    }
}

impl std::fmt::Debug for CacheHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheHandle").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}
