use async_trait::async_trait;

use super::nearest::Index;
use super::{Asked, Found, MatchError, Matcher};

/// The nearest neighbour, if its cosine reaches a threshold.
#[derive(Debug)]
pub struct Similarity {
    least: f32,
    index: Index,
}

impl Similarity {
    /// Empty; `least` is the cosine from which on it hits.
    pub fn new(least: f32) -> Self {
        Self { least, index: Index::default() }
    }
}

#[async_trait]
impl Matcher for Similarity {
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError> {
        let nearest = self.index.nearest(asked.scope, asked.vector);
        Ok(nearest.filter(|(_, cosine)| *cosine >= self.least).map(|(at, _)| Found::Entries(vec![at])))
    }

    async fn learn(&mut self, asked: &Asked<'_>, _: &str) -> Result<(), MatchError> {
        self.index.put(asked.scope, asked.at, asked.vector);
        Ok(())
    }
}
