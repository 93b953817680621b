//! Whether a figure was found: equal within one in a hundred, or as rounded, in the units asked for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use plancache::domain::Trace;
use plancache_agents::import::ImportError;
use regex::Regex;
use serde::Deserialize;

use super::said::{Said, said};
use crate::bench::{Case, Judge, Verdict};
use crate::tasks::read_lines;

/// The tolerance, relative to the gold figure.
const TOLERANCE: f64 = 0.01;

#[allow(clippy::unwrap_used, reason = "a constant")]
static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"(?<sign>-|\()?\$?\s*(?<number>-?\d[\d,]*(?:\.\d+)?|\.\d+)\)?";
    Regex::new(&format!(r"(?i){number}\s*(?<unit>%|percent|thousand|million|billion|trillion)?")).unwrap()
});

/// A figure with what is written beside it.
#[derive(Clone, Copy, Debug)]
struct Figure {
    number: f64,
    /// Digits after the point.
    places: i32,
    percent: bool,
    scale: Option<f64>,
}

fn scale(word: &str) -> Option<f64> {
    match word.to_lowercase().trim_end_matches('s') {
        "thousand" => Some(1e3),
        "million" => Some(1e6),
        "billion" => Some(1e9),
        "trillion" => Some(1e12),
        _ => None,
    }
}

/// The figures of a text. One in brackets, as accountants write it, is negative.
fn figures(text: &str) -> Vec<Figure> {
    let figure = |found: regex::Captures<'_>| {
        let written = found["number"].replace(',', "");
        let places = written.split_once('.').map_or(0, |(_, digits)| digits.len() as i32);
        let bracketed = found.name("sign").is_some_and(|sign| sign.as_str() == "(") && found[0].contains(')');
        let negative = bracketed || found.name("sign").is_some_and(|sign| sign.as_str() == "-");
        let number: f64 = written.parse().ok()?;
        let unit = found.name("unit").map_or("", |unit| unit.as_str());
        let percent = unit == "%" || unit.eq_ignore_ascii_case("percent");
        Some(Figure { number: if negative { -number } else { number }, places, percent, scale: scale(unit) })
    };
    FIGURE.captures_iter(text).filter_map(figure).collect()
}

struct Gold {
    figure: Figure,
    /// What the question asks the figure in, as `USD millions`.
    scale: Option<f64>,
}

impl Gold {
    fn is(&self, given: Figure) -> bool {
        let mut readings = Vec::new();
        match (given.scale, self.scale) {
            (Some(own), Some(asked)) => readings.push(given.number * own / asked),
            (Some(own), None) => readings.push(given.number * own),
            (None, _) => readings.push(given.number),
        }
        match (given.percent, self.figure.percent) {
            (true, false) => readings = vec![given.number / 100.0],
            (false, true) => readings.push(given.number * 100.0),
            _ => {}
        }
        let gold = self.figure.number;
        let power = 10_f64.powi(self.figure.places);
        let rounded = |reading: f64| (reading * power).round() == (gold * power).round();
        readings
            .into_iter()
            .any(|reading| (reading - gold).abs() <= TOLERANCE * gold.abs() || rounded(reading))
    }

    fn is_said(&self, said: &Said) -> bool {
        let all = figures(&said.text);
        let one = if said.marked { all.first() } else { all.last() };
        one.is_some_and(|figure| self.is(*figure))
    }
}

#[derive(Deserialize)]
struct Line {
    task_id: String,
    question: String,
    answer: String,
    answer_is_numeric: bool,
}

/// Knows the figures.
pub(crate) struct Figures(HashMap<String, Gold>);

impl Figures {
    /// Reads the numeric answers of a task file.
    pub(crate) fn load(file: &Path) -> Result<Self, ImportError> {
        let gold = |line: Line| {
            let figure = *figures(&line.answer).first()?;
            Some((line.task_id, Gold { figure, scale: asked_scale(&line.question) }))
        };
        let lines = read_lines::<Line>(file)?.into_iter().filter(|line| line.answer_is_numeric);
        Ok(Self(lines.filter_map(gold).collect()))
    }
}

/// The scale after `USD` in a question.
fn asked_scale(question: &str) -> Option<f64> {
    let at = question.find("USD")? + "USD".len();
    let word = question.get(at..)?.split_whitespace().next()?;
    scale(word.trim_matches(|c: char| !c.is_alphabetic()))
}

impl Judge for Figures {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(gold) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        match said(trace) {
            Some(said) if gold.is_said(&said) => Verdict::right(),
            Some(said) => {
                Verdict::wrong(format!("the answer is {:?}, not {}", said.text, gold.figure.number))
            }
            None => Verdict::wrong("nothing was said or calculated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(question: &str, answer: &str, text: &str) -> bool {
        let gold = Gold { figure: figures(answer)[0], scale: asked_scale(question) };
        gold.is_said(&Said { text: text.into(), marked: true })
    }

    #[test]
    fn figures_are_equal_within_one_in_a_hundred_or_as_rounded() {
        assert!(is("", "24.26", "24.2") && !is("", "24.26", "23.9"));
        assert!(is("", "-0.02", "-0.0208") && !is("", "-0.02", "0.0208"));
        assert!(is("", "0", "0") && !is("", "0", "1"));
        assert!(is("", "-3", "(3)"));
    }

    #[test]
    fn units_are_minded() {
        let millions = "What was it (in USD millions)?";
        assert!(is(millions, "$1616.00", "$1,615.9 million") && is(millions, "$1616.00", "1.616 billion"));
        assert!(is(millions, "$1616.00", "1616") && !is(millions, "$1616.00", "1616 billion"));
        assert!(is("", "65.4%", "65.4") && is("", "65.4%", "0.654") && is("", "0.66", "66%"));
        assert!(!is("", "0.66", "0.66%"));
    }
}
