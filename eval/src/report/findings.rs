use std::collections::BTreeMap;

use super::figures::{
    self, FEW_HITS, count, cut, cut_interval, money, percent, points, share, success, words,
};
use super::rank::{POINT, standing};
use super::{ResultFile, Results};
use crate::measure::{Totals, wilson};

/// A result with the system that the report is about.
type Seen<'a> = (&'a ResultFile, &'a Totals);

/// What was found, in three sentences: what is saved, what it costs in correctness, and how it
/// compares. They speak of the recorded planner with the outcome told, where there are such
/// results; of a benchmark that was run twice, of the larger run.
pub(super) fn findings(results: &Results) -> Vec<String> {
    let main = results.files.iter().any(ResultFile::is_main);
    let mut largest: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for file in results.files.iter().filter(|file| file.is_main() || !main) {
        let Some(subject) = file.subject() else { continue };
        let seen = largest.entry(&file.result.benchmark).or_insert((file, subject));
        if subject.tasks > seen.1.tasks {
            *seen = (file, subject);
        }
    }
    let (controls, intents): (Vec<Seen<'_>>, Vec<Seen<'_>>) =
        largest.into_values().partition(|(file, _)| file.is_control());
    let mut sentences = Vec::new();
    if !intents.is_empty() {
        sentences.push(saved(&intents));
    }
    sentences.push(right(&intents, &controls));
    if !intents.is_empty() {
        sentences.push(compared(&intents));
    }
    sentences
}

fn saved(intents: &[Seen<'_>]) -> String {
    let mut by_cut = intents.to_vec();
    by_cut.sort_by(|a, b| cut(b.1).total_cmp(&cut(a.1)));
    let one = |(file, system): &Seen<'_>| {
        let name = &file.result.benchmark;
        match cut_interval(system).filter(|_| intents.len() < 4) {
            Some(interval) => {
                format!("{} on {name} ({})", percent(cut(system)), figures::range(Some(interval)))
            }
            None => format!("{} on {name}", percent(cut(system))),
        }
    };
    let cuts = listed(&by_cut.iter().map(one).collect::<Vec<_>>());
    let sum = |of: fn(&Totals) -> f64| intents.iter().map(|(_, system)| of(system)).sum::<f64>();
    let tasks: u64 = intents.iter().map(|(_, system)| system.tasks).sum();
    format!(
        "Where intents recur, {} cut the planner's tokens by {cuts}; over {} runs of tasks that is US$ {} in \
         place of {}, net of what the cache itself spends.",
        subjects(intents),
        count(tasks),
        money(sum(|t| t.cost_usd)),
        money(sum(|t| t.cost_usd_planner_only)),
    )
}

fn right(intents: &[Seen<'_>], controls: &[Seen<'_>]) -> String {
    let mut parts = Vec::new();
    if !intents.is_empty() {
        let sum = |of: fn(&Totals) -> u64| intents.iter().map(|(_, system)| of(system)).sum::<u64>();
        let (hits, wrong) = (sum(|t| t.hits), sum(|t| t.wrong_plans));
        let most = format!("at most {} by a 95% bound", percent(wilson(wrong, hits.max(wrong)).high));
        let claim = if hits < FEW_HITS { most } else { format!("{}, {most}", percent(share(wrong, hits))) };
        parts.push(format!("{} ({claim}){}", wrong_of(wrong, hits), successes(intents)));
    }
    if !controls.is_empty() {
        let sum = |of: fn(&Totals) -> u64| controls.iter().map(|(_, system)| of(system)).sum::<u64>();
        let names: Vec<String> = controls.iter().map(|(file, _)| file.result.benchmark.clone()).collect();
        let (tasks, hits, wrong) = (sum(|t| t.tasks), sum(|t| t.hits), sum(|t| t.wrong_plans));
        parts.push(format!(
            "{} {}, where the same words need another plan and a miss is right, it hit on {} of {} tasks, \
             handed {} back, and was wrong on {} ({} of tasks)",
            if parts.is_empty() { "On" } else { "on" },
            listed(&names),
            count(hits),
            count(tasks),
            count(sum(|t| t.diverged)),
            count(wrong),
            percent(share(wrong, tasks)),
        ));
    }
    if parts.is_empty() {
        return "No result here has a plan cache in it.".to_owned();
    }
    parts.join("; ") + "."
}

/// So many of the hits.
fn wrong_of(wrong: u64, hits: u64) -> String {
    match wrong {
        0 => format!("There was no wrong plan in {} hits", count(hits)),
        1 => format!("There was one wrong plan in {} hits", count(hits)),
        _ => format!("There were {} wrong plans in {} hits", count(wrong), count(hits)),
    }
}

/// How success compares with the planner's alone.
fn successes(intents: &[Seen<'_>]) -> String {
    let with_alone: Vec<(&str, f64)> = intents
        .iter()
        .filter_map(|(file, system)| {
            Some((file.result.benchmark.as_str(), success(system) - success(file.alone()?)))
        })
        .collect();
    let Some((name, worst)) = with_alone.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return String::new();
    };
    let within = with_alone.iter().filter(|(_, difference)| *difference >= -POINT - 1e-9).count();
    if within == with_alone.len() {
        let by = if *worst < -5e-4 {
            format!(" (at worst {} points, on {name})", points(*worst))
        } else {
            String::new()
        };
        format!(", and success stayed within 1 point of the planner's alone everywhere{by}")
    } else {
        format!(
            ", and success stayed within 1 point of the planner's alone on {within} of {} benchmarks (worst: {} \
             points on {name})",
            with_alone.len(),
            points(*worst),
        )
    }
}

fn compared(intents: &[Seen<'_>]) -> String {
    let mut first = Vec::new();
    let mut behind = Vec::new();
    let mut failing = Vec::new();
    for (file, subject) in intents {
        let rows = standing(file).rows;
        let name = file.result.benchmark.clone();
        let of_ours = rows.iter().find(|row| row.system == subject.name);
        let best = rows.iter().find(|row| !row.system.starts_with("plancache"));
        match (of_ours, best) {
            (Some(ours), _) if !ours.keeps_success => failing.push(name),
            (Some(ours), Some(best)) if best.keeps_success && best.cost_usd < ours.cost_usd => {
                behind.push(format!("{} on {name}", words(&best.system)));
            }
            _ => first.push(name),
        }
    }
    let mut said = match (first.len(), intents.len()) {
        (0, _) => "Nowhere was it the cheapest of the systems that keep the planner's success".to_owned(),
        (n, all) if n == all => {
            format!("No other system that keeps the planner's success cost less, on any of {all}")
        }
        (_, all) => format!(
            "It was the cheapest of the systems that keep the planner's success on {} of {all} ({})",
            first.len(),
            listed(&first)
        ),
    };
    if intents.len() == 1 && first.len() == 1 {
        said = format!("On {} no other system that keeps the planner's success cost less", listed(&first));
    }
    if !behind.is_empty() {
        said += &format!("; cheaper at equal success: {}", listed(&behind));
    }
    if !failing.is_empty() {
        said += &format!("; its own success falls short on {}", listed(&failing));
    }
    said + "."
}

/// The names of the systems that are meant.
fn subjects(seen: &[Seen<'_>]) -> String {
    let mut names: Vec<String> = seen.iter().map(|(_, system)| words(&system.name)).collect();
    names.sort();
    names.dedup();
    names.join(" or ")
}

/// Words in a row.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}
