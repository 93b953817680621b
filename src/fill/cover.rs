use std::collections::HashMap;
use std::sync::Arc;

use super::parse::{Reading, Wording, read_pattern};
use crate::domain::{Part, Template};
use crate::expr::Values;
use crate::spans::Lexed;

/// Most different covers of one text that are followed; more is an ambiguity all the same.
const MOST_COVERS: usize = 16;
/// Most readings tried on one text.
const MOST_TRIALS: usize = 20_000;

/// A template that covers a part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The template.
    pub template: Arc<Template>,
    /// First token covered.
    pub from: usize,
    /// One past the last token covered.
    pub to: usize,
    /// What its slots are.
    pub values: Values,
}

/// How a text can be covered by templates' patterns, one after the other without gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covers {
    /// The covers, each with its acting blocks (idle ones left out) in the order of the text.
    /// Covers that differ in idle blocks only are one.
    pub covers: Vec<Vec<Block>>,
    /// The furthest token up to which the text could be covered from its start.
    pub reached: usize,
    /// The bounds on the search were met: there may be more covers.
    pub cut: bool,
}

/// Finds all covers of a text (at most 16). A text without tokens has none.
pub fn cover(templates: &[Arc<Template>], text: &Lexed, wording: Wording) -> Covers {
    let mut search = Search {
        text,
        wording,
        by_first: HashMap::new(),
        open_start: Vec::new(),
        readings: HashMap::new(),
        dead: vec![false; text.tokens.len() + 1],
        trials: 0,
        found: Covers::default(),
    };
    for template in templates {
        match template.pattern.parts.first() {
            Some(Part::Literal(word)) => search.by_first.entry(word).or_default().push(template),
            Some(_) => search.open_start.push(template),
            None => {}
        }
    }
    if !text.tokens.is_empty() {
        search.from(0, &mut Vec::new());
    }
    search.found
}

/// Templates that can be read at a place, with what they read.
type Readings = Vec<(Arc<Template>, Reading)>;

struct Search<'a> {
    text: &'a Lexed,
    wording: Wording,
    by_first: HashMap<&'a str, Vec<&'a Arc<Template>>>,
    open_start: Vec<&'a Arc<Template>>,
    readings: HashMap<usize, Arc<Readings>>,
    /// Places from which the text's end cannot be reached.
    dead: Vec<bool>,
    trials: usize,
    found: Covers,
}

impl Search<'_> {
    /// Follows every reading from token `at`; says whether the end was reached.
    fn from(&mut self, at: usize, blocks: &mut Vec<Block>) -> bool {
        self.found.reached = self.found.reached.max(at);
        if at == self.text.tokens.len() {
            self.keep(blocks);
            return true;
        }
        if self.dead[at] {
            return false;
        }
        let mut alive = false;
        for (template, reading) in self.readings_at(at).iter() {
            if self.found.covers.len() >= MOST_COVERS || self.trials > MOST_TRIALS {
                self.found.cut = true;
                return true;
            }
            self.trials += 1;
            blocks.push(Block {
                template: template.clone(),
                from: at,
                to: reading.end,
                values: reading.values.clone(),
            });
            alive |= self.from(reading.end, blocks);
            blocks.pop();
        }
        self.dead[at] = !alive;
        alive
    }

    fn readings_at(&mut self, at: usize) -> Arc<Readings> {
        if let Some(readings) = self.readings.get(&at) {
            return readings.clone();
        }
        let first = self.text.tokens[at].folded.as_str();
        let starting = self.by_first.get(first).into_iter().flatten();
        let mut readings = Vec::new();
        for template in starting.chain(&self.open_start) {
            for reading in read_pattern(template, self.text, at, self.wording) {
                // A pattern that covers nothing would be read for ever.
                if reading.end > at {
                    readings.push(((*template).clone(), reading));
                }
            }
        }
        let readings = Arc::new(readings);
        self.readings.insert(at, readings.clone());
        readings
    }

    fn keep(&mut self, blocks: &[Block]) {
        let acting: Vec<Block> = blocks.iter().filter(|block| !block.template.is_idle()).cloned().collect();
        if !self.found.covers.contains(&acting) {
            self.found.covers.push(acting);
        }
    }
}
