//! What a run was labelled with never reaches a decision.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clap::Parser;
use plancache_eval::demo::{Options, Stage, run};
use serde_json::{Value, json};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail")
}

/// Fills every field of a line but those kept with something absurd of another type.
fn spoil(line: &str, keep: &[&str]) -> String {
    let mut value: Value = serde_json::from_str(line).unwrap();
    for (key, member) in value.as_object_mut().unwrap() {
        if !keep.contains(&key.as_str()) {
            *member = json!({"garbage": [key, -1, false]});
        }
    }
    for extra in
        ["intents", "notes", "reward", "success", "gold_plan", "plan_shape", "slots", "tool_sequence"]
    {
        value[extra] = json!(["garbage", 17]);
    }
    value.to_string()
}

fn spoilt(file: &str, keep: &[&str], into: &Path) -> PathBuf {
    let text = std::fs::read_to_string(data().join(file)).unwrap();
    let spoilt: Vec<String> = text.lines().take(90).map(|line| spoil(line, keep)).collect();
    let path = into.join(file);
    std::fs::write(&path, spoilt.join("\n")).unwrap();
    path
}

/// Every decision of the first tasks, without times.
async fn decisions(extra: &[&str]) -> Vec<Value> {
    let data = data();
    let fixed = ["plancache-demo", "--limit", "90", "--no-filler", "--data", data.to_str().unwrap()];
    let options = Options::parse_from(fixed.iter().chain(extra));
    let stage = Stage::set(&options).await.unwrap();
    let mut all = Vec::new();
    run(&stage, &options, |result| {
        let mut line = result.log_line();
        for decision in line["decisions"].as_array_mut().unwrap() {
            decision.as_object_mut().unwrap().remove("us");
        }
        all.push(line);
    })
    .await
    .unwrap();
    all
}

#[tokio::test]
async fn garbage_in_the_labels_changes_no_decision() {
    let folder = tempfile::tempdir().unwrap();
    let keep = ["task_id", "instruction", "gold_actions", "outputs"];
    let tasks = spoilt("tasks_train.jsonl", &keep, folder.path());
    let runs = spoilt("tau_retail_oracle.jsonl", &["task_id", "run_id", "messages"], folder.path());
    let clean = decisions(&[]).await;
    let spoilt = decisions(&["--tasks", tasks.to_str().unwrap(), "--runs", runs.to_str().unwrap()]).await;
    assert_eq!(clean.len(), 90);
    assert_eq!(clean, spoilt);
}
