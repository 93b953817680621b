//! A stream must not see what it is judged by.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use plancache::policy::Policy;
use plancache_agents::recorded::RecordedPlanner;
use plancache_eval::bench::{self, Benchmark, Case};
use plancache_eval::measure::TaskRecord;
use plancache_eval::run::{Feedback, orders, stream};
use plancache_eval::systems::{CacheSettings, Cached, Kind, Metered};
use serde_json::Value;

fn retail(tasks: Option<PathBuf>) -> Benchmark {
    let mut definition = bench::find("retail").unwrap();
    if let Some(tasks) = tasks {
        definition.files.tasks = tasks;
    }
    bench::load(definition).unwrap()
}

async fn served(
    benchmark: &Benchmark,
    order: &[Case],
    feedback: impl Into<Option<Feedback>>,
) -> Vec<TaskRecord> {
    let (runs, prompt) = (benchmark.runs.clone(), benchmark.prompt.clone());
    let planner = Metered::recorded(RecordedPlanner::new(runs, benchmark.reads(), prompt), 0);
    let policy = Policy { effects: benchmark.effects.clone(), filler: false, ..Policy::default() };
    let settings = CacheSettings { name: "plancache_no_filler".into(), policy, filler: None, embedder: None };
    let mut system = Cached::new(planner, settings).await.unwrap();
    stream(benchmark, order, &mut system, feedback.into(), &BTreeMap::new(), &|_| {}).await.unwrap()
}

/// What was decided of a task, apart from what the judge says of it and from times.
fn decided(record: &TaskRecord) -> (String, String, Vec<String>, u64, (u64, u64)) {
    let (kind, from) = (format!("{:?}", record.kind), record.from.clone());
    (record.task.clone(), kind, from, record.planner.tokens(), record.slots)
}

/// The tasks with other gold actions: those of the next task, and an output that nobody says.
fn poisoned(folder: &std::path::Path) -> PathBuf {
    let source = bench::find("retail").unwrap().files.task_file();
    let lines = std::fs::read_to_string(source).unwrap();
    let mut tasks: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let golds: Vec<Value> = tasks.iter().map(|task| task["gold_actions"].clone()).collect();
    let count = tasks.len();
    for (at, task) in tasks.iter_mut().enumerate() {
        task["gold_actions"] = golds[(at + 1) % count].clone();
        task["outputs"] = serde_json::json!(["poison"]);
    }
    let path = folder.join("tasks.jsonl");
    let text: Vec<String> = tasks.iter().map(Value::to_string).collect();
    std::fs::write(&path, text.join("\n")).unwrap();
    path
}

#[tokio::test]
async fn a_poisoned_gold_changes_no_decision() {
    let folder = tempfile::tempdir().unwrap();
    let (clean, poisoned) = (retail(None), retail(Some(poisoned(folder.path()))));
    let order = |benchmark: &Benchmark| orders(&benchmark.cases[..120], &[7]).remove(0);
    // Without verified outcomes, since those are what the gold says of tasks that are over.
    let right = served(&clean, &order(&clean), Feedback::Trace).await;
    let wrong = served(&poisoned, &order(&poisoned), Feedback::Trace).await;
    assert!(right.iter().filter(|r| r.succeeded).count() > 110);
    assert_eq!(wrong.iter().filter(|r| r.succeeded).count(), 0);
    let all = |records: &[TaskRecord]| records.iter().map(decided).collect::<Vec<_>>();
    assert_eq!(all(&right), all(&wrong));
}

#[tokio::test]
async fn the_run_of_the_task_at_hand_changes_no_decision_about_it() {
    let clean = retail(None);
    let order = orders(&clean.cases[..120], &[7]).remove(0);
    let mut poisoned = retail(None);
    let last = order.last().unwrap().id.clone();
    // Another task's run in place of the last one's.
    let other = poisoned.runs.iter().find(|run| run.task_id == order[0].id).unwrap().trace.steps.clone();
    poisoned.runs.iter_mut().find(|run| run.task_id == last).unwrap().trace.steps = other;
    let (right, wrong) = (
        served(&clean, &order, Feedback::Verified).await,
        served(&poisoned, &order, Feedback::Verified).await,
    );
    let (right, wrong) = (right.last().unwrap(), wrong.last().unwrap());
    // The planner, who has the last word, has lost its script; what was served before is the same.
    assert_ne!(right.kind, Kind::Miss);
    assert_ne!(wrong.kind, Kind::Miss);
    assert_eq!((&right.from, right.slots), (&wrong.from, wrong.slots));
}

#[tokio::test]
async fn without_feedback_nothing_is_learnt() {
    let retail = retail(None);
    let order = orders(&retail.cases[..60], &[7]).remove(0);
    let records = served(&retail, &order, None).await;
    assert!(records.iter().all(|record| record.kind == Kind::Miss && record.succeeded));
}
