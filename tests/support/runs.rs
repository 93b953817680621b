//! Runs of invented agents, in few words.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plancache::domain::{
    Call, EffectClass, Namespace, NextStep, Observation, PlanRequest, RunId, RunOutcome, Task, Tool, Trace,
    TraceStep, Usage,
};
use plancache::engine::{Engine, Reply};
use plancache::policy::Policy;
use plancache::store::MemoryStore;
use serde_json::{Map, Value, json};

/// A call with what it observed.
pub(crate) type Done<'a> = (&'a str, Value, Value);

/// A tool whose arguments have these schemas.
pub(crate) fn tool(name: &str, properties: Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": properties}),
    }
}

pub(crate) fn task(text: &str, tools: &Arc<Vec<Tool>>) -> Task {
    Task {
        namespace: Namespace::new("invented"),
        text: text.to_owned(),
        context: Value::Null,
        tools: tools.clone(),
        output_format: None,
    }
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// A step; an observation that is an object with a member `error` failed.
pub(crate) fn step(n: usize, (tool, arguments, observed): Done<'_>) -> TraceStep {
    let call = Call { id: format!("c{n}"), tool: tool.to_owned(), arguments: map(arguments) };
    let failed = observed.get("error").is_some();
    TraceStep { call, observation: Some(Observation { value: observed, failed }) }
}

/// A successful run.
pub(crate) fn run<'a>(
    text: &str,
    tools: &Arc<Vec<Tool>>,
    done: impl IntoIterator<Item = Done<'a>>,
    answer: &str,
) -> Trace {
    Trace {
        run: RunId::new(text),
        task: task(text, tools),
        steps: done.into_iter().enumerate().map(|(n, done)| step(n, done)).collect(),
        answer: Some(answer.to_owned()),
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    }
}

/// A policy under which these tools read and all others write, and one success is enough.
pub(crate) fn policy(reads: &[&str]) -> Policy {
    let effects = reads.iter().map(|tool| ((*tool).to_owned(), EffectClass::Read)).collect();
    Policy { effects, min_evidence_write: 1, ..Policy::default() }
}

/// An engine on an empty store in memory, without a filler.
pub(crate) async fn engine(policy: Policy) -> Engine {
    Engine::open(policy, Arc::new(MemoryStore::new()), None).await.unwrap()
}

/// A run that the engine has not seen yet: it goes on with the decision made when a run began.
pub(crate) fn fresh_run() -> RunId {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    RunId::new(format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed)))
}

/// What the engine says to the next planning call of a run.
pub(crate) async fn next(engine: &Engine, run: &RunId, task: &Task, history: &[TraceStep]) -> Reply {
    let run = run.clone();
    engine.next(&PlanRequest::new(run, Arc::new(task.clone()), history.to_vec())).await
}

/// Follows a served run to its end, where the world answers as it did in `wanted`: the calls that
/// were served. Stops at the first call that is not the recorded one, or when nothing is served;
/// the last reply says why.
pub(crate) async fn served(engine: &Engine, wanted: &Trace) -> (Vec<(String, Map<String, Value>)>, Reply) {
    let run = fresh_run();
    let mut calls = Vec::new();
    let mut history: Vec<TraceStep> = Vec::new();
    loop {
        let reply = next(engine, &run, &wanted.task, &history).await;
        let Some(NextStep::Calls(next)) = &reply.step else { return (calls, reply) };
        for call in next {
            calls.push((call.tool.clone(), call.arguments.clone()));
            let recorded = wanted.steps.get(history.len());
            match recorded.filter(|r| r.call.tool == call.tool && r.call.arguments == call.arguments) {
                Some(recorded) => {
                    history.push(TraceStep { call: call.clone(), observation: recorded.observation.clone() })
                }
                None => return (calls, reply),
            }
        }
    }
}

/// The calls of a run.
pub(crate) fn calls_of(trace: &Trace) -> Vec<(String, Map<String, Value>)> {
    trace.steps.iter().map(|s| (s.call.tool.clone(), s.call.arguments.clone())).collect()
}
