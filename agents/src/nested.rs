//! APIs that are described but not to be reached: each call is answered with tokens of its own in
//! the place of values, one for each output that the description names.
//!
//! A token depends on the call and on the output's name only, so that what a later call was given
//! says where it came from. Tokens have the type that the description gives: text, a number, an
//! array of two. Where it lists the possible values, the answer is one of them.

use std::path::Path;
use std::sync::Arc;

use plancache::domain::{EffectClass, canonical_hash};
use serde_json::{Map, Value, json};

use crate::agent::Environment;
use crate::import::ImportError;
use crate::python::dumps;

/// The members of a description that hold arguments.
const ARGUMENTS: [&str; 4] = ["query_parameters", "path_parameters", "parameters", "arguments"];

/// A description begins with one of these words if the API changes something.
const WRITES: [&str; 9] = ["add", "book", "buy", "create", "execute", "play", "reserve", "schedule", "send"];

#[derive(Clone, Debug)]
struct Api {
    name: String,
    about: String,
    arguments: Map<String, Value>,
    outputs: Map<String, Value>,
}

/// The APIs of a catalogue. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Apis {
    apis: Arc<Vec<Api>>,
}

impl Apis {
    /// Reads a catalogue: a JSON array of descriptions. One name's descriptions are taken together.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ImportError::Read { path: shown(), why: e.to_string() })?;
        let described: Vec<Value> = serde_json::from_str(&text)
            .map_err(|e| ImportError::Format { path: shown(), why: e.to_string() })?;
        Self::of(&described).map_err(|why| ImportError::Format { path: shown(), why })
    }

    fn of(described: &[Value]) -> Result<Self, String> {
        let mut apis: Vec<Api> = Vec::new();
        for api in described {
            let name = api.get("name").and_then(Value::as_str).ok_or("a description without a name")?;
            let about = api.get("description").and_then(Value::as_str).unwrap_or_default();
            let members = |key: &str| api.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
            let arguments: Map<String, Value> = ARGUMENTS.into_iter().flat_map(members).collect();
            let outputs = members("output_parameters");
            match apis.iter_mut().find(|known| known.name == name) {
                Some(known) => {
                    known.arguments.extend(arguments);
                    known.outputs.extend(outputs);
                }
                None => apis.push(Api { name: name.to_owned(), about: about.to_owned(), arguments, outputs }),
            }
        }
        Ok(Self { apis: Arc::new(apis) })
    }

    /// Adds an output that the description leaves out, as text.
    pub fn also_answers(&mut self, name: &str, output: &str) {
        if let Some(api) = Arc::make_mut(&mut self.apis).iter_mut().find(|api| api.name == name) {
            api.outputs.entry(output).or_insert_with(|| json!({"type": "string"}));
        }
    }

    /// The tools, as OpenAI function descriptions.
    pub fn tools(&self) -> Vec<Value> {
        self.apis
            .iter()
            .map(|api| {
                let required = api.arguments.iter().filter(|(_, a)| a.get("required") == Some(&json!(true)));
                let required: Vec<&String> = required.map(|(name, _)| name).collect();
                let properties: Map<String, Value> =
                    api.arguments.iter().map(|(name, argument)| (name.clone(), schema(argument))).collect();
                let parameters = json!({"type": "object", "properties": properties, "required": required});
                let function = json!({"name": api.name, "description": api.about, "parameters": parameters});
                json!({"type": "function", "function": function})
            })
            .collect()
    }

    /// What each tool does to the world, by what its description says it does.
    pub fn effects(&self) -> impl Iterator<Item = (String, EffectClass)> + '_ {
        self.apis.iter().map(|api| {
            let verb = api.about.split_whitespace().next().unwrap_or_default().to_lowercase();
            let class = if WRITES.contains(&verb.as_str()) { EffectClass::Write } else { EffectClass::Read };
            (api.name.clone(), class)
        })
    }
}

impl Environment for Apis {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        match self.apis.iter().find(|api| api.name == tool) {
            Some(api) => {
                let seed = canonical_hash(&json!([tool, arguments]));
                dumps(&object(&api.outputs, &seed))
            }
            None => format!("Error: unknown tool {tool}"),
        }
    }
}

/// The kind of a described value, in JSON Schema's words.
fn kind(described: &Value) -> &'static str {
    let named = described.as_str().or_else(|| described.get("type")?.as_str()).unwrap_or_default();
    match named.to_lowercase().as_str() {
        "number" | "float" => "number",
        "integer" => "integer",
        "boolean" => "boolean",
        "array" => "array",
        "object" => "object",
        _ => "string",
    }
}

/// The JSON Schema of a described argument.
fn schema(described: &Value) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), json!(kind(described)));
    let mut keep = |from: &[&str], to: &str| {
        let found = from.iter().find_map(|key| described.get(*key)).filter(|v| !v.is_null());
        let full = found.filter(|v| to != "enum" || v.as_array().is_some_and(|members| !members.is_empty()));
        out.extend(full.map(|value| (to.to_owned(), value.clone())));
    };
    keep(&["description"], "description");
    keep(&["allowed_values", "enum", "possible_values"], "enum");
    keep(&["default", "default_value"], "default");
    Value::Object(out)
}

fn object(outputs: &Map<String, Value>, seed: &str) -> Value {
    let members =
        outputs.iter().map(|(name, output)| (name.clone(), token(output, &format!("{seed} {name}"))));
    Value::Object(members.collect())
}

/// What stands in the place of a described output.
fn token(described: &Value, seed: &str) -> Value {
    let hash = canonical_hash(&json!(seed));
    let number = u64::from_str_radix(&hash[..12], 16).unwrap_or_default();
    let possible = described.get("possible_values").and_then(Value::as_array);
    if let Some(possible) = possible.filter(|values| !values.is_empty()) {
        return possible[(number % possible.len() as u64) as usize].clone();
    }
    match kind(described) {
        "number" | "integer" => json!(100_000_000 + number % 900_000_000),
        "boolean" => json!(number.is_multiple_of(2)),
        "array" => {
            let item = described.get("items").unwrap_or(&Value::Null);
            (0..2).map(|n| token(item, &format!("{seed} {n}"))).collect()
        }
        "object" => match described.get("properties").and_then(Value::as_object) {
            Some(properties) => object(properties, seed),
            None => json!({"id": text_token(&hash)}),
        },
        _ => json!(text_token(&hash)),
    }
}

/// A token of text; it begins with a letter, so that it is no number whatever follows.
fn text_token(hash: &str) -> String {
    format!("x{}", &hash[..11])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apis() -> Apis {
        Apis::of(&[
            json!({
                "name": "find", "description": "Find a boat",
                "query_parameters": {
                    "name": {"type": "String", "description": "Its name", "required": true},
                    "kind": {"type": "Enum", "allowed_values": ["sail", "oar"], "default": "sail"},
                    "page": {"type": "Number", "allowed_values": "1-100"}
                },
                "output_parameters": {
                    "id": {"type": "Number"},
                    "berth": {"type": "object", "properties": {"place": {"type": "string"}}},
                    "crew": {"type": "array"},
                    "size": {"possible_values": ["small", "big"]}
                }
            }),
            json!({"name": "reserve", "description": "Reserve a boat", "arguments": {"id": {}}}),
        ])
        .unwrap()
    }

    #[test]
    fn a_description_becomes_a_tool() {
        let tools = apis().tools();
        let parameters = &tools[0]["function"]["parameters"];
        assert_eq!(parameters["required"], json!(["name"]));
        assert_eq!(parameters["properties"]["kind"]["enum"], json!(["sail", "oar"]));
        assert_eq!(parameters["properties"]["kind"]["default"], "sail");
        assert_eq!(parameters["properties"]["page"], json!({"type": "number"}));
        let effects: Vec<_> = apis().effects().map(|(_, class)| class).collect();
        assert_eq!(effects, [EffectClass::Read, EffectClass::Write]);
    }

    #[test]
    fn the_same_call_is_answered_with_the_same_tokens_and_another_with_others() {
        let call = |name: &str| {
            let text = apis().call("find", json!({"name": name}).as_object().unwrap());
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let (gull, again, skua) = (call("Gull"), call("Gull"), call("Skua"));
        assert_eq!(gull, again);
        assert!(gull["id"].is_u64() && gull["berth"]["place"].is_string());
        assert_eq!(gull["crew"].as_array().unwrap().len(), 2);
        assert!(["small", "big"].contains(&gull["size"].as_str().unwrap()));
        assert_ne!(gull["id"], skua["id"]);
        assert_ne!(gull["crew"][0], gull["crew"][1]);
    }

    #[test]
    fn what_a_description_leaves_out_can_be_added() {
        let mut apis = apis();
        apis.also_answers("reserve", "code");
        assert!(apis.call("reserve", &Map::new()).starts_with("{\"code\": \"x"));
        assert_eq!(apis.call("sell", &Map::new()), "Error: unknown tool sell");
    }
}
