use std::collections::HashMap;
use std::sync::Arc;

use super::lookup::{self, Decision, Fingerprints};
use super::{Engine, lock};
use crate::domain::{Miss, PlanRequest, Task};

impl Engine {
    /// The decision for a run: the one made when it began, as long as that is remembered.
    pub(super) async fn decision(&self, request: &PlanRequest) -> Arc<Decision> {
        let key = (request.task.namespace.clone(), request.run.clone(), request.task.text.clone());
        if let Some(decision) = lock(&self.runs).get(&key) {
            return decision.clone();
        }
        let snapshot = self.snapshot.load_full();
        let fingerprints = self.fingerprints(&request.task);
        let mut decision = lookup::decide(&snapshot, &request.task, &self.policy, &fingerprints);
        if let Decision::Miss(miss @ (Miss::NotCovered { .. } | Miss::NoCandidate)) = &decision
            && let Some(tenant) = snapshot.tenant(&request.task.namespace)
        {
            decision = self.naturally(tenant, &request.task, &fingerprints, miss.clone()).await;
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
        let decision = Arc::new(decision);
        lock(&self.runs).put(key, decision.clone());
        decision
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
