//! What the cache would have done on a run that was recorded.

use std::sync::Arc;

use super::report::ShadowVerdict;
use super::shadow::{Proposal, judge, parted};
use crate::domain::{Call, Miss, NextStep, Outcome, PlanRequest, RunId, Served, Task, Trace, TraceStep};
use crate::engine::Engine;

/// What the cache would have done.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Whether that would have been right.
    pub verdict: ShadowVerdict,
    /// What was decided at each planning call.
    pub outcomes: Vec<Outcome>,
    /// The templates of the plan.
    pub templates: Vec<Served>,
    /// Where it would have been wrong: the call that was not the planner's, and the planner's; one
    /// of them is absent where the plans differ in length.
    pub parted: Option<(Option<Call>, Option<Call>)>,
}

/// Decides a recorded run as if it came now. The tools answer as they did in the recording: a call
/// that was not made there ends the replay, since nobody knows its answer.
pub async fn replay(engine: &Engine, trace: &Trace, run: RunId) -> Replayed {
    let task: Arc<Task> = Arc::new(trace.task.clone());
    let mut recorded: Vec<&TraceStep> = trace.steps.iter().collect();
    let mut history: Vec<TraceStep> = Vec::new();
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut unknown = false;
    while !unknown {
        let request = PlanRequest::new(run.clone(), Arc::clone(&task), history.clone());
        let reply = engine.next(&request).await;
        let at = history.len();
        let Some(NextStep::Calls(calls)) = reply.step else {
            proposals.push(Proposal { at, step: reply.step, outcome: reply.outcome });
            break;
        };
        let mut counted = Vec::new();
        for call in calls {
            let same =
                |step: &&TraceStep| step.call.tool == call.tool && step.call.arguments == call.arguments;
            let known = recorded.iter().position(|step| same(step) && step.observation.is_some());
            let observation = known.and_then(|known| recorded.remove(known).observation.clone());
            unknown |= observation.is_none();
            // A call that the planner made too, and that failed, is no part of either plan.
            if !observation.as_ref().is_some_and(|observation| observation.failed) {
                counted.push(call.clone());
            }
            if observation.is_some() {
                history.push(TraceStep { call, observation });
            }
        }
        proposals.push(Proposal { at, step: Some(NextStep::Calls(counted)), outcome: reply.outcome });
    }
    let outcomes: Vec<Outcome> = proposals.iter().map(|proposal| proposal.outcome.clone()).collect();
    if unknown {
        // How the run would have gone on is not known.
        proposals.push(Proposal { at: history.len(), step: None, outcome: Outcome::Miss(Miss::NothingToDo) });
    }
    let mut plan = engine.sliced(trace);
    plan.retain(|step| !step.observation.as_ref().is_some_and(|observation| observation.failed));
    let effect = |tool: &str| engine.policy().effect(tool);
    let verdict = judge(&proposals, &plan, effect);
    let templates = outcomes.iter().find_map(Outcome::templates).unwrap_or_default().to_vec();
    let parted = (verdict == ShadowVerdict::WouldHaveBeenWrong).then(|| parted(&proposals, &plan, effect));
    Replayed { verdict, outcomes, templates, parted }
}
