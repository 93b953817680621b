use std::collections::HashSet;

use crate::domain::{Shape, Template};
use crate::spans::{
    Kind, Lexed, Token, begins_sentence, days_at, is_value, lex, name_runs, said_number, shape_of,
};

/// A value in a text, by tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// First token.
    pub(super) from: usize,
    /// One past the last token.
    pub(super) to: usize,
    /// Its form.
    pub(super) shape: Shape,
    /// A reading may leave it out: it is a value only to templates that ask for such a one.
    pub(super) optional: bool,
}

/// The values of a text, in order, not overlapping.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spans(Vec<Found>);

impl Spans {
    /// Finds the values of a text: tokens that are values by form, capitalised words that do not only
    /// begin a sentence, members of enumerations of these templates, and numbers in words.
    pub(super) fn of(text: &Lexed, templates: &[&Template]) -> Self {
        let mut spans = Spans(Vec::new());
        for spec in templates.iter().flat_map(|t| &t.slots).filter(|s| s.shape == Shape::Member) {
            for member in &spec.members {
                let words = lex(member).folded();
                for from in 0..text.tokens.len() {
                    if let Some(to) = text.spelt(&words, from) {
                        spans.add(Found { from, to, shape: Shape::Member, optional: true });
                    }
                }
            }
        }
        if templates.iter().flat_map(|t| &t.slots).any(|slot| slot.shape == Shape::Day) {
            for from in 0..text.tokens.len() {
                if let Some(to) = days_at(text, from).first() {
                    spans.add(Found { from, to: *to, shape: Shape::Day, optional: false });
                }
            }
        }
        for (at, token) in text.tokens.iter().enumerate() {
            if is_value(token) {
                let shape = shape_of(std::slice::from_ref(token));
                spans.add(Found { from: at, to: at + 1, shape, optional: false });
            }
        }
        let known: HashSet<&str> = templates.iter().flat_map(|t| t.pattern.literals()).collect();
        let pronoun = |token: &Token| matches!(token.folded.split(['\'', '\u{2019}']).next(), Some("i"));
        for run in name_runs(text, 0, text.tokens.len()) {
            let words = &text.tokens[run.0..run.1];
            let mut from = run.0;
            for (length, part) in words.split(pronoun).map(|part| (part.len(), part)) {
                let to = from + length;
                let begins = begins_sentence(text, from);
                // A word that begins a sentence is no name where templates know it as a word.
                let is_word =
                    begins && part.first().is_some_and(|first| known.contains(first.folded.as_str()));
                let start = from + usize::from(is_word);
                // Alone at a sentence's start it may be any word.
                let alone = to == start + 1 && begins_sentence(text, start);
                if start < to && !alone {
                    spans.add(Found { from: start, to, shape: Shape::Name, optional: false });
                }
                from = to + 1;
            }
        }
        for (at, token) in text.tokens.iter().enumerate() {
            if matches!(token.kind, Kind::Word { .. }) && said_number(token).is_some() {
                spans.add(Found { from: at, to: at + 1, shape: Shape::Number, optional: true });
            }
        }
        spans.0.sort_by_key(|s| s.from);
        spans
    }

    /// Adds a value; of two that overlap the longer one is kept, and the earlier of equal ones.
    fn add(&mut self, found: Found) {
        let length = found.to - found.from;
        let meets = |s: &Found| s.from < found.to && found.from < s.to;
        if self.0.iter().any(|s| meets(s) && s.to - s.from >= length) {
            return;
        }
        self.0.retain(|s| !meets(s));
        self.0.push(found);
    }

    /// The values between two tokens.
    pub(super) fn within(&self, from: usize, to: usize) -> Vec<Found> {
        self.0.iter().filter(|s| s.from >= from && s.to <= to).cloned().collect()
    }
}
