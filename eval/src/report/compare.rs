use std::collections::BTreeMap;

use serde::Serialize;

use super::{ResultFile, Results, figures};
use crate::measure::Totals;

/// By how much a figure may be worse than the baseline's, as a share of the tasks or tokens.
const TOLERANCE: f64 = 0.01;

/// What counts as a fall, in words.
pub(super) const RULE: &str = "A result falls below the baseline with more wrong plans (not one more), or with fewer hits, \
     fewer successes or more planner tokens by more than 1% of the baseline's tasks or of its tokens \
     without a cache; or when it is missing, or is of other tasks.";

/// A figure before and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// In the baseline.
    pub base: u64,
    /// Now.
    pub new: u64,
}

/// A system before and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The result's name.
    pub name: String,
    /// The system.
    pub system: String,
    /// Tasks, all orders together.
    pub tasks: Pair,
    /// Hits.
    pub hits: Pair,
    /// Wrong plans.
    pub wrong_plans: Pair,
    /// Tasks done.
    pub succeeded: Pair,
    /// The planner's tokens.
    pub planner_tokens: Pair,
}

impl Change {
    /// Whether anything differs.
    pub fn is_none(&self) -> bool {
        [self.tasks, self.hits, self.wrong_plans, self.succeeded, self.planner_tokens]
            .iter()
            .all(|pair| pair.base == pair.new)
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What counts as a fall.
    pub rule: &'static str,
    /// Each system that both have.
    pub systems: Vec<Change>,
    /// What fell below the baseline.
    pub fell: Vec<String>,
    /// What has no baseline.
    pub new: Vec<String>,
}

/// Compares two folders of results, by the names of the files and the systems in them.
pub fn compare(base: &Results, new: &Results) -> Comparison {
    let mut comparison = Comparison { rule: RULE, systems: Vec::new(), fell: Vec::new(), new: Vec::new() };
    let before: BTreeMap<&str, &ResultFile> = by_name(base);
    let now: BTreeMap<&str, &ResultFile> = by_name(new);
    for (name, old) in &before {
        match now.get(name) {
            Some(new) => systems(old, new, &mut comparison),
            None => comparison.fell.push(format!("{name}: there is no result any more")),
        }
    }
    comparison.new.extend(now.keys().filter(|name| !before.contains_key(*name)).map(|n| (*n).to_owned()));
    comparison
}

fn by_name(results: &Results) -> BTreeMap<&str, &ResultFile> {
    results.files.iter().map(|file| (file.name.as_str(), file)).collect()
}

fn systems(old: &ResultFile, new: &ResultFile, to: &mut Comparison) {
    let name = &old.name;
    let (was, is) = (&old.result, &new.result);
    let asked = |r: &crate::run::BenchmarkResult| (r.tasks, r.seeds.clone(), r.split, r.feedback);
    if asked(was) != asked(is) || was.planner != is.planner {
        to.fell.push(format!(
            "{name}: not the same tasks, orders, split, feedback or planner ({} tasks, seeds {:?}; now {}, {:?})",
            was.tasks, was.seeds, is.tasks, is.seeds
        ));
    }
    for base in &was.systems {
        match is.systems.iter().find(|system| system.name == base.name) {
            Some(new) => {
                let change = change(name, base, new);
                fell(&change, base.planner_tokens_planner_only, &mut to.fell);
                to.systems.push(change);
            }
            None => to.fell.push(format!("{name} {}: there is no result any more", base.name)),
        }
    }
    let known = |system: &&Totals| was.systems.iter().any(|base| base.name == system.name);
    let added = is.systems.iter().filter(|system| !known(system));
    to.new.extend(added.map(|system| format!("{name} {}", system.name)));
}

fn change(name: &str, base: &Totals, new: &Totals) -> Change {
    let pair = |of: fn(&Totals) -> u64| Pair { base: of(base), new: of(new) };
    Change {
        name: name.to_owned(),
        system: base.name.clone(),
        tasks: pair(|t| t.tasks),
        hits: pair(|t| t.hits),
        wrong_plans: pair(|t| t.wrong_plans),
        succeeded: pair(|t| t.succeeded),
        planner_tokens: pair(|t| t.planner_tokens),
    }
}

fn fell(change: &Change, tokens_without: u64, to: &mut Vec<String>) {
    let of = |whole: u64| (whole as f64 * TOLERANCE).floor() as u64;
    let spare = of(change.tasks.base);
    let fewer = |pair: Pair, by: u64| pair.new + by < pair.base;
    let more = |pair: Pair, by: u64| pair.new > pair.base + by;
    let checks = [
        (more(change.wrong_plans, 0), "more wrong plans", change.wrong_plans),
        (fewer(change.hits, spare), "fewer hits", change.hits),
        (fewer(change.succeeded, spare), "fewer successes", change.succeeded),
        (more(change.planner_tokens, of(tokens_without)), "more planner tokens", change.planner_tokens),
    ];
    for (_, what, pair) in checks.into_iter().filter(|(fell, ..)| *fell) {
        let (base, new) = (figures::count(pair.base), figures::count(pair.new));
        to.push(format!("{} {}: {what}, {new} instead of {base}", change.name, change.system));
    }
}
