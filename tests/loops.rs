//! Loops over lists of any length, and over lists within them, on an invented archive.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Outcome, TemplateChange, Tool, Trace, changes};
use plancache::engine::Engine;
use plancache::policy::Policy;
use runs::{Done, calls_of, engine, policy, run, served, tool};
use serde_json::{Value, json};

fn archive() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    Arc::new(vec![
        tool("open_box", json!({"box": text})),
        tool("lend", json!({"box": text, "folder": text})),
        tool("lend_all", json!({"box": text, "folders": texts})),
        tool("seal", json!({"box": text})),
    ])
}

/// What is in a box: its folders under their names.
fn inside(of: &str, names: &[&str]) -> Value {
    let folder = |name: &&str| json!({"title": name, "folder": format!("{of}-{}", name.to_lowercase())});
    let mut all: Vec<Value> = names.iter().map(folder).collect();
    all.push(json!({"title": "Spare", "folder": format!("{of}-spare")}));
    json!({"box": of, "holds": all})
}

type Boxes<'a> = &'a [(&'a str, &'a [&'a str])];

fn open<'a>(of: &str, names: &[&str]) -> Done<'a> {
    ("open_box", json!({"box": of}), inside(of, names))
}

fn lend<'a>(of: &str, name: &str) -> Done<'a> {
    let folder = format!("{of}-{}", name.to_lowercase());
    ("lend", json!({"box": of, "folder": folder}), json!({"lent": folder}))
}

fn lend_all<'a>(of: &str, names: &[&str]) -> Done<'a> {
    let folders: Vec<String> = names.iter().map(|name| format!("{of}-{}", name.to_lowercase())).collect();
    ("lend_all", json!({"box": of, "folders": folders}), json!({"lent": names.len()}))
}

fn seal<'a>(of: &str) -> Done<'a> {
    ("seal", json!({"box": of}), json!({"sealed": of}))
}

/// "Lend from B-1: Letters, Maps; from B-2: Plans."
fn said(boxes: Boxes<'_>) -> String {
    let one = |(of, names): &(&str, &[&str])| format!("from {of}: {}", names.join(", "));
    format!("Please lend {}.", boxes.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// Each box is opened, then each folder is lent.
fn one_by_one(boxes: Boxes<'_>) -> Trace {
    let mut calls: Vec<Done<'_>> = boxes.iter().map(|(of, names)| open(of, names)).collect();
    calls.extend(boxes.iter().flat_map(|(of, names)| names.iter().map(|name| lend(of, name))));
    run(&said(boxes), &archive(), calls, "")
}

/// Box by box: it is opened, all its folders are lent one after the other, it is sealed.
fn box_by_box(boxes: Boxes<'_>) -> Trace {
    let mut calls = Vec::new();
    for (of, names) in boxes {
        calls.push(open(of, names));
        calls.extend(names.iter().map(|name| lend(of, name)));
        calls.push(seal(of));
    }
    run(&said(boxes), &archive(), calls, "")
}

/// Box by box: it is opened, and all its folders are lent at once.
fn at_once(boxes: Boxes<'_>) -> Trace {
    let calls = boxes.iter().flat_map(|(of, names)| [open(of, names), lend_all(of, names)]);
    run(&said(boxes), &archive(), calls, "")
}

async fn taught(runs: &[Trace]) -> Engine {
    let engine = engine(Policy { filler: false, ..policy(&["open_box"]) }).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

async fn serves(engine: &Engine, wanted: &Trace) {
    let (calls, last) = served(engine, wanted).await;
    assert_eq!(calls, calls_of(wanted), "{}: {:?}", wanted.task.text, last.outcome);
}

const TAUGHT: Boxes<'static> = &[("B-1", &["Letters", "Maps"]), ("B-2", &["Plans"])];
const ASKED: [Boxes<'static>; 4] = [
    &[("B-7", &["Deeds", "Wills", "Rolls"]), ("B-8", &["Stamps", "Prints"])],
    &[("B-3", &["Deeds"]), ("B-4", &["Wills"]), ("B-5", &["Rolls", "Stamps"]), ("B-6", &["Prints"])],
    &[("B-9", &["Deeds"])],
    &[("B-9", &["Deeds", "Wills"])],
];

#[tokio::test]
async fn a_list_within_a_list_is_gone_through() {
    for of in [one_by_one, box_by_box, at_once] {
        let engine = taught(&[of(TAUGHT)]).await;
        assert_eq!(engine.templates(None).len(), 1);
        for boxes in ASKED {
            serves(&engine, &of(boxes)).await;
        }
    }
}

#[tokio::test]
async fn a_plan_learnt_from_many_elements_merges_with_one_of_others() {
    let engine = taught(&[box_by_box(TAUGHT), box_by_box(ASKED[0]), box_by_box(ASKED[1])]).await;
    let all = engine.templates(None);
    let said: Vec<_> = all
        .iter()
        .map(|r| {
            (
                r.template.pattern.literals().collect::<Vec<_>>().join(" "),
                r.template.steps.iter().map(|s| (s.tool.clone(), s.for_each, s.together)).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(all.len(), 1, "{said:#?}");
    assert_eq!(all[0].evidence.successes, 3);
    assert_eq!(all[0].template.steps.iter().map(|s| s.together).collect::<Vec<_>>(), [false, true, true]);
}

/// One list, each of whose elements is worked off by several calls.
fn sealing(boxes: &[&str]) -> Trace {
    let calls = boxes.iter().flat_map(|of| [open(of, &[]), seal(of)]);
    run(&format!("Check and seal {}.", boxes.join(", ")), &archive(), calls, "")
}

#[tokio::test]
async fn several_steps_are_done_for_each_element_in_turn() {
    let engine = taught(&[sealing(&["B-1", "B-2"])]).await;
    serves(&engine, &sealing(&["B-5", "B-6", "B-7"])).await;
    serves(&engine, &sealing(&["B-5"])).await;
}

#[tokio::test]
async fn what_an_element_lacks_hands_the_run_back() {
    let engine = taught(&[box_by_box(TAUGHT)]).await;
    let boxes: Boxes<'_> = &[("B-7", &["Deeds", "Wills"]), ("B-8", &["Stamps"])];
    let mut other = box_by_box(boxes);
    other.steps[1].observation.as_mut().unwrap().failed = true;
    let (calls, last) = served(&engine, &other).await;
    assert_eq!(calls.len(), 2);
    assert!(matches!(last.outcome, Outcome::Diverged(_)), "{:?}", last.outcome);
    // A folder that its box does not hold is not lent from another.
    let mut other = box_by_box(boxes);
    other.steps[0].observation.as_mut().unwrap().value = inside("B-7", &["Deeds"]);
    let (calls, last) = served(&engine, &other).await;
    assert_eq!(calls.len(), 2);
    assert!(matches!(last.outcome, Outcome::Diverged(_)), "{:?}", last.outcome);
}

#[tokio::test]
async fn a_step_that_repeats_otherwise_is_a_change() {
    let before = taught(&[one_by_one(TAUGHT)]).await.templates(None)[0].template.clone();
    let after = taught(&[box_by_box(TAUGHT)]).await.templates(None)[0].template.clone();
    let repeats = |found: &[TemplateChange]| {
        let all = found.iter().filter_map(|change| match change {
            TemplateChange::Repeats { step, list, together } => Some((*step, list.is_some(), *together)),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(repeats(&changes(&before, &after)), [(1, true, true)]);
    assert_eq!(repeats(&changes(&after, &before)), [(1, true, false)]);
    let mut once = (*after).clone();
    once.steps[1].for_each = None;
    once.steps[1].together = false;
    assert_eq!(repeats(&changes(&after, &once)), [(1, false, false)]);
}
