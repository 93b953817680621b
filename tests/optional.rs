//! Steps that some runs make and others leave out for the same words, on an invented lending library:
//! one plan with a condition on what was observed, where the runs bear it out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Outcome, Tool, Trace};
use plancache::engine::Engine;
use plancache::policy::Policy;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::{Value, json};

fn library() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let one = |name: &str| tool(name, json!({"loan": text}));
    Arc::new(vec![one("look"), one("remind"), one("renew"), one("close")])
}

/// Looks a loan up, reminds its reader if it is late, and renews it.
fn renewal(loan: &str, is: Value) -> Trace {
    let late = is == json!("late") || is == json!({"late": true});
    let seen = match &is {
        Value::Object(own) => json!({"loan": loan, "reader": own}),
        is => json!({"loan": loan, "is": is}),
    };
    let mut calls = vec![("look", json!({"loan": loan}), seen)];
    if late {
        calls.push(("remind", json!({"loan": loan}), json!({"sent": true})));
    }
    calls.push(("renew", json!({"loan": loan}), json!({"ok": true})));
    run(&format!("Renew the loan {loan}, please."), &library(), calls, "")
}

async fn taught(runs: &[Trace]) -> Engine {
    let engine = engine(Policy { min_evidence_write: 2, ..policy(&["look"]) }).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

fn four(late: Value, on_time: Value) -> Vec<Trace> {
    let is = [late.clone(), on_time.clone(), late, on_time];
    is.into_iter().enumerate().map(|(n, is)| renewal(&format!("L-{n}"), is)).collect()
}

#[tokio::test]
async fn a_step_that_a_state_tells_is_one_plan_with_a_condition() {
    for (late, on_time) in
        [(json!("late"), json!("on time")), (json!({"late": true}), json!({"late": false}))]
    {
        let runs = four(late.clone(), on_time.clone());
        let engine = taught(&runs).await;
        let acting: Vec<_> = engine.templates(None).into_iter().filter(|r| !r.template.is_idle()).collect();
        assert_eq!(acting.len(), 1, "{acting:#?}");
        let steps = &acting[0].template.steps;
        assert_eq!(steps.iter().map(|s| s.when.len()).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(acting[0].evidence.successes, 4);
        for is in [late, on_time] {
            let wanted = renewal("L-77", is);
            assert_eq!(served(&engine, &wanted).await.0, calls_of(&wanted));
        }
        // What no run showed is left to the planner, after the look.
        let (calls, last) = served(&engine, &renewal("L-78", json!("lost"))).await;
        assert_eq!(calls.len(), 1);
        assert!(matches!(last.outcome, Outcome::Diverged(_)), "{:?}", last.outcome);
    }
}

#[tokio::test]
async fn further_runs_of_both_kinds_go_on_to_teach_it() {
    let mut runs = four(json!("late"), json!("on time"));
    runs.push(renewal("L-9", json!("reserved")));
    runs.push(renewal("L-10", json!("late")));
    let engine = taught(&runs).await;
    assert_eq!(engine.templates(None).len(), 1);
    assert_eq!(engine.templates(None)[0].evidence.successes, 6);
    let wanted = renewal("L-77", json!("reserved"));
    assert_eq!(served(&engine, &wanted).await.0, calls_of(&wanted));
}

#[tokio::test]
async fn without_evidence_on_both_sides_there_is_no_condition() {
    // One run alone left the call out.
    let engine = taught(&four(json!("late"), json!("on time"))[..3]).await;
    assert!(engine.templates(None).iter().all(|r| r.template.steps.iter().all(|s| s.when.is_empty())));
    // The state does not tell them apart: one was reminded, the other not.
    let mut runs = four(json!("late"), json!("on time"));
    runs[1].steps[0].observation = runs[0].steps[0].observation.clone();
    let engine = taught(&runs).await;
    assert!(engine.templates(None).iter().all(|r| r.template.steps.iter().all(|s| s.when.is_empty())));
}

#[tokio::test]
async fn the_order_of_the_runs_does_not_matter() {
    let runs = four(json!("late"), json!("on time"));
    let mut known = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [1, 3, 0, 2]] {
        let own: Vec<Trace> = order.iter().map(|at| runs[*at].clone()).collect();
        let engine = taught(&own).await;
        let all = engine.templates(None);
        assert_eq!(all.len(), 1);
        known.push((all[0].template.content_version(), all[0].evidence.tasks.clone(), all[0].state));
    }
    assert!(known.windows(2).all(|pair| pair[0] == pair[1]), "{known:?}");
}

/// Closes a loan that was returned, or reminds its reader.
fn ended(loan: &str, returned: bool) -> Trace {
    let seen = json!({"loan": loan, "returned": returned});
    let then = if returned { "close" } else { "remind" };
    let calls = [("look", json!({"loan": loan}), seen), (then, json!({"loan": loan}), json!({"ok": true}))];
    run(&format!("See to the loan {loan}."), &library(), calls, "")
}

#[tokio::test]
async fn one_of_two_steps_by_a_flag() {
    let runs: Vec<Trace> = (0..4).map(|n| ended(&format!("L-{n}"), n % 2 == 0)).collect();
    let engine = taught(&runs).await;
    assert_eq!(engine.templates(None).len(), 1, "{:#?}", engine.templates(None));
    for returned in [true, false] {
        let wanted = ended("L-77", returned);
        assert_eq!(served(&engine, &wanted).await.0, calls_of(&wanted));
    }
}
