//! The record of the filler's evaluation.

use std::fmt::Write as _;

use serde::Serialize;

use super::answers::{Answers, Wish};
use crate::score::slots::GoldSlot;
use crate::tasks::TaskInput;

/// One argument of one task, with what each way of filling said.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    set: &'static str,
    task: String,
    /// Even tasks are for tuning, odd ones for the figures.
    tuning: bool,
    tool: String,
    argument: String,
    shape: plancache::domain::Shape,
    candidates: usize,
    should_be: String,
    to_be_had: bool,
    binder: Option<String>,
    best: Option<String>,
    filler: Option<Way>,
    meant: Option<Way>,
    millis: Option<f64>,
}

/// What a filler chose, and how clearly.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Way {
    value: String,
    /// Infinite margins are written as 1000.
    margin: f32,
}

impl Way {
    pub(super) fn of(chosen: Option<(usize, f32)>, values: &[String]) -> Option<Self> {
        let (index, margin) = chosen?;
        Some(Self { value: values.get(index)?.clone(), margin: margin.min(1000.0) })
    }
}

/// A member of an enumeration in other words.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    pub(super) phrase: String,
    pub(super) meant: String,
    pub(super) tuning: bool,
    pub(super) by_meaning: Option<Way>,
    pub(super) direct: Option<Way>,
}

impl Row {
    pub(super) fn new(
        set: &'static str,
        number: usize,
        task: &TaskInput,
        wish: &Wish,
        answers: Answers,
        gold: GoldSlot,
    ) -> Self {
        let way =
            |chosen: Option<(String, f32)>| chosen.map(|(value, m)| Way { value, margin: m.min(1000.0) });
        Self {
            set,
            task: task.task_id.clone(),
            tuning: number.is_multiple_of(2),
            tool: wish.tool.clone(),
            argument: wish.argument.clone(),
            shape: wish.spec.shape,
            candidates: answers.candidates,
            should_be: gold.value,
            to_be_had: gold.to_be_had,
            binder: answers.binder,
            best: answers.best,
            filler: way(answers.filler),
            meant: way(answers.meant),
            millis: answers.took.map(|took| took.as_secs_f64() * 1000.0),
        }
    }
}

/// Right, wrong and abstained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count(usize, usize, usize);

impl Count {
    fn of<'a>(answers: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> Self {
        let mut count = Self::default();
        for (answer, should_be) in answers {
            match answer {
                Some(value) if value.eq_ignore_ascii_case(should_be) => count.0 += 1,
                Some(_) => count.1 += 1,
                None => count.2 += 1,
            }
        }
        count
    }

    fn cells(self) -> String {
        format!("{} | {} | {}", self.0, self.1, self.2)
    }
}

fn over(way: Option<&Way>, least: f32) -> Option<&str> {
    way.filter(|way| way.margin >= least).map(|way| way.value.as_str())
}

/// The record as lines of JSON, one an argument or a phrase.
pub(super) fn lines(rows: &[Row], said: &[Said]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for row in rows {
        out += &serde_json::to_string(row)?;
        out.push('\n');
    }
    for phrase in said {
        out += &serde_json::to_string(phrase)?;
        out.push('\n');
    }
    Ok(out)
}

/// The record to read.
pub(super) fn text(model: &str, rows: &[Row], said: &[Said], margins: &[f32], odds: &[f32]) -> String {
    let mut out = format!(
        "# The filler, argument by argument: {model}\n\n\
         Written by `eval/filler.sh`; what the words mean is in `eval/METHODOLOGY.md`, single answers are \
         in the `.jsonl` beside this file. *right | wrong | abstained*. Tasks of even number are for \
         tuning the margins, those of odd number for the figures.\n"
    );
    let mut sets: Vec<&str> = rows.iter().map(|row| row.set).collect();
    sets.dedup();
    for set in sets {
        for tuning in [false, true] {
            let of: Vec<&Row> = rows.iter().filter(|row| row.set == set && row.tuning == tuning).collect();
            section(&mut out, set, tuning, &of, margins, odds);
        }
    }
    let mut times: Vec<f64> = rows.iter().filter(|row| row.candidates > 1).filter_map(|r| r.millis).collect();
    times.sort_by(f64::total_cmp);
    if let Some(median) = times.get(times.len() / 2) {
        let slow = times.get(times.len() * 95 / 100).unwrap_or(median);
        let _ = writeln!(
            out,
            "\nTime of a choice among several candidates: median {median:.0} ms, 95% below {slow:.0} ms, over {} \
             questions (the machine was not idle: read it as a magnitude).",
            times.len()
        );
    }
    other_words(&mut out, said, odds);
    out
}

fn section(out: &mut String, set: &str, tuning: bool, rows: &[&Row], margins: &[f32], odds: &[f32]) {
    let half = if tuning { "tuning half" } else { "reported half" };
    let had = rows.iter().filter(|row| row.to_be_had).count();
    let _ = writeln!(out, "\n## {set}, {half}: {} arguments, {had} of them to be had\n", rows.len());
    out.push_str(
        "| way | to be had: right | wrong | abstained | not to be had: (right) | wrong | abstained |\n",
    );
    out.push_str("|---|---|---|---|---|---|---|\n");
    let mut line = |way: &str, rows: &[&Row], answer: &dyn Fn(&Row) -> Option<String>| {
        let count = |had: bool| {
            let answers: Vec<(Option<String>, &str)> = rows
                .iter()
                .filter(|row| row.to_be_had == had)
                .map(|row| (answer(row), row.should_be.as_str()))
                .collect();
            Count::of(answers.iter().map(|(answer, should_be)| (answer.as_deref(), *should_be))).cells()
        };
        let _ = writeln!(out, "| {way} | {} | {} |", count(true), count(false));
    };
    line("binder alone", rows, &|row| row.binder.clone());
    line("best-scored candidate", rows, &|row| row.best.clone());
    for least in margins {
        let way = format!("filler among the candidates, margin {least}");
        line(&way, rows, &|row| over(row.filler.as_ref(), *least).map(str::to_owned));
    }
    let enumerations: Vec<&Row> = rows.iter().filter(|row| row.meant.is_some()).copied().collect();
    if !enumerations.is_empty() {
        line("enumerations only: best-scored", &enumerations, &|row| row.best.clone());
        line("enumerations only: filler among members", &enumerations, &|row| {
            row.filler.as_ref().map(|way| way.value.clone())
        });
        for least in odds {
            let way = format!("enumerations only: filler by meaning of the whole text, odds {least}");
            line(&way, &enumerations, &|row| over(row.meant.as_ref(), *least).map(str::to_owned));
        }
    }
}

fn other_words(out: &mut String, said: &[Said], odds: &[f32]) {
    out.push_str("\n## Members of an enumeration in other words\n\n");
    out.push_str("Phrases of `eval/data/retail/other_words.toml`, by themselves, as the engine asks.\n\n");
    out.push_str("| way | tuning: right | wrong | abstained | reported: right | wrong | abstained |\n");
    out.push_str("|---|---|---|---|---|---|---|\n");
    let mut line = |way: &str, answer: &dyn Fn(&Said) -> Option<&str>| {
        let count = |tuning: bool| {
            let of = said.iter().filter(|s| s.tuning == tuning);
            Count::of(of.map(|s| (answer(s), s.meant.as_str()))).cells()
        };
        let _ = writeln!(out, "| {way} | {} | {} |", count(true), count(false));
    };
    line("asked for the member", &|said| over(said.direct.as_ref(), 0.0));
    for least in odds {
        line(&format!("by meaning, odds {least}"), &|said| over(said.by_meaning.as_ref(), *least));
    }
}
