use std::sync::OnceLock;

use serde_json::Value;
use text2num::{Language, text2digits};

use super::{Kind, Token};

/// The number that a word says: a cardinal or an ordinal, in words ("third", "twenty-five") or in
/// digits with its ending ("3rd"). `None` for every other token, plain digits among them: those are
/// what they are.
pub fn said_number(token: &Token) -> Option<f64> {
    match token.kind {
        Kind::Word { .. } => word_number(&token.folded),
        Kind::Identifier => digits(&token.folded)?.parse().ok(),
        _ => None,
    }
}

/// A number without a fraction as JSON.
pub fn whole(number: f64) -> Value {
    Value::from(number as i64)
}

/// The number that a lower-case word says.
pub(super) fn word_number(word: &str) -> Option<f64> {
    static ENGLISH: OnceLock<Language> = OnceLock::new();
    if !word.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        return None;
    }
    let said = text2digits(word, ENGLISH.get_or_init(Language::english)).ok()?;
    digits(&said)?.parse().ok()
}

/// The digits of a number that ends in nothing or as an ordinal does.
fn digits(said: &str) -> Option<&str> {
    let digits = said.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let ending = &said[digits.len()..];
    let ordinal = matches!(ending, "" | "st" | "nd" | "rd" | "th");
    (ordinal && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::super::lex;
    use super::*;

    #[test]
    fn words_and_ordinals_say_numbers() {
        let said = |text: &str| said_number(&lex(text).tokens[0]);
        for (text, number) in [("first", 1.0), ("second", 2.0), ("fourth", 4.0)] {
            assert_eq!(said(text), Some(number), "{text}");
        }
        let numbers = [("third", 3.0), ("Twelve", 12.0), ("twenty-five", 25.0), ("3rd", 3.0), ("11th", 11.0)];
        for (text, number) in numbers {
            assert_eq!(said(text), Some(number), "{text}");
        }
        for text in ["thirdly", "thing", "3x", "x3", "#3", "7", "a"] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
