//! Logistic regression on one variable with Firth's correction (Biometrika 80, 1993): a few
//! observations are mostly separable, and then plain maximum likelihood has no finite answer.

/// The curve of being right over similarity, `1 / (1 + exp(-slope (s - threshold)))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// How steep it is.
    pub slope: f64,
    /// The similarity at which right and wrong are as likely.
    pub threshold: f64,
    /// The standard deviation of `threshold`, by the delta method.
    pub deviation: f64,
}

const MOST_STEPS: usize = 100;
const CLOSE: f64 = 1e-8;

/// Where the iteration stands.
struct State {
    /// Penalised log-likelihood.
    likelihood: f64,
    /// Inverse of the information.
    covariance: [f64; 3],
    /// Gradient of `likelihood`.
    score: [f64; 2],
}

/// Fits the curve; `None` if more similar does not mean more often right.
pub fn fit(observations: &[(f64, bool)]) -> Option<Fit> {
    let (mut a, mut b) = (0.0, 0.0);
    let mut now = state(observations, a, b)?;
    for _ in 0..MOST_STEPS {
        let [aa, ab, bb] = now.covariance;
        let [by_a, by_b] = now.score;
        let (mut da, mut db) = (aa * by_a + ab * by_b, ab * by_a + bb * by_b);
        let next = loop {
            let next = state(observations, a + da, b + db);
            let better = next.as_ref().is_some_and(|next| next.likelihood >= now.likelihood);
            if better || da.abs().max(db.abs()) < CLOSE {
                break next?;
            }
            (da, db) = (da / 2.0, db / 2.0);
        };
        (a, b, now) = (a + da, b + db, next);
        if da.abs().max(db.abs()) < CLOSE {
            break;
        }
    }
    if b <= 0.0 {
        return None;
    }
    let [aa, ab, bb] = now.covariance;
    let (by_a, by_b) = (-1.0 / b, a / (b * b));
    let variance = by_a * by_a * aa + 2.0 * by_a * by_b * ab + by_b * by_b * bb;
    Some(Fit { slope: b, threshold: -a / b, deviation: variance.max(0.0).sqrt() })
}

fn state(observations: &[(f64, bool)], a: f64, b: f64) -> Option<State> {
    let right = |s: f64| 1.0 / (1.0 + (-(a + b * s)).exp());
    let mut information = [0.0; 3];
    let mut likelihood = 0.0;
    for &(s, correct) in observations {
        let p = right(s);
        let weight = p * (1.0 - p);
        information = [information[0] + weight, information[1] + weight * s, information[2] + weight * s * s];
        likelihood += if correct { p } else { 1.0 - p }.max(f64::MIN_POSITIVE).ln();
    }
    let [i, j, k] = information;
    let determinant = i * k - j * j;
    if determinant <= 0.0 {
        return None;
    }
    let covariance = [k / determinant, -j / determinant, i / determinant];
    let mut score = [0.0; 2];
    for &(s, correct) in observations {
        let p = right(s);
        let leverage = p * (1.0 - p) * (covariance[0] + 2.0 * covariance[1] * s + covariance[2] * s * s);
        let rest = f64::from(u8::from(correct)) - p + leverage * (0.5 - p);
        score = [score[0] + rest, score[1] + rest * s];
    }
    Some(State { likelihood: likelihood + determinant.ln() / 2.0, covariance, score })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(s: f64, right: usize, of: usize) -> Vec<(f64, bool)> {
        (0..of).map(|i| (s, i < right)).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn two_groups_are_as_if_each_had_half_a_case_more() {
        // The known closed form: ln((right + 1/2) / (wrong + 1/2)) in each group.
        let found = fit(&[group(0.0, 1, 4), group(1.0, 5, 6)].concat()).unwrap();
        let (low, high) = ((1.5_f64 / 3.5).ln(), (5.5_f64 / 1.5).ln());
        assert!(close(found.slope, high - low), "{found:?}");
        assert!(close(found.threshold, -low / (high - low)));
        // Information of the groups at these probabilities, and the delta method by hand.
        let variance = |right: f64, of: f64| {
            let p: f64 = (right + 0.5) / (of + 1.0);
            1.0 / (of * p * (1.0 - p))
        };
        let (low_var, high_var, b) = (variance(1.0, 4.0), variance(5.0, 6.0), high - low);
        let by = ((high / b).powi(2) * low_var + (low / b).powi(2) * high_var) / (b * b);
        assert!(close(found.deviation, by.sqrt()), "{found:?} {}", by.sqrt());
    }

    #[test]
    fn separable_observations_have_a_finite_curve_between_them() {
        let found = fit(&[(0.0, false), (0.6, false), (0.7, false), (0.8, true), (0.9, true)]).unwrap();
        assert!(found.threshold > 0.6 && found.threshold < 0.8, "{found:?}");
        assert!(found.slope.is_finite() && found.deviation > 0.0);
    }

    #[test]
    fn what_gets_worse_with_similarity_has_none() {
        assert_eq!(fit(&[group(0.2, 5, 5), group(0.9, 0, 5)].concat()), None);
        assert_eq!(fit(&[(0.5, true), (0.5, false)]), None);
    }
}
