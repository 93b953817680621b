use plancache::domain::RunOutcome;

use super::Feedback;
use crate::bench::Verdict;
use crate::systems::Ran;

/// What the cache is told of a task that is over; nothing, if it is to learn nothing from it.
pub(super) fn told(feedback: Option<Feedback>, verdict: &Verdict, ran: &Ran) -> RunOutcome {
    let Some(feedback) = feedback else { return RunOutcome::Unknown };
    let success = match feedback {
        Feedback::Verified => verdict.succeeded,
        Feedback::Trace => ran.ended() && last_call_worked(ran),
    };
    if success { RunOutcome::Success } else { RunOutcome::Failure }
}

fn last_call_worked(ran: &Ran) -> bool {
    let last = ran.trace.steps.last().and_then(|step| step.observation.as_ref());
    last.is_some_and(|observation| !observation.failed)
}
