use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use plancache::domain::RunOutcome;
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::store::{MemoryStore, StoreError};
use serde::{Deserialize, Serialize};

use crate::bench::{Benchmark, Case};

/// What a cache could serve at most, when tasks come in these orders and it begins empty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Share of tasks all of whose plan shapes came before.
    pub by_shape: f64,
    /// Share of tasks all of whose plan shapes came before in a run that succeeded and that can be
    /// learnt whole: every value of it is explained.
    pub reachable: f64,
}

/// The ceilings of a benchmark in these orders.
///
/// # Errors
/// When an empty cache cannot be opened.
pub async fn ceiling(
    benchmark: &Benchmark,
    orders: &[Vec<Case>],
    policy: &Policy,
) -> Result<Ceiling, StoreError> {
    let mut learnable = BTreeSet::new();
    let runs: HashMap<&str, _> = benchmark.runs.iter().map(|run| (run.task_id.as_str(), run)).collect();
    for case in orders.first().into_iter().flatten() {
        let Some(run) = runs.get(case.id.as_str()) else { continue };
        let mut trace = run.trace.clone();
        if !benchmark.judge(case, &trace).succeeded {
            continue;
        }
        trace.outcome = RunOutcome::Success;
        let alone = Engine::open(policy.clone(), Arc::new(MemoryStore::default()), None).await?;
        let admitted = alone.admit(&trace).await?;
        if admitted.rejected.is_empty() && !admitted.learnt.is_empty() {
            learnable.insert(case.id.as_str());
        }
    }
    let tasks: usize = orders.iter().map(Vec::len).sum();
    let share = |teaches: &dyn Fn(&str) -> bool| {
        let seen: usize = orders.iter().map(|order| seen_before(benchmark, order, teaches)).sum();
        seen as f64 / tasks.max(1) as f64
    };
    Ok(Ceiling { by_shape: share(&|_| true), reachable: share(&|id| learnable.contains(id)) })
}

/// Tasks of an order all of whose shapes a task that teaches them showed before.
fn seen_before(benchmark: &Benchmark, order: &[Case], teaches: &dyn Fn(&str) -> bool) -> usize {
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut seen = 0;
    for case in order {
        let Some(shapes) = benchmark.shapes.get(&case.id).filter(|shapes| !shapes.is_empty()) else {
            continue;
        };
        let namespace = case.task.namespace.as_str();
        seen += usize::from(shapes.iter().all(|shape| known.contains(&(namespace, shape.as_str()))));
        if teaches(&case.id) {
            known.extend(shapes.iter().map(|shape| (namespace, shape.as_str())));
        }
    }
    seen
}
