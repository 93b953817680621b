use serde_json::Value;

use crate::spans::{Lexed, is_value, lex, said_number, same_value, text_of};

/// Token ranges at which a text spells a scalar, not overlapping, in order. Case does not count.
pub(super) fn occurrences(text: &Lexed, value: &Value) -> Vec<(usize, usize)> {
    let Some(own) = text_of(value).filter(|own| !own.trim().is_empty()) else { return Vec::new() };
    let mut found = Vec::new();
    let words = lex(&own).folded();
    let mut at = 0;
    while at < text.tokens.len() {
        if let Some(end) = text.spelt(&words, at) {
            found.push((at, end));
            at = end;
        } else {
            let token = &text.tokens[at];
            let said = value.is_number() && said_number(token).is_some_and(|n| value.as_f64() == Some(n));
            if said || (is_value(token) && same_value(&token.value, value)) {
                found.push((at, at + 1));
            }
            at += 1;
        }
    }
    found
}

/// Every scalar below a value.
pub(super) fn scalars(value: &Value) -> Vec<&Value> {
    let mut out = Vec::new();
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items.iter().rev()),
            Value::Object(map) => stack.extend(map.values().rev()),
            Value::Null => {}
            scalar => out.push(scalar),
        }
    }
    out
}

/// A step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Member of an object.
    Key(String),
    /// Element of an array.
    Index(usize),
    /// The key itself under which an object holds something.
    KeyOf,
}

/// Most places at which one value is looked for in one observation.
pub(super) const MOST_PLACES: usize = 24;

/// Where a value stands in an observation: as a member, an element, or as a key of an object used
/// as a collection.
pub(super) fn places(root: &Value, wanted: &Value) -> Vec<Vec<At>> {
    let mut out = Vec::new();
    descend(root, wanted, &mut Vec::new(), &mut out);
    out
}

fn descend(value: &Value, wanted: &Value, path: &mut Vec<At>, out: &mut Vec<Vec<At>>) {
    if out.len() >= MOST_PLACES || path.len() > 12 {
        return;
    }
    if same_value(value, wanted) {
        out.push(path.clone());
        return;
    }
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push(At::Index(i));
                descend(item, wanted, path, out);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                path.push(At::Key(key.clone()));
                if wanted.as_str() == Some(key.as_str()) {
                    path.push(At::KeyOf);
                    out.push(path.clone());
                    path.pop();
                }
                descend(item, wanted, path, out);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether an object may be used as a collection: all its members are objects with the same keys.
/// One with a single member may be; see [`is_named`].
pub(super) fn is_collection(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(map) => {
            let mut keys = map.values().map(|v| v.as_object().map(|o| o.keys().collect::<Vec<_>>()));
            match keys.next() {
                Some(Some(first)) if !first.is_empty() => keys.all(|k| k.as_ref() == Some(&first)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether the only member of an object may be meant by its name: it does not look like data.
pub(super) fn is_named(value: &Value) -> bool {
    let data = |key: &String| key.chars().any(|c| c.is_ascii_digit());
    value.as_object().is_some_and(|map| map.len() == 1 && !map.keys().any(data))
}

/// The innermost record of a collection on the way to a place, with the length of the path to it.
pub(super) fn record<'a>(root: &'a Value, place: &[At]) -> Option<(usize, &'a Value)> {
    let mut value = root;
    let mut found = None;
    for (i, at) in place.iter().enumerate() {
        let next = match at {
            At::Key(key) => value.get(key)?,
            At::Index(i) => value.get(i)?,
            At::KeyOf => break,
        };
        if is_collection(value) && next.is_object() {
            found = Some((i + 1, next));
        }
        value = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_spells_a_value_without_case_and_as_whole_tokens() {
        let text = lex("The Old Gull and the old gull, not the gullible; 1,200 oars");
        assert_eq!(occurrences(&text, &json!("old gull")), [(1, 3), (5, 7)]);
        assert_eq!(occurrences(&text, &json!("gull")), [(2, 3), (6, 7)]);
        assert_eq!(occurrences(&text, &json!(1200)), [(12, 13)]);
        assert_eq!(occurrences(&text, &json!("")), []);
        assert_eq!(occurrences(&text, &json!(null)), []);
    }

    #[test]
    fn places_are_members_elements_and_keys() {
        let root = json!({"boats": {"K_1": {"name": "Gull"}, "K_2": {"name": "K_1"}}});
        let key = |k: &str| At::Key(k.into());
        assert_eq!(
            places(&root, &json!("K_1")),
            [vec![key("boats"), key("K_1"), At::KeyOf], vec![key("boats"), key("K_2"), key("name")],]
        );
        assert_eq!(places(&json!([[1], [2, 1]]), &json!(1)).len(), 2);
        assert_eq!(places(&json!(vec![7; 100]), &json!(7)).len(), MOST_PLACES);
    }

    #[test]
    fn an_object_is_a_collection_if_its_members_are_alike() {
        assert!(is_collection(&json!({"a": {"x": 1}, "b": {"x": 2}})));
        assert!(is_collection(&json!([])));
        for other in
            [json!({"a": {"x": 1}, "b": {"y": 2}}), json!({"a": {}}), json!({"a": 1}), json!({}), json!(1)]
        {
            assert!(!is_collection(&other), "{other}");
        }
    }

    #[test]
    fn the_innermost_record_is_the_one_meant() {
        let root = json!({"piers": [{"boats": [{"name": "Gull"}, {"name": "Tern"}]}, {"boats": []}]});
        let place = places(&root, &json!("Tern")).remove(0);
        let (length, found) = record(&root, &place).unwrap();
        assert_eq!((length, found), (4, &json!({"name": "Tern"})));
        assert_eq!(record(&json!({"a": 1}), &[At::Key("a".into())]), None);
    }

    #[test]
    fn scalars_come_in_order_and_without_nulls() {
        let value = json!({"a": [1, {"b": "x"}], "c": null, "d": true});
        assert_eq!(scalars(&value), [&json!(1), &json!("x"), &json!(true)]);
    }
}
