use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lookup::{self, Decision, Fingerprints};
use super::{Engine, lock};
use crate::domain::{Miss, Namespace, PlanRequest, RunId, Task};
use crate::fill::Plan;

/// What was decided for a run, and what is remembered of it since.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) decision: Decision,
    /// Gaps (by their first token) that the planner has filled, and the calls made in all by then.
    done: Mutex<HashMap<usize, usize>>,
}

impl Run {
    /// The plan, with what the planner has done of it.
    pub(super) fn so_far<'p>(&self, plan: &'p Plan) -> Cow<'p, Plan> {
        if plan.gaps.is_empty() {
            return Cow::Borrowed(plan);
        }
        let done = lock(&self.done);
        let mut plan = plan.clone();
        plan.gaps.iter_mut().for_each(|gap| gap.until = done.get(&gap.from).copied());
        Cow::Owned(plan)
    }

    /// Notes that the planner has filled a gap.
    pub(super) fn done(&self, gap: usize, calls: usize) {
        lock(&self.done).insert(gap, calls);
    }
}

/// By what a run's decision is remembered.
fn key(request: &PlanRequest) -> (Namespace, RunId, String) {
    (request.task.namespace.clone(), request.run.clone(), request.task.text.clone())
}

impl Engine {
    /// The decision for a run: the one made when it began, as long as that is remembered.
    pub(super) async fn decision(&self, request: &PlanRequest) -> Arc<Run> {
        if let Some(run) = self.remembered(request) {
            return run;
        }
        let snapshot = self.snapshot.load_full();
        let fingerprints = self.fingerprints(&request.task);
        let mut decision = lookup::decide(&snapshot, &request.task, &self.policy, &fingerprints);
        if let Some(tenant) = snapshot.tenant(&request.task.namespace) {
            if let Decision::Miss(miss @ (Miss::NotCovered { .. } | Miss::NoCandidate)) = &decision {
                decision = self.naturally(tenant, &request.task, &fingerprints, miss.clone()).await;
            }
            // Of a run under way nobody remembers which calls were the planner's.
            if request.history.is_empty() {
                decision = self.around(tenant, &request.task, &fingerprints, decision);
            }
        }
        if let Decision::Plan { plan, slots, .. } = &mut decision
            && plan.is_open()
        {
            match self.choose(&request.task, plan).await {
                Ok((closed, chosen)) => {
                    *plan = closed;
                    slots.extend(chosen);
                }
                Err(miss) => decision = Decision::Miss(miss),
            }
        }
        let run = Arc::new(Run { decision, done: Mutex::default() });
        lock(&self.runs).put(key(request), run.clone());
        run
    }

    /// What is remembered of a run.
    pub(super) fn remembered(&self, request: &PlanRequest) -> Option<Arc<Run>> {
        lock(&self.runs).get(&key(request)).cloned()
    }

    pub(super) fn fingerprints(&self, task: &Task) -> Arc<Fingerprints> {
        let address = Arc::as_ptr(&task.tools) as usize;
        if let Some((_, prints)) = lock(&self.fingerprints).get(&address) {
            return prints.clone();
        }
        let prints: Arc<HashMap<String, String>> =
            Arc::new(task.tools.iter().map(|tool| (tool.name.clone(), tool.fingerprint())).collect());
        lock(&self.fingerprints).put(address, (task.tools.clone(), prints.clone()));
        prints
    }
}
