use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1_000;

/// The 95% Wilson interval of a share (E. B. Wilson, Probable inference, 1927); of nothing, all
/// that is possible.
pub fn wilson(part: u64, whole: u64) -> Interval {
    if whole == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, z) = (whole as f64, 1.96_f64);
    let share = part as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Interval { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) }
}

/// The 95% percentile bootstrap (B. Efron, Bootstrap methods, 1979) of the ratio of two sums over
/// tasks. The orders of the same tasks are not independent, so it is tasks that are drawn, each
/// with what it came to in all orders together.
pub fn bootstrap(tasks: &[(f64, f64)]) -> Option<Interval> {
    if tasks.is_empty() {
        return None;
    }
    let mut dice = ChaCha8Rng::seed_from_u64(0);
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut part, mut whole) = (0.0, 0.0);
            for _ in tasks {
                let (p, w) = tasks[dice.random_range(0..tasks.len())];
                part += p;
                whole += w;
            }
            if whole == 0.0 { 0.0 } else { part / whole }
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    Some(Interval { low: at(0.025), high: at(0.975) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_share_and_shrink() {
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
        let Interval { low, high } = wilson(8, 10);
        assert!(low > 0.48 && low < 0.5 && high > 0.94 && high < 0.95, "{low} {high}");
        assert!(wilson(0, 300).high < 0.013);
    }

    #[test]
    fn a_bootstrap_holds_the_ratio_and_is_the_same_each_time() {
        let tasks: Vec<(f64, f64)> = (0..200).map(|i| (f64::from(u8::from(i % 4 == 0)), 1.0)).collect();
        let interval = bootstrap(&tasks).unwrap();
        assert!(interval.low > 0.17 && interval.low < 0.25 && interval.high > 0.25 && interval.high < 0.33);
        assert_eq!(bootstrap(&tasks), Some(interval));
        assert_eq!(bootstrap(&[]), None);
    }
}
