//! Whether two JSON values say the same.

use serde_json::Value;

/// Texts without case, numbers as numbers also where one is written as text, arrays and objects
/// member by member.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            text.trim().parse().ok() == number.as_f64()
        }
        (Value::String(a), Value::String(b)) => a.trim().to_lowercase() == b.trim().to_lowercase(),
        (Value::String(text), Value::Bool(flag)) | (Value::Bool(flag), Value::String(text)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (a, b) => a == b,
    }
}

/// The first argument in which calls differ, in words: what should be there and what is.
pub(crate) fn first_difference(
    wanted: &serde_json::Map<String, Value>,
    given: &serde_json::Map<String, Value>,
) -> Option<String> {
    for (name, wanted) in wanted {
        match given.get(name) {
            Some(given) if same(wanted, given) => {}
            Some(given) => return Some(format!("`{name}` is {given}, not {wanted}")),
            None => return Some(format!("`{name}` is missing, it should be {wanted}")),
        }
    }
    let more = given.iter().find(|(name, _)| !wanted.contains_key(*name));
    more.map(|(name, value)| format!("`{name}` should not be given, it is {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_say_the_same_whatever_their_case_and_type() {
        assert!(same(&json!("Paris "), &json!("paris")) && same(&json!("3.0"), &json!(3)));
        assert!(same(&json!({"a": [1, "True"]}), &json!({"a": [1.0, true]})));
        assert!(!same(&json!("3"), &json!("3.0")) && !same(&json!([1]), &json!([1, 2])));
    }

    #[test]
    fn the_first_difference_names_its_argument() {
        let difference =
            |a: Value, b: Value| first_difference(a.as_object().unwrap(), b.as_object().unwrap());
        assert_eq!(difference(json!({"a": 1}), json!({"a": "1"})), None);
        assert_eq!(difference(json!({"a": 1}), json!({"a": 2})).unwrap(), "`a` is 2, not 1");
        assert_eq!(difference(json!({"a": 1}), json!({})).unwrap(), "`a` is missing, it should be 1");
        assert!(difference(json!({}), json!({"b": 2})).unwrap().contains("should not be given"));
    }
}
