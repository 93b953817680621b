//! What in a text is a value by its form alone.

use super::{Kind, Lexed, Token, is_boundary};

/// Whether a token is a value by its form alone.
pub fn is_value(token: &Token) -> bool {
    matches!(token.kind, Kind::Number | Kind::Identifier | Kind::Email | Kind::Quoted | Kind::Object)
}

/// Whether a token can begin a sentence: nothing, a boundary or a colon stands before it.
pub fn begins_sentence(text: &Lexed, at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| text.tokens.get(before)) {
        None => true,
        Some(before) => is_boundary(&before.folded) || before.is(":"),
    }
}

/// Maximal runs of capitalised words between two tokens.
pub fn name_runs(text: &Lexed, from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = from;
    while at < to {
        let mut end = at;
        while end < to && text.tokens[end].is_capital() {
            end += 1;
        }
        if end > at {
            runs.push((at, end));
        }
        at = end.max(at + 1);
    }
    runs
}

/// The build of an identifier: its classes of characters, a run of one class as one (`#A9` of
/// `#K7420`, `a_a_9` of `dock_east_12`). Finer than a shape and still no value.
pub fn build_of(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let class = match c {
            c if c.is_numeric() => '9',
            c if c.is_uppercase() => 'A',
            c if c.is_alphabetic() => 'a',
            c => c,
        };
        if !out.ends_with(class) {
            out.push(class);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_tells_kinds_of_identifiers_apart_and_no_values() {
        assert_eq!(build_of("#K7420"), build_of("#Q1"));
        assert_eq!(build_of("dock_east_12"), "a_a_9");
        assert_ne!(build_of("#K7420"), build_of("K7420"));
    }
}
