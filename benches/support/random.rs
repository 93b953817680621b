//! What the benches share: numbers without a pattern, percentiles, memory.
#![allow(dead_code, reason = "each bench uses what it needs")]

#[path = "../../tests/support/series.rs"]
mod series;

use std::time::Duration;

pub(crate) use series::Random;

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A rank by Zipf's law with exponent one, by inverting its continuous form.
    pub(crate) fn zipf(&mut self, end: u64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((end as f64).powf(uniform) - 1.0) as u64
    }
}

/// Microseconds below which this share of the sorted times lies.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
}

/// Megabytes of memory that the process holds now (Linux; elsewhere 0).
pub(crate) fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
