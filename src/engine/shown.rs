//! What the filler is shown when it writes a program of its own: the schema that the run observed, and
//! learnt programs with values that stand for theirs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::domain::{Argument, Part, ProgramPart, Shape, SlotSpec, Template};
use crate::expr::{Env, Read, Values, eval};
use crate::programs::render;
use crate::spans::text_of;

/// Longest observation of one look-up that the filler is shown, in characters.
const MOST: usize = 4_000;
/// What stands for names in examples: words that name nothing.
const STAND_INS: [&str; 6] = ["Alder", "Birch", "Cedar", "Elm", "Hazel", "Rowan"];

/// What a look-up said of a thing, as a small model reads it best: `thing(name, name)` where that can be
/// told, else records as lines below their keys.
pub(super) fn relation(of: &str, value: &Value) -> String {
    match names(value) {
        Some(names) => format!("{of}({})\n", names.join(", ")),
        None => format!("{of}\n{}\n", lines(value)),
    }
}

/// The names in an observation: the first text of each record, if it is another one in each.
fn names<'a>(value: &'a Value) -> Option<Vec<&'a str>> {
    let records = value.as_array().filter(|records| !records.is_empty())?;
    let width = |record: &Value| match record {
        Value::Array(cells) => cells.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    let cell = |record: &'a Value, at: usize| match record {
        Value::Array(cells) => cells.get(at)?.as_str(),
        Value::Object(map) => map.values().nth(at)?.as_str(),
        _ => None,
    };
    (0..width(records.first()?)).find_map(|at| {
        let column: Option<Vec<&str>> = records.iter().map(|record| cell(record, at)).collect();
        column.filter(|column| column.iter().collect::<BTreeSet<_>>().len() == column.len())
    })
}

/// Records as lines below their keys.
fn lines(value: &Value) -> String {
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let records: Option<Vec<&Map<String, Value>>> =
        value.as_array().and_then(|items| items.iter().map(Value::as_object).collect());
    let text = match records.as_deref() {
        Some([first, ..]) => {
            let keys: Vec<&String> = first.keys().collect();
            let head = keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
            let line = |record: &&Map<String, Value>| {
                keys.iter()
                    .map(|key| record.get(*key).map(cell).unwrap_or_default())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let lines: Vec<String> = records.iter().flatten().map(line).collect();
            format!("{head}\n{}\n", lines.join("\n"))
        }
        _ => format!("{value}\n"),
    };
    text.chars().take(MOST).collect()
}

/// A learnt program after the words that ask for it, with values that stand for those of the task that
/// taught it, which is not kept. `None` where a value is not known to come from the words.
pub(super) fn example(template: &Template) -> Option<String> {
    let [(_, Argument::Program(parts))] = template.steps.last()?.arguments.as_slice() else { return None };
    let reads = template.slots.iter().enumerate().map(|(at, slot)| {
        let value = stand_in(at, slot);
        (slot.id, Read { value, span: None, open: false })
    });
    let values = Values { slots: reads.collect(), ..Values::default() };
    let env = Env { values: &values, seen: &[], context: &Value::Null, unit: None };
    let mut program = String::new();
    for part in parts {
        match part {
            ProgramPart::Name(text) | ProgramPart::Text(text) => program.push_str(text),
            ProgramPart::Value { before, after, quoting, space, .. } => {
                let value = space.best().find_map(|binding| eval(binding, env).ok())?;
                program.push_str(&render(&value, before, after, *quoting)?);
            }
        }
    }
    let word = |part: &Part| match part {
        Part::Literal(word) => Some(word.clone()),
        Part::Slot(id) => text_of(&values.slots.get(id)?.value),
        Part::List(_) | Part::Words => None,
    };
    let said: Vec<String> = template.pattern.flat().filter_map(word).collect();
    Some(format!("Question: {}\nQuery: {program}\n\n", said.join(" ")))
}

/// A value of a slot's shape that is none of a task's.
fn stand_in(at: usize, slot: &SlotSpec) -> Value {
    let name = STAND_INS[at % STAND_INS.len()];
    match slot.shape {
        Shape::Number => json!(at + 3),
        Shape::Identifier => json!(format!("{}{}", &name[..1], at + 17)),
        Shape::Email => json!(format!("{}@mail.test", name.to_lowercase())),
        Shape::Day => json!(format!("2020-03-{:02}", at % 28 + 1)),
        Shape::Member => slot.members.first().map_or_else(|| json!(name), |member| json!(member)),
        Shape::Quoted | Shape::Object | Shape::Name | Shape::Phrase => json!(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_its_names_where_they_can_be_told() {
        let records = json!([{"Field": "id", "Type": "int"}, {"Field": "land", "Type": "int"}]);
        assert_eq!(relation("lake", &records), "lake(id, land)\n");
        let rows = json!([[0, "id", "int"], [1, "land", "int"]]);
        assert_eq!(relation("lake", &rows), "lake(id, land)\n");
        // The first texts are the same in both: they name nothing.
        let rows = json!([["lake", "id"], ["lake", "land"]]);
        assert_eq!(relation("lake", &rows), "lake(id, land)\n");
        // Nothing is told apart: as it is.
        let same = json!([{"a": "x", "n": 1}, {"a": "x", "n": 2}]);
        assert_eq!(relation("lake", &same), "lake\na, n\nx, 1\nx, 2\n\n");
        assert_eq!(relation("lake", &json!("id int, land int")), "lake\n\"id int, land int\"\n\n");
        assert_eq!(relation("lake", &json!([])), "lake\n[]\n\n");
    }
}
