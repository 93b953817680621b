//! Tasks of which a part is not known: the rest is served, the planner is asked for that part only, and
//! nothing is done twice or out of turn.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a failed step of a test is a failed test"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use plancache::domain::{
    Call, Diverged, Namespace, NextStep, Observation, Outcome, PlanRequest, PlanResponse, RunId, RunOutcome,
    Task, Tool, Trace, TraceStep, Usage,
};
use plancache::engine::Engine;
use plancache::layer::{Learning, PlanCache, PlanCacheLayer, RunKind, RunReport, ShadowVerdict};
use plancache::policy::{Mode, Policy, Uncovered};
use plancache::store::{MemoryStore, Store};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt};

/// What a library's desk does.
fn tools() -> Arc<Vec<Tool>> {
    let tool = |name: &str, arguments: [&str; 2]| Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": {
            arguments[0]: {"type": "string"}, arguments[1]: {"type": "string"},
        }}),
    };
    Arc::new(vec![
        tool("extend", ["loan", "until"]),
        tool("remind", ["reader", "on"]),
        tool("send", ["copy", "to"]),
    ])
}

fn task(text: &str) -> Arc<Task> {
    Arc::new(Task {
        namespace: Namespace::new("city"),
        text: text.into(),
        context: Value::Null,
        tools: tools(),
        output_format: None,
    })
}

/// The call that a sentence asks for.
fn meant(sentence: &str) -> Option<Call> {
    let words: Vec<&str> = sentence.trim_end_matches(['.', ';']).split(' ').collect();
    let (tool, arguments) = match words.as_slice() {
        ["Extend", "loan", loan, "until", day] => ("extend", json!({"loan": loan, "until": day})),
        ["Remind", "reader", reader, "on", day] => ("remind", json!({"reader": reader, "on": day})),
        ["Send", "a", "copy", "of", copy, "to", "branch", address] => {
            ("send", json!({"copy": copy, "to": address}))
        }
        _ => return None,
    };
    Some(Call { id: String::new(), tool: tool.into(), arguments: arguments.as_object().unwrap().clone() })
}

/// How the planner takes being asked for a part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Manner {
    /// It does that part.
    #[default]
    Obeys,
    /// It does all of the task.
    DoesAll,
    /// It does nothing.
    Refuses,
}

/// A planner that reads sentences; it keeps the parts that it was asked for.
#[derive(Clone, Debug, Default)]
struct Planner {
    manner: Manner,
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

impl Planner {
    fn step(&self, request: &PlanRequest) -> NextStep {
        let part = request.part.map(|part| request.task.text[part.from..part.to].to_owned());
        self.asked.lock().unwrap().push(part.clone());
        let text = match (&part, self.manner) {
            (Some(part), Manner::Obeys) => part,
            (Some(_), Manner::Refuses) => return NextStep::Answer("I would rather not.".into()),
            _ => &request.task.text,
        };
        let mut open = text.split_inclusive(['.', ';']).filter_map(|sentence| meant(sentence.trim()));
        let done = |call: &Call| {
            request.history.iter().any(|s| s.call.tool == call.tool && s.call.arguments == call.arguments)
        };
        match open.find(|call| !done(call)) {
            Some(call) => NextStep::Calls(vec![Call { id: format!("p{}", request.history.len()), ..call }]),
            None => NextStep::Answer(if part.is_some() { "That is done.".into() } else { "Done.".into() }),
        }
    }
}

impl Service<PlanRequest> for Planner {
    type Response = PlanResponse;
    type Error = Infallible;
    type Future = Ready<Result<PlanResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let usage = Usage { input: 1_000, output: 50 };
        ready(Ok(PlanResponse { step: self.step(&request), usage }))
    }
}

fn policy() -> Policy {
    Policy { uncovered: Uncovered::Planner, min_evidence_part: 2, ..Policy::default() }
}

struct World {
    planner: Planner,
    engine: Arc<Engine>,
    layer: PlanCacheLayer,
    cache: PlanCache<Planner>,
    store: Arc<dyn Store>,
}

/// A run, seen by the agent.
struct Ran {
    report: RunReport,
    calls: Vec<String>,
    answer: String,
}

impl World {
    async fn open(policy: Policy, manner: Manner) -> Self {
        Self::on(policy, manner, Arc::new(MemoryStore::default())).await
    }

    async fn on(policy: Policy, manner: Manner, store: Arc<dyn Store>) -> Self {
        let planner = Planner { manner, ..Planner::default() };
        let engine = Arc::new(Engine::open(policy, store.clone(), None).await.unwrap());
        let layer = PlanCacheLayer::new(engine.clone());
        Self { cache: layer.layer(planner.clone()), planner, engine, layer, store }
    }

    /// A world whose desk has extended and reminded often enough.
    async fn taught(policy: Policy, manner: Manner) -> Self {
        let world = Self::open(policy, manner).await;
        for n in 1..=3 {
            world.teach(&format!("Extend loan L-{n}1 until 2026-03-0{n}.")).await;
            world.teach(&format!("Remind reader R-{n}2 on 2026-05-1{n}.")).await;
        }
        world
    }

    /// A run of the planner's, learnt.
    async fn teach(&self, text: &str) {
        let call = |sentence: &str| meant(sentence.trim()).unwrap_or_else(|| panic!("{sentence}"));
        let calls = text.split_inclusive('.').filter(|s| s.len() > 1).map(call);
        self.learn(text, calls.collect()).await;
    }

    async fn learn(&self, text: &str, calls: Vec<Call>) {
        let step = |call: Call| TraceStep { call, observation: Some(ok()) };
        let trace = Trace {
            run: RunId::new(text),
            task: task(text).as_ref().clone(),
            steps: calls.into_iter().map(step).collect(),
            answer: Some("Done.".into()),
            outcome: RunOutcome::Success,
            usage: Usage::default(),
        };
        self.engine.admit(&trace).await.unwrap();
    }

    async fn next(&mut self, text: &str, history: &[TraceStep]) -> NextStep {
        let request = PlanRequest::new(RunId::new(text), task(text), history.to_vec());
        self.cache.ready().await.unwrap().call(request).await.unwrap().step
    }

    async fn run(&mut self, text: &str) -> Ran {
        let (mut history, mut calls) = (Vec::new(), Vec::new());
        let answer = loop {
            assert!(history.len() < 10, "{calls:?}");
            match self.next(text, &history).await {
                NextStep::Answer(answer) => break answer,
                NextStep::Calls(made) => {
                    calls.extend(made.iter().map(|call| call.tool.clone()));
                    let step = |call| TraceStep { call, observation: Some(ok()) };
                    history.extend(made.into_iter().map(step));
                }
            }
        };
        let handle = self.layer.handle();
        let report = handle.finish(&Namespace::new("city"), &RunId::new(text), RunOutcome::Success).unwrap();
        handle.flush().await;
        Ran { report, calls, answer }
    }

    /// The parts that the planner was asked for; none: the whole task.
    fn asked(&self) -> Vec<Option<String>> {
        std::mem::take(&mut self.planner.asked.lock().unwrap())
    }
}

fn ok() -> Observation {
    Observation { value: json!({"done": true}), failed: false }
}

fn part(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const MIDDLE: &str =
    "Extend loan L-77 until 2026-09-09. Send a copy of C-8 to branch B-3. Remind reader R-5 on 2026-10-10.";

#[tokio::test]
async fn the_planner_does_its_part_and_the_rest_is_served_in_the_order_of_the_text() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    let ran = world.run(MIDDLE).await;
    assert_eq!(ran.calls, ["extend", "send", "remind"]);
    let sent = || part("Send a copy of C-8 to branch B-3.");
    assert_eq!(world.asked(), [sent(), sent(), None], "its call, its end, and the answer");
    assert_eq!(ran.answer, "Done.", "what it says of a part is no answer");
    assert_eq!((ran.report.kind, ran.report.learning), (RunKind::HitPlannerPart, Learning::Queued));
    assert_eq!(ran.report.planner_calls, 3);
    let served: Vec<bool> = ran.report.decisions.iter().map(|d| d.served).collect();
    assert_eq!(served, [true, false, true, false]);
    let counts = world.layer.handle().counters().requests;
    assert_eq!((counts["hit/served"], counts["hit_planner_part/part"]), (2, 1), "{counts:?}");
    assert_eq!(counts.values().sum::<u64>(), 4, "each request of the agent counts once");
    // What the planner did for its part is learnt: soon nothing is left to ask.
    world.run(&MIDDLE.replace("C-8", "C-9").replace("B-3", "B-4")).await;
    world.asked();
    let ran = world.run(&MIDDLE.replace("C-8", "C-10").replace("B-3", "B-5")).await;
    assert_eq!((ran.report.kind, ran.calls.len()), (RunKind::HitPlannerAnswer, 3));
    assert_eq!(world.asked(), [None]);
}

#[tokio::test]
async fn without_the_setting_a_part_that_is_not_known_is_a_miss() {
    let mut world = World::taught(Policy::default(), Manner::Obeys).await;
    let ran = world.run(MIDDLE).await;
    assert_eq!(ran.report.kind, RunKind::Miss);
    assert!(world.asked().iter().all(Option::is_none));
}

#[tokio::test]
async fn a_part_at_the_end_is_the_planners_with_the_whole_task_before_it() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    let ran = world.run("Extend loan L-77 until 2026-09-09. Send a copy of C-8 to branch B-3.").await;
    assert_eq!(ran.calls, ["extend", "send"]);
    assert_eq!(world.asked(), [None, None]);
    assert_eq!((ran.report.kind, ran.answer.as_str()), (RunKind::HitPlannerPart, "Done."));
}

#[tokio::test]
async fn a_part_at_the_beginning_comes_first() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    let ran = world.run("Send a copy of C-8 to branch B-3. Extend loan L-77 until 2026-09-09.").await;
    assert_eq!(ran.calls, ["send", "extend"]);
    assert_eq!(ran.report.kind, RunKind::HitPlannerPart);
    let two = "Send a copy of C-1 to branch B-3. Extend loan L-7 until 2026-09-19. Send a copy of C-2 to branch B-3. \
               Send a copy of C-3 to branch B-3. Remind reader R-9 on 2026-11-11.";
    let ran = world.run(two).await;
    assert_eq!(ran.calls, ["send", "extend", "send", "send", "remind"]);
}

#[tokio::test]
async fn what_may_change_the_rest_is_no_part_of_its_own() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    for text in [
        "Extend loan L-77 until 2026-09-09. But only if it is not overdue. Remind reader R-5 on 2026-10-10.",
        "Unless it is overdue, Extend loan L-77 until 2026-09-09. Remind reader R-5 on 2026-10-10.",
    ] {
        world.next(text, &[]).await;
        assert_eq!(world.asked(), [None], "{text}");
    }
}

#[tokio::test]
async fn a_planner_that_does_nothing_for_its_part_gets_the_run() {
    let mut world = World::taught(policy(), Manner::Refuses).await;
    let ran = world.run(MIDDLE).await;
    assert_eq!(ran.calls, ["extend", "send", "remind"], "the planner goes on, and repeats nothing");
    assert_eq!(world.asked()[..2], [part("Send a copy of C-8 to branch B-3."), None]);
    let handed = |d: &plancache::layer::Decision| d.outcome == Outcome::Diverged(Diverged::Part);
    assert!(ran.report.decisions.iter().any(handed), "{:?}", ran.report);
    assert_eq!((ran.report.kind, ran.answer.as_str()), (RunKind::Diverged, "Done."));
}

#[tokio::test]
async fn what_the_planner_did_beyond_its_part_is_not_done_again() {
    let mut world = World::taught(policy(), Manner::DoesAll).await;
    let ran = world.run(MIDDLE).await;
    assert_eq!(ran.calls, ["extend", "send", "remind"]);
    assert_eq!(ran.report.kind, RunKind::Diverged);
}

#[tokio::test]
async fn a_cache_that_does_not_know_whose_calls_they_were_leaves_the_run_to_the_planner() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    let mut history = Vec::new();
    for _ in 0..2 {
        let NextStep::Calls(calls) = world.next(MIDDLE, &history).await else { panic!("{history:?}") };
        history.extend(calls.into_iter().map(|call| TraceStep { call, observation: Some(ok()) }));
    }
    let mut other = World::on(policy(), Manner::Obeys, world.store.clone()).await;
    let NextStep::Calls(calls) = other.next(MIDDLE, &history).await else { panic!("a call is open") };
    assert_eq!(calls[0].tool, "remind");
    assert_eq!(other.asked(), [None]);
}

#[tokio::test]
async fn a_template_whose_words_once_meant_something_else_serves_no_part() {
    let mut world = World::taught(policy(), Manner::Obeys).await;
    let send = meant("Send a copy of C-1 to branch B-3.").unwrap();
    world.learn("Remind reader R-3 on 2026-01-01. Send a copy of C-1 to branch B-3.", vec![send]).await;
    let text = "Remind reader R-5 on 2026-10-10. Write to the press.";
    world.next(text, &[]).await;
    assert_eq!(world.asked(), [None]);
    // The other one still does, and each serves what is known as a whole.
    world.next("Extend loan L-5 until 2026-10-10. Write to the press.", &[]).await;
    world.next("Remind reader R-5 on 2026-10-10.", &[]).await;
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn a_part_needs_the_evidence_that_the_policy_asks_for() {
    let mut world = World::taught(Policy { min_evidence_part: 4, ..policy() }, Manner::Obeys).await;
    world.next(MIDDLE, &[]).await;
    assert_eq!(world.asked(), [None]);
    world.teach("Extend loan L-91 until 2026-03-09.").await;
    let text = "Extend loan L-77 until 2026-09-09. Write to the press.";
    world.next(text, &[]).await;
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn in_shadow_the_planner_does_all_and_is_asked_for_all() {
    let mut world = World::taught(Policy { mode: Mode::Shadow, ..policy() }, Manner::Obeys).await;
    let ran = world.run(MIDDLE).await;
    assert_eq!(ran.calls, ["extend", "send", "remind"]);
    assert!(world.asked().iter().all(Option::is_none));
    assert_eq!(ran.report.shadow, Some(ShadowVerdict::Undecided));
}

#[tokio::test]
async fn the_explanation_shows_the_planners_part() {
    let world = World::taught(policy(), Manner::Obeys).await;
    let explained = world.engine.explain(&task(MIDDLE)).await;
    let decision = &explained["decision"];
    assert_eq!(decision["result"], "hit");
    let (from, to) = (35, 35 + "Send a copy of C-8 to branch B-3.".len());
    assert_eq!(decision["planner"], json!([{"from": from, "to": to}]));
    assert_eq!(decision["templates"].as_array().map(Vec::len), Some(2));
}
