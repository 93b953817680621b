//! Small invented worlds: random sentences, tools, fields, names and ids, with the one plan that is
//! right in them.

#[path = "series.rs"]
mod series;

use std::collections::BTreeSet;
use std::sync::Arc;

use plancache::domain::{Tool, Trace};
use serde_json::{Map, Value, json};

use crate::runs::{Done, run, tool};
pub(crate) use series::Random;

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// A word that was not taken yet, of at least four letters and no separator.
    fn word(&mut self, taken: &mut BTreeSet<String>) -> String {
        loop {
            let length = 4 + self.below(5);
            let word = self.letters(length);
            if !matches!(word.as_str(), "then" | "plus") && taken.insert(word.clone()) {
                return word;
            }
        }
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// How the records are held, and what is done to those that the text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One record of an array.
    One,
    /// One record of an object that holds them by their id.
    Keyed,
    /// One record of an array two members down.
    Nested,
    /// Several records, in one call with an array.
    Many,
    /// Several records, a call for each.
    Loop,
}

const KINDS: [Kind; 5] = [Kind::One, Kind::Keyed, Kind::Nested, Kind::Many, Kind::Loop];

/// What stays the same from task to task.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) kind: Kind,
    quoted: bool,
    words: Vec<String>,
    fields: Vec<String>,
    read: String,
    write: String,
    tools: Arc<Vec<Tool>>,
    /// Values come from a handful, so that they coincide.
    crowded: bool,
}

/// What changes: the group that is looked up, its records, which of them the text names, a number.
#[derive(Debug)]
pub(crate) struct Situation {
    group: String,
    records: Vec<Record>,
    chosen: Vec<usize>,
    amount: usize,
}

#[derive(Debug)]
struct Record {
    name: String,
    id: String,
    size: usize,
    note: String,
}

impl World {
    pub(crate) fn new(random: &mut Random, crowded: bool) -> Self {
        let kind = KINDS[random.below(KINDS.len())];
        let mut taken = BTreeSet::new();
        let words: Vec<String> = (0..6).map(|_| random.word(&mut taken)).collect();
        let fields: Vec<String> = (0..9).map(|_| random.word(&mut taken)).collect();
        let (read, write) = (random.word(&mut taken), random.word(&mut taken));
        let text = json!({"type": "string"});
        let whom = match kind {
            Kind::Many => json!({"type": "array", "items": text}),
            _ => text.clone(),
        };
        let number = json!({"type": "integer"});
        let tools = Arc::new(vec![
            tool(&read, json!({fields[6].as_str(): text})),
            tool(&write, json!({fields[7].as_str(): whom, fields[8].as_str(): number})),
        ]);
        Self { kind, quoted: random.below(3) == 0, words, fields, read, write, tools, crowded }
    }

    pub(crate) fn read_tool(&self) -> &str {
        &self.read
    }

    pub(crate) fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// A task of this world. The first one to be learnt from shows all separators of its list.
    pub(crate) fn situation(&self, random: &mut Random, first: bool) -> Situation {
        let mut taken: BTreeSet<String> = self.words.iter().chain(&self.fields).cloned().collect();
        let number = |random: &mut Random, from: usize| {
            if self.crowded { 1 + random.below(4) } else { from + random.below(90) }
        };
        let count = 3 + random.below(4);
        let mut records: Vec<Record> = Vec::new();
        while records.len() < count {
            let name = self.name(random, &mut taken);
            let id = match (self.crowded, random.below(9)) {
                (true, n) => format!("x_{n}"),
                (false, _) => format!("{}_{}", random.letters(2), 1000 + random.below(9000)),
            };
            let note = if self.crowded { self.name(random, &mut taken) } else { random.word(&mut taken) };
            let size = number(random, 200 + 100 * records.len());
            if records.iter().all(|r| r.name != name && r.id != id) {
                records.push(Record { name, id, size, note });
            }
        }
        let most = match self.kind {
            Kind::Many | Kind::Loop if first => 3,
            Kind::Many | Kind::Loop => 1 + random.below(count.min(4)),
            _ => 1,
        };
        let mut chosen: Vec<usize> = (0..count).collect();
        random.shuffle(&mut chosen);
        chosen.truncate(most);
        let group = match self.crowded {
            true => format!("x_{}", random.below(9)),
            false => format!("{}-{}", random.letters(3), 100 + random.below(900)),
        };
        Situation { group, records, chosen, amount: number(random, 10) }
    }

    fn name(&self, random: &mut Random, taken: &mut BTreeSet<String>) -> String {
        if self.crowded {
            let names = ["Abo", "Bec", "Cid", "Dov", "Eno", "Fay", "Gil", "Hux"];
            return names[random.below(names.len())].to_owned();
        }
        let words = 1 + random.below(2);
        let name: Vec<String> = (0..words).map(|_| random.word(taken)).collect();
        let capital = |word: &String| word[..1].to_uppercase() + &word[1..];
        if self.quoted { name.join(" ") } else { name.iter().map(capital).collect::<Vec<_>>().join(" ") }
    }

    /// The right run of a situation.
    pub(crate) fn run(&self, at: &Situation) -> Trace {
        let says = |record: &Record| match self.quoted {
            true => format!("\"{}\"", record.name),
            false => record.name.clone(),
        };
        let chosen: Vec<&Record> = at.chosen.iter().map(|i| &at.records[*i]).collect();
        let names: Vec<String> = chosen.iter().map(|r| says(r)).collect();
        let list = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.concat(),
        };
        let w = &self.words;
        let text =
            format!("{} {} {}, {} {list} {} {} {}.", w[0], w[1], at.group, w[2], w[3], at.amount, w[4]);
        let f: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let mut calls: Vec<Done<'_>> = vec![(&self.read, json!({f[6]: at.group}), self.observed(at))];
        let write = |whom: Value| -> Done<'_> {
            (&self.write, json!({f[7]: whom, f[8]: at.amount}), json!({f[5]: "done"}))
        };
        match self.kind {
            Kind::Many => calls.push(write(chosen.iter().map(|r| json!(r.id)).collect())),
            _ => calls.extend(chosen.iter().map(|r| write(json!(r.id)))),
        }
        run(&text, &self.tools, calls, "")
    }

    fn observed(&self, at: &Situation) -> Value {
        let f: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let fields = |r: &Record| {
            let mut map = Map::new();
            map.insert(f[1].into(), json!(r.name));
            map.insert(f[3].into(), json!(r.size));
            map.insert(f[4].into(), json!(r.note));
            map
        };
        if self.kind == Kind::Keyed {
            let keyed: Map<String, Value> =
                at.records.iter().map(|r| (r.id.clone(), Value::Object(fields(r)))).collect();
            return json!({f[5]: "found", f[0]: keyed});
        }
        let records: Vec<Value> = at
            .records
            .iter()
            .map(|r| {
                let mut map = fields(r);
                map.insert(f[2].into(), json!(r.id));
                Value::Object(map)
            })
            .collect();
        match self.kind {
            Kind::Nested => json!({f[5]: "found", f[0]: {f[2]: records, f[4]: 0}}),
            _ => json!({f[5]: "found", f[0]: records}),
        }
    }
}
