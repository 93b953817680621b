use serde::{Deserialize, Serialize};

use super::Counts;

/// False hits of queries up to which policies are compared.
pub const BUDGETS: [f64; 4] = [0.0, 0.01, 0.02, 0.05];

/// The best that a policy does with at most so many false hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtMost {
    /// The policy.
    pub policy: String,
    /// False hits of queries, at most.
    pub budget: f64,
    /// The setting with the most right hits among those that keep to it.
    pub setting: Option<String>,
    /// What it came to.
    pub counts: Option<Counts>,
}

/// For each policy the setting with the most right hits whose false hits are at most a share
/// `budget` of queries; `results` are policy, setting and what it came to.
pub fn equal_false_hits<'a>(
    results: impl IntoIterator<Item = (&'a str, &'a str, Counts)>,
    budget: f64,
) -> Vec<AtMost> {
    let mut best: Vec<AtMost> = Vec::new();
    for (policy, setting, counts) in results {
        let at = best.iter().position(|b| b.policy == policy).unwrap_or_else(|| {
            best.push(AtMost { policy: policy.to_owned(), budget, setting: None, counts: None });
            best.len() - 1
        });
        let kept = counts.wrong() as f64 <= budget * counts.queries as f64;
        if kept && best[at].counts.is_none_or(|so_far| counts.right > so_far.right) {
            best[at].setting = Some(setting.to_owned());
            best[at].counts = Some(counts);
        }
    }
    best
}
