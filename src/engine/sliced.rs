use super::Engine;
use crate::domain::{EffectClass, Trace, TraceStep};
use crate::extract::needed;

impl Engine {
    /// The plan of a recorded run: the steps that what it was for depends on, without a read that
    /// repeats another since the last write.
    pub fn sliced(&self, trace: &Trace) -> Vec<TraceStep> {
        let is_read = |tool: &str| self.policy.effect(tool) == EffectClass::Read;
        let mut plan: Vec<TraceStep> = Vec::new();
        let mut since = 0;
        for step in needed(trace, &is_read).into_iter().filter_map(|at| trace.steps.get(at)) {
            let same = |other: &TraceStep| {
                other.call.tool == step.call.tool && other.call.arguments == step.call.arguments
            };
            let read = is_read(&step.call.tool);
            if !read || !plan[since..].iter().any(same) {
                plan.push(step.clone());
            }
            if !read {
                since = plan.len();
            }
        }
        plan
    }
}
