use std::collections::{BTreeMap, HashMap};

use plancache::domain::{Call, Trace};
use serde_json::{Map, Value};

use super::Feedback;
use super::outcome::told;
use crate::bench::{Benchmark, Case, Parts, Verdict};
use crate::measure::{TaskRecord, WrongCall};
use crate::systems::{Kind, Ran, System, SystemError};

/// Sees each task when it is over.
pub type Watch<'a> = &'a (dyn Fn(&TaskRecord) + Sync);

/// Runs tasks through a system, one after the other. The judge is asked when a task is over; the
/// system is then told what `feedback` says, and learns before the next begins; without feedback it
/// learns nothing. `alone` is what
/// the planner does without the system, where that is known.
///
/// # Errors
/// When the system cannot go on by a fault of its own.
pub async fn stream(
    benchmark: &Benchmark,
    order: &[Case],
    system: &mut dyn System,
    feedback: Option<Feedback>,
    alone: &BTreeMap<String, TaskRecord>,
    watch: Watch<'_>,
) -> Result<Vec<TaskRecord>, SystemError> {
    let planned: HashMap<&str, &Trace> =
        benchmark.runs.iter().map(|run| (run.task_id.as_str(), &run.trace)).collect();
    let mut records = Vec::with_capacity(order.len());
    for case in order {
        let mut ran = system.run(case, benchmark.worlds.fresh(case)).await?;
        let verdict = benchmark.judge(case, &ran.trace);
        let outcome = told(feedback, &verdict, &ran);
        system.finish(case, &mut ran, outcome).await?;
        let failed_alone = alone.get(&case.id).is_some_and(|alone| !alone.succeeded);
        let parts = parts(benchmark, case, &ran);
        let record = record(case, ran, verdict, failed_alone, planned.get(case.id.as_str()).copied());
        let record = TaskRecord { parts, ..record };
        watch(&record);
        records.push(record);
    }
    Ok(records)
}

/// How far the call that was served is right, or, where nothing was, the plan that came closest.
fn parts(benchmark: &Benchmark, case: &Case, ran: &Ran) -> Option<Parts> {
    match (ran.kind, ran.trace.steps.first()) {
        (Kind::Hit | Kind::Part | Kind::Diverged, Some(step)) => {
            benchmark.parts(case, &step.call.tool, &step.call.arguments)
        }
        _ => {
            let nearest = ran.missed.as_ref().and_then(|missed| missed.tools.first());
            benchmark.parts(case, nearest.map_or("", String::as_str), &Map::new())
        }
    }
}

fn record(
    case: &Case,
    ran: Ran,
    verdict: Verdict,
    failed_alone: bool,
    planned: Option<&Trace>,
) -> TaskRecord {
    // A run that was handed back may also fail because the planner does.
    let by_the_planner = matches!(ran.kind, Kind::Part | Kind::Diverged) && failed_alone;
    let wrong = ran.kind != Kind::Miss && verdict.wrong && !by_the_planner;
    TaskRecord {
        task: case.id.clone(),
        kind: ran.kind,
        succeeded: verdict.succeeded && ran.ended(),
        wrong,
        why: verdict.why.filter(|_| wrong),
        wrong_call: planned.filter(|_| wrong).and_then(|planned| wrong_call(&ran.trace, planned)),
        planner: ran.planner,
        own: ran.own,
        slots: ran.slots,
        decision_us: ran.decision.map(|d| d.as_secs_f64() * 1e6),
        planning_ms: ran.planning.as_secs_f64() * 1e3,
        fault: ran.planner.faults > 0,
        reason: ran.reason,
        loosely: ran.loosely,
        missed: ran.missed,
        parts: None,
        new_together: false,
        within_reach: false,
        from: ran.from,
    }
}

/// The first call that the planner does not make, and the argument in which the planner's most
/// similar call differs.
fn wrong_call(ran: &Trace, planned: &Trace) -> Option<WrongCall> {
    let same = |a: &Call, b: &Call| a.tool == b.tool && a.arguments == b.arguments;
    let made = |call: &Call| planned.steps.iter().any(|step| same(&step.call, call));
    let (at, step) = ran.steps.iter().enumerate().find(|(_, step)| !made(&step.call))?;
    let call = &step.call;
    let equal =
        |other: &Call| call.arguments.iter().filter(|(k, v)| other.arguments.get(*k) == Some(v)).count();
    let other =
        planned.steps.iter().map(|s| &s.call).filter(|c| c.tool == call.tool).max_by_key(|c| equal(c));
    let argument = other.and_then(|other| {
        call.arguments.iter().find(|(k, v)| other.arguments.get(*k) != Some(v)).map(|(k, _)| k.clone())
    });
    let of = |call: &Call| match &argument {
        Some(name) => call.arguments.get(name).cloned().unwrap_or_default(),
        None => Value::Object(call.arguments.clone()),
    };
    Some(WrongCall { at, tool: call.tool.clone(), served: of(call), planned: other.map(of), argument })
}
