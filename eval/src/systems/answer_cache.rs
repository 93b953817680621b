use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{Namespace, RunOutcome, Trace};

use super::replay::{planned, replayed};
use super::{Kind, Metered, Ran, System, SystemError};
use crate::bench::{Case, World};

/// Unit vectors of the tasks' texts, by the tasks' ids: computed once for all orders.
pub type Vectors = Arc<HashMap<String, Vec<f32>>>;

/// A semantic answer cache, GPTCache's way: what was answered to the most similar earlier text is
/// answered again, if its similarity reaches a threshold.
pub struct AnswerCache {
    planner: Metered,
    vectors: Vectors,
    least: f32,
    learnt: HashMap<Namespace, Vec<(String, Arc<Trace>)>>,
}

impl AnswerCache {
    /// With an empty cache; `least` is the cosine similarity from which on it answers.
    pub fn new(planner: Metered, vectors: Vectors, least: f32) -> Self {
        Self { planner, vectors, least, learnt: HashMap::new() }
    }

    fn nearest(&self, case: &Case) -> Option<(f32, &(String, Arc<Trace>))> {
        let own = self.vectors.get(&case.id)?;
        let similarity = |id: &str| self.vectors.get(id).map_or(-1.0, |other| dot(own, other));
        let learnt = self.learnt.get(&case.task.namespace)?.iter();
        learnt.map(|entry| (similarity(&entry.0), entry)).max_by(|a, b| a.0.total_cmp(&b.0))
    }
}

pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[async_trait]
impl System for AnswerCache {
    fn name(&self) -> String {
        format!("answer_cache_{:.2}", self.least)
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        match self.nearest(case).filter(|(similarity, _)| *similarity >= self.least) {
            Some((_, (from, trace))) => Ok(replayed(case, world, &trace.clone(), &from.clone()).await),
            None => Ok(planned(case, world, &self.planner).await),
        }
    }

    async fn finish(&mut self, case: &Case, ran: &mut Ran, outcome: RunOutcome) -> Result<(), SystemError> {
        if outcome == RunOutcome::Success && ran.kind == Kind::Miss {
            let learnt = self.learnt.entry(case.task.namespace.clone()).or_default();
            learnt.push((case.id.clone(), Arc::new(ran.trace.clone())));
        }
        Ok(())
    }
}
