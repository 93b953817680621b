use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::success;
use super::{ResultFile, Results};

/// By how much less a system may succeed than the planner alone and still keep its success.
pub(super) const POINT: f64 = 0.01;

/// A cost ratio counts as at least this, so that one free benchmark does not decide the mean.
const LEAST_RATIO: f64 = 1e-3;

/// How systems are ranked, in words.
pub(super) const RULE: &str = "In each benchmark, the cheaper a system the better, in US$ net of what its own models cost, \
     among those whose success is at most 1 point below the planner's alone; all others come after \
     these, by success. The summary counts first places and gives the geometric mean of cost over the \
     planner's alone (a ratio below 0.001 counts as 0.001).";

/// A system's place in a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// From 1 on; equals share one.
    pub place: usize,
    /// The system.
    pub system: String,
    /// Whether its success is at most a point below the planner's alone.
    pub keeps_success: bool,
    /// The share of tasks done.
    pub success: f64,
    /// US dollars.
    pub cost_usd: f64,
    /// The same, over what the planner alone costs.
    pub cost_ratio: f64,
    /// Tasks, all orders together.
    pub tasks: u64,
}

/// A benchmark's systems, the best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The result's name.
    pub name: String,
    /// The systems.
    pub rows: Vec<Row>,
}

/// A system over all benchmarks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sum {
    /// The system.
    pub system: String,
    /// Benchmarks that it was run on.
    pub benchmarks: usize,
    /// First places.
    pub wins: usize,
    /// Benchmarks where it kept the success of the planner.
    pub keeps_success: usize,
    /// Geometric mean of its cost ratios.
    pub cost_ratio: f64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// How it was made.
    pub rule: &'static str,
    /// Each benchmark.
    pub benchmarks: Vec<Standing>,
    /// Each system: by wins, then by the mean.
    pub summary: Vec<Sum>,
}

/// Ranks the systems of each result, and over all.
pub fn rank(results: &Results) -> Ranking {
    let benchmarks: Vec<Standing> = results.files.iter().map(standing).collect();
    let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in benchmarks.iter().flat_map(|standing| &standing.rows) {
        rows.entry(&row.system).or_default().push(row);
    }
    let mut summary: Vec<Sum> = rows
        .into_iter()
        .map(|(system, rows)| Sum {
            system: system.to_owned(),
            benchmarks: rows.len(),
            wins: rows.iter().filter(|row| row.place == 1).count(),
            keeps_success: rows.iter().filter(|row| row.keeps_success).count(),
            cost_ratio: geometric_mean(rows.iter().map(|row| row.cost_ratio.max(LEAST_RATIO))),
        })
        .collect();
    summary.sort_by(|a, b| {
        let better = (b.wins, b.keeps_success).cmp(&(a.wins, a.keeps_success));
        better.then(a.cost_ratio.total_cmp(&b.cost_ratio)).then(a.system.cmp(&b.system))
    });
    Ranking { rule: RULE, benchmarks, summary }
}

/// The systems of one result, ranked.
pub(super) fn standing(file: &ResultFile) -> Standing {
    let alone = file.alone().map_or(1.0, success);
    let mut rows: Vec<Row> = file
        .result
        .systems
        .iter()
        .map(|system| Row {
            place: 0,
            system: system.name.clone(),
            keeps_success: success(system) >= alone - POINT - 1e-9,
            success: success(system),
            cost_usd: system.cost_usd,
            cost_ratio: if system.cost_usd_planner_only > 0.0 {
                system.cost_usd / system.cost_usd_planner_only
            } else {
                1.0
            },
            tasks: system.tasks,
        })
        .collect();
    // What decides, the smaller the better: two rows with the same are equals.
    let key = |row: &Row| {
        if row.keeps_success { (0, row.cost_usd, 0.0) } else { (1, -row.success, row.cost_usd) }
    };
    let order = |a: &Row, b: &Row| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
    };
    rows.sort_by(|a, b| order(a, b).then(a.system.cmp(&b.system)));
    for at in 0..rows.len() {
        let equal = at > 0 && order(&rows[at - 1], &rows[at]).is_eq();
        rows[at].place = if equal { rows[at - 1].place } else { at + 1 };
    }
    Standing { name: file.name.clone(), rows }
}

fn geometric_mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    (values.map(f64::ln).sum::<f64>() / n).exp()
}
