use serde_json::{Map, Value};

/// A call's arguments, under the tools' own names.
pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl Arguments<'_> {
    /// A text argument.
    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        let value = self.0.get(name).ok_or_else(|| missing(name))?;
        value.as_str().ok_or_else(|| format!("argument '{name}' must be a string"))
    }

    /// An argument that is a list of texts.
    pub(super) fn list(&self, name: &str) -> Result<Vec<&str>, String> {
        let wrong = || format!("argument '{name}' must be a list of strings");
        let value = self.0.get(name).ok_or_else(|| missing(name))?;
        let items = value.as_array().ok_or_else(wrong)?;
        items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
    }
}

fn missing(name: &str) -> String {
    format!("missing 1 required argument: '{name}'")
}
