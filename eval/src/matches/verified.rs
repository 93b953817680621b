//! vCache's decision rule (arXiv 2502.03771), written from public accounts of the paper. What it does
//! where observations are separable is not known to us: Firth's correction (`logistic.rs`) is ours.

use std::collections::HashMap;

use async_trait::async_trait;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::logistic::fit;
use super::nearest::Index;
use super::{Asked, Found, MatchError, Matcher};

/// Observations of an entry before which it is never used.
const LEAST_OBSERVED: usize = 6;

/// One-sided confidence levels at which the probability of being right is bounded, with the quantile of
/// the normal distribution for each.
const LEVELS: [(f64, f64); 9] = [
    (0.50, 0.0),
    (0.60, 0.253_347),
    (0.70, 0.524_401),
    (0.80, 0.841_621),
    (0.90, 1.281_552),
    (0.95, 1.644_854),
    (0.98, 2.053_749),
    (0.99, 2.326_348),
    (0.999, 3.090_232),
];

/// How likely an entry with these observations has to be left aside for a text so similar, so that
/// at most a share `delta` of queries is wrong.
pub fn exploring(observations: &[(f64, bool)], similarity: f64, delta: f64) -> f64 {
    if observations.len() < LEAST_OBSERVED {
        return 1.0;
    }
    let Some(curve) = fit(observations) else { return 1.0 };
    let bound = |(level, quantile): &(f64, f64)| {
        let threshold = curve.threshold + quantile * curve.deviation;
        level / (1.0 + (-curve.slope * (similarity - threshold)).exp())
    };
    // Each level bounds the probability from below, so the best bound counts.
    let right = LEVELS.iter().map(bound).fold(0.0, f64::max);
    (1.0 - delta / (1.0 - right)).clamp(0.0, 1.0)
}

/// A cache each of whose entries learns its own threshold.
pub struct Verified {
    delta: f64,
    random: ChaCha8Rng,
    index: Index,
    labels: HashMap<usize, String>,
    observations: HashMap<usize, Vec<(f64, bool)>>,
    /// The text that was asked last and not hit, its nearest entry and their similarity.
    explored: Option<(usize, usize, f64)>,
}

impl Verified {
    /// Empty; at most a share `delta` of queries shall be wrong.
    pub fn new(delta: f64, seed: u64) -> Self {
        Self {
            delta,
            random: ChaCha8Rng::seed_from_u64(seed),
            index: Index::default(),
            labels: HashMap::new(),
            observations: HashMap::new(),
            explored: None,
        }
    }

    /// Takes in an entry of which so much was observed, half of it right, to time decisions on it.
    pub(super) fn know(&mut self, asked: &Asked<'_>, observed: usize) {
        self.index.put(asked.scope, asked.at, asked.vector);
        let seen = (0..observed).map(|i| i as f64 / observed as f64).map(|s| (s, s >= 0.5));
        self.observations.insert(asked.at, seen.collect());
    }
}

#[async_trait]
impl Matcher for Verified {
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError> {
        let Some((entry, cosine)) = self.index.nearest(asked.scope, asked.vector) else { return Ok(None) };
        let similarity = f64::from(cosine);
        let observed = self.observations.get(&entry).map_or(&[][..], Vec::as_slice);
        if self.random.random::<f64>() >= exploring(observed, similarity, self.delta) {
            return Ok(Some(Found::Entries(vec![entry])));
        }
        self.explored = Some((asked.at, entry, similarity));
        Ok(None)
    }

    /// The nearest entry observes whether it would have been right. If it would have, the text is no
    /// entry of its own: another one like it should find the same entry, which knows more by now.
    async fn learn(&mut self, asked: &Asked<'_>, label: &str) -> Result<(), MatchError> {
        if let Some((_, entry, similarity)) = self.explored.take().filter(|(at, ..)| *at == asked.at) {
            let right = self.labels.get(&entry).is_some_and(|of| of == label);
            self.observations.entry(entry).or_default().push((similarity, right));
            if right {
                return Ok(());
            }
        }
        self.index.put(asked.scope, asked.at, asked.vector);
        self.labels.insert(asked.at, label.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observations spread over the similarities: right from 0.7 on.
    fn clear(count: usize) -> Vec<(f64, bool)> {
        (0..count).map(|i| 0.4 + 0.6 * (i as f64 + 0.5) / count as f64).map(|s| (s, s >= 0.7)).collect()
    }

    #[test]
    fn fewer_than_six_observations_are_never_used() {
        assert_eq!(exploring(&clear(5), 1.0, 0.1), 1.0);
        assert!(exploring(&clear(6), 1.0, 0.1) < 1.0);
        // Observations at one similarity have no curve.
        assert_eq!(exploring(&[(0.99, true); 6], 1.0, 0.1), 1.0);
    }

    #[test]
    fn more_observations_a_higher_similarity_and_a_larger_bound_explore_less() {
        assert!(exploring(&clear(200), 0.8, 0.05) < exploring(&clear(20), 0.8, 0.05));
        assert!(exploring(&clear(50), 0.95, 0.05) < exploring(&clear(50), 0.75, 0.05));
        assert!(exploring(&clear(50), 0.8, 0.10) < exploring(&clear(50), 0.8, 0.01));
        assert_eq!(exploring(&clear(200), 0.98, 0.05), 0.0);
    }

    #[test]
    fn the_bound_is_spent_and_no_more_where_nothing_is_right() {
        let wrong: Vec<(f64, bool)> = (0..100).map(|i| (0.5 + 0.004 * f64::from(i), false)).collect();
        let spent = 1.0 - exploring(&wrong, 0.6, 0.02);
        assert!((0.02..0.0201).contains(&spent), "{spent}");
        let falling = [(0.1, true), (0.1, true), (0.1, true), (0.9, false), (0.9, false), (0.9, false)];
        assert!(exploring(&falling.repeat(5), 0.9, 0.02) > 0.97);
    }
}
