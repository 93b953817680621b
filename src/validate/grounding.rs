use serde_json::Value;

use crate::domain::{Task, Tool, TraceStep};
use crate::spans::{lex, said_number, same_value, text_of};

/// Whether a served value stands somewhere it may come from: it is a span of the task's text or a
/// value of its context, a value or key of an observation or a part of one at word boundaries, or
/// a member of an enumeration (`enum`, `const`, `default`) of one of the tools. Arrays and objects
/// are grounded if everything in them is; the keys of objects may also be names that a tool's
/// schema declares. `null` and booleans are their types' own members.
///
/// Found without the binder: a value that it took from elsewhere, or mixed up, does not pass.
/// What a template's own constant or a computation yields need not stand anywhere; the caller
/// knows those by their binding.
pub fn grounded(value: &Value, task: &Task, history: &[TraceStep]) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Array(items) => items.iter().all(|item| grounded(item, task, history)),
        Value::Object(map) => {
            map.iter().all(|(key, item)| key_grounded(key, task, history) && grounded(item, task, history))
        }
        Value::Number(_) | Value::String(_) => scalar_grounded(value, task, history),
    }
}

fn scalar_grounded(value: &Value, task: &Task, history: &[TraceStep]) -> bool {
    let Some(text) = text_of(value) else { return false };
    let stands_in = |source: &Value| {
        any_scalar(source, &mut |key, found| match found {
            Some(found) => same_value(found, value) || text_of(found).is_some_and(|t| holds(&t, &text)),
            None => holds(key, &text),
        })
    };
    if text.trim().is_empty() {
        // Nothing to stand anywhere: only an observation or a schema can say "empty".
        return observations(history).any(|seen| any_scalar(seen, &mut |_, v| v == Some(value)))
            || task.tools.iter().any(|tool| declares(tool, value));
    }
    holds(&task.text, &text)
        || in_tokens(&task.text, value)
        || stands_in(&task.context)
        || observations(history).any(stands_in)
        || task.tools.iter().any(|tool| declares(tool, value))
}

fn key_grounded(key: &str, task: &Task, history: &[TraceStep]) -> bool {
    let is_key = |source: &Value| any_scalar(source, &mut |name, found| found.is_none() && name == key);
    holds(&task.text, key)
        || is_key(&task.context)
        || observations(history).any(is_key)
        || task.tools.iter().any(|tool| names(&tool.parameters, key))
        || scalar_grounded(&Value::String(key.to_owned()), task, history)
}

pub(super) fn observations(history: &[TraceStep]) -> impl Iterator<Item = &Value> {
    history.iter().filter_map(|step| step.observation.as_ref()).map(|observation| &observation.value)
}

/// Whether a token of the text, or a member of an object literal in it, says the value: numbers
/// may be written with marks (`$1,200.50`).
fn in_tokens(text: &str, value: &Value) -> bool {
    lex(text).tokens.iter().any(|token| {
        said_number(token).is_some_and(|number| value.as_f64() == Some(number))
            || any_scalar(&token.value, &mut |_, found| found.is_some_and(|v| same_value(v, value)))
    })
}

/// Whether `text` occurs in `source` between word boundaries, without regard to case.
pub(super) fn holds(source: &str, text: &str) -> bool {
    let (source, text) = (source.to_lowercase(), text.trim().to_lowercase());
    if text.is_empty() {
        return false;
    }
    let joined = |outer: Option<char>, inner: Option<char>| {
        outer.is_some_and(char::is_alphanumeric) && inner.is_some_and(char::is_alphanumeric)
    };
    source.match_indices(&text).any(|(at, found)| {
        let (before, after) = (&source[..at], &source[at + found.len()..]);
        !joined(before.chars().next_back(), found.chars().next())
            && !joined(after.chars().next(), found.chars().next_back())
    })
}

/// Whether `visit` says yes to any scalar (with the key it stands under, empty in arrays) or to
/// any key (with `None`) of a value.
pub(super) fn any_scalar(value: &Value, visit: &mut dyn FnMut(&str, Option<&Value>) -> bool) -> bool {
    fn walk(key: &str, value: &Value, visit: &mut dyn FnMut(&str, Option<&Value>) -> bool) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| walk("", item, visit)),
            Value::Object(map) => map.iter().any(|(key, item)| visit(key, None) || walk(key, item, visit)),
            scalar => visit(key, Some(scalar)),
        }
    }
    walk("", value, visit)
}

/// Whether a tool's schema declares this value itself: as a member of an enumeration, a constant
/// or a default.
pub(super) fn declares(tool: &Tool, value: &Value) -> bool {
    fn walk(schema: &Value, value: &Value) -> bool {
        match schema {
            Value::Object(map) => map.iter().any(|(key, below)| match (key.as_str(), below) {
                ("enum", Value::Array(members)) => members.iter().any(|m| same_value(m, value)),
                ("const" | "default", constant) => same_value(constant, value),
                _ => walk(below, value),
            }),
            Value::Array(items) => items.iter().any(|item| walk(item, value)),
            _ => false,
        }
    }
    walk(&tool.parameters, value)
}

/// Whether a schema declares a property of this name, at any depth.
fn names(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(map) => map
            .iter()
            .any(|(key, below)| (key == "properties" && below.get(name).is_some()) || names(below, name)),
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::validate::examples::{task, trace};

    fn ground(value: Value) -> bool {
        grounded(&value, &task(), &trace().steps)
    }

    #[test]
    fn values_of_task_observations_and_schemas_are_grounded() {
        for value in [
            json!("R-2041"),
            json!("the tin drum"),
            json!("Drum"),
            json!("L78"),
            json!("illness"),
            json!(true),
            json!(null),
            json!(["L77", "Utopia"]),
            json!({"title": "Utopia", "loan": "L78"}),
            json!([]),
        ] {
            assert!(ground(value.clone()), "{value}");
        }
    }

    #[test]
    fn what_stands_nowhere_is_not() {
        for value in [
            json!("R-2042"),
            json!("R-204"),
            json!("in Dru"),
            json!("L7"),
            json!(78),
            json!(""),
            json!(" "),
            json!(["L77", "L79"]),
            json!({"title": "Dune"}),
            json!({"isbn": "Utopia"}),
            json!("Utopia The Tin Drum"),
        ] {
            assert!(!ground(value.clone()), "{value}");
        }
    }

    #[test]
    fn notation_does_not_matter_and_context_counts() {
        let mut task = task();
        task.text = "Pay $1,200.50 with {'card': '77-1', kind: gift}; see \"House 9\".".into();
        task.context = json!({"page": {"owner": "Ada King"}});
        for (value, is) in [
            (json!(1200.5), true),
            (json!(1200.51), false),
            (json!("77-1"), true),
            (json!({"card": "77-1", "kind": "gift"}), true),
            (json!("House 9"), true),
            (json!("Ada"), true),
            (json!("owner"), true),
        ] {
            assert_eq!(grounded(&value, &task, &[]), is, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_run_of_words_of_the_text_is_grounded(text in "[a-zA-Z0-9]{1,6}( [a-zA-Z0-9]{1,6}){0,7}", from in 0_usize..8, len in 1_usize..4) {
            let words: Vec<&str> = text.split(' ').collect();
            let from = from.min(words.len() - 1);
            let part = words[from..(from + len).min(words.len())].join(" ");
            let task = Task { text: text.clone(), ..task() };
            prop_assert!(grounded(&Value::String(part), &task, &[]));
        }

        #[test]
        fn a_value_with_a_word_that_is_nowhere_is_not(text in "[a-z ]{0,40}", word in "[0-9]{7}") {
            let task = Task { text, ..task() };
            prop_assert!(!grounded(&Value::String(word), &task, &trace().steps));
        }
    }
}
