//! The parts of a program's text.

use serde_json::Value;

use super::write::render;
use crate::domain::Quoting;

/// The longest text that is read, in bytes.
pub(super) const LONGEST: usize = 8_192;

/// One part of a program; its parts one after the other are its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Keywords, signs, functions, and names that the program itself gives.
    Text(String),
    /// A name of something that has to exist, as it is written.
    Name(String),
    /// A value.
    Value(Literal),
}

/// A literal of a program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Literal {
    /// What it is: a text without its quotes and wild cards, or a number.
    pub value: Value,
    /// What it stands for: the name or keyword that it is compared with or follows, in lower case.
    pub of: String,
    /// The signs before it: a quotation mark, a wild card.
    pub before: String,
    /// The signs after it.
    pub after: String,
    /// How it is written between them.
    pub quoting: Quoting,
}

/// A program that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Its parts, in order.
    pub pieces: Vec<Piece>,
    /// It is surely a program, and no words that happen to be one.
    pub is_sure: bool,
    /// It asks for data and changes none.
    pub asks: bool,
    /// It asks for an order of what it returns.
    pub orders: bool,
}

impl Reading {
    /// The names, as they are written, without quotation marks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(bare(name)),
            _ => None,
        })
    }

    /// The literals.
    pub fn literals(&self) -> impl Iterator<Item = &Literal> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(literal) => Some(literal),
            _ => None,
        })
    }

    /// The reading, if its parts are this text when they are written again.
    pub(super) fn that_writes(self, text: &str) -> Option<Self> {
        let again: Option<String> = self.pieces.iter().map(written).collect();
        (again.as_deref() == Some(text)).then_some(self)
    }
}

/// A name without its quotation marks.
pub(super) fn bare(name: &str) -> &str {
    name.trim_matches(['`', '"', '[', ']'])
}

/// Adds a fixed part, as one with a fixed part before it.
pub(super) fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(own)) => own.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// What a text without quotation marks says: a number if it is written as one is, else itself.
pub(super) fn plain(written: &str) -> Value {
    let number = serde_json::from_str::<serde_json::Number>(written).ok();
    let same = number.filter(|number| number.to_string() == written);
    same.map_or_else(|| Value::from(written), Value::Number)
}

fn written(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Text(text) | Piece::Name(text) => Some(text.clone()),
        Piece::Value(Literal { value, before, after, quoting, .. }) => render(value, before, after, *quoting),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A program with its names as `<name>` and its values as `{of=value}`.
    pub(in crate::programs) fn shown(reading: Option<Reading>) -> String {
        let Some(reading) = reading else { return "none".to_owned() };
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(name) => format!("<{name}>"),
            Piece::Value(literal) => {
                format!("{}{{{}={}}}{}", literal.before, literal.of, literal.value, literal.after)
            }
        };
        reading.pieces.iter().map(piece).collect()
    }
}
