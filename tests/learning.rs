//! What learning may do can be switched off, part by part; and what nothing confirms is given up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Learning, Lifecycle, Tool, Trace};
use plancache::engine::Engine;
use plancache::policy::Policy;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::json;

fn tools() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let all = json!({"type": "array", "items": text});
    Arc::new(vec![
        tool("tow", json!({"boats": all, "pier": text})),
        tool("paint", json!({"boat": text})),
        tool("berths", json!({"pier": text})),
    ])
}

fn towing(boats: &[&str]) -> Trace {
    let call = ("tow", json!({"boats": boats}), json!({"done": true}));
    run(&format!("Tow {}.", boats.join(", ")), &tools(), [call], "")
}

fn painting(boat: &str) -> Trace {
    run(&format!("Paint {boat}."), &tools(), [("paint", json!({"boat": boat}), json!({"done": true}))], "")
}

/// Both tasks in one.
fn both(first: &Trace, second: &Trace) -> Trace {
    let mut all = first.clone();
    all.task.text = format!("{} {}", first.task.text, second.task.text);
    all.steps.extend(second.steps.clone());
    all
}

async fn taught(learning: Learning, runs: &[Trace]) -> Engine {
    let engine = engine(Policy { learning, ..policy(&["berths"]) }).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

async fn serves(engine: &Engine, asked: &Trace) -> bool {
    served(engine, asked).await.0 == calls_of(asked)
}

#[tokio::test]
async fn without_blocks_a_run_is_learnt_as_a_whole() {
    let runs = [both(&towing(&["K_1", "K_2"]), &painting("K_3"))];
    let (same, part) = (both(&towing(&["K_4", "K_5"]), &painting("K_6")), painting("K_7"));
    let on = taught(Learning::default(), &runs).await;
    assert!(serves(&on, &same).await && serves(&on, &part).await);
    let off = taught(Learning { blocks: false, ..Learning::default() }, &runs).await;
    assert!(serves(&off, &same).await && !serves(&off, &part).await);
    assert_eq!((on.templates(None).len(), off.templates(None).len()), (2, 1));
}

#[tokio::test]
async fn without_loops_a_list_serves_its_own_length() {
    let runs = [towing(&["K_1", "K_2"])];
    let (same, longer) = (towing(&["K_4", "K_5"]), towing(&["K_4", "K_5", "K_6"]));
    let on = taught(Learning::default(), &runs).await;
    assert!(serves(&on, &same).await && serves(&on, &longer).await);
    let off = taught(Learning { loops: false, ..Learning::default() }, &runs).await;
    assert!(serves(&off, &same).await && !serves(&off, &longer).await);
}

#[tokio::test]
async fn without_merging_further_runs_are_evidence_alone() {
    // In the first run both boats of the pier are named alike, so that two readings explain the call.
    let at = |pier: &str, name: &str, owner: &str, boat: &str| {
        let boats = json!([{"name": name, "owner": owner, "boat": boat}, {"name": "Old", "owner": "Bo", "boat": "K_0"}]);
        let look = ("berths", json!({"pier": pier}), boats);
        let paint = ("paint", json!({"boat": boat}), json!({"done": true}));
        run(&format!("At {pier}, paint the {name}."), &tools(), [look, paint], "")
    };
    let runs = [at("P_1", "Gull", "Gull", "K_1"), at("P_2", "Tern", "Ada", "K_2")];
    let asked = at("P_3", "Skua", "Ida", "K_3");
    let on = taught(Learning::default(), &runs).await;
    assert!(serves(&on, &asked).await);
    let off = taught(Learning { merge: false, ..Learning::default() }, &runs[..1]).await;
    let before = off.templates(None)[0].template.version.clone();
    off.admit(&at("P_4", "Rook", "Rook", "K_4")).await.unwrap();
    let after = off.templates(None).remove(0);
    assert_eq!((&after.template.version, after.evidence.successes), (&before, 2));
    assert!(!serves(&off, &asked).await);
}

#[tokio::test]
async fn what_no_run_confirms_is_given_up() {
    let engine = engine(Policy { min_evidence_write: 2, forget_after: 3, ..policy(&["berths"]) }).await;
    engine.admit(&painting("K_1")).await.unwrap();
    let mut forgotten = Vec::new();
    for n in 2..8 {
        let boats = [format!("K_{n}"), format!("K_9{n}")];
        let run = towing(&[boats[0].as_str(), boats[1].as_str()]);
        forgotten.extend(engine.admit(&run).await.unwrap().forgotten);
    }
    assert_eq!(forgotten.len(), 1);
    assert!(forgotten[0].as_str().starts_with("paint"), "{forgotten:?}");
    let left = engine.templates(None);
    assert_eq!((left.len(), left[0].state), (1, Lifecycle::Active));
}
