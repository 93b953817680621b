use serde_json::Value;

use super::{Kind, Lexed, Token, lex};
use crate::domain::{Shape, canonical_hash};

/// Whether a token (in lower case) ends a sentence or a clause: `.`, `!`, `?`, `;` or a line break.
pub fn is_boundary(folded: &str) -> bool {
    matches!(folded, "." | "!" | "?" | ";" | "\n")
}

/// Whether a token (in lower case) may stand between the units of a list: a comma, semicolon, bar,
/// slash, bullet, line break or one of the words "and", "or", "plus", "then".
pub fn is_separator(folded: &str) -> bool {
    matches!(
        folded,
        "," | ";" | "|" | "/" | "&" | "+" | "•" | "*" | "-" | "\n" | "and" | "or" | "plus" | "then"
    )
}

/// The coarse shape of a run of tokens taken as one value.
pub fn shape_of(tokens: &[Token]) -> Shape {
    match tokens {
        [token] => match token.kind {
            Kind::Email => Shape::Email,
            Kind::Identifier => Shape::Identifier,
            Kind::Number => Shape::Number,
            Kind::Quoted => Shape::Quoted,
            Kind::Object => Shape::Object,
            Kind::Word { capital: true } => Shape::Name,
            Kind::Word { capital: false } | Kind::Punct => Shape::Phrase,
        },
        tokens if tokens.iter().all(Token::is_capital) => Shape::Name,
        _ => Shape::Phrase,
    }
}

/// What a tool said, without the values in it: the same for failures of one kind.
pub fn form_of(said: &Value) -> String {
    let text = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    canonical_hash(&Value::String(masked(&lex(&text)).to_lowercase()))
}

/// The text with values replaced by placeholders of their type (`<identifier>`), for reading.
pub fn masked(lexed: &Lexed) -> String {
    let mut out = String::new();
    for (i, token) in lexed.tokens.iter().enumerate() {
        let glued = token.kind == Kind::Punct && token.folded != "(";
        if i > 0 && !glued {
            out.push(' ');
        }
        match token.kind {
            Kind::Word { .. } | Kind::Punct => out.push_str(&lexed.text[token.start..token.end]),
            Kind::Number => out.push_str("<number>"),
            Kind::Identifier => out.push_str("<identifier>"),
            Kind::Email => out.push_str("<email>"),
            Kind::Quoted => out.push_str("<quoted>"),
            Kind::Object => out.push_str("<object>"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn failures_of_one_kind_have_one_form() {
        let said = |text: &str| form_of(&json!(text));
        assert_eq!(said("Error: berth B_7 holds 3 boats"), said("error: berth B_9 holds 12 boats"));
        assert_ne!(said("Error: berth B_7 is taken"), said("Error: berth B_7 is gone"));
        assert_eq!(form_of(&json!({"error": "no 7"})), form_of(&json!({"error": "no 8"})));
    }
}
