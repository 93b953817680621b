use crate::domain::{Bypass, Diverged, Miss, Outcome};

/// The labels `result` and `reason` of an outcome. Both are closed sets.
pub fn labels(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Hit { .. } => ("hit", "served"),
        Outcome::PlannerAnswer { .. } => ("hit_planner_answer", "answer"),
        Outcome::PlannerPart { .. } => ("hit_planner_part", "part"),
        Outcome::Miss(miss) => (
            "miss",
            match miss {
                Miss::NoCandidate => "no_candidate",
                Miss::NotCovered { .. } => "not_covered",
                Miss::Ambiguous { .. } => "ambiguous",
                Miss::NotActive { .. } => "not_active",
                Miss::SlotUnfilled { .. } => "slot_unfilled",
                Miss::NothingToDo => "nothing_to_do",
                Miss::Ungrounded { .. } => "ungrounded",
                Miss::FillerUnavailable => "filler_unavailable",
            },
        ),
        Outcome::Bypass(bypass) => (
            "bypass",
            match bypass {
                Bypass::Mode => "mode",
                Bypass::Effect { .. } => "effect",
                Bypass::RunInProgress => "run_in_progress",
                Bypass::Fault { .. } => "fault",
            },
        ),
        Outcome::Diverged(diverged) => (
            "diverged",
            match diverged {
                Diverged::Guard { .. } => "guard",
                Diverged::CallFailed { .. } => "call_failed",
                Diverged::Binding { .. } => "binding",
                Diverged::Schema { .. } => "schema",
                Diverged::Part => "part",
                Diverged::History => "history",
                Diverged::Withdrawn => "withdrawn",
            },
        ),
    }
}
