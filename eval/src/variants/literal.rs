/// A part of an instruction: words, or a dict literal in Python's notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    Dict(Vec<(String, String)>),
}

/// Splits an instruction into words and dict literals of strings. What looks like a literal but
/// is none stays words.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text[at..].find('{') {
        let open = at + open;
        match dict(&text[open..]) {
            Some((members, length)) => {
                if open > from {
                    pieces.push(Piece::Words(&text[from..open]));
                }
                pieces.push(Piece::Dict(members));
                from = open + length;
                at = from;
            }
            None => at = open + 1,
        }
    }
    if from < text.len() {
        pieces.push(Piece::Words(&text[from..]));
    }
    pieces
}

/// Reads `{'key': 'value', ..}` at the start of a text; returns the members and the length read.
pub(super) fn dict(text: &str) -> Option<(Vec<(String, String)>, usize)> {
    let mut rest = text.strip_prefix('{')?.trim_start();
    let mut members = Vec::new();
    while !rest.starts_with('}') {
        let (key, after) = string(rest)?;
        let (value, after) = string(after.trim_start().strip_prefix(':')?.trim_start())?;
        members.push((key, value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.starts_with('}') => after,
            None => return None,
        };
    }
    Some((members, text.len() - rest.len() + 1))
}

fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut value = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            c if c == quote => return Some((value, &text[1 + at + 1..])),
            c => value.push(c),
        }
    }
    None
}

/// The literal in Python's notation.
pub(crate) fn python(members: &[(String, String)]) -> String {
    let shown = |text: &str| {
        if text.contains('\'') && !text.contains('"') {
            format!("\"{text}\"")
        } else {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
        }
    };
    let members: Vec<String> =
        members.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value))).collect();
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_between_words_and_written_back_the_same() {
        let text = "Take {'a b': '1', 'c': \"it's\"} to {}; not {this} one";
        let found = pieces(text);
        assert_eq!(found.len(), 5);
        let back: String = found
            .iter()
            .map(|piece| match piece {
                Piece::Words(words) => (*words).to_owned(),
                Piece::Dict(members) => python(members),
            })
            .collect();
        assert_eq!(back, text);
        assert_eq!(found[3], Piece::Dict(Vec::new()));
    }
}
