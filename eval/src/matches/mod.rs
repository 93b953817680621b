//! Hit decisions compared, and nothing else: which earlier text a cache takes a new one for.
//!
//! A matcher is asked before it is told: [`Matcher::decide`] is given a text, and only after a miss
//! [`Matcher::learn`] is given its label.

mod embedded;
mod equal;
mod gptcache;
mod latency;
mod learnt;
mod logistic;
mod nearest;
mod report;
mod sets;
mod similarity;
mod stream;
mod verified;

#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::bench::Case;

pub use equal::{AtMost, BUDGETS, equal_false_hits};
pub use latency::Latency;
pub use logistic::{Fit, fit};
pub use report::{MatchOptions, MatchReport, SetReport, compare};
pub use sets::{Query, Set, pairs, tasks};
pub use similarity::Similarity;
pub use stream::{Counts, stream};
pub use verified::{Verified, exploring};

/// Why a comparison stopped: a fault of the machine or of what is compared, not a wrong hit.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct MatchError {
    /// What could not go on.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

impl MatchError {
    fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self { what: what.into(), why: why.to_string() }
    }
}

/// A text as a matcher sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its number in the set.
    pub at: usize,
    /// Only texts of the same scope are compared.
    pub scope: &'a str,
    /// Its unit vector.
    pub vector: &'a [f32],
    /// The task that it is of, if it is of one.
    pub case: Option<&'a Case>,
}

/// What a hit is a hit on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Earlier texts, by their numbers: right if all have the label.
    Entries(Vec<usize>),
    /// A plan that says itself what it is for.
    Labelled(String),
}

/// A way to decide on hits.
#[async_trait]
pub trait Matcher: Send {
    /// What the text is taken for; nothing if it is taken for none that is known.
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError>;

    /// Takes a text in, with its label: one that was not hit, or one that is known from the start.
    async fn learn(&mut self, asked: &Asked<'_>, label: &str) -> Result<(), MatchError>;
}
