//! What the tests of several benchmarks need.

use plancache::domain::{RunId, RunOutcome, Trace, Usage};

use super::{Benchmark, Case, find, load};

/// A benchmark as its definition has it.
pub(super) fn loaded(name: &str) -> Benchmark {
    load(find(name).unwrap()).unwrap()
}

/// A benchmark whose data is not part of the project, with these tasks.
pub(super) fn loaded_from(name: &str, tasks: &str) -> Benchmark {
    let folder = tempfile::tempdir().unwrap();
    let mut definition = find(name).unwrap();
    definition.files.data = folder.path().to_owned();
    // An example may be written over several lines.
    let lines: Vec<String> = serde_json::Deserializer::from_str(tasks)
        .into_iter::<serde_json::Value>()
        .map(|task| task.unwrap().to_string())
        .collect();
    std::fs::write(definition.files.task_file(), lines.join("\n")).unwrap();
    load(definition).unwrap()
}

/// A run of this case that only answers.
pub(super) fn answered(case: &Case, answer: &str) -> Trace {
    Trace {
        run: RunId::new(&case.id),
        task: case.task.as_ref().clone(),
        steps: Vec::new(),
        answer: Some(answer.to_owned()),
        outcome: RunOutcome::Unknown,
        usage: Usage::default(),
    }
}

/// How many of the planner's own runs are successes by the benchmark's judge.
pub(super) fn succeeding(benchmark: &Benchmark) -> usize {
    let right = |case: &&Case| {
        let run = benchmark.runs.iter().find(|run| run.task_id == case.id);
        run.is_some_and(|run| benchmark.judge(case, &run.trace).succeeded)
    };
    benchmark.cases.iter().filter(right).count()
}
