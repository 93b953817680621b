//! Variants stay solvable by their own recorded runs, and are really different.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use plancache_agents::Environment;
use plancache_agents::import::{read_runs, read_tools};
use plancache_agents::retail::Retail;
use plancache_eval::score::{Scorer, Verdict};
use plancache_eval::tasks::read_tasks;
use plancache_eval::variants::{Dataset, Kind, make};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail")
}

fn small() -> Dataset {
    let mut data = Dataset::load(&data()).unwrap();
    data.truncate(40);
    data
}

/// The runs of the folder, replayed: each observation is the recorded one, each end is right.
fn check(folder: &Path) {
    let shop = Retail::load(folder).unwrap();
    let scorer = Scorer::load(&folder.join("tasks_train.jsonl"), shop.clone()).unwrap();
    let (_, tools) = read_tools(&folder.join("tools.json")).unwrap();
    let tasks = read_tasks(&folder.join("tasks_train.jsonl")).unwrap();
    let runs = read_runs(&folder.join("tau_retail_oracle.jsonl"), &tools).unwrap();
    assert_eq!((tasks.len(), runs.len()), (40, 40));
    for (task, run) in tasks.iter().zip(&runs) {
        assert_eq!((&task.task_id, &task.instruction), (&run.task_id, &run.trace.task.text));
        let mut shop = shop.clone();
        for step in &run.trace.steps {
            let text = shop.call(&step.call.tool, &step.call.arguments);
            assert_eq!(plancache::domain::Observation::from_text(&text), step.observation.clone().unwrap());
            assert!(tools.iter().any(|tool| tool.name == step.call.tool), "{}", step.call.tool);
        }
        assert_eq!(scorer.judge(&run.task_id, &shop, None), Verdict::Right, "{}", run.task_id);
    }
}

fn made(kind: Kind, seed: u64) -> Dataset {
    let made = make(kind, seed, small()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    made.save(folder.path()).unwrap();
    check(folder.path());
    made
}

#[test]
fn other_values() {
    let made = made(Kind::Values, 7);
    let text: String = made.texts().collect();
    for old in ["Anderson", "19031", "W6067464", "4190576", "Electric Kettle", "stainless", "Philadelphia"] {
        assert!(!text.contains(old), "{old}");
    }
    for kept in ["Your name is ", "Return #", "gift_card_", "ordered by mistake", "'color':"] {
        assert!(text.contains(kept), "{kept}");
    }
}

#[test]
fn other_names() {
    let made = made(Kind::Names, 7);
    let text: String = made.texts().collect();
    for old in ["order_id", "return_delivered_order_items", "\"status\"", "'color'", "payment_method_id"] {
        assert!(!text.contains(old), "{old}");
    }
    assert!(text.contains("Anderson") && text.contains("#W6067464"));
}

#[test]
fn other_wording() {
    let first = small();
    for seed in 0..6 {
        let made = made(Kind::Wording, seed);
        let changed = first.instructions().zip(made.instructions());
        for (old, new) in changed {
            for phrase in ["Your name is", "Cancel order", " via ", "': '", "; "] {
                assert!(!new.contains(phrase), "{phrase:?} of {old:?} is still in {new:?}");
            }
        }
    }
}

#[test]
fn a_seed_always_makes_the_same_variant_and_another_seed_another() {
    for kind in Kind::ALL {
        let of = |seed| make(kind, seed, small()).unwrap().texts().collect::<String>();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4), "{kind:?}");
    }
}
