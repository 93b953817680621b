//! Learning does not depend on the order of the runs: of a shop with optional steps, and of a calculator
//! with days, units, sums and tables, any order leaves the same plans and serves the same calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/few.rs"]
mod few;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/series.rs"]
mod series;

use std::sync::Arc;

use few::few;
use plancache::domain::{Tool, Trace};
use plancache::engine::Engine;
use plancache::policy::Policy;
use proptest::prelude::*;
use runs::{engine, policy, run, served, tool};
use serde_json::{Value, json};
use series::Random;

fn below(random: &mut Random, end: u64) -> u64 {
    random.next() % end
}

fn tools() -> Arc<Vec<Tool>> {
    let (text, number) = (json!({"type": "string"}), json!({"type": "number"}));
    Arc::new(vec![
        tool("order", json!({"order": text})),
        tool("cancel", json!({"order": text, "reason": {"type": "string", "enum": ["late", "wrong"]}})),
        tool("refund", json!({"order": text, "amount": number})),
        tool("send", json!({"order": text, "on": text, "to": text})),
        tool("route", json!({"metres": number, "share": number})),
    ])
}

/// A run of the shop or of the calculator, of one of six kinds, with values of its own.
fn any_run(random: &mut Random) -> Trace {
    let order = format!("#W{}", 1000 + below(random, 9000));
    let look = |state: &str, price: u64, fee: u64| {
        let seen =
            json!({"order": order, "status": state, "price": price, "fee": fee, "today": "2024-05-15"});
        ("order", json!({"order": order}), seen)
    };
    let (price, fee) = (20 + below(random, 200), 1 + below(random, 15));
    let done = |text: String, calls: Vec<(&str, Value, Value)>| run(&text, &tools(), calls, "");
    match below(random, 6) {
        0 | 1 => {
            let paid = below(random, 2) == 0;
            let reason = if below(random, 2) == 0 { "late" } else { "wrong" };
            let mut calls = vec![look(if paid { "paid" } else { "unpaid" }, price, fee)];
            if paid {
                calls.push(("refund", json!({"order": order, "amount": price - fee}), json!({"ok": true})));
            }
            calls.push(("cancel", json!({"order": order, "reason": reason}), json!({"ok": true})));
            done(format!("Cancel order {order} because it is {reason}."), calls)
        }
        2 => {
            let days = 1 + below(random, 9);
            let on = format!("2024-05-{}", 15 + days);
            let (to, code) = [("Norway", "NO"), ("Denmark", "DK"), ("Peru", "PE")][below(random, 3) as usize];
            let send = ("send", json!({"order": order, "on": on, "to": code}), json!({"ok": true}));
            let said = format!("Send order {order} to {to} in {days} days.");
            done(said, vec![look("packed", price, fee), send])
        }
        3 => {
            let (day, month) = (1 + below(random, 28), 1 + below(random, 12));
            let on = format!("2025-{month:02}-{day:02}");
            let said = [format!("{day}/{month}/2025"), on.clone()][below(random, 2) as usize].clone();
            let (to, code) = [("Northmark", "QX"), ("Eastmark", "QE")][below(random, 2) as usize];
            let send = ("send", json!({"order": order, "on": on, "to": code}), json!({"ok": true}));
            done(format!("Ship {order} on {said} for {to}."), vec![send])
        }
        _ => {
            let (km, percent) = (2 + below(random, 40), 5 * (1 + below(random, 19)));
            let route = json!({"metres": km * 1000, "share": percent as f64 / 100.0});
            done(
                format!("Plan {km} km at {percent}% for {order}."),
                vec![("route", route, json!({"ok": true}))],
            )
        }
    }
}

async fn taught(runs: &[Trace]) -> Engine {
    let engine = engine(Policy { min_evidence_write: 2, ..policy(&["order", "route"]) }).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

/// What an engine knows: each plan by its content, with its tasks and state.
fn known(engine: &Engine) -> Vec<String> {
    let mut all: Vec<String> = engine
        .templates(None)
        .iter()
        .map(|r| format!("{} {} {:?}", r.template.content_version(), r.evidence.successes, r.state))
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(few(48))]

    #[test]
    fn any_order_of_the_same_runs_teaches_the_same(seed: u64, count in 4usize..24) {
        let mut random = Random(seed);
        let mut runs: Vec<Trace> = (0..count).map(|_| any_run(&mut random)).collect();
        let probes: Vec<Trace> = (0..6).map(|_| any_run(&mut random)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut seen: Option<(Vec<String>, Vec<_>)> = None;
        for _ in 0..3 {
            let engine = runtime.block_on(taught(&runs));
            let mut calls = Vec::new();
            for probe in &probes {
                calls.push(runtime.block_on(served(&engine, probe)).0);
            }
            let now = (known(&engine), calls);
            if let Some(before) = &seen {
                prop_assert_eq!(&before.1, &now.1, "served calls differ");
                prop_assert_eq!(&before.0, &now.0, "plans differ: {:#?}", engine.templates(None));
            }
            seen = Some(now);
            for i in (1..runs.len()).rev() {
                runs.swap(i, below(&mut random, i as u64 + 1) as usize);
            }
        }
    }
}

/// The law says nothing if nothing is served.
#[test]
fn most_of_what_was_taught_is_served() {
    let mut random = Random(7);
    let runs: Vec<Trace> = (0..60).map(|_| any_run(&mut random)).collect();
    let probes: Vec<Trace> = (0..60).map(|_| any_run(&mut random)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let engine = runtime.block_on(taught(&runs));
    let mut full = 0;
    for probe in &probes {
        let calls = runtime.block_on(served(&engine, probe)).0;
        let wanted = runs::calls_of(probe);
        assert!(calls.iter().zip(&wanted).all(|(a, b)| a == b), "{calls:?} {:?}", probe.task.text);
        full += usize::from(calls == wanted);
    }
    assert!(full >= 40, "{full} of 60");
}
