//! What is extracted from a handful of runs of an invented botanical garden, as snapshots; and what
//! is served of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/readable.rs"]
mod readable;
#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Diverged, Learning, Miss, NextStep, Outcome, Tool, Trace};
use plancache::extract::{Extracted, extract};
use readable::readable;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::{Value, json};

const READS: [&str; 2] = ["bed", "catalogue"];

fn garden() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    Arc::new(vec![
        tool("bed", json!({"bed": text})),
        tool("catalogue", json!({"species": text})),
        tool("water", json!({"plant": text, "litres": {"type": "number"}})),
        tool("repot", json!({"bed": text, "plants": texts, "pots": texts})),
        tool("label", json!({"plant": text, "words": text})),
        tool("move", json!({"plant": text, "how": {"type": "string", "enum": ["by hand", "by cart"]}})),
    ])
}

/// What the garden's `bed` says: each plant by name, with a number, a height and its light.
fn bed(bed: &str, plants: &[(&str, &str, u32, &str)]) -> Value {
    let plants: Vec<Value> = plants
        .iter()
        .map(|(plant, name, height, light)| {
            json!({"plant": plant, "name": name, "height": height, "care": {"light": light, "soil": "loam"}})
        })
        .collect();
    json!({"bed": bed, "state": "open", "plants": plants})
}

fn extracted(trace: &Trace) -> Extracted {
    extract(trace, &|tool| READS.contains(&tool), Learning::default())
}

/// Every template of a run, with the text it came from, and what was not learnt.
fn shown(trace: &Trace) -> String {
    let found = extracted(trace);
    let mut out = String::new();
    for (template, (from, to)) in found.templates.iter().zip(&found.ranges) {
        out += &format!("\"{}\"\n{}", &trace.task.text[*from..*to], readable(template));
    }
    for why in &found.rejected {
        out += &format!("noted: {why}\n");
    }
    out
}

/// A read by an id of the text, and a write to the record whose name the text says.
fn watering(number: &str, name: &str, litres: f64, plants: &[(&str, &str, u32, &str)]) -> Trace {
    let plant = plants.iter().find(|p| p.1 == name).unwrap().0;
    run(
        &format!("In bed {number}, give {litres} litres to the {name}."),
        &garden(),
        [
            ("bed", json!({"bed": number}), bed(number, plants)),
            ("water", json!({"plant": plant, "litres": litres}), json!({"plant": plant, "done": true})),
        ],
        &format!("{name} was watered."),
    )
}

fn roses() -> Trace {
    let plants = [("P-11", "Rose", 40, "sun"), ("P-12", "Sage", 25, "sun"), ("P-13", "Fern", 60, "shade")];
    watering("B_7", "Sage", 2.5, &plants)
}

#[test]
fn a_look_up_and_a_write() {
    insta::assert_snapshot!(shown(&roses()));
}

/// Two plants of a list, each into the pot of its kind that differs in its light alone.
fn repotting() -> Trace {
    let pots = |one: &str, two: &str, three: &str| {
        json!({"pots": {
            one: {"care": {"light": "sun", "soil": "loam"}},
            two: {"care": {"light": "shade", "soil": "loam"}},
            three: {"care": {"light": "shade", "soil": "sand"}},
        }})
    };
    let plants = [("P-21", "Iris", 30, "sun"), ("P-22", "Moss", 5, "sun"), ("P-23", "Hop", 90, "dusk")];
    run(
        "In bed B_9, repot Iris {light: shade} and Moss {light: shade}.",
        &garden(),
        [
            ("bed", json!({"bed": "B_9"}), bed("B_9", &plants)),
            ("catalogue", json!({"species": "P-21"}), pots("V-1", "V-2", "V-3")),
            ("catalogue", json!({"species": "P-22"}), pots("V-4", "V-5", "V-6")),
            (
                "repot",
                json!({"bed": "B_9", "plants": ["P-21", "P-22"], "pots": ["V-2", "V-5"]}),
                json!({"done": true}),
            ),
        ],
        "Done.",
    )
}

#[test]
fn a_loop_over_a_list_and_the_same_but_for() {
    insta::assert_snapshot!(shown(&repotting()));
}

/// The tallest plant: no word of the text names it.
fn tallest() -> Trace {
    let plants = [("P-31", "Oak", 210, "sun"), ("P-32", "Elm", 480, "sun"), ("P-33", "Ash", 150, "sun")];
    run(
        "Move the tallest plant of bed B_3 by cart.",
        &garden(),
        [
            ("bed", json!({"bed": "B_3"}), bed("B_3", &plants)),
            ("move", json!({"plant": "P-32", "how": "by cart"}), json!({"done": true})),
        ],
        "",
    )
}

#[test]
fn the_greatest_of_a_list_and_a_member_of_an_enumeration() {
    insta::assert_snapshot!(shown(&tallest()));
}

/// The write changed a state that the read had shown: the choice may have depended on it.
#[test]
fn a_guard_on_what_a_write_changed() {
    let trace = run(
        "Close bed B_5 for the winter: label it \"frost\".",
        &garden(),
        [
            ("bed", json!({"bed": "B_5"}), json!({"bed": "B_5", "plant": "P-50", "state": "open"})),
            (
                "label",
                json!({"plant": "P-50", "words": "frost"}),
                json!({"bed": "B_5", "plant": "P-50", "state": "closed"}),
            ),
        ],
        "",
    );
    insta::assert_snapshot!(shown(&trace));
}

/// Two blocks, and a sentence that no call needs.
fn two_blocks() -> Trace {
    let plants = [("P-61", "Rose", 40, "sun"), ("P-62", "Thyme", 25, "sun")];
    run(
        "You like to be brief. In bed B_6, give 3 litres to the Thyme. Move P-77 by hand.",
        &garden(),
        [
            ("bed", json!({"bed": "B_6"}), bed("B_6", &plants)),
            ("water", json!({"plant": "P-62", "litres": 3}), json!({"done": true})),
            ("move", json!({"plant": "P-77", "how": "by hand"}), json!({"done": true})),
        ],
        "All done.",
    )
}

#[test]
fn two_blocks_and_an_idle_sentence() {
    insta::assert_snapshot!(shown(&two_blocks()));
}

/// The planner mistyped, and looked at something that it did not need.
#[test]
fn a_call_that_failed_and_one_for_nothing_are_sliced_away() {
    let mut trace = roses();
    let failed = ("bed", json!({"bed": "B_7", "part": "north"}), json!({"error": "no such part"}));
    trace.steps.insert(0, runs::step(8, failed));
    trace.steps.insert(2, runs::step(9, ("catalogue", json!({"species": "Zinnia"}), json!({"pots": {}}))));
    let clean = extracted(&roses());
    let found = extracted(&trace);
    assert_eq!(found.templates, clean.templates);
    assert_eq!(found.steps, [[1, 3]]);
    insta::assert_snapshot!(found.rejected.join("\n"));
}

/// Words that stand nowhere: the filler writes them.
#[test]
fn free_text_is_written() {
    let trace = run(
        "Put a label on P-90 that says how to treat it.",
        &garden(),
        [("label", json!({"plant": "P-90", "words": "Keep it in the shade"}), json!({"done": true}))],
        "",
    );
    insta::assert_snapshot!(shown(&trace));
}

#[test]
fn no_template_holds_a_value_of_its_task() {
    for trace in [roses(), repotting(), tallest(), two_blocks()] {
        for template in extracted(&trace).templates {
            let left = plancache::validate::leftover_literals(&template, &trace, 3);
            assert_eq!(left, Vec::<String>::new(), "{}", trace.task.text);
        }
    }
}

#[tokio::test]
async fn one_run_serves_other_entities() {
    let engine = engine(policy(&READS)).await;
    for trace in [roses(), repotting(), tallest()] {
        let admission = engine.admit(&trace).await.unwrap();
        assert_eq!(admission.rejected, Vec::<String>::new(), "{}", trace.task.text);
    }
    let plants = [("P-41", "Poppy", 10, "sun"), ("P-42", "Rose", 15, "shade")];
    let mut other = watering("B_8", "Poppy", 0.5, &plants);
    let (calls, last) = served(&engine, &other).await;
    assert_eq!(calls, calls_of(&other), "{:?}", last.outcome);
    assert_eq!(last.step, Some(NextStep::Answer("Poppy was watered.".into())));
    // Two records of that name: which one is meant is not for the cache to say.
    let twins = [("P-41", "Poppy", 10, "sun"), ("P-42", "Poppy", 15, "shade")];
    other.steps[0].observation.as_mut().unwrap().value = bed("B_8", &twins);
    let (calls, last) = served(&engine, &other).await;
    assert_eq!(calls.len(), 1);
    assert!(matches!(last.outcome, Outcome::Diverged(Diverged::Binding { .. })), "{:?}", last.outcome);
}

#[tokio::test]
async fn blocks_compose_in_an_order_that_was_never_seen() {
    let engine = engine(policy(&READS)).await;
    engine.admit(&two_blocks()).await.unwrap();
    let plants = [("P-71", "Aster", 40, "sun"), ("P-72", "Clover", 25, "sun")];
    let other = run(
        "Move P-70 by cart. In bed B_4, give 1 litres to the Clover.",
        &garden(),
        [
            ("move", json!({"plant": "P-70", "how": "by cart"}), json!({"done": true})),
            ("bed", json!({"bed": "B_4"}), bed("B_4", &plants)),
            ("water", json!({"plant": "P-72", "litres": 1}), json!({"done": true})),
        ],
        "",
    );
    let (calls, last) = served(&engine, &other).await;
    assert_eq!(calls, calls_of(&other), "{:?}", last.outcome);
    // No block speaks for the others: the planner words the answer.
    assert!(matches!(last.outcome, Outcome::PlannerAnswer { .. }), "{:?}", last.outcome);
}

/// One success is not enough for a value that nothing explains, whatever else is believed; as many
/// distinct tasks as the policy asks for are.
#[tokio::test]
async fn a_constant_is_served_once_enough_distinct_tasks_showed_it() {
    let wetting = |plant: &str| {
        let call = ("water", json!({"plant": plant, "litres": 4}), json!({"done": true}));
        run(&format!("Please wet {plant} as always."), &garden(), [call], "")
    };
    let mut policy = policy(&READS);
    policy.min_constant = 3;
    let engine = engine(policy).await;
    let asked = wetting("P-999");
    for (n, plant) in ["P-101", "P-102", "P-102", "P-103"].into_iter().enumerate() {
        let admission = engine.admit(&wetting(plant)).await.unwrap();
        assert_eq!(admission.rejected, Vec::<String>::new());
        let (calls, last) = served(&engine, &asked).await;
        let distinct = [1, 2, 2, 3][n];
        if distinct < 3 {
            assert_eq!(calls, []);
            assert!(matches!(last.outcome, Outcome::Miss(_)), "{:?}", last.outcome);
            // Nor can anyone read it in the store.
            let stored = serde_json::to_string(&engine.templates(None)).unwrap();
            assert!(!stored.contains("\"json\""), "{stored}");
        } else {
            assert_eq!(calls, calls_of(&asked), "{:?}", last.outcome);
        }
    }
    // A task that showed another value takes it back: now there are two plans for these words.
    let mut less = wetting("P-104");
    less.steps[0].call.arguments.insert("litres".into(), json!(9));
    engine.admit(&less).await.unwrap();
    let (calls, last) = served(&engine, &asked).await;
    assert_eq!(calls, []);
    assert!(matches!(last.outcome, Outcome::Miss(Miss::Ambiguous { .. })), "{:?}", last.outcome);
}

#[tokio::test]
async fn a_word_too_many_is_a_miss() {
    let engine = engine(policy(&READS)).await;
    engine.admit(&roses()).await.unwrap();
    let mut longer = roses();
    longer.task.text = longer.task.text.replace("Sage.", "Sage and then prune it.");
    let reply = runs::next(&engine, &runs::fresh_run(), &longer.task, &[]).await;
    assert!(matches!(reply.outcome, Outcome::Miss(Miss::NotCovered { .. })), "{:?}", reply.outcome);
}

/// The second value of "water P-1 and P-2" has no verb of its own: were it a plan for itself, it
/// would water whatever another sentence says to move.
#[tokio::test]
async fn a_value_without_a_verb_of_its_own_is_not_a_plan() {
    let engine = engine(policy(&READS)).await;
    let water = |plant: &str| ("water", json!({"plant": plant}), json!({"done": true}));
    let label = |plant: &str| ("label", json!({"plant": plant}), json!({"done": true}));
    let both = run("Water P-1 and P-2.", &garden(), [water("P-1"), water("P-2")], "");
    let each = run("Label P-5 and water P-6.", &garden(), [label("P-5"), water("P-6")], "");
    engine.admit(&both).await.unwrap();
    engine.admit(&each).await.unwrap();
    engine.admit(&run("Water P-1. P-2 too.", &garden(), [water("P-1"), water("P-2")], "")).await.unwrap();
    engine.admit(&run("Label P-5.", &garden(), [label("P-5")], "")).await.unwrap();
    for text in ["Label P-8 and P-9.", "Label P-8. P-9 too."] {
        let wrong = run(text, &garden(), [label("P-8"), label("P-9")], "");
        let (calls, last) = served(&engine, &wrong).await;
        assert_eq!(calls, [], "{text}: {:?}", last.outcome);
        assert!(matches!(last.outcome, Outcome::Miss(_)), "{text}: {:?}", last.outcome);
    }
    let more = run("Water P-3, P-4 and P-7.", &garden(), ["P-3", "P-4", "P-7"].map(water), "");
    // Only two separators were seen, one at a time; "and" was, the comma was not.
    assert_eq!(served(&engine, &more).await.0, []);
    let more = run("Water P-3 and P-4 and P-7.", &garden(), ["P-3", "P-4", "P-7"].map(water), "");
    let (calls, last) = served(&engine, &more).await;
    assert_eq!(calls, calls_of(&more), "{:?}", last.outcome);
}

/// A name is a value also where it begins the answer and no observation shows it.
#[tokio::test]
async fn an_answer_that_begins_with_a_name_of_the_task() {
    let engine = engine(policy(&READS)).await;
    let label = |name: &str| {
        let call = ("label", json!({"plant": name}), json!({"done": true}));
        run(&format!("Please label the {name} now."), &garden(), [call], &format!("{name} has its label."))
    };
    assert_eq!(engine.admit(&label("Yarrow")).await.unwrap().rejected, Vec::<String>::new());
    let (_, last) = served(&engine, &label("Mint")).await;
    assert_eq!(last.step, Some(NextStep::Answer("Mint has its label.".into())));
}
