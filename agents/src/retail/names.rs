use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::LoadError;

/// Other names under which a data folder presents the shop's tools and keys. Empty: its own.
#[derive(Clone, Debug, Default)]
pub struct Names {
    own_tool: HashMap<String, String>,
    own_key: HashMap<String, String>,
    given_key: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Own name of a tool to the name given to it.
    tools: HashMap<String, String>,
    /// Own name of an argument or JSON key to the name given to it.
    keys: HashMap<String, String>,
}

impl Names {
    /// Names given to the shop's own tools and keys. Both maps must be one to one.
    pub fn new(tools: &HashMap<String, String>, keys: &HashMap<String, String>) -> Self {
        let invert =
            |map: &HashMap<String, String>| map.iter().map(|(k, v)| (v.clone(), k.clone())).collect();
        Self { own_tool: invert(tools), own_key: invert(keys), given_key: keys.clone() }
    }

    /// Reads a file `{"tools": {own: given}, "keys": {own: given}}`; none means own names.
    ///
    /// # Errors
    /// When there is a file, but it cannot be read or is not of that form.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = super::database::read(path)?;
        let file: File = serde_json::from_str(&text)
            .map_err(|e| LoadError::Format { path: path.display().to_string(), why: e.to_string() })?;
        Ok(Self::new(&file.tools, &file.keys))
    }

    pub(super) fn tool_to_own<'a>(&'a self, tool: &'a str) -> &'a str {
        match self.own_tool.get(tool) {
            Some(own) => own,
            None => tool,
        }
    }

    pub(super) fn arguments_to_own(&self, arguments: &Map<String, Value>) -> Map<String, Value> {
        match translate(&self.own_key, Value::Object(arguments.clone())) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    pub(super) fn value_to_own(&self, value: Value) -> Value {
        translate(&self.own_key, value)
    }

    /// The value with its keys under their given names.
    pub fn value_to_given(&self, value: Value) -> Value {
        translate(&self.given_key, value)
    }
}

/// Renames keys at every depth. Keys that are data (the ids of a keyed collection) are in no map
/// and stay.
fn translate(names: &HashMap<String, String>, value: Value) -> Value {
    if names.is_empty() {
        return value;
    }
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, member)| {
                    let key = names.get(&key).cloned().unwrap_or(key);
                    (key, translate(names, member))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| translate(names, item)).collect()),
        scalar => scalar,
    }
}
