use serde_json::Value;

use super::notations::{days_said, said};
use super::occurrences::occurrences;
use crate::domain::Shape;
use crate::spans::{
    Lexed, begins_sentence, is_boundary, is_separator, is_value, name_runs, said_number, same_text, shape_of,
    text_of, whole, word_list_ends,
};

/// A token that stays as it is, or a run of tokens that is a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Element {
    /// A word or mark of the pattern, in lower case.
    Literal(String),
    /// A value.
    Value(Found),
}

/// A value in a region of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// First token.
    pub(super) from: usize,
    /// One past the last token.
    pub(super) to: usize,
    /// Its form.
    pub(super) shape: Shape,
    /// The schema's members, for [`Shape::Member`].
    pub(super) members: Vec<String>,
    /// The value.
    pub(super) value: Value,
}

/// A scalar that the calls of a block took, with what its schema allows.
pub(super) struct Taken<'a> {
    /// The scalar.
    pub(super) value: &'a Value,
    /// The members of its enumeration, if it has one.
    pub(super) members: Vec<String>,
}

/// Splits a region into words and values. Values are: what the calls took and the region spells;
/// tokens that are values by form; and capitalised words, except one that only begins a sentence.
/// `known` says whether a text is a value that an observation showed beside one that was taken.
pub(super) fn elements(
    text: &Lexed,
    (from, to): (usize, usize),
    taken: &[Taken<'_>],
    known: &dyn Fn(&str) -> bool,
    derives: bool,
) -> Vec<Element> {
    let mut values: Vec<Found> = Vec::new();
    let mut add = |found: Found| {
        if !values.iter().any(|v| v.from < found.to && found.from < v.to) {
            values.push(found);
        }
    };
    let plain = |from: usize, to: usize, shape: Shape| Found {
        from,
        to,
        shape,
        members: Vec::new(),
        value: text.value(from, to),
    };
    // Members of enumerations first: their words are often ordinary ones.
    for member in taken.iter().filter(|t| !t.members.is_empty()) {
        for (start, end) in occurrences(text, member.value).into_iter().filter(|o| inside(*o, from, to)) {
            add(Found {
                from: start,
                to: end,
                shape: Shape::Member,
                members: member.members.clone(),
                value: member.value.clone(),
            });
        }
    }
    // A day is one value, though a name and numbers may stand in it.
    for value in taken.iter().filter(|t| derives && t.members.is_empty()).map(|t| t.value) {
        for (start, end) in value.as_str().into_iter().flat_map(|day| days_said(text, day, true)) {
            if inside((start, end), from, to) {
                add(plain(start, end, Shape::Day));
            }
        }
    }
    for (start, end) in name_runs(text, from, to) {
        if let Some((start, end)) = name(text, (start, end), taken, known) {
            add(plain(start, end, Shape::Name));
        }
    }
    for (i, token) in text.tokens[from..to].iter().enumerate() {
        if is_value(token) {
            add(plain(from + i, from + i + 1, shape_of(std::slice::from_ref(token))));
        }
    }
    for other in taken.iter().filter(|t| t.members.is_empty()) {
        for (start, end) in occurrences(text, other.value).into_iter().filter(|o| inside(*o, from, to)) {
            add(plain(start, end, shape_of(&text.tokens[start..end])));
        }
        for (start, end) in said(text, other.value, false).into_iter().filter(|_| derives) {
            if inside((start, end), from, to) {
                add(plain(start, end, shape_of(&text.tokens[start..end])));
            }
        }
    }
    for found in &mut values {
        numbered(text, found, taken);
    }
    values.sort_by_key(|v| v.from);
    lay_out(text, (from, to), values)
}

/// A word that says a number which the calls took is that number.
fn numbered(text: &Lexed, found: &mut Found, taken: &[Taken<'_>]) {
    let number = said_number(&text.tokens[found.from]).filter(|_| found.to == found.from + 1);
    let is_taken = |number: f64| taken.iter().any(|t| t.value.as_f64() == Some(number));
    if let Some(number) = number.filter(|number| is_taken(*number)) {
        found.shape = Shape::Number;
        found.value = whole(number);
    }
}

fn inside((start, end): (usize, usize), from: usize, to: usize) -> bool {
    from <= start && end <= to
}

fn lay_out(text: &Lexed, (from, to): (usize, usize), values: Vec<Found>) -> Vec<Element> {
    let mut out = Vec::new();
    let mut at = from;
    for value in values {
        out.extend(text.tokens[at..value.from].iter().map(|t| Element::Literal(t.folded.clone())));
        at = value.to;
        out.push(Element::Value(value));
    }
    out.extend(text.tokens[at..to].iter().map(|t| Element::Literal(t.folded.clone())));
    out
}

/// Which words of a run of capitalised words are a value: all of them if the calls or the
/// observations know the run or a word of it, or if it does not begin a sentence; without the
/// first word if that one begins the sentence and the rest is known or is there at all.
fn name(
    text: &Lexed,
    (start, end): (usize, usize),
    taken: &[Taken<'_>],
    known: &dyn Fn(&str) -> bool,
) -> Option<(usize, usize)> {
    let is_known = |from: usize, to: usize| {
        let own = text.slice(from, to);
        known(own)
            || taken.iter().any(|t| text_of(t.value).is_some_and(|value| same_text(&value, own)))
            || (from..to).any(|i| {
                let word = &text.tokens[i];
                taken.iter().any(|t| text_of(t.value).is_some_and(|v| same_text(&v, &word.folded)))
            })
    };
    let begins = begins_sentence(text, start);
    if !begins {
        let pronoun = end == start + 1 && text.tokens[start].is("i");
        return (!pronoun).then_some((start, end));
    }
    // Without its first word the run may be what is known exactly.
    let exact = |from: usize, to: usize| {
        let own = text.slice(from, to);
        from < to
            && (known(own)
                || taken.iter().any(|t| text_of(t.value).is_some_and(|value| same_text(&value, own))))
    };
    if exact(start, end) {
        return Some((start, end));
    }
    if exact(start + 1, end) {
        return Some((start + 1, end));
    }
    if is_known(start, start + 1) {
        return Some((start, end));
    }
    (start + 1 < end).then_some((start + 1, end))
}

/// Whether an element is a word or mark that may stand between list units.
pub(super) fn separates(element: &Element) -> bool {
    matches!(element, Element::Literal(word) if is_separator(word))
}

/// Whether an element ends a sentence or clause.
pub(super) fn bounds(element: &Element) -> bool {
    matches!(element, Element::Literal(word) if is_boundary(word))
}

/// Places of lists of two and more single lower-case words, in a region that holds no value: such
/// words say nothing to any tool, whatever they are.
pub(super) fn word_lists(text: &Lexed, (from, to): (usize, usize)) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = from;
    while at < to {
        // "a and b" alone is ordinary speech; a list has a comma.
        let comma = text.tokens.get(at + 1).is_some_and(|t| t.is(","));
        match word_list_ends(text, at, to).last() {
            Some(end) if comma => {
                out.push((at, *end));
                at = *end;
            }
            _ => at += 1,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::lex;
    use serde_json::json;

    /// The elements, values between angle brackets with their shape.
    fn shown(text: &str, taken: &[Taken<'_>], known: &[&str]) -> String {
        let text = lex(text);
        let known = |own: &str| known.contains(&own);
        let show = |element: Element| match element {
            Element::Literal(word) => word,
            Element::Value(f) => format!("<{} {:?}>", text.slice(f.from, f.to), f.shape),
        };
        let all = elements(&text, (0, text.tokens.len()), taken, &known, true);
        all.into_iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_told_by_their_form() {
        assert_eq!(
            shown("Tow K_1 by 5 for ada@x.org, say 'well done' {to: sea}", &[], &[]),
            "tow <K_1 Identifier> by <5 Number> for <ada@x.org Email> , say <'well done' Quoted> \
             <{to: sea} Object>"
        );
    }

    #[test]
    fn a_capital_that_begins_a_sentence_is_a_word_unless_it_is_known() {
        assert_eq!(
            shown("Gull is late. I tow Big Gull.", &[], &[]),
            "gull is late . i tow <Big Gull Name> ."
        );
        assert_eq!(shown("Gull is late.", &[], &["Gull"]), "<Gull Name> is late .");
        // What follows it is a name all the same.
        assert_eq!(shown("Tow Gull.", &[], &[]), "tow <Gull Name> .");
        let gull = json!("Gull");
        let taken = [Taken { value: &gull, members: Vec::new() }];
        assert_eq!(shown("Gull Two is late.", &taken, &[]), "<Gull Two Name> is late .");
    }

    #[test]
    fn what_the_calls_took_is_a_value_whatever_its_form() {
        let (side, how) = (json!("near side"), json!("at once"));
        let members = vec!["slowly".to_owned(), "at once".to_owned()];
        let taken = [Taken { value: &side, members: Vec::new() }, Taken { value: &how, members }];
        assert_eq!(
            shown("tow her to the near side At once", &taken, &[]),
            "tow her to the <near side Phrase> <At once Member>"
        );
    }

    #[test]
    fn a_region_holds_only_what_is_inside() {
        let text = lex("tow K_1 to K_2");
        let near = json!("K_1 to");
        let taken = [Taken { value: &near, members: Vec::new() }];
        let all = elements(&text, (2, 4), &taken, &|_| false, true);
        assert_eq!(all.len(), 2);
        assert!(matches!(&all[1], Element::Value(f) if (f.from, f.to) == (3, 4)));
    }

    #[test]
    fn lists_of_words_have_a_comma_and_no_capital() {
        let places = |text: &str| {
            let text = lex(text);
            word_lists(&text, (0, text.tokens.len()))
        };
        assert_eq!(places("be calm, kind, brief ."), [(1, 6)]);
        assert_eq!(places("calm , kind , and brief"), [(0, 6)]);
        assert_eq!(places("calm and kind"), []);
        assert_eq!(places("calm, Kind"), []);
    }
}
