use std::collections::{BTreeSet, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Asked, Found, MatchError, Matcher, Set};

/// What came of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Texts asked about.
    pub queries: usize,
    /// Of these, those that were taken for an earlier one.
    pub hits: usize,
    /// Hits whose label is the entry's.
    pub right: usize,
    /// Queries whose label came before: what right hits are at most.
    pub ceiling: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.queries += other.queries;
        self.hits += other.hits;
        self.right += other.right;
        self.ceiling += other.ceiling;
    }
}

impl Counts {
    /// Hits whose label is another.
    pub fn wrong(&self) -> usize {
        self.hits - self.right
    }

    /// Right hits of all hits; nothing if there are none.
    pub fn precision(&self) -> Option<f64> {
        (self.hits > 0).then(|| self.right as f64 / self.hits as f64)
    }

    /// Right hits of those that could have been.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.ceiling.max(1) as f64
    }

    /// False hits of all queries.
    pub fn wrong_a_query(&self) -> f64 {
        self.wrong() as f64 / self.queries.max(1) as f64
    }
}

/// Asks a matcher about a set's texts, one after the other in the order of the seed. A text that is
/// not hit is taken in with its label before the next is asked about, except where the entries are
/// given from the start.
///
/// # Errors
/// When the matcher cannot go on.
pub async fn stream(set: &Set, seed: u64, matcher: &mut dyn Matcher) -> Result<Counts, MatchError> {
    let mut known = BTreeSet::new();
    for at in 0..set.known {
        matcher.learn(&asked(set, at), &set.queries[at].label).await?;
        known.insert((set.queries[at].scope.as_str(), set.queries[at].label.as_str()));
    }
    let labels: HashMap<usize, &str> =
        set.queries.iter().enumerate().map(|(at, query)| (at, query.label.as_str())).collect();
    let mut order: Vec<usize> = (set.known..set.queries.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut counts = Counts::default();
    for at in order {
        let query = &set.queries[at];
        let found = matcher.decide(&asked(set, at)).await?;
        counts.queries += 1;
        counts.ceiling += usize::from(known.contains(&(query.scope.as_str(), query.label.as_str())));
        match found {
            Some(found) => {
                counts.hits += 1;
                counts.right += usize::from(match found {
                    Found::Entries(all) => all.iter().all(|at| labels.get(at) == Some(&query.label.as_str())),
                    Found::Labelled(label) => label == query.label,
                });
            }
            None if set.known == 0 => matcher.learn(&asked(set, at), &query.label).await?,
            None => {}
        }
        if set.known == 0 {
            known.insert((query.scope.as_str(), query.label.as_str()));
        }
    }
    Ok(counts)
}

fn asked(set: &Set, at: usize) -> Asked<'_> {
    let query = &set.queries[at];
    Asked { at, scope: &query.scope, vector: &query.vector, case: query.case.as_ref() }
}
