//! A training task as sentences whose values are placeholders.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::variants::literal::python;
use crate::variants::parse::{Instruction, Item, Members, Wish};

/// What a sentence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Who is writing.
    Who,
    /// Cancel an order.
    Cancel,
    /// Send items back.
    Return,
    /// Change items that were delivered.
    Exchange,
    /// Change items that were not sent yet.
    Modify,
    /// Pay for an order in another way.
    Payment,
    /// Send an order elsewhere.
    Address,
}

impl Kind {
    /// The six kinds of wishes.
    pub const WISHES: [Self; 6] =
        [Self::Cancel, Self::Return, Self::Exchange, Self::Modify, Self::Payment, Self::Address];

    /// The kind of a sentence of `paraphrase.toml`.
    pub(super) fn of_shape(shape: &str) -> Option<Self> {
        let name = shape.split('_').next().unwrap_or_default();
        serde_json::from_value(serde_json::json!(name)).ok()
    }

    /// Which wish it is.
    pub(super) fn of(wish: &Wish) -> Self {
        match wish {
            Wish::Cancel { .. } => Self::Cancel,
            Wish::Return { .. } => Self::Return,
            Wish::Change { verb, .. } if verb == "exchange" => Self::Exchange,
            Wish::Change { .. } => Self::Modify,
            Wish::Payment { .. } => Self::Payment,
            Wish::Address { .. } => Self::Address,
        }
    }
}

/// A value of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It stands in the text as it is.
    Text(String),
    /// Names of items.
    Items(Vec<String>),
    /// Why an order is cancelled: a member of the tool's enumeration.
    Reason(String),
    /// Options of an item.
    Options(Members),
    /// Where to send an order, and the order.
    Address(Members),
}

/// How values are written into a paraphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As the task has them: literals as literals.
    Literal,
    /// In words: options and addresses as their leaf values, reasons by phrases.
    Words,
}

/// A sentence of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) kind: Kind,
    /// Which of the sentences of `paraphrase.toml`.
    pub(super) shape: String,
    /// Its placeholders, with what they stand for.
    pub(super) values: Vec<(String, Value)>,
}

/// The task's own words for a kind, without values.
pub(super) fn original(kind: Kind) -> &'static str {
    match kind {
        Kind::Who => "Your name is and your email is zip code is",
        Kind::Cancel => "Cancel order because",
        Kind::Return => "Return via",
        Kind::Exchange => "For exchange to via",
        Kind::Modify => "For modify to via",
        Kind::Payment => "For change payment to",
        Kind::Address => "For change address to same as",
    }
}

/// The sentences of a task: who is writing, then each wish. What kind of person writes is left
/// out: nobody says that of themselves.
pub(super) fn clauses(instruction: &Instruction) -> Vec<Clause> {
    let Instruction { name, email, zip, wishes, .. } = instruction;
    let (shape, placeholder, value) = match (email, zip) {
        (Some(email), _) => ("who_email", "EMAIL", email.clone()),
        (None, zip) => ("who_zip", "ZIP", zip.clone().unwrap_or_default()),
    };
    let values = vec![("NAME", Value::Text(name.clone())), (placeholder, Value::Text(value))];
    let who = clause(Kind::Who, shape, values);
    std::iter::once(who).chain(wishes.iter().map(wish)).collect()
}

fn clause<'a>(kind: Kind, shape: &str, values: impl IntoIterator<Item = (&'a str, Value)>) -> Clause {
    let values = values.into_iter().map(|(placeholder, value)| (placeholder.to_owned(), value)).collect();
    Clause { kind, shape: shape.to_owned(), values }
}

fn wish(wish: &Wish) -> Clause {
    let text = |text: &String| Value::Text(text.clone());
    let kind = Kind::of(wish);
    match wish {
        Wish::Cancel { order, reason } => {
            clause(kind, "cancel", [("ORDER", text(order)), ("REASON", Value::Reason(reason.clone()))])
        }
        Wish::Return { order, payment, items } => {
            let items = Value::Items(items.iter().map(|item| item.name.clone()).collect());
            clause(kind, "return", [("ITEMS", items), ("ORDER", text(order)), ("PAYMENT", text(payment))])
        }
        Wish::Change { order, verb, payment, items } => {
            let values = [("ORDER", text(order)), ("PAYMENT", text(payment))];
            let mut clause = clause(kind, &format!("{verb}_{}", items.len()), values);
            for (at, Item { name, options, to }) in items.iter().enumerate() {
                let number = if items.len() == 1 { String::new() } else { (at + 1).to_string() };
                clause.values.push((format!("ITEM{number}"), text(name)));
                clause.values.push((format!("OLD{number}"), options_of(options)));
                clause.values.push((format!("NEW{number}"), options_of(to)));
            }
            clause
        }
        Wish::Payment { order, payment } => {
            clause(kind, "payment", [("ORDER", text(order)), ("PAYMENT", text(payment))])
        }
        Wish::Address { order, address, same_as } => {
            let values = [("ORDER", text(order)), ("ADDRESS", Value::Address(address.clone()))];
            let shape = if same_as.is_some() { "address_same" } else { "address" };
            let other = same_as.iter().map(|other| ("OTHER", text(other)));
            clause(kind, shape, values.into_iter().chain(other))
        }
    }
}

fn options_of(members: &Option<Members>) -> Value {
    Value::Options(members.clone().unwrap_or_default())
}

/// The kinds of wishes that a task holds.
pub(super) fn kinds(instruction: &Instruction) -> BTreeSet<Kind> {
    instruction.wishes.iter().map(Kind::of).collect()
}

/// A value as it is written; `reason` is a phrase for a reason in words.
pub(super) fn written(value: &Value, style: Style, reason: &str) -> String {
    match (value, style) {
        (Value::Text(text), _) => text.clone(),
        (Value::Items(names), _) => listed(names),
        (Value::Reason(_), Style::Words) => reason.to_owned(),
        (Value::Reason(member), Style::Literal) => format!("it was {member}"),
        (Value::Options(members) | Value::Address(members), Style::Literal) => python(members),
        (Value::Options(members), Style::Words) => {
            listed(&members.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>())
        }
        (Value::Address(_), Style::Words) => leaves(value).join(", "),
    }
}

/// Joined as a person joins them.
fn listed(parts: &[String]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        parts => parts.concat(),
    }
}

/// The values within a value that has to stand in a text in words; the order of an address is said
/// beside it.
pub(super) fn leaves(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) | Value::Reason(text) => vec![text],
        Value::Items(names) => names.iter().map(String::as_str).collect(),
        Value::Options(members) => members.iter().map(|(_, value)| value.as_str()).collect(),
        Value::Address(members) => {
            members.iter().filter(|(key, _)| key != "order_id").map(|(_, value)| value.as_str()).collect()
        }
    }
}
