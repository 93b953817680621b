//! What each part of the product is worth: the same tasks with one of them switched off.

use std::collections::BTreeMap;

use super::figures::{count, percent, share, words};
use super::markdown::table_after;
use super::{ResultFile, Results};
use crate::measure::Totals;

/// Begins the names of the systems in which a part is switched off.
const OFF: &str = "plancache_without_";

/// With all parts on, as far as they need no local model that writes.
const ON: [&str; 2] = ["plancache_natural", "plancache_no_filler"];

/// A table of the results that hold such systems: hits and wrong plans, a column a result.
pub(super) fn ablations(results: &Results) -> String {
    let is_off = |system: &&Totals| system.name.starts_with(OFF);
    let files: Vec<&ResultFile> =
        results.files.iter().filter(|file| file.result.systems.iter().any(|s| is_off(&s))).collect();
    if files.is_empty() {
        return String::new();
    }
    // In the order in which they were run.
    let mut names: Vec<&str> = ON.to_vec();
    let mut known: BTreeMap<(&str, &str), &Totals> = BTreeMap::new();
    for file in &files {
        for system in file.result.systems.iter().filter(|s| is_off(s) || ON.contains(&s.name.as_str())) {
            known.insert((&file.name, &system.name), system);
            if !names.contains(&system.name.as_str()) {
                names.push(&system.name);
            }
        }
    }
    let mut head = vec!["parts"];
    head.extend(files.iter().map(|file| file.result.benchmark.as_str()));
    let rows = names.iter().map(|name| {
        let mut row = vec![match name.strip_prefix(OFF) {
            Some(part) => format!("without {}", words(part)),
            None if *name == ON[0] => "all, without the local model".to_owned(),
            None => "without embedder".to_owned(),
        }];
        row.extend(
            files
                .iter()
                .map(|file| known.get(&(file.name.as_str(), *name)).map_or_else(String::new, |s| cell(s))),
        );
        row
    });
    format!(
        "\n### What each part is worth\n\nHits (after the first 50 tasks), and wrong plans of hits.\n\n{}",
        table_after(1, &head, rows)
    )
}

fn cell(system: &Totals) -> String {
    let (hits, tasks) = system.hits_after_50;
    let after = percent(share(hits, tasks));
    let all = percent(share(system.hits, system.tasks));
    format!("{all} ({after}), {} of {}", count(system.wrong_plans), count(system.hits))
}
