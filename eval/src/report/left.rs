//! What is left: the tasks that the cache did not serve, by cause; and, where the tasks are few,
//! each of them.

use std::collections::BTreeMap;

use super::ResultFile;
use super::figures::{count, percent, share};
use super::load::TaskLine;
use super::markdown::table_after;
use crate::systems::Kind;

/// Causes that are told apart; the others are added up.
const MOST_CAUSES: usize = 12;

/// Of so many tasks each is listed.
const FEW_TASKS: usize = 24;

/// The tables of a result, if there is a record of its tasks.
pub(super) fn left(file: &ResultFile) -> String {
    let Some(subject) = file.subject() else { return String::new() };
    let lines: Vec<&TaskLine> = file.lines.iter().filter(|line| line.system == subject.name).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\nWhat is left of {}:\n\n{}", subject.name, by_cause(&lines));
    if file.result.tasks <= FEW_TASKS {
        text += &format!("\nEach task in the order of seed {}:\n\n{}", lines[0].seed, each(&lines));
    }
    text
}

/// What a task that was not served is counted under.
fn cause(line: &TaskLine) -> (bool, String, String, String) {
    let record = &line.record;
    let missed = record.missed.clone().unwrap_or_default();
    let reason = record.reason.clone().unwrap_or_else(|| "the planner was asked".to_owned());
    if !record.within_reach {
        return (false, reason, String::new(), String::new());
    }
    (true, reason, missed.at, missed.nearest.unwrap_or_default())
}

fn by_cause(lines: &[&TaskLine]) -> String {
    let all = lines.len() as u64;
    let mut causes: BTreeMap<(bool, String, String, String), u64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.record.kind != Kind::Hit) {
        *causes.entry(cause(line)).or_default() += 1;
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by(|((reach, ..), n), ((other, ..), m)| {
        (reach, std::cmp::Reverse(n)).cmp(&(other, std::cmp::Reverse(m)))
    });
    let others = causes.split_off(causes.len().min(MOST_CAUSES));
    let row = |reach: bool, cells: [String; 3], n: u64| {
        let beyond = "beyond the ceiling";
        let [reason, at, nearest] = cells;
        let reason = if reach { reason } else { format!("{beyond}; {reason}") };
        vec![reason, at, nearest, count(n), percent(share(n, all))]
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for ((reach, reason, at, nearest), n) in causes {
        rows.push(row(reach, [reason, at, nearest], n));
    }
    let rest: u64 = others.iter().map(|(_, n)| n).sum();
    if rest > 0 {
        rows.push(row(true, [format!("{} more causes", others.len()), String::new(), String::new()], rest));
    }
    let hits = lines.iter().filter(|line| line.record.kind == Kind::Hit).count() as u64;
    rows.insert(
        0,
        vec!["served".into(), String::new(), String::new(), count(hits), percent(share(hits, all))],
    );
    table_after(3, &["why", "where", "nearest plan", "tasks × orders", "share"], rows.into_iter())
}

fn each(lines: &[&TaskLine]) -> String {
    let first = lines[0].seed;
    let mut lines: Vec<&&TaskLine> = lines.iter().filter(|line| line.seed == first).collect();
    lines.sort_by(|a, b| a.record.task.cmp(&b.record.task));
    let row = |line: &&TaskLine| {
        let record = &line.record;
        let came = match (record.kind, record.wrong) {
            (Kind::Hit, false) => "served, right",
            (Kind::Hit, true) => "served, wrong",
            (Kind::Part, false) => "served but for a part",
            (Kind::Part, true) => "served but for a part, wrong",
            (Kind::Diverged, false) => "handed back",
            (Kind::Diverged, true) => "handed back, wrong",
            (Kind::Miss, _) => "not served",
        };
        let missed = record.missed.clone().unwrap_or_default();
        let nearest = missed.nearest.unwrap_or_else(|| record.from.join(", "));
        let why = record.reason.clone().or_else(|| record.why.clone()).unwrap_or_default();
        vec![record.task.clone(), came.to_owned(), why, missed.at, nearest]
    };
    table_after(
        5,
        &["task", "what happened", "why", "where", "nearest plan, or what served it"],
        lines.into_iter().map(row),
    )
}
