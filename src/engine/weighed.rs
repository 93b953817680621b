//! How alike the parts of a text are to what was learnt, and how much that says.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::covers::{Cover, Reading, best_covers};
use super::meaning::{kinds_of, plan_of};
use crate::domain::{Template, TemplateId, TemplateRecord};
use crate::fill::Block;
use crate::fill::loose::{self, LooseReader, LooseText};
use crate::matching::{EmbedError, Likeness, alike};
use crate::policy::Natural;
use crate::spans::Lexed;

/// Most wordings of one text that are compared.
const MOST_WORDINGS: usize = 128;

/// The covers of a text by likeness, and what is needed to judge them.
#[derive(Clone, Debug, Default)]
pub(super) struct Weighed {
    /// Best first.
    pub(super) covers: Vec<Cover>,
    /// How likely the next text asks for a plan that was never seen.
    novelty: f32,
    /// Of every known wording, how alike it is to the nearest of another plan for values of the same kinds.
    between: Vec<f32>,
    /// Of every known wording of a plan that has several, how alike it is to the nearest of the others.
    within: Vec<f32>,
}

impl Weighed {
    /// Compares a text with the wordings of these templates. Blocks while the embedder computes.
    pub(super) fn of(
        text: &Lexed,
        records: &[Arc<TemplateRecord>],
        novelty: f32,
        likeness: &Likeness,
        natural: Natural,
    ) -> Result<Self, EmbedError> {
        let templates: Vec<&Template> = records.iter().map(|record| &*record.template).collect();
        let text = LooseText::of(text, &templates);
        let mut readings = readings(records, &text, natural.fit);
        if readings.is_empty() {
            return Ok(Self::default());
        }
        let mut texts: Vec<String> = readings.iter().map(|reading| reading.wording.clone()).collect();
        texts.extend(records.iter().map(|record| loose::wording(&record.template)));
        let vectors = likeness.vectors(&texts)?;
        let (said, known) = vectors.split_at(readings.len());
        let place: HashMap<&TemplateId, usize> =
            records.iter().enumerate().map(|(at, record)| (&record.template.id, at)).collect();
        for (reading, vector) in readings.iter_mut().zip(said) {
            let own = place.get(&reading.block.template.id).and_then(|at| known.get(*at));
            reading.alike = own.map_or(0.0, |own| alike(vector, own));
        }
        readings.retain(|reading| reading.alike >= natural.likeness - natural.margin);
        let covers = best_covers(readings, text.ends());
        let (between, within) = neighbours(records, texts.get(said.len()..).unwrap_or_default(), known);
        Ok(Self { covers, novelty, between, within })
    }

    /// How likely a text that is so much like a known one asks for a plan that was never seen, and not for the
    /// known one in other words (Bayes). Both kinds of texts are judged by the wordings that are known: how
    /// many of other plans are so alike, and how many of the same plan.
    fn risk(&self, alike: f32) -> f32 {
        let share = |all: &[f32], unknown: f32| {
            let so = all.iter().filter(|other| **other >= alike).count();
            (so as f32 + 1.0) / (all.len() as f32 + unknown)
        };
        // Of what was never seen, the worst is assumed of other plans, and even chances of the same (Laplace).
        let (other, same) = (share(&self.between, 1.0), share(&self.within, 2.0));
        let wrong = self.novelty * other;
        wrong / (wrong + (1.0 - self.novelty) * same)
    }

    /// Whether a part is like enough to what it is read as.
    pub(super) fn is_clear(&self, reading: &Reading, natural: Natural) -> bool {
        if reading.block.template.is_idle() {
            return reading.alike >= natural.idle_likeness;
        }
        reading.alike >= natural.likeness && self.risk(reading.alike) <= natural.risk
    }

    /// The covers that are no less alike than the best one by the margin, each meaning once.
    pub(super) fn rivals(&self, margin: f32) -> Vec<&Cover> {
        let Some(best) = self.covers.first() else { return Vec::new() };
        let near = self.covers.iter().filter(|cover| best.ahead_of(cover) < margin);
        let mut rivals: Vec<&Cover> = Vec::new();
        for cover in near {
            if !rivals.iter().any(|rival| rival.meaning == cover.meaning) {
                rivals.push(cover);
            }
        }
        rivals
    }

    /// The best cover's parts and its rivals, as JSON: byte ranges, templates, likeness and risk.
    pub(super) fn explained(&self, text: &Lexed, natural: Natural) -> Value {
        let rivals = self.rivals(natural.margin);
        let parts = |cover: &Cover| -> Vec<Value> {
            let part = |reading: &Arc<Reading>| {
                let (from, to) = text.bytes(reading.block.from, reading.block.to);
                json!({
                    "from": from, "to": to, "template": reading.block.template.id,
                    "name": reading.block.template.name, "alike": reading.alike,
                    "risk": self.risk(reading.alike), "clear": self.is_clear(reading, natural),
                })
            };
            cover.readings.iter().map(part).collect()
        };
        let others: Vec<Value> = rivals.iter().skip(1).map(|cover| json!(parts(cover))).collect();
        json!({
            "novelty": self.novelty,
            "parts": self.covers.first().map(parts).unwrap_or_default(),
            "rivals": others,
        })
    }
}

/// Every way in which a region of the text holds just the values that a template asks for.
fn readings(records: &[Arc<TemplateRecord>], text: &LooseText<'_>, fit: f32) -> Vec<Reading> {
    let readers: Vec<(&Arc<Template>, LooseReader<'_>)> = records
        .iter()
        .filter_map(|record| Some((&record.template, LooseReader::of(&record.template)?)))
        .collect();
    let mut out = Vec::new();
    let mut wordings: HashSet<String> = HashSet::new();
    for (from, to) in text.regions() {
        for (template, reader) in &readers {
            let found = reader.read(text, (from, to));
            let best = found.first().map_or(0.0, |reading| reading.fit);
            for reading in found.into_iter().take_while(|reading| best - reading.fit < fit) {
                wordings.insert(reading.wording.clone());
                if wordings.len() > MOST_WORDINGS {
                    return Vec::new();
                }
                let block = Block { template: Arc::clone(template), from, to, values: reading.values };
                out.push(Reading::of(block, reading.wording));
            }
        }
    }
    out
}

/// Of every wording, how alike it is to the nearest of another plan for values of the same kinds; and of every
/// one whose plan has several, to the nearest of the others.
fn neighbours(
    records: &[Arc<TemplateRecord>],
    wordings: &[String],
    vectors: &[Arc<[f32]>],
) -> (Vec<f32>, Vec<f32>) {
    let acting: Vec<(String, Vec<_>, &String, &Arc<[f32]>)> = records
        .iter()
        .zip(wordings.iter().zip(vectors))
        .filter(|(record, _)| !record.template.is_idle())
        .map(|(record, (wording, vector))| {
            (plan_of(&record.template), kinds_of(&record.template), wording, vector)
        })
        .collect();
    let (mut between, mut within) = (Vec::new(), Vec::new());
    for (plan, kinds, wording, vector) in &acting {
        let others = acting.iter().filter(|(other, own, ..)| other != plan && own == kinds);
        between.push(others.map(|(.., other)| alike(vector, other)).fold(0.0, f32::max));
        let same = acting.iter().filter(|(own, _, other, _)| own == plan && other != wording);
        within.extend(same.map(|(.., other)| alike(vector, other)).reduce(f32::max));
    }
    (between, within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_for_other_words_is_wrong_as_seldom_as_the_known_wordings_say() {
        let weighed = |between: &[f32], within: &[f32]| Weighed {
            novelty: 0.2,
            between: between.to_vec(),
            within: within.to_vec(),
            ..Weighed::default()
        };
        let many = vec![0.3; 99];
        // Nothing is known of how alike wordings of one plan are: they may well be so alike.
        assert!((weighed(&many, &[]).risk(0.8) - 0.2 * 0.01 / (0.2 * 0.01 + 0.8 * 0.5)).abs() < 1e-6);
        // They are known to be less alike than this: another plan is likelier.
        assert!(weighed(&many, &[0.4; 98]).risk(0.8) > 0.15);
        // Other plans are often so alike.
        assert!(weighed(&[0.9; 99], &[]).risk(0.8) > 0.3);
        // Nothing known: as likely as not.
        assert!(weighed(&[], &[]).risk(0.8) > 0.3);
    }
}
