//! Numbers in what was observed and said.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use plancache::domain::Trace;
use plancache_agents::import::ImportError;
use plancache_agents::tokens::observation_text;
use regex::Regex;
use serde::Deserialize;

use crate::bench::{Case, Judge, Verdict};
use crate::tasks::read_lines;

#[allow(clippy::unwrap_used, reason = "a constant")]
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"-?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)").unwrap());

/// The numbers of a text, in order; grouping commas and a dollar sign are no part of them.
pub(crate) fn numbers(text: &str) -> Vec<f64> {
    NUMBER.find_iter(text).filter_map(|found| found.as_str().replace([',', '$'], "").parse().ok()).collect()
}

/// Whether two numbers are equal but for rounding.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1.0)
}

#[derive(Deserialize)]
struct Line {
    task_id: String,
    answer: String,
}

/// Knows the number that each task's calculations should end with.
pub(crate) struct Results(HashMap<String, f64>);

impl Results {
    /// Reads the `answer` of each task of a file; one that is no number is never right.
    pub(crate) fn load(file: &Path) -> Result<Self, ImportError> {
        let number = |line: Line| Some((line.task_id, numbers(&line.answer).pop()?));
        Ok(Self(read_lines::<Line>(file)?.into_iter().filter_map(number).collect()))
    }
}

impl Judge for Results {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(gold) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        let last = trace.steps.last().and_then(|step| step.observation.as_ref()).map(observation_text);
        let wrong = |what: &str, text: &str| {
            let is = numbers(text).pop().is_some_and(|number| same(number, *gold));
            (!is).then(|| Verdict::wrong(format!("{what} is {text:?}, not {gold}")))
        };
        // A planner that knows the answer must not hide that the calls before it led elsewhere.
        let calculated = last.as_ref().map(|text| wrong("the last result", text));
        let said = trace.answer.as_ref().filter(|text| !numbers(text).is_empty());
        let said = said.map(|text| wrong("the answer", text));
        match (calculated, said) {
            (None, None) => Verdict::wrong("nothing was calculated and no number was said"),
            (calculated, said) => calculated.flatten().or(said.flatten()).unwrap_or_else(Verdict::right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        assert_eq!(numbers("$1,200.50, then -3 and .5%"), [1200.5, -3.0, 0.5]);
        assert_eq!(numbers("none"), Vec::<f64>::new());
        assert!(same(0.1 + 0.2, 0.3) && !same(1.0, 1.01));
    }
}
