//! Texts in other words than those learnt, compared by the real embedder. Needs the default models
//! (`plancache models pull`); `PLANCACHE_SKIP_MODEL=1` skips these tests, and says so.
#![cfg(feature = "embedding")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "support/model_file.rs"]
mod model_file;
#[path = "support/runs.rs"]
mod runs;

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use model_file::models_are_tested;
use plancache::domain::{Outcome, RunOutcome, Served, Tool, Trace};
use plancache::engine::Engine;
use plancache::fill::{Choice, FillAnswer, FillError, FillQuestion, Filler};
use plancache::matching::Embedder;
use plancache::models::EmbedderChoice;
use plancache::policy::{Natural, NaturalChoice, Policy};
use plancache::store::MemoryStore;
use runs::{calls_of, engine, fresh_run, next, policy, run, served, task, tool};
use serde_json::{Map, Value, json};

fn embedder() -> Option<Arc<dyn Embedder>> {
    static EMBEDDER: LazyLock<Option<Arc<dyn Embedder>>> = LazyLock::new(|| {
        let open = || EmbedderChoice::default().open().unwrap();
        models_are_tested()
            .then(|| open().unwrap_or_else(|| panic!("the embedder is not here: run `make model`")))
    });
    EMBEDDER.clone()
}

fn library() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    Arc::new(vec![
        tool("find_loan", json!({"loan": text})),
        tool("renew", json!({"loan": text, "desk": text})),
        tool("close", json!({"loan": text, "desk": text})),
        tool("list_loans", json!({"card": text})),
    ])
}

fn changing(text: &str, how: &str, loan: &str, desk: &str) -> Trace {
    let found = json!({"loan": loan, "state": "open"});
    run(
        text,
        &library(),
        [
            ("find_loan", json!({"loan": loan}), found),
            (how, json!({"loan": loan, "desk": desk}), json!({"loan": loan})),
        ],
        "",
    )
}

fn renewing(loan: &str, desk: &str) -> Trace {
    changing(&format!("Please extend the loan {loan} at desk {desk}."), "renew", loan, desk)
}

fn closing(loan: &str, desk: &str) -> Trace {
    changing(&format!("I brought the book of loan {loan} back to desk {desk}."), "close", loan, desk)
}

/// A policy under which four runs are enough to read other words.
fn open_minded() -> Policy {
    let natural = Natural { risk: 0.2, ..Natural::default() };
    Policy { natural, ..policy(&["find_loan", "list_loans"]) }
}

async fn taught(policy: Policy) -> Option<Engine> {
    let engine = engine(policy).await.with_embedder(Some(embedder()?));
    for (loan, desk) in [("#L11", "d_4"), ("#L73", "d_9")] {
        for run in [renewing(loan, desk), closing(loan, desk)] {
            let admission = engine.admit(&run).await.unwrap();
            assert!(admission.rejected.is_empty(), "{admission:?}");
        }
    }
    Some(engine)
}

/// The calls served to a text that asks for what this run does, in these words.
async fn asked(engine: &Engine, text: &str, mut wanted: Trace) -> (bool, Outcome) {
    wanted.task = task(text, &library());
    let (calls, reply) = served(engine, &wanted).await;
    (calls == calls_of(&wanted), reply.outcome)
}

const OTHER_WORDS: &str = "At desk d_7, could you please extend loan #L52 for me?";

#[tokio::test]
async fn other_words_for_the_same_wish_are_served_with_their_own_values() {
    let Some(engine) = taught(open_minded()).await else { return };
    let (right, outcome) = asked(&engine, OTHER_WORDS, renewing("#L52", "d_7")).await;
    assert!(right, "{outcome:?}");
    let text = "The book of loan #L90 is back now, I brought it to desk d_2.";
    let (right, outcome) = asked(&engine, text, closing("#L90", "d_2")).await;
    assert!(right, "{outcome:?}");
    let request = next(&engine, &fresh_run(), &task(text, &library()), &[]).await;
    let Outcome::Hit { templates, .. } = request.outcome else { panic!("{:?}", request.outcome) };
    assert!(templates.iter().all(|template| template.loosely));
}

#[tokio::test]
async fn another_wish_is_a_miss() {
    let Some(engine) = taught(open_minded()).await else { return };
    for text in [
        "Do not extend the loan #L52 at desk d_7.",
        "Please extend the loan #L52 at desk d_7 unless it is overdue.",
        "Please extend the loan #L52 at desk d_7 and #L53.",
        "Is #L52 heavier than what lies at the desk of d_7?",
        "Please extend the loan #L52 at desk d_7. Then water the plants in the hall.",
        "Please extend the loan #L52.",
    ] {
        let reply = next(&engine, &fresh_run(), &task(text, &library()), &[]).await;
        assert!(reply.step.is_none(), "{text}: {:?}", reply.outcome);
    }
}

#[tokio::test]
async fn it_can_be_switched_off_and_needs_an_embedder() {
    let off = Policy { natural: Natural { on: false, ..open_minded().natural }, ..open_minded() };
    let Some(with) = taught(off).await else { return };
    let without = engine(open_minded()).await;
    without.admit(&renewing("#L11", "d_4")).await.unwrap();
    for engine in [with, without] {
        let reply = next(&engine, &fresh_run(), &task(OTHER_WORDS, &library()), &[]).await;
        assert!(matches!(reply.outcome, Outcome::Miss(_)), "{:?}", reply.outcome);
    }
}

/// In a young namespace anything may be new.
#[tokio::test]
async fn other_words_are_not_read_before_a_namespace_has_shown_what_it_asks_for() {
    let Some(engine) = taught(policy(&["find_loan", "list_loans"])).await else { return };
    let reply = next(&engine, &fresh_run(), &task(OTHER_WORDS, &library()), &[]).await;
    assert!(matches!(reply.outcome, Outcome::Miss(_)), "{:?}", reply.outcome);
}

/// The plan may be right for its own words.
#[tokio::test]
async fn a_plan_that_a_text_was_misread_as_serves_its_own_words_only() {
    let Some(engine) = taught(open_minded()).await else { return };
    let wanted = task(OTHER_WORDS, &library());
    let Outcome::Hit { templates, .. } = next(&engine, &fresh_run(), &wanted, &[]).await.outcome else {
        panic!("not served")
    };
    let namespace = wanted.namespace.clone();
    let misread: Vec<Served> = templates;
    engine.served(&namespace, &misread, false, RunOutcome::Failure, None).await.unwrap();
    let reply = next(&engine, &fresh_run(), &wanted, &[]).await;
    assert!(matches!(reply.outcome, Outcome::Miss(_)), "{:?}", reply.outcome);
    let own = renewing("#L99", "d_1");
    assert_eq!(served(&engine, &own).await.0, calls_of(&own));
}

/// A filler that knows where a loan comes from and goes to, as surely as it says.
#[derive(Debug)]
struct Mover {
    margin: f32,
    /// What it was asked, in order.
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Filler for Mover {
    fn name(&self) -> &str {
        "mover"
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        let Choice::Candidates(values) = &question.choice else { return Ok(FillAnswer::Abstained) };
        let wanted = if question.prefix.contains("Argument: from:") { "d_4" } else { "d_9" };
        self.asked.lock().unwrap().push(question.task);
        let index = values.iter().position(|value| value.contains(wanted)).unwrap();
        Ok(FillAnswer::Chosen { index, margin: self.margin })
    }
}

fn moving(text: &str, loan: &str, from: &str, to: &str) -> Trace {
    let tools = Arc::new(vec![tool("carry", json!({"loan": {}, "from": {}, "to": {}}))]);
    let arguments = json!({"loan": loan, "from": from, "to": to});
    run(text, &tools, [("carry", arguments, json!({"loan": loan}))], "")
}

/// What is served where only the filler can say which desk is which.
async fn carried(margin: f32) -> Option<(Vec<(String, Map<String, Value>)>, Vec<String>)> {
    let natural = Natural { risk: 0.9, fit: 20.0, choice: NaturalChoice::Single, ..Natural::default() };
    let filler = Arc::new(Mover { margin, asked: Mutex::default() });
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::open(Policy { natural, ..policy(&[]) }, store, Some(filler.clone())).await.unwrap();
    let engine = engine.with_embedder(Some(embedder()?));
    for (loan, from, to) in [("Emma", "d_1", "d_2"), ("Ulysses", "d_5", "d_6")] {
        let text = format!("Please move the loan {loan:?} from desk {from} to desk {to}.");
        engine.admit(&moving(&text, loan, from, to)).await.unwrap();
    }
    let text = "Please move to desk d_9 the loan \"Dubliners\" from desk d_4.";
    let (calls, _) = served(&engine, &moving(text, "Dubliners", "d_4", "d_9")).await;
    let asked = filler.asked.lock().unwrap().clone();
    Some((calls, asked))
}

#[tokio::test]
async fn the_filler_chooses_slot_by_slot_with_the_whole_task_in_view() {
    let Some((calls, asked)) = carried(1.0).await else { return };
    let arguments = runs::map(json!({"loan": "Dubliners", "from": "d_4", "to": "d_9"}));
    assert_eq!(calls, [("carry".to_owned(), arguments)]);
    // The one that is left is no question.
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].contains("Please move to desk d_9") && asked[0].contains("loan: Dubliners"),
        "{asked:?}"
    );
    // It abstains where it is not sure.
    let Some((calls, asked)) = carried(0.01).await else { return };
    assert_eq!((calls.len(), asked.len()), (0, 1));
}
