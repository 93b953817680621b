//! The same wishes in a second grammar.
//!
//! One seed draws one grammar, which then says everything: as rigid as the first, but with none of
//! its fixed phrases, separators and notations.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::parse::{Instruction, Item, Members, Wish, parse};
use super::{Dataset, VariantError};

pub(super) fn reword(mut data: Dataset, seed: u64) -> Result<Dataset, VariantError> {
    let grammar = Grammar::draw(seed);
    data.reword(|task, text| {
        let parsed = parse(text).map_err(|why| VariantError::Grammar { task: task.to_owned(), why })?;
        Ok(grammar.say(&parsed))
    })?;
    Ok(data)
}

/// How options are written.
#[derive(Clone, Copy, Debug)]
enum Notation {
    /// `[color = black | size = L]`
    Bars,
    /// `{"color": "black", "size": "L"}`
    Json,
}

/// How the elements of a list are joined.
#[derive(Clone, Copy, Debug)]
enum Join {
    /// `a, b and c`
    And,
    /// `a / b / c`
    Slashes,
    /// `a + b + c`
    Plus,
}

/// A grammar, drawn by a seed.
#[derive(Clone, Copy, Debug)]
struct Grammar {
    notation: Notation,
    join: Join,
    /// Which of the phrasings of each sentence.
    phrasing: [usize; 7],
}

impl Grammar {
    fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let notation = *[Notation::Bars, Notation::Json].choose(&mut rng).unwrap_or(&Notation::Bars);
        let join = *[Join::And, Join::Slashes, Join::Plus].choose(&mut rng).unwrap_or(&Join::And);
        Self { notation, join, phrasing: std::array::from_fn(|_| rng.random_range(0..2)) }
    }

    fn say(&self, instruction: &Instruction) -> String {
        let Instruction { name, email, zip, manner, wishes } = instruction;
        let mut said = match (email, zip, self.phrasing[0]) {
            (Some(email), _, 0) => format!("I am {name}, reachable at {email}."),
            (Some(email), _, _) => format!("This is {name} writing (e-mail: {email})."),
            (None, Some(zip), 0) => format!("I am {name}, zip {zip}."),
            (None, zip, _) => {
                format!("This is {name} writing (postal code: {}).", zip.as_deref().unwrap_or_default())
            }
        };
        let manner = manner.join(", ");
        said += &match self.phrasing[1] {
            0 => format!(" Friends describe me as {manner}."),
            _ => format!(" Expect a customer who is {manner}."),
        };
        for wish in wishes {
            said.push(' ');
            said += &self.wish(wish);
        }
        said
    }

    fn wish(&self, wish: &Wish) -> String {
        match wish {
            Wish::Cancel { order, reason } => match self.phrasing[2] {
                0 => format!("Please drop {order} entirely ({reason})."),
                _ => format!("My purchase {order} should be called off: {reason}."),
            },
            Wish::Return { order, payment, items } => {
                let items = self.items(items);
                match self.phrasing[3] {
                    0 => format!("Please send back from order {order}: {items} (refund to {payment})."),
                    _ => format!("From {order} I give back {items}, money goes to {payment}."),
                }
            }
            Wish::Change { order, verb, payment, items } => {
                let items = self.items(items);
                let what = match (verb.as_str(), self.phrasing[4]) {
                    ("exchange", 0) => "Please swap in",
                    ("exchange", _) => "I received but want replaced from",
                    (_, 0) => "Before it ships, alter in",
                    (_, _) => "Not yet sent, so adjust in",
                };
                format!("{what} {order}: {items} (difference on {payment}).")
            }
            Wish::Payment { order, payment } => match self.phrasing[5] {
                0 => format!("Let {order} be charged to {payment} instead."),
                _ => format!("Use {payment} to pay for {order}."),
            },
            Wish::Address { order, address, same_as } => {
                let address = self.members(address);
                let hint = match same_as {
                    Some(other) => format!(", like {other}"),
                    None => String::new(),
                };
                match self.phrasing[6] {
                    0 => format!("Ship {order} to {address}{hint}."),
                    _ => format!("The parcel {order} must go to {address}{hint}."),
                }
            }
        }
    }

    fn items(&self, items: &[Item]) -> String {
        let items: Vec<String> = items.iter().map(|item| self.item(item)).collect();
        match (self.join, items.as_slice()) {
            (Join::And, [first @ .., last]) if !first.is_empty() => {
                format!("{} and {last}", first.join(", "))
            }
            (Join::Slashes, items) => items.join(" / "),
            (Join::Plus, items) => items.join(" + "),
            (Join::And, items) => items.concat(),
        }
    }

    fn item(&self, item: &Item) -> String {
        let mut said = item.name.clone();
        if let Some(options) = &item.options {
            said += &format!(" {}", self.members(options));
        }
        if let Some(to) = &item.to {
            said += &format!(" into {}", self.members(to));
        }
        said
    }

    fn members(&self, members: &Members) -> String {
        match self.notation {
            Notation::Bars => {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("[{}]", members.join(" | "))
            }
            Notation::Json => {
                let members: Map<String, Value> =
                    members.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
                Value::Object(members).to_string()
            }
        }
    }
}
