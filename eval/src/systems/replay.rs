use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use plancache::domain::{Call, NextStep, PlanRequest, PlanResponse, RunId, Trace, Usage, fresh_call_id};
use plancache_agents::{Agent, RunRecord};
use tower::Service;

use super::{Kind, Metered, PlannerError, Ran};
use crate::bench::{Case, World};

/// Runs a case with the planner alone.
pub(super) async fn planned(case: &Case, world: World, planner: &Metered) -> Ran {
    let run = RunId::new(&case.id);
    let record = planner.agent().run(&mut planner.clone(), run, case.task.clone(), world).await;
    let spend = planner.take(&RunId::new(&case.id));
    Ran { planner: spend, ..ran(record, Kind::Miss) }
}

/// Runs a case with the calls of another run, as they were.
pub(super) async fn replayed(case: &Case, world: World, other: &Arc<Trace>, from: &str) -> Ran {
    let other = other.clone();
    let mut replay = tower::service_fn(move |request: PlanRequest| ready(Ok(step(&other, &request))));
    let record = run(case, world, &mut replay).await;
    Ran { from: vec![from.to_owned()], ..ran(record, Kind::Hit) }
}

async fn run<S>(case: &Case, world: World, planner: &mut S) -> RunRecord<World>
where
    S: Service<PlanRequest, Response = PlanResponse, Error = PlannerError>,
{
    Agent::default().run(planner, RunId::new(&case.id), case.task.clone(), world).await
}

fn step(other: &Trace, request: &PlanRequest) -> PlanResponse {
    let step = match other.steps.get(request.history.len()) {
        Some(step) => NextStep::Calls(vec![Call { id: fresh_call_id(), ..step.call.clone() }]),
        None => NextStep::Answer(other.answer.clone().unwrap_or_default()),
    };
    PlanResponse { step, usage: Usage::default() }
}

/// What a run of the agent was.
pub(super) fn ran(record: RunRecord<World>, kind: Kind) -> Ran {
    Ran {
        trace: record.trace,
        ending: record.ending,
        kind,
        planner: super::Spend::default(),
        own: super::Spend::default(),
        reason: None,
        loosely: false,
        missed: None,
        from: Vec::new(),
        slots: (0, 0),
        decision: None,
        planning: record.planning.iter().sum::<Duration>(),
        rejected: Vec::new(),
    }
}
