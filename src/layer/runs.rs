//! What the layer remembers of the runs under way.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use serde_json::json;
use tokio::time::Instant;

use super::report::{Decision, RunKind};
use super::shadow::Proposal;
use crate::domain::{
    Call, Namespace, NextStep, Outcome, PlanRequest, PlanResponse, RunId, RunOutcome, Served, Task, Trace,
    TraceStep, Usage, canonical_hash,
};

/// The most decisions that are kept of one run, and the most tasks under one run id.
const MAX_DECISIONS: usize = 512;
const MAX_TASKS: usize = 4;

/// Who a run belongs to and what the caller calls it.
pub(super) type RunKey = (Namespace, RunId);

/// One run under way.
#[derive(Debug)]
pub(super) struct RunState {
    pub(super) run: RunId,
    pub(super) task: Arc<Task>,
    /// Hash of the task, by which runs under one id are told apart.
    task_hash: String,
    /// The calls of the last request, with their observations.
    pub(super) history: Vec<TraceStep>,
    /// Calls that were answered since, whose observations are still out.
    pub(super) pending: Vec<Call>,
    pub(super) answer: Option<String>,
    pub(super) usage: Usage,
    pub(super) planner_calls: u32,
    /// Planner calls that were asked for the answer alone.
    answer_calls: u32,
    /// Planner calls that were asked for a part of the task.
    part_calls: u32,
    /// Parts (by their first byte) that the planner has done.
    parts_done: Vec<usize>,
    pub(super) served_steps: u32,
    pub(super) templates: Vec<Served>,
    pub(super) decisions: Vec<(usize, Decision)>,
    pub(super) proposals: Vec<Proposal>,
    /// The outcome with which the run was handed to the planner, for good.
    pub(super) handed_over: Option<Outcome>,
    /// A response of the planner could not be read, when so many calls were done.
    pub(super) unreadable: Option<usize>,
    touched: Instant,
}

impl RunState {
    fn new(request: &PlanRequest, task_hash: String) -> Self {
        Self {
            run: request.run.clone(),
            task: Arc::clone(&request.task),
            task_hash,
            history: Vec::new(),
            pending: Vec::new(),
            answer: None,
            usage: Usage::default(),
            planner_calls: 0,
            answer_calls: 0,
            part_calls: 0,
            parts_done: Vec::new(),
            served_steps: 0,
            templates: Vec::new(),
            decisions: Vec::new(),
            proposals: Vec::new(),
            handed_over: None,
            unreadable: None,
            touched: Instant::now(),
        }
    }

    /// Takes over the request's history: what the caller sends is what was really done.
    fn update(&mut self, request: &PlanRequest) {
        if request.history.starts_with(&self.history) {
            self.history.extend_from_slice(&request.history[self.history.len()..]);
        } else {
            self.history.clone_from(&request.history);
        }
        self.pending.clear();
        self.touched = Instant::now();
    }

    /// Notes a decision. The same call asked again (a retry) replaces its earlier decision.
    pub(super) fn decided(&mut self, decision: Decision) {
        let at = self.history.len();
        for served in decision.outcome.templates().unwrap_or_default() {
            if !self.templates.contains(served) {
                self.templates.push(served.clone());
            }
        }
        let retried = self.decisions.last().is_some_and(|(last, _)| *last == at);
        if retried && let Some((_, last)) = self.decisions.pop() {
            self.served_steps -= u32::from(last.served);
        }
        self.served_steps += u32::from(decision.served);
        if self.decisions.len() < MAX_DECISIONS {
            self.decisions.push((at, decision));
        }
    }

    /// Notes what was answered, by the cache or the planner.
    pub(super) fn answered(&mut self, step: &NextStep) {
        match step {
            NextStep::Calls(calls) => self.pending.clone_from(calls),
            NextStep::Answer(text) => self.answer = Some(text.clone()),
        }
    }

    /// Notes a response of the planner to a request with so many calls done. One that could not be
    /// read is made good by another to the same request: the caller has asked again.
    pub(super) fn planned(&mut self, at: usize, response: Option<&PlanResponse>) {
        self.planner_calls += 1;
        let for_part =
            self.decisions.last().is_some_and(|(_, d)| matches!(d.outcome, Outcome::PlannerPart { .. }));
        self.part_calls += u32::from(for_part);
        let Some(response) = response else {
            self.unreadable.get_or_insert(at);
            return;
        };
        if self.unreadable == Some(at) {
            self.unreadable = None;
        }
        self.usage += response.usage;
        let for_answer = self.decisions.last().is_some_and(|(_, last)| {
            matches!(last.outcome, Outcome::PlannerAnswer { .. })
                && matches!(response.step, NextStep::Answer(_))
        });
        self.answer_calls += u32::from(for_answer);
        // What the planner says of a part is no answer to the task.
        let of_a_part =
            for_part && matches!(response.step, NextStep::Answer(_)) && self.handed_over.is_none();
        // The caller may have gone on already, while the response was still being read.
        if at == self.history.len() && !of_a_part {
            self.answered(&response.step);
        }
    }

    /// Notes that the planner has done a part; `false` if it had already.
    pub(super) fn part_done(&mut self, from: usize) -> bool {
        let new = !self.parts_done.contains(&from);
        if new {
            self.parts_done.push(from);
        }
        new
    }

    pub(super) fn kind(&self) -> RunKind {
        if self.served_steps > 0 {
            return match self.planner_calls {
                0 => RunKind::Hit,
                calls if calls == self.answer_calls => RunKind::HitPlannerAnswer,
                calls if calls == self.answer_calls + self.part_calls => RunKind::HitPlannerPart,
                _ => RunKind::Diverged,
            };
        }
        match self.decisions.first() {
            Some((_, Decision { outcome: Outcome::Bypass(_), .. })) => RunKind::Bypass,
            _ => RunKind::Miss,
        }
    }

    /// The run as something to learn from.
    pub(super) fn trace(&self, outcome: RunOutcome) -> Trace {
        let open = self.pending.iter().map(|call| TraceStep { call: call.clone(), observation: None });
        Trace {
            run: self.run.clone(),
            task: Task::clone(&self.task),
            steps: self.history.iter().cloned().chain(open).collect(),
            answer: self.answer.clone(),
            outcome,
            usage: self.usage,
        }
    }
}

/// The runs under way, bounded in number and in time.
#[derive(Debug)]
pub(super) struct Runs {
    runs: LruCache<RunKey, Vec<RunState>>,
    idle: Duration,
}

impl Runs {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self { runs: LruCache::new(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN)), idle }
    }

    /// The state of a request's run, new if it was not known; and the runs that had to go.
    pub(super) fn touch(&mut self, request: &PlanRequest) -> (&mut RunState, Vec<RunState>) {
        let mut gone = self.expired();
        let key = (request.task.namespace.clone(), request.run.clone());
        if !self.runs.contains(&key)
            && let Some((_, pushed_out)) = self.runs.push(key.clone(), Vec::new())
        {
            gone.extend(pushed_out);
        }
        let states = self.runs.get_or_insert_mut(key, Vec::new);
        let hash = match states.iter().find(|state| Arc::ptr_eq(&state.task, &request.task)) {
            Some(state) => state.task_hash.clone(),
            None => task_hash(&request.task),
        };
        match states.iter().position(|state| state.task_hash == hash) {
            Some(at) => {
                let state = states.remove(at);
                states.push(state);
            }
            None => {
                if states.len() >= MAX_TASKS {
                    gone.push(states.remove(0));
                }
                states.push(RunState::new(request, hash));
            }
        }
        let last = states.len() - 1;
        let state = &mut states[last];
        state.update(request);
        (state, gone)
    }

    /// The state of a run, if the request was seen before.
    pub(super) fn of(&mut self, request: &PlanRequest) -> Option<&mut RunState> {
        let key = (request.task.namespace.clone(), request.run.clone());
        let states = self.runs.get_mut(&key)?;
        let same = |state: &RunState| Arc::ptr_eq(&state.task, &request.task);
        let at = states.iter().position(same).or_else(|| {
            let hash = task_hash(&request.task);
            states.iter().position(|state| state.task_hash == hash)
        })?;
        states.get_mut(at)
    }

    /// The last decision for the run that was last asked about under this id.
    pub(super) fn last(&mut self, key: &RunKey) -> Option<&RunState> {
        self.runs.peek(key)?.last()
    }

    /// Ends the run that was last asked about under this id.
    pub(super) fn end(&mut self, key: &RunKey) -> Option<RunState> {
        let states = self.runs.get_mut(key)?;
        let state = states.pop();
        if states.is_empty() {
            self.runs.pop(key);
        }
        state
    }

    /// Takes out what has been idle for too long.
    fn expired(&mut self) -> Vec<RunState> {
        let mut gone = Vec::new();
        let idle = self.idle;
        while let Some((_, states)) = self.runs.peek_lru() {
            if states.iter().any(|state| state.touched.elapsed() < idle) {
                break;
            }
            gone.extend(self.runs.pop_lru().into_iter().flat_map(|(_, states)| states));
        }
        gone
    }
}

/// What makes a task another task.
fn task_hash(task: &Task) -> String {
    let Task { namespace, text, context, tools, output_format } = task;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    canonical_hash(&json!([namespace, text, context, names, output_format]))
}
