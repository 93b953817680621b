//! Tools that stand for whole plans: whoever calls one says which plan is meant, and with which
//! values. Nothing is executed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::agent::Environment;

/// Acknowledges every call to a tool that it knows.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    tools: BTreeSet<String>,
}

impl Catalogue {
    /// A catalogue of these tools.
    pub fn new(tools: impl IntoIterator<Item = String>) -> Self {
        Self { tools: tools.into_iter().collect() }
    }
}

impl Environment for Catalogue {
    fn call(&mut self, tool: &str, _: &Map<String, Value>) -> String {
        if self.tools.contains(tool) { "ok".to_owned() } else { format!("Error: unknown tool {tool}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_acknowledged() {
        let mut catalogue = Catalogue::new(["plan_1".to_owned()]);
        assert_eq!(catalogue.call("plan_1", &Map::new()), "ok");
        assert_eq!(catalogue.call("plan_2", &Map::new()), "Error: unknown tool plan_2");
    }
}
