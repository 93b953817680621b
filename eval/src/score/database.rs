use std::collections::BTreeSet;

use plancache_agents::retail::{Database, Table};
use serde_json::Value;

/// Amounts may differ by less than half a cent, since one tool stores differences unrounded.
const TOLERANCE: f64 = 0.005;

/// Where the second database, made from the same start, first differs from the first.
pub(super) fn first_difference(right: &Database, left: &Database) -> Option<String> {
    let touched: BTreeSet<(Table, &str)> =
        right.changed().chain(left.changed()).map(|(table, id, _)| (table, id)).collect();
    touched.into_iter().find_map(|(table, id)| {
        let (a, b) = (right.record(table, id), left.record(table, id));
        let place = difference(a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null))?;
        Some(format!("{table:?} {id}{place}"))
    })
}

/// Path to the first difference between two values; the order of keys does not matter.
fn difference(right: &Value, left: &Value) -> Option<String> {
    match (right, left) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| match (a.get(key), b.get(key)) {
                (Some(x), Some(y)) => difference(x, y).map(|rest| format!(".{key}{rest}")),
                _ => Some(format!(".{key} is on one side only")),
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (a.iter().zip(b).enumerate())
            .find_map(|(i, (x, y))| difference(x, y).map(|rest| format!("[{i}]{rest}"))),
        (Value::Number(a), Value::Number(b)) => {
            let apart = (a.as_f64()? - b.as_f64()?).abs() >= TOLERANCE;
            apart.then(|| format!(" should be {right}, is {left}"))
        }
        _ => (right != left).then(|| format!(" should be {right}, is {left}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn key_order_and_fractions_of_a_cent_do_not_matter() {
        let right = json!({"a": 1, "b": [{"amount": 0.30000000000000004}]});
        assert_eq!(difference(&right, &json!({"b": [{"amount": 0.3}], "a": 1.0})), None);
    }

    #[test]
    fn the_first_difference_is_named() {
        let right = json!({"a": [1, {"x": "y"}]});
        let cases = [
            (json!({"a": [1, {"x": "z"}]}), ".a[1].x should be \"y\", is \"z\""),
            (json!({"a": [1, {"x": "y"}], "b": 1}), ".b is on one side only"),
            (json!({"a": [1.01, {"x": "y"}]}), ".a[0] should be 1, is 1.01"),
            (json!({"a": [1]}), ".a should be [1,{\"x\":\"y\"}], is [1]"),
        ];
        for (left, place) in cases {
            assert_eq!(difference(&right, &left).as_deref(), Some(place));
        }
    }
}
