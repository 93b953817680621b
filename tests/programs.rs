//! A plan that is a program in a text: learnt from one run, and served to the same question in other
//! words where a second derivation asks for the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{
    Call, EffectClass, Namespace, NextStep, Observation, Outcome, PlanRequest, RunId, RunOutcome, Task, Tool,
    Trace, TraceStep, Usage,
};
use plancache::engine::Engine;
use plancache::fill::{FillAnswer, FillError, FillQuestion, Filler};
use plancache::matching::{EmbedError, Embedder};
use plancache::policy::Policy;
use plancache::store::MemoryStore;
use serde_json::{Value, json};

/// Texts are near each other as far as they have the same letters: enough for a test.
#[derive(Debug)]
struct Letters;

impl Embedder for Letters {
    fn name(&self) -> &str {
        "letters"
    }

    fn dimensions(&self) -> usize {
        26
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut counts = [0.0_f32; 26];
            for c in text.to_lowercase().bytes().filter(u8::is_ascii_lowercase) {
                counts[usize::from(c - b'a')] += 1.0;
            }
            let length = counts.iter().map(|n| n * n).sum::<f32>().sqrt().max(1.0);
            counts.iter().map(|n| n / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// A filler that writes one and the same program.
#[derive(Debug)]
struct Writes(&'static str);

#[async_trait]
impl Filler for Writes {
    fn name(&self) -> &str {
        "writes"
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        // It is shown what was observed, and no learnt program.
        assert!(
            question.prefix.contains("lake(name, land, depth, area)") && !question.prefix.contains("SELECT")
        );
        Ok(FillAnswer::Written(json!({"query": self.0})))
    }
}

fn task(text: &str) -> Task {
    let query = json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]});
    let tool = Tool { name: "ask".into(), description: String::new(), parameters: query };
    Task {
        namespace: Namespace::new("lakes"),
        text: text.into(),
        context: Value::Null,
        tools: Arc::new(vec![tool]),
        output_format: None,
    }
}

fn observed(query: &str) -> Value {
    match query {
        "SHOW TABLES" => json!(["lake", "town"]),
        "DESCRIBE lake" => json!([
            {"field": "name", "type": "text"}, {"field": "land", "type": "text"},
            {"field": "depth", "type": "int"}, {"field": "area", "type": "int"}
        ]),
        mean if mean.contains("Peru") && (mean.contains("avg(depth)") || mean.contains("sum(depth)")) => {
            json!({"rows": [[2_810.5]]})
        }
        other => json!({"rows": [[other.bytes().map(u32::from).sum::<u32>()]]}),
    }
}

fn step(query: &str) -> TraceStep {
    let arguments = json!({"query": query}).as_object().unwrap().clone();
    let observation = Observation { value: observed(query), failed: query.contains("lakes") };
    TraceStep { call: Call { id: "c".into(), tool: "ask".into(), arguments }, observation: Some(observation) }
}

/// A policy under which programs are served for other words too.
fn open() -> Policy {
    Policy { programs_in_other_words: true, ..Policy::default() }
}

async fn engine(filler: &'static str, policy: Policy) -> Engine {
    engine_with(Arc::new(Writes(filler)), policy).await
}

async fn engine_with(filler: Arc<dyn Filler>, policy: Policy) -> Engine {
    let policy = Policy { effects: [("ask".to_owned(), EffectClass::Read)].into(), ..policy };
    let engine = Engine::open(policy, Arc::new(MemoryStore::default()), Some(filler)).await;
    let engine = engine.unwrap().with_embedder(Some(Arc::new(Letters)));
    let queries = [
        "SELECT depth FROM lakes",
        "SHOW TABLES",
        "DESCRIBE lake",
        "SELECT avg(depth) FROM lake WHERE land = 'Peru'",
    ];
    let trace = Trace {
        run: RunId::new("r"),
        task: task("What is the average depth of all lakes in Peru?"),
        steps: queries.into_iter().map(step).collect(),
        answer: None,
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    };
    let learnt = engine.admit(&trace).await.unwrap();
    assert_eq!((learnt.learnt.len(), learnt.rejected.len()), (1, 1), "{learnt:?}");
    engine
}

/// The queries that are served for a task, and the last outcome.
async fn served(engine: &Engine, text: &str) -> (Vec<String>, Outcome) {
    let task = Arc::new(task(text));
    let mut history: Vec<TraceStep> = Vec::new();
    for _ in 0..8 {
        let request = PlanRequest::new(RunId::new(text), task.clone(), history.clone());
        let reply = engine.next(&request).await;
        match reply.step {
            Some(NextStep::Calls(calls)) => {
                history.extend(calls.iter().map(|call| step(call.arguments["query"].as_str().unwrap())));
            }
            _ => {
                let queries = history.iter().map(|s| s.call.arguments["query"].as_str().unwrap().to_owned());
                return (queries.collect(), reply.outcome);
            }
        }
    }
    panic!("the plan does not end");
}

#[tokio::test]
async fn a_question_in_other_words_is_served_where_two_derivations_agree() {
    let engine = engine("select AVG(l.depth) from lake as l where l.land = 'Peru'", open()).await;
    let (queries, outcome) = served(&engine, "Give me the mean depth over the lakes of Peru.").await;
    let expected =
        ["SHOW TABLES", "DESCRIBE lake", "select AVG(l.depth) from lake as l where l.land = 'Peru'"];
    assert_eq!(queries, expected);
    // The run that taught it ended with what the query returned.
    assert!(matches!(outcome, Outcome::Hit { step: 3, .. }), "{outcome:?}");
}

#[tokio::test]
async fn other_values_and_columns_are_served_where_the_text_says_them() {
    let program = "SELECT avg(area) FROM lake WHERE land = 'Chad'";
    let engine = engine(program, open()).await;
    let (queries, _) = served(&engine, "Give me the mean area over the lakes of Chad.").await;
    assert_eq!(queries.last().unwrap(), program);
    // The text says another land than the program, or nothing of the column.
    for text in
        ["Give me the mean area over the lakes of Mali.", "Give me the mean size over the lakes of Chad."]
    {
        let (_, outcome) = served(&engine, text).await;
        assert!(matches!(outcome, Outcome::Diverged(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn two_derivations_that_disagree_serve_nothing() {
    for program in [
        "SELECT max(depth) FROM lake WHERE land = 'Peru'",
        "SELECT avg(depth) FROM lake",
        "SELECT avg(depth) FROM sea WHERE land = 'Peru'",
        "the lakes",
    ] {
        let engine = engine(program, open()).await;
        let (queries, outcome) = served(&engine, "Give me the mean depth over the lakes of Peru.").await;
        assert_eq!(queries[..2], ["SHOW TABLES", "DESCRIBE lake"], "{program}");
        // What names nothing that was observed is not run.
        let run: &[&str] = if program.contains("FROM lake") { &[LEARNT, program] } else { &[] };
        assert_eq!(queries[2..], *run, "{program}");
        assert!(matches!(outcome, Outcome::Diverged(_)), "{outcome:?}");
    }
}

const LEARNT: &str = "SELECT avg(depth) FROM lake WHERE land = 'Peru'";

#[tokio::test]
async fn two_derivations_that_return_the_same_serve() {
    let other = "SELECT sum(depth) / count(*) FROM lake WHERE land = 'Peru'";
    let asked = "Give me the mean depth over the lakes of Peru.";
    let (queries, outcome) = served(&engine(other, open()).await, asked).await;
    assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake", LEARNT, other]);
    assert!(matches!(outcome, Outcome::Hit { .. } | Outcome::PlannerAnswer { .. }), "{outcome:?}");
    // Where no learnt program is run, only the form can agree.
    let form = Policy { program_results: 0, ..open() };
    let (queries, _) = served(&engine(other, form).await, asked).await;
    assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake"]);
}

#[tokio::test]
async fn a_program_that_changes_something_is_never_tried() {
    for program in [
        "DELETE FROM lake WHERE land = 'Peru'",
        "UPDATE lake SET depth = 0 WHERE land = 'Peru'",
        "SELECT depth INTO land FROM lake",
        "SELECT depth FROM lake WHERE land = 'Peru' FOR UPDATE",
    ] {
        let (queries, _) =
            served(&engine(program, open()).await, "Give me the mean depth over the lakes of Peru.").await;
        assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake"], "{program}");
    }
}

#[tokio::test]
async fn each_part_can_be_switched_off() {
    let mut off = open();
    off.learning.programs = false;
    let policy = Policy { effects: [("ask".to_owned(), EffectClass::Read)].into(), ..off };
    let filler = Arc::new(Writes("SELECT 1"));
    let engine = Engine::open(policy, Arc::new(MemoryStore::default()), Some(filler)).await.unwrap();
    let (queries, outcome) = served(
        &engine.with_embedder(Some(Arc::new(Letters))),
        "Give me the mean depth over the lakes of Peru.",
    )
    .await;
    assert!(queries.is_empty() && matches!(outcome, Outcome::Miss(_)), "{outcome:?}");
    // Without a second derivation the nearest wording alone decides; the filler is not asked.
    let near = |least| Policy { second_derivation: false, program_nearness_alone: least, ..open() };
    let text = "Give me the mean depth over the lakes of Chad.";
    let (queries, _) = served(&self::engine("", near(0.5)).await, text).await;
    assert_eq!(queries.last().unwrap(), "SELECT avg(depth) FROM lake WHERE land = 'Chad'");
    let (queries, _) = served(&self::engine("", near(0.999)).await, text).await;
    assert!(queries.is_empty());
}

#[tokio::test]
async fn the_same_words_need_no_model() {
    let policy = Policy { filler: false, ..open() };
    let engine = engine("", policy).await;
    let (queries, _) = served(&engine, "What is the average depth of all lakes in Chad?").await;
    assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake", "SELECT avg(depth) FROM lake WHERE land = 'Chad'"]);
}

/// A filler that copies the last program that it is shown.
#[derive(Debug)]
struct Copies;

#[async_trait]
impl Filler for Copies {
    fn name(&self) -> &str {
        "copies"
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        let shown = question.task.lines().filter_map(|line| line.strip_prefix("Query: ")).next_back();
        Ok(FillAnswer::Written(json!({"query": shown.unwrap_or("nothing")})))
    }
}

#[tokio::test]
async fn examples_hold_no_value_of_a_task() {
    let policy = Policy { program_examples: 1, program_results: 0, ..open() };
    let engine = engine_with(Arc::new(Copies), policy).await;
    let (queries, outcome) = served(&engine, "Give me the mean depth over the lakes of Alder.").await;
    // What stands for the land is no land that was learnt; a task that says it is served.
    assert_eq!(queries.last().unwrap(), "SELECT avg(depth) FROM lake WHERE land = 'Alder'");
    assert!(matches!(outcome, Outcome::Hit { .. } | Outcome::PlannerAnswer { .. }), "{outcome:?}");
    let (queries, outcome) = served(&engine, "Give me the mean depth over the lakes of Peru.").await;
    assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake"]);
    assert!(matches!(outcome, Outcome::Diverged(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_look_at_the_schema_is_laid_to_no_program() {
    let engine = engine(LEARNT, open()).await;
    let task = Arc::new(task("Give me the mean depth over the lakes of Peru."));
    let mut request = PlanRequest::new(RunId::new("r"), task, Vec::new());
    let look = engine.next(&request).await;
    // Whatever the planner makes of it, no learnt program is to blame.
    assert!(matches!(look.outcome, Outcome::Hit { ref templates, .. } if templates.is_empty()), "{look:?}");
    request.history = ["SHOW TABLES", "DESCRIBE lake"].into_iter().map(step).collect();
    let query = engine.next(&request).await;
    assert!(matches!(query.outcome, Outcome::Hit { ref templates, .. } if templates.len() == 1), "{query:?}");
}

#[tokio::test]
async fn a_text_that_is_made_up_is_not_tried() {
    let made_up = "SELECT sum(depth) / count(*) FROM lake WHERE land = 'Peru' AND name <> 'Alder'";
    let asked = "Give me the mean depth over the lakes of Peru.";
    let (queries, outcome) = served(&engine(made_up, open()).await, asked).await;
    assert_eq!(queries, ["SHOW TABLES", "DESCRIBE lake"]);
    assert!(matches!(outcome, Outcome::Diverged(_)), "{outcome:?}");
}
