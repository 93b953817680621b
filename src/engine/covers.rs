//! The ways to cover a text by regions that are like what was learnt, best first.

use std::collections::HashMap;
use std::sync::Arc;

use super::meaning::meaning;
use crate::fill::{Block, loose};

/// Most covers that are kept of a text up to each of its clauses' ends.
const MOST_COVERS: usize = 12;
/// Most readings that are kept of one region.
const MOST_READINGS: usize = 8;

/// A region read as a template, and how alike it is to the template's own wording.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) block: Block,
    pub(super) wording: String,
    pub(super) alike: f32,
    /// What its calls would be; none for one that is idle.
    meaning: Option<String>,
}

impl Reading {
    /// A reading that was not compared yet.
    pub(super) fn of(block: Block, wording: String) -> Self {
        let meaning = (!block.template.is_idle()).then(|| meaning(&block));
        Self { block, wording, alike: 0.0, meaning }
    }
}

/// Readings that cover a text from its start without gaps.
#[derive(Clone, Debug, Default)]
pub(super) struct Cover {
    pub(super) readings: Vec<Arc<Reading>>,
    /// The likeness of its regions, weighted with their tokens.
    score: f32,
    /// What its calls would be. Covers with the same meaning are one.
    pub(super) meaning: Vec<String>,
}

impl Cover {
    /// Whether it asks for anything to be done.
    pub(super) fn acts(&self) -> bool {
        !self.meaning.is_empty()
    }

    /// Its acting blocks.
    pub(super) fn blocks(&self) -> Vec<Block> {
        self.acting().map(|reading| reading.block.clone()).collect()
    }

    fn acting(&self) -> impl Iterator<Item = &Reading> {
        self.readings.iter().map(Arc::as_ref).filter(|reading| reading.meaning.is_some())
    }

    /// What it reads, in the words that were learnt.
    pub(super) fn rendered(&self) -> String {
        let said = |reading: &Reading| loose::rendered(&reading.block.template, &reading.block.values);
        self.acting().map(said).collect::<Vec<_>>().join(" ")
    }

    /// How much more alike this one is than another, over the tokens that they read differently.
    pub(super) fn ahead_of(&self, other: &Self) -> f32 {
        let same = |a: &Reading, b: &Reading| {
            (a.block.from, a.block.to) == (b.block.from, b.block.to)
                && a.block.template.id == b.block.template.id
                && a.block.values == b.block.values
        };
        let (mut gain, mut tokens) = (0.0, 0usize);
        for reading in self.readings.iter().filter(|a| !other.readings.iter().any(|b| same(a, b))) {
            let length = reading.block.to - reading.block.from;
            gain += reading.alike * length as f32;
            tokens += length;
        }
        for reading in other.readings.iter().filter(|a| !self.readings.iter().any(|b| same(a, b))) {
            gain -= reading.alike * (reading.block.to - reading.block.from) as f32;
        }
        if tokens == 0 { 0.0 } else { gain / tokens as f32 }
    }
}

/// The covers of a text by these readings, the most alike first, each meaning once.
pub(super) fn best_covers(readings: Vec<Reading>, ends: &[usize]) -> Vec<Cover> {
    let mut by_region: HashMap<(usize, usize), Vec<Arc<Reading>>> = HashMap::new();
    for reading in readings {
        by_region.entry((reading.block.from, reading.block.to)).or_default().push(Arc::new(reading));
    }
    for readings in by_region.values_mut() {
        readings.sort_by(|a, b| {
            b.alike.total_cmp(&a.alike).then_with(|| a.block.template.id.cmp(&b.block.template.id))
        });
        readings.truncate(MOST_READINGS);
    }
    let Some(last) = ends.last() else { return Vec::new() };
    let mut reached: HashMap<usize, Vec<Cover>> = HashMap::from([(0, vec![Cover::default()])]);
    for (number, to) in ends.iter().enumerate().skip(1) {
        let mut covers: Vec<Cover> = Vec::new();
        for from in &ends[..number] {
            let Some(readings) = by_region.get(&(*from, *to)) else { continue };
            for before in reached.get(from).into_iter().flatten() {
                for reading in readings {
                    covers.push(before.with(reading));
                }
            }
        }
        covers.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut kept: Vec<Cover> = Vec::new();
        for cover in covers {
            if kept.len() < MOST_COVERS && !kept.iter().any(|k| k.meaning == cover.meaning) {
                kept.push(cover);
            }
        }
        reached.insert(*to, kept);
    }
    reached.remove(last).unwrap_or_default()
}

impl Cover {
    fn with(&self, reading: &Arc<Reading>) -> Self {
        let mut cover = self.clone();
        cover.score += reading.alike * (reading.block.to - reading.block.from) as f32;
        cover.meaning.extend(reading.meaning.clone());
        cover.readings.push(Arc::clone(reading));
        cover
    }
}
