//! The layer around a planner, with the real engine and stores: learn, serve, diverge, restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a failed step of a test is a failed test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plancache::domain::{
    Call, EffectClass, Namespace, NextStep, Observation, Outcome, PlanRequest, PlanResponse, RunId,
    RunOutcome, Task, Tool, TraceStep, Usage,
};
use plancache::layer::{CacheHandle, Learning, PlanCache, PlanCacheLayer, RunKind, RunReport, ShadowVerdict};
use plancache::policy::{Mode, Policy};
use plancache::store::{MemoryStore, SledStore, Store};
use serde_json::{Map, Value, json};
use tower::{Layer, Service, ServiceExt};

/// A small library: readers have loans, loans can be extended.
fn tools() -> Arc<Vec<Tool>> {
    let tool = |name: &str, properties: Value| Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": properties}),
    };
    let text = json!({"type": "string"});
    Arc::new(vec![
        tool("loans_of", json!({"reader": text})),
        tool("extend", json!({"loan": text, "until": text})),
    ])
}

fn task(reader: &str, title: &str, until: &str) -> Arc<Task> {
    Arc::new(Task {
        namespace: Namespace::new("city"),
        text: format!("Reader {reader} asks to keep the book \"{title}\" until {until}."),
        context: Value::Null,
        tools: tools(),
        output_format: None,
    })
}

/// The library's answers: each reader has two loans; the second one cannot be found by some.
fn execute(call: &Call, titles: [&str; 2]) -> Observation {
    let reader = call.arguments.get("reader").and_then(Value::as_str).unwrap_or("?");
    let value = match call.tool.as_str() {
        "loans_of" => json!({"reader": reader, "loans": [
            {"title": titles[0], "loan": format!("{reader}-A")},
            {"title": titles[1], "loan": format!("{reader}-B")},
        ]}),
        _ => json!({"done": true}),
    };
    Observation { value, failed: false }
}

/// A planner that knows how to extend a loan; it counts how often it is asked.
#[derive(Clone, Default)]
struct Planner {
    asked: Arc<AtomicUsize>,
}

impl Planner {
    fn plan(&self, request: &PlanRequest) -> NextStep {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let words: Vec<&str> = request.task.text.split([' ', '"']).collect();
        let title = request.task.text.split('"').nth(1).unwrap_or_default();
        let until = words.last().map(|w| w.trim_end_matches('.')).unwrap_or_default();
        let call = |tool: &str, arguments: Value| {
            let arguments = arguments.as_object().cloned().unwrap_or_else(Map::new);
            NextStep::Calls(vec![Call {
                id: format!("p{}", request.history.len()),
                tool: tool.into(),
                arguments,
            }])
        };
        match request.history.len() {
            0 => call("loans_of", json!({"reader": words[1]})),
            1 => {
                let seen =
                    request.history[0].observation.as_ref().map(|o| o.value.clone()).unwrap_or_default();
                let loans = seen["loans"].as_array().cloned().unwrap_or_default();
                let loan = loans.iter().find(|l| l["title"] == title).or(loans.first());
                call("extend", json!({"loan": loan.map(|l| l["loan"].clone()), "until": until}))
            }
            _ => NextStep::Answer(String::new()),
        }
    }
}

impl Service<PlanRequest> for Planner {
    type Response = PlanResponse;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<PlanResponse, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let step = self.plan(&request);
        std::future::ready(Ok(PlanResponse { step, usage: Usage { input: 1_000, output: 50 } }))
    }
}

struct World {
    planner: Planner,
    cache: PlanCache<Planner>,
    handle: CacheHandle,
    runs: usize,
}

fn policy() -> Policy {
    let effects = BTreeMap::from([("loans_of".to_owned(), EffectClass::Read)]);
    Policy { effects, ..Policy::default() }
}

impl World {
    async fn open(policy: Policy, store: Arc<dyn Store>) -> Self {
        let planner = Planner::default();
        let layer = PlanCacheLayer::open(policy, store, None).await;
        Self { cache: layer.layer(planner.clone()), handle: layer.handle(), planner, runs: 0 }
    }

    /// Runs a task to its end; `titles` are what the reader has on loan.
    async fn run(&mut self, task: Arc<Task>, titles: [&str; 2]) -> (RunReport, Vec<TraceStep>) {
        self.runs += 1;
        let run = RunId::new(format!("run-{}", self.runs));
        let mut history = Vec::new();
        loop {
            let request = PlanRequest::new(run.clone(), task.clone(), history.clone());
            let reply = self.cache.ready().await.unwrap().call(request).await.unwrap();
            let NextStep::Calls(calls) = reply.step else { break };
            for call in calls {
                let observation = Some(execute(&call, titles));
                history.push(TraceStep { call, observation });
            }
        }
        let report = self.handle.finish(&task.namespace, &run, RunOutcome::Success).unwrap();
        self.handle.flush().await;
        (report, history)
    }

    /// Two runs by the planner, which is what a plan with a write needs to be believed.
    async fn teach(&mut self) {
        for (reader, title, until) in [("R-1001", "Emma", "2026-03-01"), ("R-2002", "Ulysses", "2026-04-15")]
        {
            let (report, _) = self.run(task(reader, title, until), ["Middlemarch", title]).await;
            assert_eq!((report.kind, report.learning), (RunKind::Miss, Learning::Queued), "{report:?}");
        }
    }
}

#[tokio::test]
async fn what_the_planner_did_twice_is_served_to_others() {
    let mut world = World::open(policy(), Arc::new(MemoryStore::default())).await;
    world.teach().await;
    let before = world.planner.asked.load(Ordering::Relaxed);
    let (report, history) = world.run(task("R-77", "Dracula", "2026-09-09"), ["Dracula", "Persuasion"]).await;
    assert!(matches!(report.kind, RunKind::Hit | RunKind::HitPlannerAnswer), "{report:?}");
    let asked_for_calls =
        world.planner.asked.load(Ordering::Relaxed) - before - report.planner_calls as usize;
    assert_eq!(asked_for_calls, 0);
    let calls: Vec<Value> = history.iter().map(|s| json!([s.call.tool, s.call.arguments])).collect();
    assert_eq!(
        calls,
        [
            json!(["loans_of", {"reader": "R-77"}]),
            json!(["extend", {"loan": "R-77-A", "until": "2026-09-09"}]),
        ]
    );
}

#[tokio::test]
async fn call_ids_are_fresh_even_when_a_call_is_retried() {
    let mut world = World::open(policy(), Arc::new(MemoryStore::default())).await;
    world.teach().await;
    let task = task("R-77", "Dracula", "2026-09-09");
    let mut ids = std::collections::HashSet::new();
    for _ in 0..50 {
        let request = PlanRequest::new(RunId::new("retried"), task.clone(), vec![]);
        let reply = world.cache.call(request).await.unwrap();
        let NextStep::Calls(calls) = reply.step else { panic!("served") };
        assert!(calls.iter().all(|call| ids.insert(call.id.clone())));
    }
}

#[tokio::test]
async fn a_run_that_diverges_goes_on_with_the_planner_and_repeats_nothing() {
    let mut world = World::open(policy(), Arc::new(MemoryStore::default())).await;
    world.teach().await;
    // The reader has no such book: nothing matches, the planner takes the first loan.
    let (report, history) = world.run(task("R-77", "Dracula", "2026-09-09"), ["Persuasion", "Emma"]).await;
    assert_eq!(report.kind, RunKind::Diverged, "{report:?}");
    assert!(report.decisions[0].served);
    assert!(matches!(report.decisions[1].outcome, Outcome::Diverged(_)), "{:?}", report.decisions[1]);
    let tools: Vec<&str> = history.iter().map(|s| s.call.tool.as_str()).collect();
    assert_eq!(tools, ["loans_of", "extend"], "no step is repeated");
    assert_eq!(report.planner_calls, 2);
}

#[tokio::test]
async fn what_was_learnt_is_there_after_a_restart_and_for_its_tenant_alone() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut world = World::open(policy(), Arc::new(SledStore::open(folder.path()).unwrap())).await;
        world.teach().await;
    }
    // The worker of the dropped cache lets go of the store when it is next polled.
    let store = loop {
        match SledStore::open(folder.path()) {
            Ok(store) => break store,
            Err(error) => assert!(error.to_string().contains("open"), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    let mut world = World::open(policy(), Arc::new(store)).await;
    let mut foreign = Task::clone(&task("R-5", "Dracula", "2026-09-09"));
    foreign.namespace = Namespace::new("village");
    let (report, _) = world.run(Arc::new(foreign), ["Dracula", "Emma"]).await;
    assert_eq!(report.kind, RunKind::Miss);
    let (report, _) = world.run(task("R-5", "Dracula", "2026-09-09"), ["Dracula", "Emma"]).await;
    assert!(matches!(report.kind, RunKind::Hit | RunKind::HitPlannerAnswer), "{report:?}");
}

#[tokio::test]
async fn shadow_mode_compares_with_the_planner() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    World::open(policy(), store.clone()).await.teach().await;
    let mut world = World::open(Policy { mode: Mode::Shadow, ..policy() }, store).await;
    let (report, _) = world.run(task("R-5", "Dracula", "2026-09-09"), ["Emma", "Dracula"]).await;
    assert_eq!((report.shadow, report.planner_calls), (Some(ShadowVerdict::WouldHaveHit), 3));
    let (report, _) = world.run(task("R-6", "Dracula", "2026-09-09"), ["Emma", "Persuasion"]).await;
    assert_eq!(report.shadow, Some(ShadowVerdict::Undecided));
}

#[tokio::test]
async fn tools_that_destroy_are_a_bypass_or_never_active() {
    let mut strict = policy();
    strict.effects.insert("extend".into(), EffectClass::Destructive);
    let mut world = World::open(strict, Arc::new(MemoryStore::default())).await;
    world.teach().await;
    let (report, _) = world.run(task("R-5", "Dracula", "2026-09-09"), ["Emma", "Dracula"]).await;
    assert!(report.decisions.iter().all(|d| !d.served), "{report:?}");
}
