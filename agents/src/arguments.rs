use serde_json::{Map, Value};

/// A call's arguments, under the tools' own names.
pub(crate) struct Arguments<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Arguments<'a> {
    /// A text argument.
    pub(crate) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.value(name)?.as_str().ok_or_else(|| format!("argument '{name}' must be a string"))
    }

    /// An argument that is a list of texts.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let wrong = || format!("argument '{name}' must be a list of strings");
        let items = self.value(name)?.as_array().ok_or_else(wrong)?;
        items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
    }

    /// An argument that is a whole number.
    #[cfg(feature = "benchmarks")]
    pub(crate) fn number(&self, name: &str) -> Result<i64, String> {
        self.value(name)?.as_i64().ok_or_else(|| format!("argument '{name}' must be a whole number"))
    }

    /// An argument that is an object.
    #[cfg(feature = "benchmarks")]
    pub(crate) fn object(&self, name: &str) -> Result<&'a Map<String, Value>, String> {
        self.value(name)?.as_object().ok_or_else(|| format!("argument '{name}' must be an object"))
    }

    fn value(&self, name: &str) -> Result<&'a Value, String> {
        self.0.get(name).ok_or_else(|| format!("missing 1 required argument: '{name}'"))
    }
}
