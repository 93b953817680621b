use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::gptcache::{GptCache, Process};
use super::{Asked, MatchError, Matcher, Similarity, Verified};

/// Entries at which one decision is timed.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// Decisions timed at each.
const DECISIONS: usize = 200;
/// Observations of each entry of vCache's rule, so that it decides and does not only look them up.
const OBSERVED: usize = 8;

/// How long one decision takes, the embedding of the text aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The policy.
    pub policy: String,
    /// Entries.
    pub entries: usize,
    /// Half of the decisions take at most this.
    pub p50_us: f64,
    /// 99 of 100 decisions take at most this.
    pub p99_us: f64,
}

fn latency(policy: &str, entries: usize, mut us: Vec<f64>) -> Latency {
    us.sort_by(f64::total_cmp);
    let at = |share: f64| us[((us.len() as f64 * share).ceil() as usize).clamp(1, us.len()) - 1];
    Latency { policy: policy.to_owned(), entries, p50_us: at(0.50), p99_us: at(0.99) }
}

/// A vector of length 1 in a random direction.
fn unit(random: &mut ChaCha8Rng, dimensions: usize) -> Vec<f32> {
    // Twelve uniform numbers make a normal one, nearly.
    let mut normal = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
    let drawn: Vec<f32> = (0..dimensions).map(|_| normal()).collect();
    let length = drawn.iter().map(|x| x * x).sum::<f32>().sqrt();
    drawn.into_iter().map(|x| x / length).collect()
}

/// Times the policies that compare vectors, on random ones.
pub(super) async fn of_vectors(dimensions: usize, seed: u64) -> Result<Vec<Latency>, MatchError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut timed = Vec::new();
    let (mut similarity, mut verified) = (Similarity::new(0.9), Verified::new(0.02, seed));
    let mut entries = 0;
    for size in SIZES {
        while entries < size {
            let vector = unit(&mut random, dimensions);
            let asked = Asked { at: entries, scope: "", vector: &vector, case: None };
            similarity.learn(&asked, "").await?;
            verified.know(&asked, OBSERVED);
            entries += 1;
        }
        let matchers: [(&str, &mut dyn Matcher); 2] =
            [("cosine", &mut similarity), ("vcache", &mut verified)];
        for (name, matcher) in matchers {
            let mut us = Vec::with_capacity(DECISIONS);
            for _ in 0..DECISIONS {
                let vector = unit(&mut random, dimensions);
                let began = Instant::now();
                matcher.decide(&Asked { at: size, scope: "", vector: &vector, case: None }).await?;
                us.push(began.elapsed().as_secs_f64() * 1e6);
            }
            timed.push(latency(name, size, us));
        }
    }
    Ok(timed)
}

/// GPTCache at as many entries as it takes in within a minute.
pub(super) fn of_gptcache(process: &mut Process) -> Result<Vec<Latency>, MatchError> {
    GptCache::open(process, None)?;
    let wrong = |e: serde_json::Error| MatchError::new("GPTCache", e);
    let mut timed: Vec<Latency> = Vec::new();
    let mut spent = Duration::ZERO;
    for size in SIZES {
        let filled = process.tell(&json!({"fill": size, "seconds": 60.0 - spent.as_secs_f64()}))?;
        spent += Duration::from_secs_f64(filled["s"].as_f64().unwrap_or_default());
        let entries = filled["entries"].as_u64().unwrap_or_default() as usize;
        let asked = process.tell(&json!({"ask_random": DECISIONS}))?;
        let us: Vec<f64> = serde_json::from_value(asked["us"].clone()).map_err(wrong)?;
        timed.push(latency("gptcache", entries, us));
        if entries < size {
            break;
        }
    }
    Ok(timed)
}
