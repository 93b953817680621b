use std::collections::BTreeSet;

use crate::domain::{Part, Shape, Template};
use crate::expr::Values;
use crate::spans::{Kind, Lexed, is_condition, text_of, word_list_ends};

use super::assign::Placed;

/// The words of a template's pattern, with a placeholder for each value and one unit of each list.
pub fn wording(template: &Template) -> String {
    let word = |part: &Part| match part {
        Part::Literal(word) => word.clone(),
        Part::Slot(id) => {
            template.slot(*id).map_or_else(|| "something".into(), |slot| placeholder(slot.shape))
        }
        Part::List(_) | Part::Words => "words".into(),
    };
    template.pattern.flat().map(word).collect::<Vec<_>>().join(" ")
}

/// A plain word, since an embedder knows what those mean.
fn placeholder(shape: Shape) -> String {
    let word = match shape {
        Shape::Email => "email",
        Shape::Identifier => "code",
        Shape::Number => "number",
        Shape::Object => "details",
        Shape::Quoted | Shape::Name => "name",
        Shape::Member => "choice",
        Shape::Day => "day",
        Shape::Phrase => "something",
    };
    word.to_owned()
}

/// What a region says, in the same way, where its values stand for these slots.
pub(super) fn masked(
    template: &Template,
    text: &Lexed,
    (from, to): (usize, usize),
    placed: &[Placed],
) -> String {
    let listed = || placed.iter().filter(|p| p.unit.is_some_and(|unit| unit > 0));
    // Further units of a list say nothing new, nor does what stands between them.
    let first_unit = placed.iter().filter(|p| p.unit == Some(0)).map(|p| p.to).max();
    let skipped = match (first_unit, listed().map(|p| p.to).max()) {
        (Some(from), Some(to)) => from..to,
        _ => 0..0,
    };
    let mut out = Vec::new();
    let mut at = from;
    while at < to {
        if skipped.contains(&at) {
            at = skipped.end;
            continue;
        }
        if let Some(value) = placed.iter().find(|p| p.from == at) {
            let shape = template.slot(value.slot).map(|slot| slot.shape);
            out.push(shape.map_or_else(|| "something".into(), placeholder));
            at = value.to;
        } else if let Some(end) = word_list_ends(text, at, to).into_iter().next_back() {
            out.push("words".into());
            at = end;
        } else {
            out.push(text.tokens[at].folded.clone());
            at += 1;
        }
    }
    out.join(" ")
}

/// A template's own words with these values in place: what the text would say if it said the same in
/// the words that were learnt.
pub fn rendered(template: &Template, values: &Values) -> String {
    let mut out = Vec::new();
    render(&template.pattern.parts, values, None, &mut out);
    let mut text = String::new();
    for word in out {
        let glued = word.chars().all(|c| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')'));
        if !text.is_empty() && !glued {
            text.push(' ');
        }
        text.push_str(&word);
    }
    text
}

fn render(all: &[Part], values: &Values, unit: Option<(u32, usize)>, out: &mut Vec<String>) {
    for part in all {
        match part {
            Part::Literal(word) => out.push(word.clone()),
            Part::Slot(id) => {
                let read = values.get(*id, unit).filter(|read| !read.is_absent() && !read.open);
                let said = read.map(|read| text_of(&read.value).unwrap_or_else(|| read.value.to_string()));
                out.extend(said);
            }
            Part::List(list) => {
                for number in 0..values.units(list.id) {
                    if number > 0
                        && let Some(separator) = list.separators.first()
                    {
                        out.extend(separator.iter().cloned());
                    }
                    render(&list.unit, values, Some((list.id, number)), out);
                }
            }
            Part::Words => {}
        }
    }
}

/// Whether a region holds a word that makes what it says conditional, or denies it, and that is not
/// among these words.
pub(super) fn adds_condition(known: &BTreeSet<&str>, text: &Lexed, (from, to): (usize, usize)) -> bool {
    let word = |at: usize| text.tokens.get(at).map_or("", |token| token.folded.as_str());
    // "It would be kind if you could" asks for nothing less.
    let polite = |at: usize| {
        word(at) == "if"
            && (word(at + 1) == "possible"
                || word(at + 1) == "you"
                    && matches!(word(at + 2), "could" | "can" | "would" | "will" | "please"))
    };
    (from..to).any(|at| {
        let is_word = matches!(text.tokens[at].kind, Kind::Word { .. });
        is_word && is_condition(word(at)) && !known.contains(word(at)) && !polite(at)
    })
}
