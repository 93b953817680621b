use serde_json::Value;

/// The text of a scalar; `None` for null, arrays and objects.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Whether two texts say the same value: equal but for case, or equal as numbers when both are
/// written as numbers with a decimal part or grouping. Codes such as `0123` and `123` differ.
pub fn same_text(a: &str, b: &str) -> bool {
    a == b || (a.len() == b.len() && a.to_lowercase() == b.to_lowercase())
}

/// Whether two JSON values say the same: scalars by [`same_text`] or as numbers, arrays element by
/// element, objects member by member.
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same_value(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same_value(x, y)))
        }
        (Value::Null, Value::Null) => true,
        (Value::Number(n), Value::String(s)) | (Value::String(s), Value::Number(n)) => {
            s == &n.to_string()
                || s.trim_start_matches('$').replace(',', "").parse::<f64>().ok() == n.as_f64()
                || super::figures(s).is_some_and(|said| n.as_f64() == Some(said))
        }
        _ => match (text_of(a), text_of(b)) {
            (Some(a), Some(b)) => same_text(&a, &b),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_compare_by_what_they_say() {
        assert!(same_value(&json!("Blue"), &json!("blue")));
        assert!(same_value(&json!("11"), &json!(11)));
        assert!(same_value(&json!("$1,200.50"), &json!(1200.5)));
        assert!(same_value(&json!({"a": "1", "b": [1]}), &json!({"b": [1.0], "a": 1})));
        assert!(!same_value(&json!("0123"), &json!("123")));
        assert!(!same_value(&json!({}), &json!({"a": 1})));
        assert!(!same_value(&json!(null), &json!("")));
    }
}
