//! Whether a paraphrase says what the task says: every value as often, no other, in other words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clauses::{Kind, Style, Value, clauses, leaves, original, written};
use crate::variants::parse::Instruction;

/// Why a paraphrase is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A value is not said, or not as often as in the task.
    ValueLost,
    /// Something that is no value of the task looks like one.
    ValueAdded,
    /// A value does not follow a word that says what it is.
    Role,
    /// The words are those of the task.
    SameWords,
    /// It asks for something of another kind.
    OtherWish,
    /// It is no sentence of a customer: an answer, a remark, a list, too long.
    Form,
}

/// The largest share of a paraphrase's words that may stand in the task's sentence in that order.
pub(super) const MOST_ALIKE: f64 = 0.6;

/// Words that a paraphrase of this kind does not hold, since they ask for another kind of wish.
/// Beginnings of words.
fn foreign(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Who => &["cancel", "return", "exchang", "refund", "order", "ship", "swap"],
        Kind::Cancel => &["return", "exchang", "modif", "swap", "ship", "replac", "address", "refund"],
        Kind::Return => &["exchang", "modif", "swap", "cancel", "replac", "address"],
        Kind::Exchange => &["cancel", "modif", "address", "refund"],
        Kind::Modify => &["cancel", "return", "exchang", "address", "refund", "received", "swap", "replac"],
        Kind::Payment => &["cancel", "return", "exchang", "ship", "address", "refund", "item"],
        Kind::Address => &["cancel", "return", "exchang", "refund", "pay", "item"],
    }
}

/// Words of which one has to be there, so that the kind is said. Beginnings of words.
fn own(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Who => &[],
        Kind::Cancel => &["cancel", "call", "stop", "drop", "withdraw"],
        Kind::Return => &["return", "send", "give", "bring", "ship", "back"],
        Kind::Exchange => &["exchang", "swap", "trad", "replac"],
        Kind::Modify => &["modif", "chang", "alter", "adjust", "updat", "edit", "amend"],
        Kind::Payment => &["pay", "charg", "bill", "use"],
        Kind::Address => &["address", "ship", "send", "deliver"],
    }
}

/// Words that a customer who writes to a shop does not say of their own things.
const NOT_A_CUSTOMER: [&str; 6] = ["your", "we", "we've", "we'll", "customer", "sorry"];

/// Kinds of payment methods: said beside an id, they may contradict it.
const PAYMENT_KINDS: [&str; 5] = ["credit", "gift", "paypal", "debit", "card"];

/// Words after which a value of a kind may stand, by its placeholder without number.
pub(super) type Roles = BTreeMap<String, Vec<String>>;

/// Checks a sentence that a model said for one of this kind with these placeholders.
pub(super) fn sentence(kind: Kind, asked: &str, said: &str, roles: &Roles) -> Result<(), Cause> {
    let mut rest = said.to_owned();
    for placeholder in placeholders(asked) {
        if rest.matches(placeholder).count() != 1 {
            return Err(Cause::ValueLost);
        }
        rest = rest.replace(placeholder, " ");
        let name = placeholder.trim_matches(['[', ']', '1', '2']);
        let before = said.split(placeholder).next().unwrap_or_default().to_lowercase();
        let before = before.trim_end();
        // "to a to", "the from": the sentence was held to the word, and does not go on with it.
        let article = |rest: &str| {
            ["a", "an", "the", "my", "of", "and a"].iter().any(|w| rest.ends_with(&format!(" {w}")))
        };
        let follows = |role: &String| {
            let rest = before.strip_suffix(&format!(" {role}"));
            rest.is_some_and(|rest| matches!(name, "ORDER" | "ITEM" | "ITEMS") || !article(rest))
        };
        if roles.get(name).is_some_and(|roles| !roles.iter().any(follows)) {
            return Err(Cause::Role);
        }
    }
    if rest.contains(|c: char| c.is_ascii_digit() || "[]{}#@_<>*".contains(c)) {
        return Err(Cause::ValueAdded);
    }
    let lower = rest.to_lowercase();
    let words = words(&lower);
    let begins = |starts: &[&str]| words.iter().any(|word| starts.iter().any(|s| word.starts_with(s)));
    if begins(&PAYMENT_KINDS) {
        return Err(Cause::ValueAdded);
    }
    let longest = 2 * asked.split_whitespace().count() + 12;
    if rest.contains(|c: char| c.is_alphabetic() && !c.is_ascii())
        || said.contains('\n')
        || ["  ", " -", "- ", " '", ",?", " please please"].iter().any(|mark| said.contains(mark))
        || said.split_whitespace().count() > longest
        || lower.trim().starts_with(['"', '-', '(', ':'])
        || said.matches(['.', '!', '?']).count() > 2
        || words.iter().filter(|word| matches!(**word, "because" | "since")).count() > 1
        || words.iter().any(|word| NOT_A_CUSTOMER.contains(word))
        || ["i can help", "you want", "you like", "thank you for reach"].iter().any(|p| lower.contains(p))
    {
        return Err(Cause::Form);
    }
    if begins(foreign(kind)) || (!own(kind).is_empty() && !begins(own(kind))) {
        return Err(Cause::OtherWish);
    }
    // Who is writing can hardly be said in other words; what is wanted can.
    if said == asked || (kind != Kind::Who && alike(original(kind), said) > MOST_ALIKE) {
        return Err(Cause::SameWords);
    }
    Ok(())
}

/// The placeholders of a sentence, with their brackets.
fn placeholders(sentence: &str) -> impl Iterator<Item = &str> {
    sentence
        .split_inclusive(']')
        .filter_map(|part| part.ends_with(']').then(|| part.find('[').map(|at| &part[at..]))?)
}

/// The words of a text.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect()
}

/// The share of the words of `said` that stand in `original` in the same order; both with
/// placeholders, which are no words.
pub(super) fn alike(original: &str, said: &str) -> f64 {
    let masked = |text: &str| {
        let mut words = Vec::new();
        for (at, part) in text.split('[').enumerate() {
            let part = if at == 0 { part } else { part.split_once(']').map_or("", |(_, after)| after) };
            words.extend(self::words(&part.to_lowercase()).into_iter().map(str::to_owned));
        }
        words
    };
    let (a, b) = (masked(original), masked(said));
    let mut row = vec![0_usize; a.len() + 1];
    for word in &b {
        let mut diagonal = 0;
        for (at, other) in a.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[a.len()] as f64 / b.len().max(1) as f64
}

/// Checks a whole paraphrase against the task that it is of, without placeholders: every value as
/// often as it has to be, and nothing else that looks like a value.
pub(super) fn whole(
    instruction: &Instruction,
    text: &str,
    style: Style,
    reasons: &[&str],
) -> Result<(), Cause> {
    let mut reasons = reasons.iter().copied();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (_, value) in clauses(instruction).iter().flat_map(|clause| &clause.values) {
        let reason = if matches!(value, Value::Reason(_)) { reasons.next().unwrap_or_default() } else { "" };
        let parts = match (value, style) {
            (Value::Reason(_), Style::Words) => vec![reason.to_owned()],
            (Value::Options(_) | Value::Address(_), Style::Literal) => vec![written(value, style, reason)],
            _ => leaves(value).into_iter().map(str::to_owned).collect(),
        };
        for part in parts {
            *expected.entry(part).or_default() += 1;
        }
    }
    // The longest first, so that a value within another is not counted there.
    let mut expected: Vec<(String, usize)> = expected.into_iter().collect();
    expected.sort_by_key(|(value, _)| (std::cmp::Reverse(value.len()), value.clone()));
    let mut rest = text.to_owned();
    for (value, count) in expected {
        let (without, found) = taken_out(&rest, &value);
        match found.cmp(&count) {
            std::cmp::Ordering::Less => return Err(Cause::ValueLost),
            std::cmp::Ordering::Greater => return Err(Cause::ValueAdded),
            std::cmp::Ordering::Equal => rest = without,
        }
    }
    if rest.contains(|c: char| "#@_{}[]".contains(c)) {
        return Err(Cause::ValueAdded);
    }
    Ok(())
}

/// The text without the places where a value stands by itself, and how many those are.
fn taken_out(text: &str, value: &str) -> (String, usize) {
    let (mut rest, mut without, mut found) = (text, String::new(), 0);
    let joined = |c: char| c.is_alphanumeric() || c == '_';
    while let Some(at) = rest.find(value) {
        let (before, after) = (&rest[..at], &rest[at + value.len()..]);
        let within =
            |end: Option<char>, edge: Option<char>| end.is_some_and(joined) && edge.is_some_and(joined);
        let alone = !within(value.chars().next(), before.chars().next_back())
            && !within(value.chars().next_back(), after.chars().next());
        without.push_str(before);
        if alone {
            found += 1;
            without.push('\u{0}');
        } else {
            without.push_str(value);
        }
        rest = after;
    }
    (without + rest, found)
}
