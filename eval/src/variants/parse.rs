//! Reads the instructions of the training tasks, which a rigid grammar made.

use super::literal::dict;

/// Members of a dict literal.
pub(crate) type Members = Vec<(String, String)>;

/// An instruction, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) name: String,
    /// How the user is found: by e-mail address or by zip code.
    pub(crate) email: Option<String>,
    pub(crate) zip: Option<String>,
    /// What kind of person the user is.
    pub(crate) manner: Vec<String>,
    pub(crate) wishes: Vec<Wish>,
}

/// One thing that the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Cancel {
        order: String,
        reason: String,
    },
    Return {
        order: String,
        payment: String,
        items: Vec<Item>,
    },
    /// `verb` is "exchange" or "modify".
    Change {
        order: String,
        verb: String,
        payment: String,
        items: Vec<Item>,
    },
    Payment {
        order: String,
        payment: String,
    },
    Address {
        order: String,
        address: Members,
        same_as: Option<String>,
    },
}

/// An item, with the options that tell it apart, and those that the user wants instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) options: Option<Members>,
    pub(crate) to: Option<Members>,
}

/// Takes an instruction apart; says where it is none of the grammar's.
pub(crate) fn parse(text: &str) -> Result<Instruction, String> {
    let mut r = Reader { rest: text };
    r.expect("Your name is ")?;
    let name = r.until(" and your ")?;
    let (email, zip) = if r.take("zip code is ") {
        (None, Some(r.until(". You are ")?))
    } else {
        r.expect("email is ")?;
        (Some(r.until(". You are ")?), None)
    };
    let manner = r.until(". ")?.split(", ").map(str::to_owned).collect();
    let mut wishes = Vec::new();
    while !r.rest.trim().is_empty() {
        wishes.push(r.wish()?);
    }
    Ok(Instruction { name, email, zip, manner, wishes })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn wish(&mut self) -> Result<Wish, String> {
        if self.take("Cancel order ") {
            let order = self.until(" because ")?;
            return Ok(Wish::Cancel { order, reason: self.until(". ")? });
        }
        if self.take("Return ") {
            let (order, payment) = (self.until(" via ")?, self.until(": ")?);
            let mut items = Vec::new();
            while !["", "Return ", "Cancel order ", "For #"]
                .iter()
                .any(|next| if next.is_empty() { self.rest.is_empty() } else { self.rest.starts_with(next) })
            {
                items.push(self.item(false)?);
            }
            return Ok(Wish::Return { order, payment, items });
        }
        self.expect("For ")?;
        let order = self.until(", ")?;
        if self.take("change payment to ") {
            return Ok(Wish::Payment { order, payment: self.until(". ")? });
        }
        if self.take("change address to ") {
            let address = self.members()?;
            let same_as = if self.take(" (same as ") { Some(self.until(")")?) } else { None };
            self.expect(". ")?;
            return Ok(Wish::Address { order, address, same_as });
        }
        let verb = self.until(" ")?;
        if verb != "exchange" && verb != "modify" {
            return Err(format!("unknown wish {verb:?}"));
        }
        let mut items = Vec::new();
        while !self.take("via ") {
            items.push(self.item(true)?);
        }
        Ok(Wish::Change { order, verb, payment: self.until(". ")?, items })
    }

    /// `Name; `, `Name {options}; ` or, with `to`, `Name {options} to {options}; `.
    fn item(&mut self, to: bool) -> Result<Item, String> {
        let end = self.rest.find(['{', ';']).ok_or_else(|| self.stuck("an item"))?;
        let (name, rest) = self.rest.split_at(end);
        let name = name.trim_end().to_owned();
        self.rest = rest;
        let options = if self.rest.starts_with('{') { Some(self.members()?) } else { None };
        let to = if to {
            self.expect(" to ")?;
            Some(self.members()?)
        } else {
            None
        };
        self.expect("; ")?;
        Ok(Item { name, options, to })
    }

    fn members(&mut self) -> Result<Members, String> {
        let (members, length) = dict(self.rest).ok_or_else(|| self.stuck("a dict literal"))?;
        self.rest = &self.rest[length..];
        Ok(members)
    }

    fn take(&mut self, words: &str) -> bool {
        let after = self.rest.strip_prefix(words);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, words: &str) -> Result<(), String> {
        // The last sentence may end without the blank that separates it from the next.
        if self.take(words) || (self.rest == words.trim_end() && self.take(words.trim_end())) {
            Ok(())
        } else {
            Err(self.stuck(&format!("{words:?}")))
        }
    }

    fn until(&mut self, words: &str) -> Result<String, String> {
        let (at, length) = match self.rest.find(words) {
            Some(at) => (at, words.len()),
            None if self.rest.ends_with(words.trim_end()) => {
                (self.rest.len() - words.trim_end().len(), words.trim_end().len())
            }
            None => return Err(self.stuck(&format!("{words:?}"))),
        };
        let found = self.rest[..at].to_owned();
        self.rest = &self.rest[at + length..];
        Ok(found)
    }

    fn stuck(&self, expected: &str) -> String {
        let rest: String = self.rest.chars().take(60).collect();
        format!("expected {expected} at {rest:?}")
    }
}
