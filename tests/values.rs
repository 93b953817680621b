//! Values that need work, on invented agents of a harbour: recognised in the text's own notation,
//! counted from a day that is observed, calculated; and never guessed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Learning, Outcome, Tool, Trace};
use plancache::engine::{Engine, Reply};
use plancache::policy::Policy;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::{Value, json};

fn harbour() -> Arc<Vec<Tool>> {
    let (text, number) = (json!({"type": "string"}), json!({"type": "number"}));
    Arc::new(vec![
        tool("berth", json!({"boat": text, "from": text, "until": text})),
        tool("calendar", json!({"of": text})),
        tool("fee", json!({"boat": text, "share": number, "metres": number})),
        tool("port", json!({"country": text, "kind": text})),
        tool("ledger", json!({"boat": text})),
        tool("pay", json!({"boat": text, "amount": number})),
    ])
}

fn done<'a>(text: &str, calls: impl IntoIterator<Item = (&'a str, Value, Value)>) -> Trace {
    run(text, &harbour(), calls, "")
}

const READS: [&str; 5] = ["berth", "calendar", "fee", "port", "ledger"];

async fn taught(policy: Policy, runs: &[Trace]) -> Engine {
    let engine = engine(policy).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

/// What is served of a run after these, and whether it is all of its calls.
async fn asked(runs: &[Trace], wanted: &Trace) -> (bool, usize, Reply) {
    let (calls, last) = served(&taught(policy(&READS), runs).await, wanted).await;
    (calls == calls_of(wanted), calls.len(), last)
}

async fn serves(runs: &[Trace], wanted: &Trace) {
    let (all, calls, last) = asked(runs, wanted).await;
    assert!(all, "{calls} calls of {:?}: {:?}", wanted.task.text, last.outcome);
}

/// No call is served that the run does not have; the plan is not served to its end.
async fn misses(runs: &[Trace], wanted: &Trace) {
    let (calls, last) = served(&taught(policy(&READS), runs).await, wanted).await;
    let right = calls_of(wanted);
    assert!(calls.len() < right.len() || right.is_empty(), "{calls:?}");
    assert!(calls.iter().zip(&right).all(|(a, b)| a == b), "{calls:?}");
    assert!(
        !matches!(last.outcome, Outcome::Hit { .. } | Outcome::PlannerAnswer { .. }),
        "{:?}",
        last.outcome
    );
}

fn berth(boat: &str, said: (&str, &str), is: (&str, &str)) -> Trace {
    let arguments = json!({"boat": boat, "from": is.0, "until": is.1});
    done(
        &format!("Berth {boat} from {} until {}.", said.0, said.1),
        [("berth", arguments, json!({"ok": true}))],
    )
}

#[tokio::test]
async fn days_are_read_as_people_write_them() {
    let learnt = berth("K_1", ("May 15, 2024", "May 20, 2024"), ("2024-05-15", "2024-05-20"));
    let others = [
        berth("K_2", ("June 3, 2025", "4 July 2025"), ("2025-06-03", "2025-07-04")),
        berth("K_3", ("2026-01-31", "2026/02/01"), ("2026-01-31", "2026-02-01")),
        berth("K_4", ("the 5th of March 2024", "March 7th, 2024"), ("2024-03-05", "2024-03-07")),
        berth("K_5", ("25/12/2024", "12/26/2024"), ("2024-12-25", "2024-12-26")),
    ];
    for other in &others {
        serves(std::slice::from_ref(&learnt), other).await;
    }
    // Off, only what is copied is learnt.
    let off = Policy { learning: Learning { values: false, ..Learning::default() }, ..policy(&READS) };
    assert!(served(&taught(off, &[learnt]).await, &others[0]).await.0.is_empty());
}

#[tokio::test]
async fn the_order_of_day_and_month_is_not_guessed() {
    let learnt = berth("K_1", ("May 15, 2024", "May 20, 2024"), ("2024-05-15", "2024-05-20"));
    let ambiguous = berth("K_2", ("05/06/2024", "07/06/2024"), ("2024-06-05", "2024-06-07"));
    misses(std::slice::from_ref(&learnt), &ambiguous).await;
    // A run that shows the order settles it.
    let other = berth("K_3", ("01/02/2024", "03/02/2024"), ("2024-02-01", "2024-02-03"));
    serves(&[learnt.clone(), ambiguous.clone()], &other).await;
    serves(&[ambiguous, learnt], &other).await;
}

fn visit(boat: &str, today: &str, said: &str, day: &str) -> Trace {
    let calls = [
        ("calendar", json!({"of": "all"}), json!({"of": "all", "today": today})),
        ("berth", json!({"boat": boat, "from": day, "until": day}), json!({"ok": true})),
    ];
    done(&format!("Berth {boat} {said}, by the calendar of all boats."), calls)
}

#[tokio::test]
async fn days_are_counted_from_one_that_was_observed() {
    let learnt = visit("K_1", "2024-05-15", "tomorrow", "2024-05-16");
    serves(std::slice::from_ref(&learnt), &visit("K_2", "2024-12-31", "tomorrow", "2025-01-01")).await;
    serves(std::slice::from_ref(&learnt), &visit("K_2", "2024-02-27", "in three days", "2024-03-01")).await;
    // "Next Friday" may be this week's or the next one's: the day decides nothing, a run does.
    let friday = visit("K_3", "2024-05-14", "next Friday", "2024-05-24");
    misses(std::slice::from_ref(&learnt), &friday).await;
    serves(&[learnt, friday], &visit("K_4", "2024-05-22", "next Monday", "2024-05-27")).await;
}

#[tokio::test]
async fn percentages_codes_and_nouns() {
    let fee = |boat: &str, percent: &str, share: f64, metres: u32| {
        let text = format!("Take {percent} of the fee of {boat} for {metres} metres.");
        done(&text, [("fee", json!({"boat": boat, "share": share, "metres": metres}), json!({"fee": 7}))])
    };
    serves(&[fee("K_1", "6%", 0.06, 12)], &fee("K_2", "12.5%", 0.125, 9)).await;
    let port = |country: &str, code: &str, kinds: &str, kind: &str| {
        let text = format!("Which \"{kinds}\" are there in {country}?");
        done(&text, [("port", json!({"country": code, "kind": kind}), json!({"ports": []}))])
    };
    serves(&[port("Norway", "NO", "ferries", "ferry")], &port("Denmark", "DK", "tugs", "tug")).await;
    misses(&[port("Norway", "NO", "ferries", "ferry")], &port("Atlantis", "AT", "tugs", "tug")).await;
}

fn long(boat: &str, km: &str, metres: u32) -> Trace {
    let arguments = json!({"boat": boat, "share": 0.5, "metres": metres});
    done(&format!("What does {boat} pay of half the fee for {km}?"), [("fee", arguments, json!({"fee": 7}))])
}

#[tokio::test]
async fn a_unit_counts_once_two_runs_with_different_numbers_showed_it() {
    // 0.5 is a constant that three tasks have to show.
    let runs = [long("K_1", "5 km", 5000), long("K_2", "7 km", 7000), long("K_3", "12 km", 12_000)];
    misses(&runs[..1], &runs[1]).await;
    serves(&runs, &long("K_4", "40 km", 40_000)).await;
    let joined = [long("K_1", "5km", 5000), long("K_2", "7km", 7000), long("K_3", "12km", 12_000)];
    serves(&joined, &long("K_4", "40km", 40_000)).await;
    misses(&joined, &long("K_4", "40mi", 64_000)).await;
    // Always the same number: it may as well be a constant.
    let same = [long("K_1", "5 km", 5000), long("K_2", "5 km", 5000), long("K_3", "5 km", 5000)];
    misses(&same, &long("K_4", "40 km", 40_000)).await;
}

fn settle(boat: &str, due: u32, paid: u32) -> Trace {
    let calls = [
        ("ledger", json!({"boat": boat}), json!({"boat": boat, "due": due, "paid": paid})),
        ("pay", json!({"boat": boat, "amount": due - paid}), json!({"ok": true})),
    ];
    done(&format!("Pay what is left on the ledger for {boat}."), calls)
}

#[tokio::test]
async fn what_is_calculated_needs_a_second_run() {
    let runs = [settle("K_1", 120, 50), settle("K_2", 97, 20)];
    let wanted = settle("K_3", 310, 11);
    misses(&runs[..1], &wanted).await;
    serves(&runs, &wanted).await;
    // One that another calculation explains as well is told apart by a third run.
    let twice = settle("K_1", 120, 60);
    serves(&[twice, settle("K_2", 97, 20)], &wanted).await;
}

fn nights(boat: &str, said: &str, days: u32, from: &str, until: &str) -> Trace {
    let arguments = json!({"boat": boat, "from": from, "until": until});
    done(&format!("Berth {boat} on {said} for {days} nights."), [("berth", arguments, json!({"ok": true}))])
}

#[tokio::test]
async fn a_day_so_many_days_later() {
    let runs = [
        nights("K_1", "May 30, 2024", 3, "2024-05-30", "2024-06-02"),
        nights("K_2", "June 1, 2024", 5, "2024-06-01", "2024-06-06"),
    ];
    let wanted = nights("K_3", "2024-12-30", 4, "2024-12-30", "2025-01-03");
    misses(&runs[..1], &wanted).await;
    serves(&runs, &wanted).await;
}

fn port_of(boat: &str, country: &str, code: &str) -> Trace {
    let arguments = json!({"country": code, "kind": "pilot"});
    let text = format!("Which pilots does {country} have for {boat}?");
    done(&text, [("port", arguments, json!({"ports": []}))])
}

#[tokio::test]
async fn a_table_is_learnt_line_by_line() {
    // Codes of the harbour's own, of which the text says nothing.
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(port_of(&format!("K_{n}"), "Northmark", "QX7"));
        runs.push(port_of(&format!("B_{n}"), "Eastmark", "QZ2"));
    }
    runs.push(port_of("K_9", "Westmark", "QW4"));
    misses(&runs[..4], &port_of("K_50", "Northmark", "QX7")).await;
    serves(&runs, &port_of("K_50", "Northmark", "QX7")).await;
    serves(&runs, &port_of("K_51", "Eastmark", "QZ2")).await;
    // One task showed it, and none.
    misses(&runs, &port_of("K_52", "Westmark", "QW4")).await;
    misses(&runs, &port_of("K_53", "Southmark", "QS1")).await;
    // The same words had another value: they are told apart by nothing.
    runs.push(port_of("K_10", "Northmark", "QQ0"));
    misses(&runs, &port_of("K_10", "Northmark", "QQ0")).await;
}
