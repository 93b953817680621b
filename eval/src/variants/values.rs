//! Other values everywhere.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::literal::{Piece, pieces, python};
use super::scramble::Scrambler;
use super::{Dataset, VariantError};

/// Members whose strings are the tools' own constants, not values.
const KEPT: [&str; 6] = ["status", "transaction_type", "source", "reason", "cancel_reason", "brand"];

static PAYMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:gift_card|credit_card|paypal)_\d+$").ok());

pub(super) fn replace(mut data: Dataset, seed: u64) -> Result<Dataset, VariantError> {
    let texts: Vec<String> = data.texts().collect();
    let mut scrambler = Scrambler::new(seed, texts.iter().map(String::as_str));
    let known = known_in_text(&data);
    for (_, table) in &mut data.tables {
        *table = value(&mut scrambler, "", std::mem::take(table));
    }
    data.each_call(|call| {
        if let Some(arguments) = call.get_mut("arguments") {
            *arguments = value(&mut scrambler, "", std::mem::take(arguments));
        }
    });
    for task in &mut data.tasks {
        if let Some(outputs) = task.get_mut("outputs") {
            *outputs = value(&mut scrambler, "outputs", std::mem::take(outputs));
        }
    }
    data.reword(|_, text| Ok(instruction(&mut scrambler, &known, text)))?;
    data.observe_again();
    Ok(data)
}

fn value(scrambler: &mut Scrambler, key: &str, old: Value) -> Value {
    match old {
        Value::String(text) if KEPT.contains(&key) => Value::String(text),
        Value::String(text) => json!(one(scrambler, &text)),
        Value::Array(items) => items.into_iter().map(|item| value(scrambler, key, item)).collect(),
        Value::Object(members) => {
            // The options of an item may have members named like the tools' own fields.
            let options = key == "options";
            let new = |(name, member): (String, Value)| {
                let inner = value(scrambler, if options { "" } else { &name }, member);
                (if is_data(&name) { one(scrambler, &name) } else { name }, inner)
            };
            Value::Object(members.into_iter().map(new).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// One value. The kind of a payment method is part of what the tools mean, so only its digits
/// change.
fn one(scrambler: &mut Scrambler, text: &str) -> String {
    if PAYMENT.as_ref().is_some_and(|payment| payment.is_match(text)) {
        scrambler.digits(text)
    } else {
        scrambler.text(text)
    }
}

/// Whether a key is an id of a record and not a field's name: it has four digits in a row.
pub(super) fn is_data(key: &str) -> bool {
    key.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 4)
}

/// Finds what is a value in the words of an instruction: ids, addresses and numbers by their
/// form, and the names of customers and products that the database knows.
fn known_in_text(data: &Dataset) -> Option<Regex> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (_, table) in &data.tables {
        for record in table.as_object().into_iter().flat_map(Map::values) {
            match &record["name"] {
                Value::String(product) => _ = names.insert(product.clone()),
                Value::Object(name) => {
                    names.extend(name.values().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    let mut names: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let forms = r"[\w.]+@[\w.]*\w|#\w+|(?:gift_card|credit_card|paypal)_\d+|\d+";
    Regex::new(&format!(r"{forms}|\b(?:{})\b", names.join("|"))).ok()
}

fn instruction(scrambler: &mut Scrambler, known: &Option<Regex>, text: &str) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Dict(members) => {
                let new = |(key, text): (String, String)| (key, one(scrambler, &text));
                out.push_str(&python(&members.into_iter().map(new).collect::<Vec<_>>()));
            }
            Piece::Words(words) => match known {
                Some(known) => {
                    out.push_str(
                        &known.replace_all(words, |found: &regex::Captures<'_>| one(scrambler, &found[0])),
                    );
                }
                None => out.push_str(words),
            },
        }
    }
    out
}
