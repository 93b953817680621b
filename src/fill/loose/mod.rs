//! Reads a text in other words than those learnt: by the values that it holds, not by its words.
//!
//! A region of the text can be read as a template where its values fit the template's slots, all of
//! them and each once. Whether the words around them mean what the template's own do is not decided
//! here: a reading carries what its region says with the values masked, for others to compare.

mod assign;
mod said;
mod spans;

use std::collections::BTreeSet;

use crate::domain::{Part, Template};
use crate::expr::Values;
use crate::spans::{Lexed, is_boundary};
use assign::Layout;
use spans::Spans;

pub use said::{rendered, wording};

/// Most clauses that one region has.
const MOST_CLAUSES: usize = 12;

/// One way to read a region of a text as a template.
#[derive(Clone, Debug, PartialEq)]
pub struct LooseReading {
    /// What the slots are.
    pub values: Values,
    /// How well the values' forms, order and neighbours fit those that the template knows: greater
    /// is better, comparable between readings of one region as one template.
    pub fit: f32,
    /// What the region says, with placeholders for values and one unit of each list.
    pub wording: String,
}

/// A text that is read so, with what all readings of it look at.
#[derive(Clone, Debug)]
pub struct LooseText<'t> {
    text: &'t Lexed,
    spans: Spans,
    ends: Vec<usize>,
}

impl<'t> LooseText<'t> {
    /// Finds the values of a text that may matter to these templates, and its clauses.
    pub fn of(text: &'t Lexed, templates: &[&Template]) -> Self {
        Self { text, spans: Spans::of(text, templates), ends: clauses(text) }
    }

    /// The ends of its clauses, in tokens, from 0 to its length.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Its regions between two clauses' ends, as tokens; at most twelve clauses each.
    pub fn regions(&self) -> impl Iterator<Item = (usize, usize)> {
        regions(&self.ends)
    }

    /// The clauses of a region.
    fn clauses(&self, (from, to): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
        let inside = move |pair: &&[usize]| from <= pair[0] && pair[1] <= to;
        self.ends.windows(2).filter(inside).map(|pair| (pair[0], pair[1]))
    }
}

/// A template made ready to read texts so.
#[derive(Clone, Debug)]
pub struct LooseReader<'t> {
    template: &'t Template,
    layout: Layout<'t>,
    /// The words that its pattern says.
    words: BTreeSet<&'t str>,
    /// Its pattern has several clauses.
    has_clauses: bool,
}

impl<'t> LooseReader<'t> {
    /// `None` for a template that cannot be read so: with two lists, or with a value that has no form
    /// of its own.
    pub fn of(template: &'t Template) -> Option<Self> {
        let parts = &template.pattern.parts;
        let inner = parts.split_last().map_or(&parts[..], |(_, rest)| rest);
        let ends = |part: &Part| matches!(part, Part::Literal(word) if is_boundary(word));
        Some(Self {
            template,
            layout: Layout::of(template)?,
            words: template.pattern.literals().collect(),
            has_clauses: inner.iter().any(ends),
        })
    }

    /// All ways to read a region as the template (at most 8), those that fit best first. None where a
    /// value of the region has no slot, a slot has no value, or the region says a condition that the
    /// template does not know.
    pub fn read(&self, text: &LooseText<'_>, region: (usize, usize)) -> Vec<LooseReading> {
        if said::adds_condition(&self.words, text.text, region) {
            return Vec::new();
        }
        self.assign(text, region)
    }
}

/// The ends of a text's clauses, in tokens, from 0 to its length.
fn clauses(text: &Lexed) -> Vec<usize> {
    let mut ends = vec![0];
    for (at, token) in text.tokens.iter().enumerate() {
        if is_boundary(&token.folded) {
            // Marks that follow each other end one clause.
            match ends.last_mut() {
                Some(last) if *last == at && at > 0 => *last = at + 1,
                _ => ends.push(at + 1),
            }
        }
    }
    if ends.last().is_some_and(|last| *last < text.tokens.len()) {
        ends.push(text.tokens.len());
    }
    ends
}

fn regions(ends: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    ends.iter()
        .enumerate()
        .flat_map(move |(i, from)| ends.iter().skip(i + 1).take(MOST_CLAUSES).map(move |to| (*from, *to)))
}

#[cfg(test)]
mod tests;
