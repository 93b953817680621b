//! Plans for the same words are told apart by what is observed, a plan is told apart from where it went
//! wrong, and what nothing confirms is given up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Diverged, Lifecycle, Outcome, RunOutcome, Served, Tool, Trace};
use plancache::engine::Engine;
use plancache::policy::Policy;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::json;

fn tools() -> Arc<Vec<Tool>> {
    let boat = json!({"boat": {"type": "string"}});
    Arc::new(["look", "mend", "sell"].iter().map(|name| tool(name, boat.clone())).collect())
}

/// A run that looks at a boat and then does what its state asks for.
fn seen_to(boat: &str, is: &str, what: &str) -> Trace {
    let look = ("look", json!({"boat": boat}), json!({"boat": boat, "is": is}));
    let act = (what, json!({"boat": boat}), json!({"done": true}));
    run(&format!("See to the boat {boat}."), &tools(), [look, act], "")
}

async fn taught(runs: &[Trace]) -> Engine {
    let engine = engine(policy(&["look"])).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

#[tokio::test]
async fn plans_for_the_same_words_are_told_apart_by_a_state() {
    let engine = taught(&[
        seen_to("K_1", "leaky", "mend"),
        seen_to("K_2", "sound", "sell"),
        seen_to("K_3", "sound", "sell"),
        seen_to("K_4", "leaky", "mend"),
    ])
    .await;
    for (is, what) in [("leaky", "mend"), ("sound", "sell")] {
        let asked = seen_to("K_9", is, what);
        let (calls, last) = served(&engine, &asked).await;
        assert_eq!(calls, calls_of(&asked));
        assert!(matches!(last.outcome, Outcome::PlannerAnswer { .. }), "{last:?}");
    }
    // They became one plan with a condition. A state that no run showed decides nothing.
    assert_eq!(engine.templates(None).len(), 1);
    let (calls, last) = served(&engine, &seen_to("K_9", "sunk", "mend")).await;
    assert_eq!(calls.len(), 1);
    assert!(matches!(last.outcome, Outcome::Diverged(Diverged::Guard { .. })), "{last:?}");
}

#[tokio::test]
async fn a_plan_is_not_served_again_where_it_went_wrong() {
    let engine = taught(&[seen_to("K_1", "leaky", "mend")]).await;
    let wrong = seen_to("K_2", "burnt", "mend");
    assert_eq!(served(&engine, &wrong).await.0, calls_of(&wrong));
    let record = engine.templates(None).remove(0);
    let by =
        Served { id: record.template.id.clone(), version: record.template.version.clone(), loosely: false };
    let namespace = &wrong.task.namespace;
    engine.served(namespace, &[by], false, RunOutcome::Failure, Some(&wrong)).await.unwrap();
    assert_eq!(engine.templates(None)[0].state, Lifecycle::Quarantined);
    // New evidence brings it back, but not for what it was wrong with.
    for boat in ["K_3", "K_4", "K_5"] {
        engine.admit(&seen_to(boat, "leaky", "mend")).await.unwrap();
    }
    let well = seen_to("K_6", "leaky", "mend");
    assert_eq!(served(&engine, &well).await.0, calls_of(&well));
    let (calls, last) = served(&engine, &seen_to("K_7", "burnt", "mend")).await;
    assert_eq!(calls.len(), 1);
    assert!(matches!(last.outcome, Outcome::Diverged(Diverged::Guard { .. })), "{last:?}");
    // Until it is seen to go well there.
    engine.admit(&seen_to("K_8", "burnt", "mend")).await.unwrap();
    let well = seen_to("K_9", "burnt", "mend");
    assert_eq!(served(&engine, &well).await.0, calls_of(&well));
}

#[tokio::test]
async fn what_no_run_confirms_is_given_up() {
    let engine = engine(Policy { min_evidence_write: 2, forget_after: 3, ..policy(&["look"]) }).await;
    engine.admit(&seen_to("K_1", "leaky", "mend")).await.unwrap();
    let mut forgotten = Vec::new();
    for n in 2..8 {
        forgotten.extend(engine.admit(&seen_to(&format!("K_{n}"), "sound", "sell")).await.unwrap().forgotten);
    }
    assert_eq!(forgotten.len(), 1);
    assert!(forgotten[0].as_str().starts_with("mend"), "{forgotten:?}");
    let left = engine.templates(None);
    assert_eq!((left.len(), left[0].state), (1, Lifecycle::Active));
}
