//! How long it takes to find the templates of a task, and how that grows with their number.
//!
//! A decision is: cut the task into words, nominate by the index, rank. Two kinds of templates:
//! *varied*, with keywords from a large vocabulary of which few words are frequent (Zipf's law),
//! and *crowded*, all of which begin with the same six words and differ in two words of three
//! hundred. A task holds the words of one template, or of two in a row, some words of others, and
//! values.
//!
//! `cargo bench --no-default-features --bench decision` prints the percentiles, then criterion's
//! own figures. `PLANCACHE_BENCH_LARGEST` (default 100000) sets the largest index. MB is
//! what the process holds more than before the first template (index, keywords, tasks); the second
//! kind's says nothing, since memory that the first one freed is used again.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

#[path = "support/random.rs"]
mod random;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use plancache::domain::TemplateId;
use plancache::matching::{Index, Nominated, words};
use random::{Random, percentile, resident_mb};

/// Keywords of a template.
const KEYWORDS: usize = 8;
const VOCABULARY: u64 = 50_000;
const COMMON: [&str; 6] = ["please", "help", "customer", "wants", "their", "order"];
const TASKS: usize = 2000;
const MOST: usize = 64;

#[derive(Clone, Copy)]
enum Kind {
    Varied,
    Crowded,
}

fn keywords(kind: Kind, random: &mut Random) -> Vec<String> {
    let mut out: Vec<String> = match kind {
        Kind::Varied => Vec::new(),
        Kind::Crowded => COMMON.iter().map(|word| (*word).to_owned()).collect(),
    };
    while out.len() < KEYWORDS {
        let word = match kind {
            Kind::Varied => format!("word{}", random.zipf(VOCABULARY)),
            Kind::Crowded => format!("thing{}", random.below(300)),
        };
        if !out.contains(&word) {
            out.push(word);
        }
    }
    out
}

/// A task of about a hundred words.
fn task(kind: Kind, templates: &[Vec<String>], random: &mut Random) -> String {
    let mut out = Vec::new();
    for _ in 0..=random.below(2) {
        out.extend(templates[random.below(templates.len() as u64) as usize].clone());
    }
    for _ in 0..40 {
        out.push(format!("#W{}", random.below(10_000_000)));
        out.push(match kind {
            Kind::Varied => format!("word{}", random.zipf(VOCABULARY)),
            Kind::Crowded => format!("filler{}", random.below(1000)),
        });
    }
    out.join(" ")
}

fn decide(index: &Index, text: &str, least: f64) -> Nominated {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    index.nominate(&words, least, MOST)
}

/// Grows one index and prints a line for each size; returns a snapshot and tasks at each.
fn grow(kind: Kind, largest: usize) -> Vec<(usize, Index, Vec<String>)> {
    let mut random = Random(7);
    let (mut index, mut templates, mut snapshots) = (Index::new(), Vec::new(), Vec::new());
    let mut size = 100;
    let mut before = None;
    let resident = resident_mb();
    while size <= largest {
        let mut inserts = Vec::new();
        while templates.len() < size {
            let keywords = keywords(kind, &mut random);
            let id = TemplateId::new(format!("t{}", templates.len()));
            let snapshot = index.clone();
            let start = Instant::now();
            index.insert(id, &keywords);
            inserts.push(start.elapsed());
            drop(snapshot);
            templates.push(keywords);
        }
        inserts.sort();
        let tasks: Vec<String> = (0..TASKS).map(|_| task(kind, &templates, &mut random)).collect();
        let mut line = format!("{size:>8}");
        for least in [1.0, 0.3] {
            let (mut times, mut cut, mut found) = (Vec::new(), 0, 0);
            for text in &tasks {
                let start = Instant::now();
                let nominated = black_box(decide(&index, text, least));
                times.push(start.elapsed());
                cut += usize::from(nominated.cut > 0);
                found += usize::from(nominated.nominations.first().is_some_and(|n| n.score >= 1.0));
            }
            times.sort();
            let p50 = percentile(&times, 0.5);
            line += &format!(
                " | {p50:>8.1} {:>8.1} {:>6.1}% {:>5.1}%",
                percentile(&times, 0.99),
                100.0 * found as f64 / TASKS as f64,
                100.0 * cut as f64 / TASKS as f64,
            );
            if least >= 1.0 {
                line += &before.map_or("        ".into(), |last: f64| format!(" x{:>6.2}", p50 / last));
                before = Some(p50);
            }
        }
        let total: Duration = inserts.iter().sum();
        println!(
            "{line} | {:>7.1} {:>7.1} {:>9.0} | {:>7.0}",
            total.as_secs_f64() * 1e6 / inserts.len() as f64,
            percentile(&inserts, 0.99),
            percentile(&inserts, 1.0),
            resident_mb() - resident,
        );
        snapshots.push((size, index.clone(), tasks));
        size *= 10;
    }
    snapshots
}

fn main() {
    let largest =
        std::env::var("PLANCACHE_BENCH_LARGEST").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args();
    for (name, kind) in [("varied", Kind::Varied), ("crowded", Kind::Crowded)] {
        println!("{name}: microseconds a decision; growth of p50 per decade; microseconds an insertion");
        println!(
            "templates | least 1: p50  p99   found    cut  growth | least .3: p50  p99  found    cut | insert: mean p99 worst |      MB"
        );
        let snapshots = grow(kind, largest);
        let mut group = criterion.benchmark_group(format!("decision/{name}"));
        for (size, index, tasks) in &snapshots {
            let mut at = 0;
            group.bench_with_input(BenchmarkId::from_parameter(size), index, |bencher, index| {
                bencher.iter(|| {
                    at = (at + 1) % tasks.len();
                    decide(index, &tasks[at], 1.0)
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
