//! Reads a text in other words than those learnt: by the values that it holds, not by its words.
//!
//! A region of the text can be read as a template where its values fit the template's slots, all of
//! them and each once. Whether the words around them mean what the template's own do is not decided
//! here: a reading carries what its region says with the values masked, for others to compare.

mod assign;
mod said;
mod spans;

use crate::domain::Template;
use crate::expr::Values;
use crate::spans::{Lexed, is_boundary};

pub use said::{rendered, wording};
pub use spans::{Found, Spans};

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

/// The ends of a text's clauses, in tokens, from 0 to its length.
pub fn clauses(text: &Lexed) -> Vec<usize> {
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

/// The regions of a text between two of its clauses' ends, as tokens; at most twelve clauses each.
pub fn regions(ends: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    ends.iter()
        .enumerate()
        .flat_map(move |(i, from)| ends.iter().skip(i + 1).take(MOST_CLAUSES).map(move |to| (*from, *to)))
}

/// All ways to read a region as a template (at most 8), those that fit best first. None where a value
/// of the region has no slot, a slot has no value, or the region says a condition that the template
/// does not know.
pub fn read_loosely(
    template: &Template,
    text: &Lexed,
    spans: &Spans,
    (from, to): (usize, usize),
) -> Vec<LooseReading> {
    if said::adds_condition(template, text, (from, to)) {
        return Vec::new();
    }
    assign::assign(template, text, &spans.within(from, to), (from, to))
}

#[cfg(test)]
mod tests;
