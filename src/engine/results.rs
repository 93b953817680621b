//! Whether two programs returned the same.

use serde_json::Value;

use crate::programs;

/// Whether what two programs (each with what it returned) gave is the same rows, whatever their columns
/// are called; in the same order, if one of them asks for an order. Nothing, and nothing but zeros, is no
/// evidence.
pub(super) fn agree(a: (&str, &Value), b: (&str, &Value)) -> bool {
    let (Some(mut own), Some(mut other)) = (rows(a.1), rows(b.1)) else { return false };
    let says = |cell: &String| !matches!(cell.as_str(), "" | "null" | "0" | "0.0");
    if !own.iter().flatten().any(says) {
        return false;
    }
    let ordered = |text: &str| programs::statement(text).is_some_and(|reading| reading.orders);
    if !ordered(a.0) && !ordered(b.0) {
        own.sort();
        other.sort();
    }
    own == other
}

/// The rows of a result: records, arrays or single values; a text is one row. `None` for what is none.
fn rows(value: &Value) -> Option<Vec<Vec<String>>> {
    match value {
        Value::Array(items) => Some(items.iter().map(row).collect()),
        Value::Null => None,
        // `{"columns": [..], "rows": [[..]]}`
        Value::Object(record) => {
            let table = |value: &&Value| {
                value
                    .as_array()
                    .is_some_and(|a| !a.is_empty() && a.iter().all(|r| r.is_array() || r.is_object()))
            };
            let mut tables = record.values().filter(table);
            match (tables.next(), tables.next()) {
                (Some(Value::Array(items)), None) => Some(items.iter().map(row).collect()),
                _ => Some(vec![row(value)]),
            }
        }
        other => Some(vec![row(other)]),
    }
}

fn row(value: &Value) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    match value {
        Value::Array(cells) => cells.iter().map(cell).collect(),
        Value::Object(record) => record.values().map(cell).collect(),
        other => vec![cell(other)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn same(a: (&str, Value), b: (&str, Value)) -> bool {
        agree((a.0, &a.1), (b.0, &b.1))
    }

    const PLAIN: &str = "SELECT a FROM t";
    const ORDERED: &str = "SELECT a FROM t ORDER BY b";

    #[test]
    fn rows_are_compared_whatever_the_columns_are_called() {
        assert!(same((PLAIN, json!([{"a": 1}, {"a": "x"}])), (PLAIN, json!([{"t.a": 1}, {"t.a": "x"}]))));
        assert!(same((PLAIN, json!([[1, 2]])), (PLAIN, json!([{"a": 1, "b": 2}]))));
        let table = json!({"columns": ["a"], "rows": [[7], [8]]});
        assert!(same((PLAIN, table.clone()), (PLAIN, json!([[8], [7]]))));
        assert!(!same((PLAIN, table), (PLAIN, json!([[7], [9]]))));
        assert!(!same((PLAIN, json!([[1, 2]])), (PLAIN, json!([[2, 1]]))));
        assert!(!same((PLAIN, json!([[1]])), (PLAIN, json!([[1], [1]]))));
    }

    #[test]
    fn the_order_counts_where_one_asks_for_it() {
        let (a, b) = (json!([[1], [2]]), json!([[2], [1]]));
        assert!(same((PLAIN, a.clone()), (PLAIN, b.clone())));
        assert!(!same((PLAIN, a.clone()), (ORDERED, b.clone())));
        assert!(same((ORDERED, a.clone()), (PLAIN, a)));
    }

    #[test]
    fn nothing_is_no_evidence() {
        for nothing in [json!([]), json!(null), json!([[0]]), json!([[null]]), json!("")] {
            assert!(!same((PLAIN, nothing.clone()), (PLAIN, nothing)));
        }
    }
}
