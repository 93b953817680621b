use super::{Kind, Lexed, Token};
use crate::domain::Shape;

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
