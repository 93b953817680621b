use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::ExprError;

/// A JSON value as CEL sees it. Whole numbers are `int` where they fit, so that `size(x) == obs.n`
/// and `obs.n + 1` mean what they say.
pub(super) fn from_json(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(b) => cel::Value::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => cel::Value::Int(i),
            (None, Some(u)) => cel::Value::UInt(u),
            (None, None) => cel::Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(s) => cel::Value::String(Arc::new(s.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(from_json).collect())),
        Value::Object(map) => {
            let map: HashMap<String, cel::Value> =
                map.iter().map(|(key, value)| (key.clone(), from_json(value))).collect();
            cel::Value::Map(map.into())
        }
    }
}

/// A CEL value as JSON. Object keys are sorted, since CEL's maps have no order.
pub(super) fn to_json(value: &cel::Value) -> Result<Value, ExprError> {
    let unfit = || ExprError::Type { is: type_name(value), wanted: "value that JSON can hold" };
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(b) => Value::Bool(*b),
        cel::Value::Int(i) => Value::from(*i),
        cel::Value::UInt(u) => Value::from(*u),
        cel::Value::Float(f) => Value::Number(Number::from_f64(*f).ok_or_else(unfit)?),
        cel::Value::String(s) => Value::String(s.as_str().to_owned()),
        cel::Value::List(items) => Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        cel::Value::Map(map) => {
            let mut entries = Vec::new();
            for (key, value) in map.map.iter() {
                match key {
                    cel::objects::Key::String(key) => {
                        entries.push((key.as_str().to_owned(), to_json(value)?))
                    }
                    _ => return Err(unfit()),
                }
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        _ => return Err(unfit()),
    })
}

/// The name of a value's type, for error texts.
pub(super) fn type_name(value: &cel::Value) -> &'static str {
    match value {
        cel::Value::Null => "null",
        cel::Value::Bool(_) => "boolean",
        cel::Value::Int(_) => "int",
        cel::Value::UInt(_) => "uint",
        cel::Value::Float(f) if f.is_finite() => "double",
        cel::Value::Float(_) => "double that is not finite",
        cel::Value::String(_) => "string",
        cel::Value::Bytes(_) => "byte string",
        cel::Value::List(_) => "list",
        cel::Value::Map(_) => "map",
        cel::Value::Function(..) => "function",
        _ => "value of another type",
    }
}
