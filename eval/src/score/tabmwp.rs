//! Whether a question about a table was answered: equality after normalization.

use std::collections::HashMap;
use std::path::Path;

use plancache::domain::Trace;
use plancache_agents::import::ImportError;
use serde::Deserialize;

use super::numbers::{numbers, same};
use super::said::{Said, said};
use crate::bench::{Case, Judge, Verdict};
use crate::tasks::read_by_task;

#[derive(Deserialize)]
struct Gold {
    task_id: String,
    answer: String,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    choices: Option<Vec<String>>,
}

/// Knows the answers.
pub(crate) struct Answers(HashMap<String, Gold>);

impl Answers {
    /// Reads the answers of a task file.
    pub(crate) fn load(file: &Path) -> Result<Self, ImportError> {
        Ok(Self(read_by_task(file, |gold: &Gold| &gold.task_id)?))
    }
}

/// Without case, dollar and percent signs, grouping commas, the unit, and what ends a sentence.
fn normalized(text: &str, unit: Option<&str>) -> String {
    let mut out = text.trim().to_lowercase().replace(['$', ',', '%', '*'], "");
    if let Some(unit) = unit.map(|unit| unit.to_lowercase().replace(['$', ','], ""))
        && let Some(rest) = out.trim_end_matches('.').strip_suffix(unit.trim())
    {
        out = rest.to_owned();
    }
    let words: Vec<&str> = out.trim().trim_end_matches('.').split_whitespace().collect();
    words.join(" ")
}

/// The value of a number or a fraction.
fn value(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((above, below)) => {
            let below: f64 = below.trim().parse().ok()?;
            (below != 0.0).then_some(above.trim().parse::<f64>().ok()? / below)
        }
        None => text.parse().ok(),
    }
}

impl Gold {
    fn is(&self, said: &Said) -> bool {
        let unit = self.unit.as_deref();
        let (given, wanted) = (normalized(&said.text, unit), normalized(&self.answer, unit));
        if given == wanted {
            return true;
        }
        if let Some(choices) = &self.choices {
            // A sentence that names one choice only says it.
            let words = |text: &str| format!(" {} ", normalized(text, None).replace('.', ""));
            let given = words(&said.text);
            let named: Vec<&String> =
                choices.iter().filter(|choice| given.contains(&words(choice))).collect();
            return matches!(named.as_slice(), [one] if normalized(one, None) == normalized(&self.answer, None));
        }
        let Some(wanted) = value(&wanted) else { return false };
        let number = value(&given).or_else(|| {
            let mut all = numbers(&given);
            if said.marked { all.drain(..).next() } else { all.pop() }
        });
        number.is_some_and(|number| same(number, wanted))
    }
}

impl Judge for Answers {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(gold) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        match said(trace) {
            Some(said) if gold.is(&said) => Verdict::right(),
            Some(said) => Verdict::wrong(format!("the answer is {:?}, not {:?}", said.text, gold.answer)),
            None => Verdict::wrong("nothing was said or calculated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(answer: &str, unit: Option<&str>, choices: Option<&[&str]>, text: &str, marked: bool) -> bool {
        let choices = choices.map(|all| all.iter().map(|c| (*c).to_owned()).collect());
        let unit = unit.map(str::to_owned);
        let gold = Gold { task_id: "t".into(), answer: answer.into(), unit, choices };
        gold.is(&Said { text: text.into(), marked })
    }

    #[test]
    fn numbers_are_equal_whatever_their_signs_and_units() {
        assert!(is("1,200.50", Some("$"), None, "$1200.5", true));
        assert!(is("8", Some("farms"), None, "8 farms.", true));
        assert!(is("5/18", None, None, "10/36", true));
        assert!(is("3", None, None, "There are 7 rows, so 3.", false));
        assert!(!is("3", None, None, "3 of 7", false) && is("3", None, None, "3 of 7", true));
        assert!(!is("8.20", Some("$"), None, "8.30", true));
    }

    #[test]
    fn a_choice_is_one_that_is_named_alone() {
        let linear: Option<&[&str]> = Some(&["linear", "nonlinear"]);
        assert!(is("nonlinear", None, linear, "The function is nonlinear.", false));
        assert!(!is("linear", None, linear, "The function is nonlinear.", false));
        assert!(!is("linear", None, linear, "linear or nonlinear", false));
        assert!(is("2:10 P.M.", None, Some(&["2:10 P.M.", "1:45 P.M."]), "2:10 p.m.", true));
    }
}
