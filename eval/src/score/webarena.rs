//! Whether the plan that was called is the one that is meant, with the slots that are meant.

use std::collections::HashMap;

use plancache::domain::{Call, Trace};

use super::same::first_difference;
use crate::bench::{Case, Judge, Verdict};

/// Knows the call that each request stands for.
pub(crate) struct Meant(pub(crate) HashMap<String, Call>);

impl Judge for Meant {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(meant) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        let [step] = trace.steps.as_slice() else {
            return Verdict::wrong(format!("{} calls were made, not one", trace.steps.len()));
        };
        if step.call.tool != meant.tool {
            return Verdict::wrong(format!("wrong template: {}, not {}", step.call.tool, meant.tool));
        }
        match first_difference(&meant.arguments, &step.call.arguments) {
            Some(difference) => Verdict::wrong(format!("wrong slots: {difference}")),
            None => Verdict::right(),
        }
    }
}
