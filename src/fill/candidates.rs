use serde_json::Value;

use crate::domain::{Shape, SlotSpec};
use crate::spans::{Kind, Lexed, Token, same_value};

/// A value that a slot may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The value.
    pub value: Value,
    /// Byte range in the text; `None` for a member of an enumeration, which need not stand there.
    pub span: Option<(usize, usize)>,
}

/// What a slot may be by its form alone, wherever it stands in the text: the members of an
/// enumeration, or the spans of its shape, each value once, in the order of the text. Phrases have
/// no form of their own and no candidates.
pub fn candidates(slot: &SlotSpec, text: &Lexed) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    let mut add = |value: Value, span: Option<(usize, usize)>| {
        if !out.iter().any(|known| same_value(&known.value, &value)) {
            out.push(Candidate { value, span });
        }
    };
    if slot.shape == Shape::Member {
        slot.members.iter().for_each(|member| add(Value::String(member.clone()), None));
        return out;
    }
    let mut at = 0;
    while at < text.tokens.len() {
        let end = if slot.shape == Shape::Name { name_end(text, at) } else { at + 1 };
        if end > at && (slot.shape == Shape::Name || fits(slot, &text.tokens[at])) {
            add(text.value(at, end), Some(text.bytes(at, end)));
        }
        at = end.max(at + 1);
    }
    out
}

fn fits(slot: &SlotSpec, token: &Token) -> bool {
    match slot.shape {
        Shape::Email => token.kind == Kind::Email,
        Shape::Identifier => matches!(token.kind, Kind::Identifier | Kind::Number),
        Shape::Number => token.kind == Kind::Number,
        Shape::Quoted => token.kind == Kind::Quoted,
        Shape::Object => {
            token.kind == Kind::Object && slot.keys.iter().all(|key| token.value.get(key).is_some())
        }
        Shape::Name | Shape::Member | Shape::Day | Shape::Phrase => false,
    }
}

/// End of the run of capitalised words at `at`; `at` itself if there is none, or if it is a single
/// word that has its capital from beginning a sentence.
fn name_end(text: &Lexed, at: usize) -> usize {
    let run = text.tokens[at..].iter().take_while(|token| token.is_capital()).count();
    let before = at.checked_sub(1).map(|i| &text.tokens[i]);
    let begins = before.is_none_or(|token| crate::spans::is_boundary(&token.folded));
    if run == 1 && (begins || text.tokens[at].is("i")) { at } else { at + run }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::lex;

    fn slot(shape: Shape) -> SlotSpec {
        SlotSpec {
            id: 0,
            name: "s".into(),
            shape,
            members: vec!["too small".into()],
            list: None,
            keys: Vec::new(),
            optional: false,
            idle: false,
            builds: Vec::new(),
            same_as: None,
            only: None,
        }
    }

    #[test]
    fn candidates_have_the_slots_form_and_come_once() {
        let text = lex("You moved Ada King to berth_12. Move berth_12 and Ada King to 40, I say, {row: 3}.");
        let found = |shape| {
            let all = candidates(&slot(shape), &text);
            all.into_iter().map(|c| c.value.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found(Shape::Name), ["\"Ada King\""]);
        assert_eq!(found(Shape::Identifier), ["\"berth_12\"", "\"40\""]);
        assert_eq!(found(Shape::Object), ["{\"row\":\"3\"}"]);
        assert_eq!(found(Shape::Member), ["\"too small\""]);
        assert!(found(Shape::Phrase).is_empty());
        let asking = SlotSpec { keys: vec!["column".into()], ..slot(Shape::Object) };
        assert!(candidates(&asking, &text).is_empty());
    }
}
