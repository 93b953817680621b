//! Whether the plan that was called is the one that is meant, with the slots that are meant.

use std::collections::HashMap;

use plancache::domain::{Call, Trace};
use serde_json::{Map, Value};

use super::same::first_difference;
use crate::bench::{Case, Judge, Parts, Verdict};

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

    fn parts(&self, case: &Case, tool: &str, arguments: &Map<String, Value>) -> Option<Parts> {
        let meant = self.0.get(&case.id)?;
        let same = |(key, value): &(&String, &Value)| match arguments.get(*key) {
            Some(given) => {
                let one = |value: &Value| Map::from_iter([((*key).clone(), value.clone())]);
                first_difference(&one(value), &one(given)).is_none()
            }
            None => false,
        };
        let right = meant.arguments.iter().filter(same).count() as u64;
        let tool = meant.tool == tool;
        Some(Parts { tool, arguments: (if tool { right } else { 0 }, meant.arguments.len() as u64) })
    }
}
