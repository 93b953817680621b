use std::collections::BTreeSet;

use serde_json::Value;

use super::grounding::{grounded, observations};
use crate::domain::{Operand, Task, TraceStep, Transform};
use crate::expr::{apply, numeric};
use crate::spans::{Lexed, days_at, forms, full_day, lex, same_value};

/// Longest run of tokens of the text that is looked at as one value.
const MOST_TOKENS: usize = 6;
/// Most numbers, days and scalars of observations that are looked at; with more, nothing is found.
const MOST_SOURCES: usize = 2_048;

/// Whether a served value that stands nowhere itself is made from values that do, in one of these
/// ways: each an [`Operand::Made`] of the plan.
///
/// Found without the binder: only what the plan says of the *way* is used, not which values it took.
pub fn derived(value: &Value, ways: &[&Operand], task: &Task, history: &[TraceStep]) -> bool {
    if ways.is_empty() || value.is_array() || value.is_object() {
        return false;
    }
    let sources = Sources::of(task, history);
    ways.iter().any(|way| match way {
        Operand::Made { by, of } => sources.make(value, by, of.len(), task, history),
        _ => false,
    })
}

/// What stands in the task and the observations.
struct Sources {
    /// Runs of tokens of the text, and scalars of the context and of observations.
    texts: Vec<Value>,
    /// Those among them that may be a day.
    days: Vec<Value>,
    /// Collections in the context and in observations.
    collections: Vec<Value>,
}

impl Sources {
    fn of(task: &Task, history: &[TraceStep]) -> Self {
        let mut own = Self { texts: Vec::new(), days: Vec::new(), collections: Vec::new() };
        let mut known = BTreeSet::new();
        let text = lex(&task.text);
        own.read(&text, &mut known);
        own.walk(&task.context, &mut known);
        observations(history).for_each(|seen| own.walk(seen, &mut known));
        own
    }

    fn read(&mut self, text: &Lexed, known: &mut BTreeSet<String>) {
        for from in 0..text.tokens.len() {
            self.scalar(&text.tokens[from].value, known);
            for to in from + 1..=text.tokens.len().min(from + MOST_TOKENS) {
                self.scalar(&Value::from(text.slice(from, to)), known);
            }
            self.days.extend(days_at(text, from).into_iter().map(|to| Value::from(text.slice(from, to))));
        }
    }

    fn scalar(&mut self, value: &Value, known: &mut BTreeSet<String>) {
        if self.texts.len() < MOST_SOURCES
            && (value.is_string() || value.is_number())
            && known.insert(value.to_string())
        {
            self.texts.push(value.clone());
        }
    }

    fn walk(&mut self, value: &Value, known: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => {
                self.collections.push(value.clone());
                items.iter().for_each(|item| self.walk(item, known));
            }
            Value::Object(map) => map.values().for_each(|item| self.walk(item, known)),
            scalar => {
                if scalar.as_str().is_some_and(|text| full_day(text).is_some()) {
                    self.days.push(scalar.clone());
                }
                self.scalar(scalar, known);
            }
        }
    }

    fn make(&self, value: &Value, by: &Transform, of: usize, task: &Task, history: &[TraceStep]) -> bool {
        let made = |of: &[Value]| apply(by, of).is_ok_and(|made| same_value(&made, value));
        let one = |from: &[Value]| from.iter().any(|source| made(std::slice::from_ref(source)));
        let whole = |value: &Value| value.as_str().is_some_and(|text| full_day(text).is_some());
        match by {
            Transform::Day { .. } if of == 1 => one(&self.days),
            Transform::Day { .. } | Transform::DaysBetween => {
                self.days.iter().any(|day| {
                    self.days.iter().filter(|d| whole(d)).any(|from| made(&[day.clone(), from.clone()]))
                }) || matches!(by, Transform::DaysBetween)
                    && self.days.iter().any(|a| self.days.iter().any(|b| made(&[a.clone(), b.clone()])))
            }
            Transform::Later { .. } | Transform::Earlier { .. } => self.moved(value, &made),
            Transform::Sum | Transform::Difference | Transform::Product => self.calculated(value, by, &made),
            Transform::Count | Transform::Total(_) => one(&self.collections),
            Transform::Join(mark) => {
                let stands = |part: &str| grounded(&Value::from(part), task, history);
                value.as_str().is_some_and(|text| joined(text, mark, of, &stands))
            }
            _ => one(&self.texts),
        }
    }

    /// A day that lies as many days from another one as some number says.
    fn moved(&self, value: &Value, made: &dyn Fn(&[Value]) -> bool) -> bool {
        let wanted: Vec<_> = value.as_str().map(forms).unwrap_or_default();
        self.days.iter().any(|day| {
            let Some(from) = day.as_str().and_then(full_day) else { return false };
            wanted.iter().any(|(to, _)| {
                let days = f64::from((*to - from).get_days().abs());
                let counts = self.texts.iter().filter(|text| numeric(text) == Ok(days));
                counts.into_iter().any(|count| made(&[day.clone(), count.clone()]))
            })
        })
    }

    /// A number that two others give.
    fn calculated(&self, value: &Value, by: &Transform, made: &dyn Fn(&[Value]) -> bool) -> bool {
        let Ok(wanted) = numeric(value) else { return false };
        let mut numbers: Vec<(f64, &Value)> =
            self.texts.iter().filter_map(|text| Some((numeric(text).ok()?, text))).collect();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        numbers.iter().any(|(a, first)| {
            let other = match by {
                Transform::Sum => wanted - a,
                Transform::Product => wanted / a,
                _ => a - wanted,
            };
            let near = 1e-6 * (1.0 + other.abs());
            let start = numbers.partition_point(|(b, _)| *b < other - near);
            numbers[start..]
                .iter()
                .take_while(|(b, _)| *b <= other + near)
                .any(|(_, second)| made(&[(*first).clone(), (*second).clone()]))
        })
    }
}

/// Whether a text is so many parts with this mark between them, each of which stands somewhere.
fn joined(text: &str, mark: &str, parts: usize, stands: &dyn Fn(&str) -> bool) -> bool {
    if parts <= 1 {
        return stands(text);
    }
    text.char_indices().skip(1).any(|(at, _)| {
        text[at..].strip_prefix(mark).is_some_and(|rest| {
            !rest.is_empty() && stands(&text[..at]) && joined(rest, mark, parts - 1, stands)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DayReading, Letters, Observation, SlotPart};
    use crate::validate::examples::{task, trace};
    use serde_json::json;

    fn is(value: Value, by: Transform, operands: u32) -> bool {
        let mut task = task();
        task.text = "Extend R-2041 by 3 days from May 5, 2024 for 6%, or $40 a week; see Old Quay".into();
        let mut history = trace().steps;
        let seen = json!({"fee": 2, "today": "2024-05-01", "loans": [{"fee": 1}, {"fee": 4}]});
        history[0].observation = Some(Observation { value: seen, failed: false });
        let of = (0..operands).map(|slot| Operand::Slot { slot, part: SlotPart::Whole }).collect();
        derived(&value, &[&Operand::Made { by, of }], &task, &history)
    }

    #[test]
    fn what_is_made_from_what_stands_somewhere_passes() {
        let form = || "%Y-%m-%d".to_owned();
        let day = |reading| Transform::Day { form: form(), reading };
        assert!(is(json!("2024-05-05"), day(DayReading::MonthFirst), 1));
        assert!(is(json!("2024-05-08"), Transform::Later { form: form() }, 2));
        assert!(is(json!(0.06), Transform::Share, 1));
        assert!(is(json!("old_quay"), Transform::Letters(Letters::Snake), 1));
        assert!(is(json!(42), Transform::Sum, 2));
        assert!(is(json!(38), Transform::Difference, 2));
        assert!(is(json!(2), Transform::Count, 1));
        assert!(is(json!(5), Transform::Total(vec!["fee".into()]), 1));
        assert!(is(json!("R-2041/Old Quay"), Transform::Join("/".into()), 2));
        assert!(is(json!(4), Transform::DaysBetween, 2));
    }

    #[test]
    fn nothing_else_does() {
        let form = || "%Y-%m-%d".to_owned();
        let day = |reading| Transform::Day { form: form(), reading };
        assert!(!is(json!("2024-05-06"), day(DayReading::MonthFirst), 1));
        assert!(!is(json!("2024-05-21"), Transform::Later { form: form() }, 2));
        assert!(!is(json!(0.07), Transform::Share, 1));
        assert!(!is(json!("new_quay"), Transform::Letters(Letters::Snake), 1));
        assert!(!is(json!(47), Transform::Sum, 2));
        assert!(!is(json!(9), Transform::Count, 1));
        assert!(!is(json!("R-2041/New Quay"), Transform::Join("/".into()), 2));
        // The way has to be the plan's own.
        assert!(!is(json!(42), Transform::Product, 2));
        assert!(!is(json!(["R-2041"]), Transform::Count, 1));
    }
}
