use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::systems::Spend;

/// What a model's tokens cost, in US dollars for a million.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Whose price it is.
    pub model: String,
    /// A million tokens read.
    pub input: f64,
    /// A million tokens read from the provider's prompt cache.
    pub cached_input: f64,
    /// A million tokens written.
    pub output: f64,
}

impl Price {
    /// What this costs where every token that is read is paid in full.
    pub fn of(&self, spend: &Spend) -> f64 {
        (spend.input as f64 * self.input + spend.output as f64 * self.output) / 1e6
    }

    /// What this costs where the provider's prompt cache holds what was sent before.
    pub fn with_prompt_cache(&self, spend: &Spend) -> f64 {
        self.of(spend) - spend.cached as f64 * (self.input - self.cached_input) / 1e6
    }
}

/// A dated table of prices: `eval/definitions/prices/*.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// When these were the prices.
    pub date: String,
    /// Where they are published.
    pub source: String,
    /// The planner's.
    pub planner: Price,
    /// Those of a model that a system asks for itself.
    pub small: Price,
}

/// Why there are no prices.
#[derive(Debug, thiserror::Error)]
#[error("{path} is no table of prices: {why}; compare it with eval/prices.toml")]
pub struct PriceError {
    path: String,
    why: String,
}

impl Prices {
    /// Reads a table.
    ///
    /// # Errors
    /// When the file cannot be read or is no table of prices.
    pub fn read(path: &Path) -> Result<Self, PriceError> {
        let wrong = |why: String| PriceError { path: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        toml::from_str(&text).map_err(|e| wrong(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_holds_is_cheaper() {
        let price = Price { model: "m".into(), input: 2.0, cached_input: 1.0, output: 10.0 };
        let spend = Spend { calls: 1, input: 1_000_000, cached: 500_000, output: 100_000, faults: 0 };
        assert_eq!((price.of(&spend), price.with_prompt_cache(&spend)), (3.0, 2.5));
    }
}
