//! What is asked of a filler, when, and what becomes of its answers. The filler here says what the
//! test tells it; `local_model.rs` asks a real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use plancache::domain::{FilledBy, Miss, NextStep, Outcome, Tool, Trace};
use plancache::engine::Engine;
use plancache::fill::{Choice, FillAnswer, FillError, FillQuestion, Filler};
use plancache::policy::{AnswerBy, Policy};
use plancache::store::MemoryStore;
use runs::{fresh_run, next, policy, run, served, task, tool};
use serde_json::json;

/// Answers as it was told, and keeps what it was asked.
#[derive(Debug)]
struct Told {
    answer: FillAnswer,
    asked: Mutex<Vec<FillQuestion>>,
}

#[async_trait]
impl Filler for Told {
    fn name(&self) -> &str {
        "told"
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        self.asked.lock().unwrap().push(question);
        Ok(self.answer.clone())
    }
}

fn quay() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    let how = json!({"type": "string", "enum": ["by crane", "by hand"]});
    Arc::new(vec![tool("berth", json!({"boat": text})), tool("unload", json!({"boat": text, "how": how}))])
}

fn unloading(boat: &str, how: &str) -> Trace {
    run(
        &format!("Unload {boat} using this way: {how}."),
        &quay(),
        [
            ("berth", json!({"boat": boat}), json!({"boat": boat, "state": "moored"})),
            ("unload", json!({"boat": boat, "how": how}), json!({"boat": boat})),
        ],
        "",
    )
}

async fn taught(policy: Policy, answer: Option<FillAnswer>) -> (Engine, Option<Arc<Told>>) {
    let told = answer.map(|answer| Arc::new(Told { answer, asked: Mutex::default() }));
    let filler = told.clone().map(|told| told as Arc<dyn Filler>);
    let engine = Engine::open(policy, Arc::new(MemoryStore::new()), filler).await.unwrap();
    for (boat, how) in [("K_1", "by hand"), ("K_2", "by crane"), ("K_3", "by hand")] {
        let admission = engine.admit(&unloading(boat, how)).await.unwrap();
        assert!(admission.rejected.is_empty(), "{admission:?}");
    }
    (engine, told)
}

const WORDS: &str = "Unload K_7 using this way: men carry it ashore.";

async fn first(engine: &Engine, text: &str) -> (Option<NextStep>, Outcome) {
    let reply = next(engine, &fresh_run(), &task(text, &quay()), &[]).await;
    (reply.step, reply.outcome)
}

#[tokio::test]
async fn a_member_in_other_words_is_chosen_before_the_first_call() {
    let answer = FillAnswer::Chosen { index: 1, margin: 3.0 };
    let (engine, told) = taught(policy(&["berth"]), Some(answer)).await;
    let mut wanted = unloading("K_7", "by hand");
    wanted.task = task(WORDS, &quay());
    let (calls, _) = served(&engine, &wanted).await;
    let named: Vec<&str> = calls.iter().map(|(tool, _)| tool.as_str()).collect();
    assert_eq!(named, ["berth", "unload"]);
    assert_eq!(calls[1].1["how"], "by hand");
    let asked = told.unwrap().asked.lock().unwrap().clone();
    let Choice::Meant { argument, values, said } = &asked[0].choice else { panic!("{asked:?}") };
    assert_eq!((argument.as_str(), values.len()), ("how", 2));
    assert_eq!(said, "Using this way: men carry it ashore.");
    assert_eq!(asked.len(), 1, "once for the run");
}

#[tokio::test]
async fn the_slot_says_who_filled_it() {
    let answer = FillAnswer::Chosen { index: 1, margin: 3.0 };
    let (engine, _) = taught(policy(&["berth"]), Some(answer)).await;
    let (_, outcome) = first(&engine, WORDS).await;
    let Outcome::Hit { slots, .. } = outcome else { panic!("{outcome:?}") };
    let how = slots.iter().find(|slot| slot.name == "how").unwrap();
    assert_eq!((&how.value, how.by), (&json!("by hand"), FilledBy::Filler));
    assert_eq!(how.span.map(|(from, to)| &WORDS[from..to]), Some("men carry it ashore"));
    assert!(slots.iter().any(|slot| slot.name == "boat" && slot.by == FilledBy::Binder));
}

#[tokio::test]
async fn doubt_is_a_miss_before_the_first_call() {
    let doubts = [
        Some(FillAnswer::Abstained),
        Some(FillAnswer::Chosen { index: 1, margin: 0.5 }),
        Some(FillAnswer::Chosen { index: 9, margin: 9.0 }),
        None,
    ];
    for doubt in doubts {
        let (engine, _) = taught(policy(&["berth"]), doubt.clone()).await;
        let (step, outcome) = first(&engine, WORDS).await;
        assert!(step.is_none());
        assert!(matches!(outcome, Outcome::Miss(Miss::SlotUnfilled { .. })), "{doubt:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_filler_that_is_not_to_be_asked_is_not() {
    let answer = FillAnswer::Chosen { index: 1, margin: 3.0 };
    let off = Policy { filler: false, ..policy(&["berth"]) };
    let (engine, told) = taught(off, Some(answer)).await;
    let (_, outcome) = first(&engine, WORDS).await;
    assert!(matches!(outcome, Outcome::Miss(Miss::SlotUnfilled { .. })), "{outcome:?}");
    assert!(told.unwrap().asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn words_that_may_be_another_wish_are_not_a_member() {
    let answer = FillAnswer::Chosen { index: 1, margin: 9.0 };
    let (engine, told) = taught(policy(&["berth"]), Some(answer)).await;
    for text in [
        "Unload K_7 using this way: men carry it ashore and sweep the deck.",
        "Unload K_7 using this way: men carry it unless it rains.",
        "Unload K_7 using this way: as with K_8.",
    ] {
        let (_, outcome) = first(&engine, text).await;
        assert!(matches!(outcome, Outcome::Miss(Miss::NotCovered { .. })), "{text}: {outcome:?}");
    }
    assert!(told.unwrap().asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_filler_may_write_the_last_words_but_no_value_of_its_own() {
    let by_filler = Policy { answer: AnswerBy::Filler, ..policy(&["berth"]) };
    let last = |words: &'static str, policy: Policy| async move {
        let (engine, told) = taught(policy, Some(FillAnswer::Written(json!({"answer": words})))).await;
        let (calls, reply) = served(&engine, &unloading("K_7", "by hand")).await;
        assert_eq!(calls.len(), 2);
        let asked = told.unwrap().asked.lock().unwrap().len();
        (reply.step, reply.outcome, asked)
    };
    let (step, outcome, _) = last("K_7 was unloaded by hand.", by_filler.clone()).await;
    assert_eq!(step, Some(NextStep::Answer("K_7 was unloaded by hand.".into())));
    assert!(matches!(outcome, Outcome::Hit { step: 2, .. }));
    for invented in ["K_8 was unloaded.", "K_7 was unloaded in 20 minutes.", " "] {
        let (step, outcome, _) = last(invented, by_filler.clone()).await;
        assert!(
            step.is_none() && matches!(outcome, Outcome::PlannerAnswer { .. }),
            "{invented}: {outcome:?}"
        );
    }
    let (_, outcome, asked) = last("K_7 was unloaded by hand.", policy(&["berth"])).await;
    assert!(matches!(outcome, Outcome::PlannerAnswer { .. }) && asked == 0);
}
