use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::{PatternOptions, Validator};
use lru::LruCache;
use serde_json::{Map, Value};

use crate::domain::Tool;

/// How many compiled tool schemas are kept.
const KEPT: usize = 1_024;

/// Why a call's arguments cannot be accepted. The texts name places and rules, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The tool's `parameters` are not a JSON Schema.
    #[error(
        "the parameters of the tool `{tool}` are not a JSON Schema: {why}; correct the tool's declaration"
    )]
    NotASchema {
        /// The tool.
        tool: String,
        /// What is wrong, and where in the schema.
        why: String,
    },
    /// The arguments do not satisfy the schema.
    #[error("the arguments of `{tool}` do not satisfy its schema: at `{place}`: {why}")]
    Arguments {
        /// The tool.
        tool: String,
        /// JSON pointer into the arguments; `/` for all of them.
        place: String,
        /// The validator's words, with values masked.
        why: String,
    },
}

/// Checks a call's arguments against the tool's JSON Schema. The compiled schema is kept under the
/// tool's fingerprint. A tool without a schema (`null`) accepts anything.
///
/// # Errors
/// See [`SchemaError`].
pub fn call(tool: &Tool, arguments: &Map<String, Value>) -> Result<(), SchemaError> {
    if tool.parameters.is_null() {
        return Ok(());
    }
    let validator = compiled(tool)?;
    let arguments = Value::Object(arguments.clone());
    validator.validate(&arguments).map_err(|error| {
        let place = error.instance_path().to_string();
        SchemaError::Arguments {
            tool: tool.name.clone(),
            place: if place.is_empty() { "/".to_owned() } else { place },
            why: error.masked().to_string(),
        }
    })
}

/// Checks that a tool's parameters are a JSON Schema at all.
///
/// # Errors
/// [`SchemaError::NotASchema`].
pub fn check_tool(tool: &Tool) -> Result<(), SchemaError> {
    if tool.parameters.is_null() { Ok(()) } else { compiled(tool).map(|_| ()) }
}

fn compiled(tool: &Tool) -> Result<Arc<Validator>, SchemaError> {
    static KNOWN: OnceLock<Mutex<LruCache<String, Arc<Validator>>>> = OnceLock::new();
    let known =
        KNOWN.get_or_init(|| Mutex::new(LruCache::new(NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN))));
    // A panic while the lock was held cannot leave the map half changed.
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let key = tool.fingerprint();
    if let Some(validator) = lock().get(&key) {
        return Ok(Arc::clone(validator));
    }
    let validator = Arc::new(compile(tool)?);
    lock().put(key, Arc::clone(&validator));
    Ok(validator)
}

fn compile(tool: &Tool) -> Result<Validator, SchemaError> {
    let not_a_schema = |why: String| SchemaError::NotASchema { tool: tool.name.clone(), why };
    if !tool.parameters.is_object() && !tool.parameters.is_boolean() {
        return Err(not_a_schema("it is neither an object nor a boolean".to_owned()));
    }
    // Bounded backtracking: a schema comes from outside and must not stall a decision. References
    // to other documents are not followed (the crate is built without network and files).
    let patterns = PatternOptions::fancy_regex().backtrack_limit(10_000).size_limit(1 << 20);
    jsonschema::options().with_pattern_options(patterns).build(&tool.parameters).map_err(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "its root".to_owned() } else { format!("`{place}`") };
        not_a_schema(format!("at {place}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(parameters: Value) -> Tool {
        Tool { name: "book".into(), description: String::new(), parameters }
    }

    fn args(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn arguments_are_checked_and_errors_hold_no_values() {
        let tool = tool(json!({
            "type": "object",
            "properties": {
                "seat": {"type": "string", "pattern": "^[A-F]$"},
                "rows": {"type": "array", "items": {"type": "integer"}, "minItems": 1}
            },
            "required": ["seat"],
            "additionalProperties": false
        }));
        assert_eq!(call(&tool, &args(json!({"seat": "C", "rows": [1, 2]}))), Ok(()));
        for (bad, place) in [
            (json!({}), "/"),
            (json!({"seat": "SECRET"}), "/seat"),
            (json!({"seat": "A", "rows": ["SECRET"]}), "/rows/0"),
            (json!({"seat": "A", "rows": []}), "/rows"),
            (json!({"seat": "A", "extra": "SECRET"}), "/"),
        ] {
            match call(&tool, &args(bad.clone())) {
                Err(SchemaError::Arguments { tool, place: at, why }) => {
                    assert_eq!((tool.as_str(), at.as_str()), ("book", place), "{bad}");
                    assert!(!why.contains("SECRET"), "{why}");
                }
                other => panic!("{bad}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_schema_is_an_error_that_names_the_tool() {
        for bad in [
            json!("a string"),
            json!(7),
            json!({"type": "objekt"}),
            json!({"properties": 3}),
            json!({"properties": {"a": {"type": 9}}}),
            json!({"properties": {"a": {"pattern": "("}}}),
            json!({"properties": {"a": {"$ref": "#/nowhere"}}}),
            json!({"properties": {"a": {"$ref": "https://example.invalid/s.json"}}}),
        ] {
            let error = check_tool(&tool(bad.clone())).expect_err("no schema");
            assert!(
                matches!(&error, SchemaError::NotASchema { tool, .. } if tool == "book"),
                "{bad}: {error}"
            );
            assert!(call(&tool(bad), &Map::new()).is_err());
        }
    }

    #[test]
    fn no_schema_accepts_everything_and_a_changed_one_is_compiled_anew() {
        assert_eq!(call(&tool(Value::Null), &args(json!({"any": 1}))), Ok(()));
        let number = tool(json!({"properties": {"a": {"type": "number"}}}));
        let text = tool(json!({"properties": {"a": {"type": "string"}}}));
        let one = args(json!({"a": 1}));
        assert!(call(&number, &one).is_ok() && call(&text, &one).is_err() && call(&number, &one).is_ok());
    }

    #[test]
    fn a_hostile_pattern_does_not_stall() {
        let tool = tool(json!({"properties": {"a": {"pattern": "^(?=(a+)+$)(a+)+b$"}}}));
        let arguments = args(json!({"a": "a".repeat(5_000)}));
        let started = std::time::Instant::now();
        assert!(call(&tool, &arguments).is_err());
        assert!(started.elapsed().as_secs() < 5);
    }
}
