use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::measure::TaskRecord;
use crate::run::Progress;
use crate::systems::Kind;

/// A line for each system on a terminal's stderr, with what it came to so far; elsewhere nothing.
pub(super) fn bars(benchmark: &str) -> Progress {
    let all = MultiProgress::new();
    let benchmark = benchmark.to_owned();
    let lines: Mutex<HashMap<String, Line>> = Mutex::default();
    Arc::new(move |system: &str, record: &TaskRecord| {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(system.to_owned()).or_insert_with(|| Line::new(&all, &benchmark, system));
        line.add(record);
    })
}

struct Line {
    bar: ProgressBar,
    hits: u64,
    wrong: u64,
    done: u64,
}

impl Line {
    fn new(all: &MultiProgress, benchmark: &str, system: &str) -> Self {
        let bar = all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:36} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{benchmark} {system}"));
        Self { bar, hits: 0, wrong: 0, done: 0 }
    }

    fn add(&mut self, record: &TaskRecord) {
        self.done += 1;
        self.hits += u64::from(record.kind == Kind::Hit);
        self.wrong += u64::from(record.wrong);
        self.bar.set_message(format!("{} tasks, {} hits, {} wrong", self.done, self.hits, self.wrong));
        self.bar.tick();
    }
}
