//! Conversations in which calls and results are told in words.
//!
//! Some frameworks (smolagents) send back what was called as an assistant's text, `Calling tools:`
//! and a list in Python's notation, and what came of it as a user's, `Observation:`. They become the
//! calls and results that they tell of.

use serde_json::{Map, Number, Value};

use super::turn::Item;
use crate::domain::Call;

const CALLING: &str = "Calling tools:\n";
const OBSERVED: &str = "Observation:\n";
const FAILED: &str = "Call id: ";

/// Replaces what is told by what it tells of. What cannot be read stays as it is.
pub(super) fn understood(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    let mut open: Option<String> = None;
    for item in items {
        match (&item, open.take()) {
            (Item::Said(text), _) => match calls(text).as_deref() {
                // Results of several calls are told in one text; which is whose cannot be known.
                Some([call]) => {
                    open = Some(call.id.clone());
                    out.push(Item::Call(call.clone()));
                }
                _ => out.push(item),
            },
            (Item::User(text), Some(id)) => match result(text) {
                Some(text) => out.push(Item::Result { id, text }),
                None => out.push(item),
            },
            _ => out.push(item),
        }
    }
    out
}

fn result(text: &str) -> Option<String> {
    if let Some(text) = text.strip_prefix(OBSERVED) {
        return Some(text.trim_end().to_owned());
    }
    let (_, error) = text.strip_prefix(FAILED)?.split_once('\n')?;
    error.starts_with("Error:").then(|| error.to_owned())
}

fn calls(text: &str) -> Option<Vec<Call>> {
    let from = text.find(CALLING)? + CALLING.len();
    let Value::Array(all) = literal(text[from..].trim())? else { return None };
    let call = |value: &Value| {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let arguments = match value.pointer("/function/arguments")? {
            Value::Object(arguments) => arguments.clone(),
            Value::String(text) => serde_json::from_str(text).ok()?,
            _ => return None,
        };
        Some(Call { id: text("/id")?, tool: text("/function/name")?, arguments })
    };
    all.iter().map(call).collect()
}

/// Deepest nesting that is read.
const DEEPEST: usize = 64;

/// A literal in Python's notation: lists, tuples, dictionaries with text as keys, strings, numbers,
/// `True`, `False`, `None`.
fn literal(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            _ if depth > DEEPEST => None,
            '[' => Some(Value::Array(self.list(']', depth)?)),
            '(' => Some(Value::Array(self.list(')', depth)?)),
            '{' => self.dictionary(depth),
            '\'' | '"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn take(&mut self, expected: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Vec<Value>> {
        self.rest = &self.rest[1..];
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(self.value(depth + 1)?);
            if !self.take(',') {
                return self.take(end).then_some(all);
            }
        }
        Some(all)
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut all = Map::new();
        while !self.take('}') {
            let Value::String(key) = self.value(depth + 1)? else { return None };
            if !self.take(':') {
                return None;
            }
            all.insert(key, self.value(depth + 1)?);
            if !self.take(',') {
                return self.take('}').then_some(Value::Object(all));
            }
        }
        Some(Value::Object(all))
    }

    fn string(&mut self) -> Option<String> {
        let mut chars = self.rest.char_indices();
        let (_, quote) = chars.next()?;
        let mut out = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Some(out);
                }
                '\\' => {
                    let (_, escaped) = chars.next()?;
                    let digits = match escaped {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    out.push(match escaped {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        '\\' | '\'' | '"' => escaped,
                        _ if digits > 0 => {
                            let hex: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                            char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?
                        }
                        _ => return None,
                    });
                }
                c => out.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', ']', ')', '}', ':']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word.trim() {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            number => serde_json::from_str::<Number>(number).ok().map(Value::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_are_read() {
        for (text, value) in [
            ("[{'a': 1, 'b': [True, None, -2.5]}]", json!([{"a": 1, "b": [true, null, -2.5]}])),
            (
                r#"{"it's": 'say "x"', 'n': 'a\nb\\\'\xe9\u20ac'}"#,
                json!({"it's": "say \"x\"", "n": "a\nb\\'é€"}),
            ),
            ("('a', [], {})", json!(["a", [], {}])),
        ] {
            assert_eq!(literal(text), Some(value), "{text}");
        }
        for text in ["[1", "{'a'}", "{1: 2}", "nan", "'a", "[1] x", "'\\q'", &"[".repeat(100)] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_told_becomes_calls_and_results() {
        let told = "Thinking.\nCalling tools:\n[{'id': 'a', 'type': 'function', 'function': {'name': 'look', \
                    'arguments': {'k': 1}}}]";
        let call =
            Call { id: "a".into(), tool: "look".into(), arguments: Map::from_iter([("k".into(), json!(1))]) };
        let items = vec![
            Item::User("New task:\nLook.".into()),
            Item::Said(told.into()),
            Item::User("Observation:\n{\"v\": 2}".into()),
            Item::Said(told.into()),
            Item::User("Call id: a\nError:\nno".into()),
            Item::User("Observation:\nof nothing".into()),
        ];
        assert_eq!(
            understood(items),
            [
                Item::User("New task:\nLook.".into()),
                Item::Call(call.clone()),
                Item::Result { id: "a".into(), text: "{\"v\": 2}".into() },
                Item::Call(call),
                Item::Result { id: "a".into(), text: "Error:\nno".into() },
                Item::User("Observation:\nof nothing".into()),
            ]
        );
        let plain = vec![Item::Said("Calling tools:\n[broken".into()), Item::User("Observation:\nx".into())];
        assert_eq!(understood(plain.clone()), plain);
    }
}
