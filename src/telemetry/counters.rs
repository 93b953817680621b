use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::labels;
use crate::domain::Outcome;

/// Upper bounds of the decision time's buckets, in microseconds; the last bucket has none.
const BUCKETS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 25_000, 250_000, 5_000_000];

/// What a cache counted since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Planning calls by `result/reason`.
    pub requests: BTreeMap<String, u64>,
    /// Steps answered from templates.
    pub steps_served: u64,
    /// Ended runs by kind.
    pub runs: BTreeMap<String, u64>,
    /// Runs that ended without a word from the caller.
    pub runs_expired: u64,
    /// Background jobs dropped because the queue was full.
    pub dropped: u64,
    /// Background jobs that failed at the store.
    pub store_errors: u64,
    /// Templates learnt.
    pub learnt: u64,
    /// Templates that got more evidence or were generalised.
    pub merged: u64,
    /// Parts of runs that could not be learnt.
    pub rejected: u64,
    /// Ended shadow runs by verdict.
    pub shadow: BTreeMap<String, u64>,
    /// Decisions by upper bound of their time in microseconds (`u64::MAX`: above all bounds).
    pub decision_microseconds: BTreeMap<u64, u64>,
}

/// Counts in memory. Cheap: one short lock a decision.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<Snapshot>,
}

impl Counters {
    /// The counts so far.
    pub fn snapshot(&self) -> Snapshot {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts one planning call.
    pub fn decided(&self, outcome: &Outcome, served: bool, took: Duration) {
        let (result, reason) = labels(outcome);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.into_iter().find(|bound| micros <= *bound).unwrap_or(u64::MAX);
        self.change(|counts| {
            *counts.requests.entry(format!("{result}/{reason}")).or_default() += 1;
            *counts.decision_microseconds.entry(bucket).or_default() += 1;
            counts.steps_served += u64::from(served);
        });
    }

    /// Counts an ended run.
    pub fn ended(&self, kind: &str) {
        self.change(|counts| *counts.runs.entry(kind.to_owned()).or_default() += 1);
    }

    /// Counts an ended shadow run.
    pub fn shadow(&self, verdict: &str) {
        self.change(|counts| *counts.shadow.entry(verdict.to_owned()).or_default() += 1);
    }

    /// Changes the counts.
    pub fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Diverged, Miss};

    #[test]
    fn outcomes_are_counted_by_label_and_time() {
        let counters = Counters::default();
        let secret = Outcome::Diverged(Diverged::Binding {
            tool: "t".into(),
            argument: "a".into(),
            why: "SECRET".into(),
        });
        counters.decided(&secret, false, Duration::from_micros(300));
        counters.decided(&Outcome::Miss(Miss::NoCandidate), false, Duration::from_micros(50));
        let hit = Outcome::Hit { templates: vec![], step: 0, slots: vec![] };
        counters.decided(&hit, true, Duration::from_secs(60));
        let counts = counters.snapshot();
        let requests: Vec<_> = counts.requests.iter().map(|(label, n)| (label.as_str(), *n)).collect();
        assert_eq!(requests, [("diverged/binding", 1), ("hit/served", 1), ("miss/no_candidate", 1)]);
        assert_eq!(counts.decision_microseconds, BTreeMap::from([(50, 1), (500, 1), (u64::MAX, 1)]));
        assert_eq!(counts.steps_served, 1);
        assert!(!format!("{counts:?}").contains("SECRET"));
    }
}
