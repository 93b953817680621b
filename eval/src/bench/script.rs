//! Runs of a planner that is known to be right, made by executing what it does.

use plancache::domain::{Call, Observation, RunId, RunOutcome, Trace, TraceStep, Usage};
use plancache_agents::Environment;
use plancache_agents::import::RecordedRun;

use super::{Case, World};

/// Executes the calls that `next` gives, one after the other, each with what was observed so far,
/// until it gives none; then the run is over, with this answer.
pub(super) fn played(
    case: &Case,
    mut world: World,
    mut next: impl FnMut(&[TraceStep]) -> Option<Call>,
    answer: impl FnOnce(&[TraceStep]) -> Option<String>,
) -> RecordedRun {
    let mut steps: Vec<TraceStep> = Vec::new();
    while let Some(call) = next(&steps) {
        let text = world.call(&call.tool, &call.arguments);
        steps.push(TraceStep { call, observation: Some(Observation::from_text(&text)) });
    }
    let trace = Trace {
        run: RunId::new(&case.id),
        task: case.task.as_ref().clone(),
        answer: answer(&steps),
        steps,
        outcome: RunOutcome::Unknown,
        usage: Usage::default(),
    };
    RecordedRun { task_id: case.id.clone(), trace }
}

/// A recorded run again, with what the tools of this world answer in place of what was recorded.
pub(super) fn observed_again(case: &Case, world: World, recorded: &RecordedRun) -> RecordedRun {
    let mut calls = recorded.trace.steps.iter().map(|step| step.call.clone());
    played(case, world, |_| calls.next(), |_| recorded.trace.answer.clone())
}
