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
/// Readings of one region whose values fit nearly as well as the best one's are kept too.
const FIT: f32 = 0.5;

/// The covers of a text by likeness, and what is needed to judge them.
#[derive(Clone, Debug, Default)]
pub(super) struct Weighed {
    /// Best first.
    pub(super) covers: Vec<Cover>,
    /// How likely the next text asks for a plan that was never seen.
    novelty: f32,
    /// Of every known plan, how alike its wording is to that of another one for values of the same
    /// kinds.
    between: Vec<f32>,
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
        let mut readings = readings(records, &text);
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
        Ok(Self { covers, novelty, between: between(records, known) })
    }

    /// How likely a text of a plan that was never seen comes, and is so much like a known one.
    fn risk(&self, alike: f32) -> f32 {
        let so = self.between.iter().filter(|other| **other >= alike).count();
        self.novelty * (so as f32 + 1.0) / (self.between.len() as f32 + 1.0)
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
fn readings(records: &[Arc<TemplateRecord>], text: &LooseText<'_>) -> Vec<Reading> {
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
            for reading in found.into_iter().take_while(|reading| best - reading.fit < FIT) {
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

fn between(records: &[Arc<TemplateRecord>], vectors: &[Arc<[f32]>]) -> Vec<f32> {
    let acting: Vec<(String, Vec<_>, &Arc<[f32]>)> = records
        .iter()
        .zip(vectors)
        .filter(|(record, _)| !record.template.is_idle())
        .map(|(record, vector)| (plan_of(&record.template), kinds_of(&record.template), vector))
        .collect();
    let nearest = |(plan, kinds, vector): &(String, Vec<_>, &Arc<[f32]>)| {
        let others = acting.iter().filter(|(other, own, _)| other != plan && own == kinds);
        others.map(|(_, _, other)| alike(vector, other)).fold(0.0, f32::max)
    };
    acting.iter().map(nearest).collect()
}
