use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use plancache::domain::RunOutcome;
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::store::{MemoryStore, StoreError};
use serde::{Deserialize, Serialize};

use super::Course;
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

/// The ceilings of a benchmark in these orders, each of several streams; and, order by order, the
/// tasks that are within reach.
///
/// # Errors
/// When an empty cache cannot be opened.
pub async fn ceiling(
    benchmark: &Benchmark,
    orders: &[Vec<Course>],
    policy: &Policy,
) -> Result<(Ceiling, Vec<BTreeSet<String>>), StoreError> {
    let mut learnable = BTreeSet::new();
    let runs: HashMap<&str, _> = benchmark.runs.iter().map(|run| (run.task_id.as_str(), run)).collect();
    let streams = orders.first().into_iter().flatten();
    for case in streams.flat_map(|course| course.taught.iter().chain(&course.asked)) {
        let Some(run) = runs.get(case.id.as_str()) else { continue };
        let mut trace = run.trace.clone();
        if learnable.contains(case.id.as_str()) || !benchmark.judge(case, &trace).succeeded {
            continue;
        }
        trace.outcome = RunOutcome::Success;
        let alone = Engine::open(policy.clone(), Arc::new(MemoryStore::default()), None).await?;
        let admitted = alone.admit(&trace).await?;
        if admitted.rejected.is_empty() && !admitted.learnt.is_empty() {
            learnable.insert(case.id.as_str());
        }
    }
    let tasks: usize = orders.iter().flatten().map(|course| course.asked.len()).sum();
    let share = |seen: &[BTreeSet<String>]| {
        seen.iter().map(BTreeSet::len).sum::<usize>() as f64 / tasks.max(1) as f64
    };
    let seen = |teaches: &dyn Fn(&str) -> bool| -> Vec<BTreeSet<String>> {
        orders.iter().map(|courses| seen_before(benchmark, courses, teaches)).collect()
    };
    let within_reach = seen(&|id| learnable.contains(id));
    let ceiling = Ceiling { by_shape: share(&seen(&|_| true)), reachable: share(&within_reach) };
    Ok((ceiling, within_reach))
}

/// Tasks of an order all of whose shapes a task that teaches them showed before in their stream.
fn seen_before(
    benchmark: &Benchmark,
    courses: &[Course],
    teaches: &dyn Fn(&str) -> bool,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for course in courses {
        let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
        let shapes = |case: &Case| benchmark.shapes.get(&case.id).filter(|shapes| !shapes.is_empty());
        let learns = course.taught.is_empty();
        let both = course
            .taught
            .iter()
            .map(|case| (case, false))
            .chain(course.asked.iter().map(|case| (case, true)));
        for (case, asked) in both {
            let Some(shapes) = shapes(case) else { continue };
            let namespace = case.task.namespace.as_str();
            if asked && shapes.iter().all(|shape| known.contains(&(namespace, shape.as_str()))) {
                seen.insert(case.id.clone());
            }
            if teaches(&case.id) && (learns || !asked) {
                known.extend(shapes.iter().map(|shape| (namespace, shape.as_str())));
            }
        }
    }
    seen
}
