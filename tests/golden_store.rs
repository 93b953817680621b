//! Stores that earlier versions wrote open in this one, with every template readable.
//!
//! `tests/data/stores/<name>/` is a store as it was on disk, `<name>.json` the records that it held,
//! as they were exported then. They are never written anew: a version that changes what is stored
//! adds one with `GOLDEN=<name> cargo test --test golden_store`, and keeps the others passing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plancache::domain::{Lifecycle, Namespace, NextStep, RunOutcome, Served, TemplateRecord, Tool, Trace};
use plancache::engine::Engine;
use plancache::store::{SledStore, Store};
use plancache::validate;
use runs::{policy, run, tool};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stores")
}

fn tools() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    Arc::new(vec![
        tool("hives", json!({"meadow": text})),
        tool(
            "move_hive",
            json!({"hive": text, "to": text, "how": {"type": "string", "enum": ["by van", "by hand"]}}),
        ),
        tool("queens", json!({"hives": texts, "marks": texts})),
        tool("note", json!({"hive": text, "words": text, "level": {"type": "integer"}})),
    ])
}

fn hives(meadow: &str, all: &[(&str, &str, u32)]) -> Value {
    let all: Vec<Value> = all
        .iter()
        .map(|(hive, name, frames)| {
            let queen = format!("q-{hive}");
            json!({"hive": hive, "name": name, "frames": frames, "queen": {"mark": queen, "year": "old"}})
        })
        .collect();
    json!({"meadow": meadow, "season": "open", "hives": all})
}

fn moved(meadow: &str, name: &str, to: &str, hive: &str) -> Trace {
    let all = hives(meadow, &[("H_1", "Clover", 8), (hive, name, 10), ("H_3", "Heather", 12)]);
    run(
        &format!("Please be calm, kind, quick. In meadow {meadow}, move {name} to {to} by van."),
        &tools(),
        [
            ("hives", json!({"meadow": meadow}), all),
            (
                "move_hive",
                json!({"hive": hive, "to": to, "how": "by van"}),
                json!({"hive": hive, "season": "open"}),
            ),
        ],
        &format!("{name} now stands at {to}."),
    )
}

fn marked(meadow: &str, names: [&str; 2]) -> Trace {
    let all = [("H_4", names[0], 5), ("H_5", "Thistle", 6), ("H_6", names[1], 7)];
    run(
        &format!("Mark the queens of {meadow} in {} and {}.", names[0], names[1]),
        &tools(),
        [
            ("hives", json!({"meadow": meadow}), hives(meadow, &all)),
            ("queens", json!({"hives": ["H_4", "H_6"], "marks": ["q-H_4", "q-H_6"]}), json!({"done": true})),
        ],
        "",
    )
}

fn noted(hive: &str) -> Trace {
    let call =
        ("note", json!({"hive": hive, "words": "has to be looked at", "level": 4}), json!({"done": true}));
    run(&format!("Leave a warning on {hive} please."), &tools(), [call], "")
}

/// A store of this version with something of everything: slots, lists, members, predicates,
/// extremes, positions, constants shown and hidden, guards, an answer, idle text, two tenants, and
/// a template that was withdrawn.
async fn write(path: &Path) -> Vec<Arc<TemplateRecord>> {
    let store = SledStore::open(path).unwrap();
    let engine = Engine::open(policy(&["hives"]), Arc::new(store), None).await.unwrap();
    let mut other = moved("M_9", "Sorrel", "Y_9", "H_2");
    other.task.namespace = Namespace::new("another tenant/\u{e9}");
    let heavy =
        ("hives", json!({"meadow": "M_7"}), hives("M_7", &[("H_8", "Vetch", 3), ("H_9", "Lucerne", 9)]));
    let all = [
        moved("M_1", "Borage", "Y_1", "H_2"),
        moved("M_2", "Melilot", "Y_2", "H_7"),
        marked("M_3", ["Poppy", "Mint"]),
        noted("H_11"),
        noted("H_12"),
        noted("H_13"),
        run(
            "Move the heaviest of M_7 by hand to Y_7.",
            &tools(),
            [
                heavy,
                ("move_hive", json!({"hive": "H_9", "to": "Y_7", "how": "by hand"}), json!({"done": true})),
            ],
            "",
        ),
        other,
    ];
    for trace in &all {
        let admission = engine.admit(trace).await.unwrap();
        assert_eq!(admission.rejected, Vec::<String>::new());
    }
    let records = engine.templates(None);
    let wrong = records.iter().find(|r| r.template.steps.iter().any(|s| s.tool == "queens")).unwrap();
    let served =
        Served { id: wrong.template.id.clone(), version: wrong.template.version.clone(), loosely: false };
    let failed = RunOutcome::Failure;
    engine.served(&wrong.template.namespace, &[served], false, failed, None).await.unwrap();
    engine.templates(None)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|e| e.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The names of the stores that are kept.
fn kept() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path());
    let mut names: Vec<String> = entries
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn exported(name: &str) -> Vec<TemplateRecord> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_store_of_every_earlier_version_opens_whole() {
    if let Ok(name) = std::env::var("GOLDEN") {
        let path = folder().join(&name);
        assert!(!path.exists(), "{name} is kept already; an earlier version's store is not written anew");
        let records = write(&path).await;
        let text = serde_json::to_string_pretty(&records).unwrap() + "\n";
        std::fs::write(folder().join(format!("{name}.json")), text).unwrap();
    }
    assert!(!kept().is_empty());
    for name in kept() {
        let own = tempfile::tempdir().unwrap();
        copy(&folder().join(&name), own.path());
        let store = SledStore::open(own.path()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let loaded = store.load().await.unwrap();
        assert_eq!(loaded.set_aside, [], "{name}");
        assert!(!loaded.index_rebuilt, "{name}: the index agrees with the records");
        assert!(!loaded.words.is_empty(), "{name}");
        let mut records = loaded.records;
        let mut wanted = exported(&name);
        for all in [&mut records, &mut wanted] {
            all.sort_by(|a, b| a.template.id.cmp(&b.template.id));
        }
        assert_eq!(records, wanted, "{name}");
        for record in &records {
            // The engine leaves out what is not valid, without a word to the user.
            assert_eq!(validate::template(&record.template), Ok(()), "{name}: {}", record.template.id);
            for keyword in &record.template.keywords {
                let ids = store.postings(&record.template.namespace, keyword).await.unwrap();
                assert!(ids.contains(&record.template.id), "{name}: {keyword}");
            }
        }
    }
}

#[tokio::test]
async fn the_first_version_s_templates_are_served_and_merged() {
    let own = tempfile::tempdir().unwrap();
    copy(&folder().join("v1"), own.path());
    let store = Arc::new(SledStore::open(own.path()).unwrap());
    let engine = Engine::open(policy(&["hives"]), store, None).await.unwrap();
    let asked = moved("M_5", "Comfrey", "Y_5", "H_55");
    let (calls, last) = runs::served(&engine, &asked).await;
    assert_eq!(calls, runs::calls_of(&asked), "{:?}", last.outcome);
    assert_eq!(last.step, Some(NextStep::Answer("Comfrey now stands at Y_5.".into())));
    let asked = noted("H_14");
    let (calls, last) = runs::served(&engine, &asked).await;
    assert_eq!(calls, runs::calls_of(&asked), "a counted constant: {:?}", last.outcome);
    let (calls, _) = runs::served(&engine, &marked("M_4", ["Tansy", "Yarrow"])).await;
    assert_eq!(calls, [], "what was withdrawn stays so");
    // What is learnt now is put with what was learnt then, not beside it.
    let before = engine.templates(None).len();
    let admission = engine.admit(&moved("M_6", "Burdock", "Y_6", "H_66")).await.unwrap();
    assert_eq!((admission.learnt.len(), admission.rejected.len()), (0, 0), "{admission:?}");
    assert_eq!(engine.templates(None).len(), before);
}

/// The kept stores hold something of everything, and are small.
#[test]
fn the_kept_stores_are_small_and_say_much() {
    let text = std::fs::read_to_string(folder().join("v1.json")).unwrap();
    for form in
        ["select", "greatest", "position", "each", "member", "constant", "\"cel\"", "answer", "words", "idle"]
    {
        assert!(text.contains(form), "no {form} in the store");
    }
    let records = exported("v1");
    assert!(records.iter().any(|r| r.state == Lifecycle::Quarantined));
    assert!(records.iter().any(|r| r.template.namespace.as_str().contains('/')));
    fn size(path: &Path) -> u64 {
        let entries = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
        entries.map(|p| if p.is_dir() { size(&p) } else { p.metadata().unwrap().len() }).sum()
    }
    for name in kept() {
        assert!(size(&folder().join(&name)) < 200_000, "{name}");
    }
}
