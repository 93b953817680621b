//! Small forms that a statement's tree is rewritten to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Whether a join is an inner one, and its condition.
pub(super) fn on_of(join: Option<&Value>) -> (bool, Option<Value>) {
    let Some(join) = join else { return (true, None) };
    let (kind, how) = match join.as_object().and_then(|map| map.iter().next()) {
        Some((kind, how)) => (kind.as_str(), how),
        None => return (join == "CrossJoin", None),
    };
    match how.get("On") {
        Some(on) => (kind == "Join" || kind == "Inner", Some(on.clone())),
        None => (
            (kind == "Join" || kind == "Inner" || kind == "CrossJoin") && how == "None",
            how.get("Using").cloned(),
        ),
    }
}

pub(super) fn kind_of(join: &Value) -> Value {
    match join.as_object().and_then(|map| map.iter().next()) {
        Some((kind, how)) => json!([kind, how.as_object().and_then(|how| how.keys().next().cloned())]),
        None => join.clone(),
    }
}

pub(super) fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn literal(value: &Value) -> Value {
    match value.as_object().and_then(|map| map.iter().next()) {
        Some((kind, below)) if kind == "Number" => {
            let written = text(below.get(0));
            let number = written.parse::<f64>().map(|number| number.to_string()).unwrap_or(written);
            json!({"number": number})
        }
        Some((kind, below)) if kind == "SingleQuotedString" || kind == "DoubleQuotedString" => {
            // A number in quotation marks is compared as one.
            let number = below.as_str().and_then(|text| Some((text, text.parse::<f64>().ok()?.to_string())));
            match number {
                Some((written, number)) if written == number => json!({"number": number}),
                _ => json!({"text": below}),
            }
        }
        _ => json!({"literal": value}),
    }
}

/// An operation whose sides may change places.
pub(super) fn even(op: &str, left: Value, right: Value) -> Value {
    let mut sides = vec![left, right];
    sort(&mut sides);
    json!({op: sides})
}

/// A conjunction or disjunction, flat and in order.
pub(super) fn all(op: &str, parts: Vec<Value>) -> Value {
    let mut flat: Vec<Value> = Vec::new();
    for part in parts {
        match part.get(op).and_then(Value::as_array) {
            Some(below) => flat.extend(below.iter().cloned()),
            None => flat.push(part),
        }
    }
    sort(&mut flat);
    flat.dedup();
    json!({op: flat})
}

pub(super) fn conjuncts(condition: Value) -> Vec<Value> {
    match condition.get("and").and_then(Value::as_array) {
        Some(parts) => parts.clone(),
        None => vec![condition],
    }
}

pub(super) fn sort(items: &mut [Value]) {
    items.sort_by_cached_key(Value::to_string);
}

/// The two columns that a condition says are equal.
pub(super) fn columns_of(condition: &Value) -> Option<(&str, &str)> {
    let column = |side: &'_ Value| side.as_str().is_some_and(|name| name.starts_with('@'));
    match condition.get("==")?.as_array()?.as_slice() {
        [a, b] if column(a) && column(b) => Some((a.as_str()?, b.as_str()?)),
        _ => None,
    }
}

/// The sets of columns that conditions make equal.
pub(super) fn equal_columns(conditions: &[Value]) -> Vec<BTreeSet<String>> {
    let mut sets: Vec<BTreeSet<String>> = Vec::new();
    for (a, b) in conditions.iter().filter_map(columns_of) {
        let mut joined = BTreeSet::from([a.to_owned(), b.to_owned()]);
        sets.retain(|set| {
            let meets = set.contains(a) || set.contains(b);
            if meets {
                joined.extend(set.iter().cloned());
            }
            !meets
        });
        sets.push(joined);
    }
    sets
}

/// A form with each column replaced by the one that stands for all that equal it. To count such a
/// column is to count rows, since what equals something is not null.
pub(super) fn united(form: &Value, same: &BTreeMap<String, String>) -> Value {
    match form {
        Value::String(name) => same.get(name).map_or_else(|| form.clone(), |first| json!(first)),
        Value::Array(items) => items.iter().map(|item| united(item, same)).collect(),
        Value::Object(map) if map.contains_key("same") => form.clone(),
        Value::Object(map) => {
            if let Some([name, distinct, args, rest]) =
                map.get("call").and_then(Value::as_array).map(Vec::as_slice)
                && name == "count"
                && distinct == &json!(false)
                && args.get(0).and_then(Value::as_str).is_some_and(|arg| same.contains_key(arg))
            {
                return json!({"call": [name, distinct, ["*"], rest]});
            }
            map.iter().map(|(key, below)| (key.clone(), united(below, same))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
