use serde_json::Value;

use super::object;

/// What a token is, by its own characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Letters, possibly with hyphens and apostrophes; `capital` if the first is upper case.
    Word {
        /// The first letter is upper case.
        capital: bool,
    },
    /// Digits, with or without a decimal part, sign, currency or percent mark.
    Number,
    /// Letters and digits mixed, or with an underscore, or with a leading `#` or `@`.
    Identifier,
    /// An e-mail address.
    Email,
    /// Text between quotation marks.
    Quoted,
    /// An object literal.
    Object,
    /// One punctuation mark or a line break.
    Punct,
}

/// A token with its byte range.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// The value: the text inside the marks for quoted text, the object for an object literal,
    /// else the token as it stands.
    pub value: Value,
    /// The token in lower case, for comparing.
    pub folded: String,
}

impl Token {
    /// Whether this is the punctuation mark or word, compared without case.
    pub fn is(&self, folded: &str) -> bool {
        self.folded == folded
    }

    /// Whether it is digits with a word joined to them, as some names are ("7eleven").
    pub fn is_numbered_name(&self) -> bool {
        let word = self.folded.trim_start_matches(|c: char| c.is_ascii_digit());
        self.kind == Kind::Identifier
            && word.len() < self.folded.len()
            && word.chars().count() > 2
            && word.chars().all(char::is_alphabetic)
    }

    /// Whether it is a capitalised word.
    pub fn is_capital(&self) -> bool {
        matches!(self.kind, Kind::Word { capital: true })
    }
}

/// A text with its tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Lexed {
    /// The text.
    pub text: String,
    /// Its tokens, in order, not overlapping.
    pub tokens: Vec<Token>,
}

impl Lexed {
    /// The text from the first to the last of these tokens; empty for an empty range.
    pub fn slice(&self, from: usize, to: usize) -> &str {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// Byte range of these tokens.
    pub fn bytes(&self, from: usize, to: usize) -> (usize, usize) {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => (first.start, last.end),
            (Some(first), _) => (first.start, first.start),
            _ => (self.text.len(), self.text.len()),
        }
    }

    /// Where these words (in lower case) end if they stand at token `at`. No words stand nowhere.
    pub fn spelt(&self, words: &[String], at: usize) -> Option<usize> {
        let stand = |(i, word): (usize, &String)| self.tokens.get(at + i).is_some_and(|token| token.is(word));
        (!words.is_empty() && words.iter().enumerate().all(stand)).then_some(at + words.len())
    }

    /// The tokens in lower case.
    pub fn folded(&self) -> Vec<String> {
        self.tokens.iter().map(|token| token.folded.clone()).collect()
    }

    /// The value of these tokens: a single token's own value, else the text they cover.
    pub fn value(&self, from: usize, to: usize) -> Value {
        if to == from + 1 {
            return self.tokens[from].value.clone();
        }
        Value::String(self.slice(from, to).to_owned())
    }
}

/// Cuts a text into tokens. Every text has tokens; none is an error.
pub fn lex(text: &str) -> Lexed {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == '\n' {
            push(&mut tokens, text, at, at + 1, Kind::Punct, None);
            at += 1;
        } else if c.is_whitespace() {
            at += c.len_utf8();
        } else if let Some((value, end)) = object::read(text, at) {
            push(&mut tokens, text, at, end, Kind::Object, Some(value));
            at = end;
        } else if let Some((inner, end)) = quoted(text, at) {
            push(&mut tokens, text, at, end, Kind::Quoted, Some(Value::String(inner.to_owned())));
            at = end;
        } else {
            let end = chunk_end(text, at);
            if end == at {
                let next = at + c.len_utf8();
                push(&mut tokens, text, at, next, Kind::Punct, None);
                if owns(text, at, c)
                    && let Some(token) = tokens.last_mut()
                {
                    "'s".clone_into(&mut token.folded);
                }
                at = next;
                continue;
            }
            for part in pieces(&text[at..end]) {
                push(&mut tokens, text, at, at + part.len(), kind_of(part), None);
                at += part.len();
            }
        }
    }
    Lexed { text: text.to_owned(), tokens }
}

/// Whether a mark is the possessive of a word that ends in an s ("Ross' boat"): it says what "'s" says.
fn owns(text: &str, at: usize, mark: char) -> bool {
    let ends = text[..at].ends_with(['s', 'x', 'z', 'S', 'X', 'Z']);
    let after = text[at + mark.len_utf8()..].chars().next();
    matches!(mark, '\'' | '\u{2019}') && ends && after.is_some_and(char::is_whitespace)
}

fn push(tokens: &mut Vec<Token>, text: &str, start: usize, end: usize, kind: Kind, value: Option<Value>) {
    let own = &text[start..end];
    tokens.push(Token {
        start,
        end,
        kind,
        value: value.unwrap_or_else(|| Value::String(own.to_owned())),
        folded: own.to_lowercase().replace('\u{2019}', "'"),
    });
}

/// Text between quotation marks that opens at `at`: its inside and the end. A mark within a word
/// is an apostrophe; a quotation does not run over a line or past 200 bytes.
fn quoted(text: &str, at: usize) -> Option<(&str, usize)> {
    let open = text[at..].chars().next()?;
    let close = match open {
        '"' => '"',
        '\'' => '\'',
        '\u{201c}' => '\u{201d}',
        '\u{2018}' => '\u{2019}',
        '`' => '`',
        _ => return None,
    };
    if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
        return None;
    }
    let from = at + open.len_utf8();
    for (i, c) in text[from..].char_indices() {
        if c == '\n' || i > 200 {
            return None;
        }
        let end = from + i + c.len_utf8();
        if c == close && i > 0 && !text[end..].chars().next().is_some_and(char::is_alphanumeric) {
            return Some((&text[from..from + i], end));
        }
    }
    None
}

/// End of the run of word characters that starts at `at` (equal to `at` if none does). Marks such
/// as `.`, `,` or `:` belong to it only between characters that they join.
fn chunk_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let mut end = at;
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let before = text[at..at + i].chars().next_back();
        let joins = match c {
            '_' | '+' | '%' | '@' => true,
            '#' | '$' | '€' | '£' => i == 0 && next.is_some_and(char::is_alphanumeric),
            '-' | '/' | '\'' | '\u{2019}' | '&' => {
                (before.is_some_and(char::is_alphanumeric) || (c == '-' && i == 0))
                    && next.is_some_and(char::is_alphanumeric)
            }
            '.' => before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric),
            ',' | ':' => {
                before.is_some_and(|b| b.is_ascii_digit()) && next.is_some_and(|n| n.is_ascii_digit())
            }
            _ => c.is_alphanumeric(),
        };
        if !joins {
            break;
        }
        end = at + i + c.len_utf8();
    }
    // The last point of initials belongs to them: it ends no sentence.
    if is_initials(&text[at..end]) && text[end..].starts_with('.') {
        end += 1;
    }
    end
}

/// Whether a run is two or more single letters with points between them ("A.B").
fn is_initials(chunk: &str) -> bool {
    let single = |part: &str| part.chars().count() == 1 && part.chars().all(char::is_alphabetic);
    chunk.contains('.') && chunk.split('.').all(single)
}

/// The tokens of a run of word characters, which is one in most cases. What is joined to a value
/// without belonging to it stands alone: the ending of a possessive ("Ada's"), a plus after digits
/// ("30+"), and the words of a compound with a number ("30-day", "second-hand").
fn pieces(chunk: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = chunk;
    let possessive =
        ["'s", "\u{2019}s"].into_iter().find(|end| rest.len() > end.len() && rest.ends_with(end));
    let plus = rest.len() > 1
        && rest.ends_with('+')
        && rest[..rest.len() - 1].ends_with(|c: char| c.is_ascii_digit());
    let ending = possessive.map_or(usize::from(plus), str::len);
    let (body, ending) = rest.split_at(rest.len() - ending);
    rest = body;
    if is_compound(rest) {
        while let Some(hyphen) = rest.find('-') {
            out.extend([&rest[..hyphen], &rest[hyphen..=hyphen]]);
            rest = &rest[hyphen + 1..];
        }
    }
    out.extend([rest, ending].into_iter().filter(|part| !part.is_empty()));
    out
}

/// Whether a run is words with a number between hyphens, and no number itself.
fn is_compound(chunk: &str) -> bool {
    let is_number =
        |part: &str| part.chars().all(|c| c.is_ascii_digit()) || super::numbers::word_number(part).is_some();
    let is_word = |part: &str| part.chars().all(|c| c.is_ascii_lowercase());
    let mut parts = chunk.split('-');
    // A word before digits is how many identifiers are made.
    let counts =
        |(at, part): (usize, &str)| at == 0 && is_number(part) || super::numbers::word_number(part).is_some();
    chunk.contains('-')
        && parts.clone().all(|part| !part.is_empty() && (is_word(part) || is_number(part)))
        && parts.clone().enumerate().any(counts)
        && parts.any(|part| !is_number(part))
        && super::numbers::word_number(chunk).is_none()
}

fn kind_of(chunk: &str) -> Kind {
    let has_digit = chunk.chars().any(|c| c.is_ascii_digit());
    let has_letter = chunk.chars().any(char::is_alphabetic);
    if let Some((name, host)) = chunk.split_once('@')
        && !name.is_empty()
        && host.contains('.')
        && !host.contains('@')
    {
        return Kind::Email;
    }
    if has_digit && !has_letter && !chunk.contains(['_', '#', '@']) {
        return Kind::Number;
    }
    if has_digit || chunk.contains('_') || chunk.starts_with(['#', '@']) {
        return Kind::Identifier;
    }
    if has_letter {
        return Kind::Word { capital: chunk.chars().next().is_some_and(char::is_uppercase) };
    }
    Kind::Punct
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(String, Kind)> {
        let lexed = lex(text);
        lexed.tokens.iter().map(|t| (text[t.start..t.end].to_owned(), t.kind)).collect()
    }

    #[test]
    fn tokens_have_the_kind_of_their_characters() {
        let word = |capital| Kind::Word { capital };
        assert_eq!(
            kinds("Move key_12 to A-Frame, $5.50 (or 1,000)! ada@x.org."),
            [
                ("Move", word(true)),
                ("key_12", Kind::Identifier),
                ("to", word(false)),
                ("A-Frame", word(true)),
                (",", Kind::Punct),
                ("$5.50", Kind::Number),
                ("(", Kind::Punct),
                ("or", word(false)),
                ("1,000", Kind::Number),
                (")", Kind::Punct),
                ("!", Kind::Punct),
                ("ada@x.org", Kind::Email),
                (".", Kind::Punct),
            ]
            .map(|(t, k)| (t.to_owned(), k))
        );
    }

    #[test]
    fn what_is_joined_to_a_value_stands_alone() {
        let tokens = |text: &str| kinds(text).into_iter().map(|(token, _)| token).collect::<Vec<_>>();
        assert_eq!(tokens("Ada's boats, Max' boat"), ["Ada", "'s", "boats", ",", "Max", "'", "boat"]);
        assert_eq!(tokens("30+ days, C++"), ["30", "+", "days", ",", "C++"]);
        assert_eq!(tokens("a 30-day stay"), ["a", "30", "-", "day", "stay"]);
        assert_eq!(tokens("first-and-10+"), ["first", "-", "and", "-", "10", "+"]);
        for whole in
            ["second-hand", "2024-10-05", "F-16", "twenty-five", "well-known", "555-0100", "+49", "ab-12"]
        {
            let joined = tokens(whole).len() == 1;
            assert_eq!(joined, whole != "second-hand", "{whole}");
        }
    }

    #[test]
    fn both_possessives_say_the_same() {
        for text in ["Ross' boat", "Ross\u{2019} boat", "Max' boat", "Ada's boat", "Ada\u{2019}s boat"] {
            assert!(lex(text).tokens[1].is("'s"), "{text}");
        }
        for text in ["rock 'n roll", "the boats', they said", "it is Ross'"] {
            assert!(!lex(text).tokens.iter().any(|token| token.is("'s")), "{text}");
        }
    }

    #[test]
    fn apostrophes_are_not_quotes() {
        let lexed = lex("You don't want 'the blue one' nor \"that\"");
        let quoted: Vec<_> = lexed.tokens.iter().filter(|t| t.kind == Kind::Quoted).collect();
        assert_eq!(quoted.len(), 2);
        assert_eq!(quoted[0].value, "the blue one");
        assert!(lexed.tokens.iter().any(|t| t.is("don't")));
    }

    proptest::proptest! {
        #[test]
        fn tokens_are_in_order_and_cover_all_but_blanks(text in "\\PC{0,80}|[a-z{}:,' #0-9\n]{0,60}") {
            let lexed = lex(&text);
            let mut at = 0;
            for token in &lexed.tokens {
                proptest::prop_assert!(token.start >= at && token.end > token.start);
                proptest::prop_assert!(text[at..token.start].chars().all(char::is_whitespace));
                at = token.end;
            }
            proptest::prop_assert!(text[at..].chars().all(char::is_whitespace));
        }
    }

    #[test]
    fn initials_are_one_word_with_their_last_point() {
        let word = Kind::Word { capital: true };
        assert_eq!(kinds("A.B. Cole")[..2], [("A.B.".to_owned(), word), ("Cole".to_owned(), word)]);
        assert_eq!(kinds("vitamin C.").len(), 3);
    }
}
