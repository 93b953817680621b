//! What the tests of several benchmarks need.

use super::{Benchmark, find, load};

/// A benchmark as its definition has it.
pub(super) fn loaded(name: &str) -> Benchmark {
    load(find(name).unwrap()).unwrap()
}

/// How many of the planner's own runs are successes by the benchmark's judge.
pub(super) fn succeeding(benchmark: &Benchmark) -> usize {
    let right = |case: &&super::Case| {
        let run = benchmark.runs.iter().find(|run| run.task_id == case.id);
        run.is_some_and(|run| benchmark.judge(case, &run.trace).succeeded)
    };
    benchmark.cases.iter().filter(right).count()
}
