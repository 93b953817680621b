use clap::ValueEnum;
use plancache::domain::canonical_hash;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bench::Case;

/// Percent of a benchmark's tasks on which constants are chosen.
const TUNING: u64 = 30;

/// Which part of a benchmark's tasks is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The part on which constants that affect decisions are chosen.
    Tuning,
    /// The other part, from which figures come.
    Reported,
    /// Both.
    All,
}

/// Whether a task is one on which constants are chosen.
pub fn is_tuning(id: &str) -> bool {
    number("split", 0, id) % 100 < TUNING
}

/// The tasks of a part. Which part a task belongs to depends on its id alone.
pub fn part(cases: Vec<Case>, split: Split) -> Vec<Case> {
    cases
        .into_iter()
        .filter(|case| match split {
            Split::All => true,
            Split::Tuning => is_tuning(&case.id),
            Split::Reported => !is_tuning(&case.id),
        })
        .collect()
}

/// So many of the tasks, drawn by a seed; they keep their order.
pub fn sample(mut cases: Vec<Case>, most: Option<usize>, seed: u64) -> Vec<Case> {
    let Some(most) = most.filter(|most| *most < cases.len()) else { return cases };
    let mut drawn: Vec<u64> = cases.iter().map(|case| number("sample", seed, &case.id)).collect();
    drawn.sort_unstable();
    let least_left_out = drawn[most];
    cases.retain(|case| number("sample", seed, &case.id) < least_left_out);
    cases
}

/// The tasks shuffled, once for each seed.
pub fn orders(cases: &[Case], seeds: &[u64]) -> Vec<Vec<Case>> {
    let shuffled = |seed: &u64| {
        let mut order = cases.to_vec();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(*seed));
        order
    };
    seeds.iter().map(shuffled).collect()
}

/// A number that depends on nothing but what it is for, a seed and a name.
pub(crate) fn number(what: &str, seed: u64, id: &str) -> u64 {
    let hash = canonical_hash(&json!([what, seed, id]));
    u64::from_str_radix(hash.get(..15).unwrap_or("0"), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache_agents::import::task;

    fn cases(n: usize) -> Vec<Case> {
        let case = |i| Case { id: format!("t{i}"), task: task(String::new(), Default::default()).into() };
        (0..n).map(case).collect()
    }

    fn ids(cases: &[Case]) -> Vec<&str> {
        cases.iter().map(|case| case.id.as_str()).collect()
    }

    #[test]
    fn the_parts_are_disjoint_and_of_the_right_size() {
        let (tuning, reported) = (part(cases(1000), Split::Tuning), part(cases(1000), Split::Reported));
        assert_eq!(tuning.len() + reported.len(), part(cases(1000), Split::All).len());
        assert!(tuning.len() > 250 && tuning.len() < 350, "{}", tuning.len());
        assert!(!ids(&reported).iter().any(|id| ids(&tuning).contains(id)));
    }

    #[test]
    fn a_sample_and_an_order_are_those_of_the_seed() {
        let drawn = sample(cases(100), Some(10), 7);
        assert_eq!(drawn.len(), 10);
        assert_eq!(ids(&drawn), ids(&sample(cases(100), Some(10), 7)));
        assert_ne!(ids(&drawn), ids(&sample(cases(100), Some(10), 8)));
        assert_eq!(sample(cases(5), Some(10), 7).len(), 5);
        let two = orders(&cases(20), &[1, 2]);
        assert_ne!(ids(&two[0]), ids(&two[1]));
        assert_eq!(ids(&two[0]), ids(&orders(&cases(20), &[1])[0]));
    }
}
