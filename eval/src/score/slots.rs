//! What single arguments should have been: the scorer's side of the evaluation of the filler.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plancache_agents::import::ImportError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::GoldAction;
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    gold_actions: Vec<GoldAction>,
    #[serde(default)]
    user_id: Option<String>,
}

/// What an argument of a call should be in one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldSlot {
    /// The value, as text.
    pub value: String,
    /// Whether it can be taken from the text or from the tool's enumeration; if not, the right
    /// answer is none.
    pub to_be_had: bool,
}

/// Knows which value each argument has in a task's gold actions.
#[derive(Debug, Default)]
pub struct SlotGold {
    values: BTreeMap<(String, String, String), BTreeSet<String>>,
}

impl SlotGold {
    /// Reads the gold actions of a task file.
    ///
    /// # Errors
    /// When the file cannot be read, or a line holds no gold actions.
    pub fn load(tasks: &Path) -> Result<Self, ImportError> {
        let mut gold = Self::default();
        for line in read_lines::<Line>(tasks)? {
            for action in &line.gold_actions {
                gold.add(&line.task_id, &action.name, &action.arguments);
            }
        }
        Ok(gold)
    }

    /// Adds the calls that find a retail task's user, which gold actions leave out: `users` is the
    /// shop's table of users.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn add_identification(&mut self, tasks: &Path, users: &Value) -> Result<(), ImportError> {
        for line in read_lines::<Line>(tasks)? {
            let Some(user) = line.user_id.as_ref().and_then(|id| users.get(id)) else { continue };
            let call = |fields: &[(&str, &str)]| -> Map<String, Value> {
                let value = |path: &str| user.pointer(path).cloned().unwrap_or(Value::Null);
                fields.iter().map(|(name, path)| ((*name).to_owned(), value(path))).collect()
            };
            let email = call(&[("email", "/email")]);
            let name = call(&[
                ("first_name", "/name/first_name"),
                ("last_name", "/name/last_name"),
                ("zip", "/address/zip"),
            ]);
            self.add(&line.task_id, "find_user_id_by_email", &email);
            self.add(&line.task_id, "find_user_id_by_name_zip", &name);
        }
        Ok(())
    }

    fn add(&mut self, task: &str, tool: &str, arguments: &Map<String, Value>) {
        for (name, value) in arguments {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            let key = (task.to_owned(), tool.to_owned(), name.clone());
            self.values.entry(key).or_default().insert(text);
        }
    }

    /// Whether this argument is scored in this task: the gold actions give it one value.
    pub fn is_scored(&self, task: &str, tool: &str, argument: &str) -> bool {
        self.values(task, tool, argument).is_some_and(|values| values.len() == 1)
    }

    /// What the argument should be, if it is scored. `members` are those of its enumeration.
    pub fn slot(
        &self,
        task: &str,
        tool: &str,
        argument: &str,
        text: &str,
        members: &[String],
    ) -> Option<GoldSlot> {
        let values = self.values(task, tool, argument).filter(|values| values.len() == 1)?;
        let value = values.first()?.clone();
        let stands = text.to_lowercase().contains(&value.to_lowercase());
        Some(GoldSlot { to_be_had: stands || members.contains(&value), value })
    }

    fn values(&self, task: &str, tool: &str, argument: &str) -> Option<&BTreeSet<String>> {
        self.values.get(&(task.to_owned(), tool.to_owned(), argument.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_argument_is_scored_if_it_has_one_value() {
        let mut gold = SlotGold::default();
        gold.add("t", "move", json!({"key": "a_1", "to": "x", "n": 2}).as_object().unwrap());
        gold.add("t", "move", json!({"key": "a_2", "to": "x"}).as_object().unwrap());
        assert!(!gold.is_scored("t", "move", "key"));
        let slot = |argument: &str, text: &str, members: &[String]| {
            gold.slot("t", "move", argument, text, members).map(|s| (s.value, s.to_be_had))
        };
        assert_eq!(slot("n", "Move 2.", &[]), Some(("2".into(), true)));
        assert_eq!(slot("to", "Move.", &[]), Some(("x".into(), false)));
        assert_eq!(slot("to", "Move.", &["x".into()]), Some(("x".into(), true)));
        assert_eq!(slot("key", "Move a_1.", &[]), None);
    }
}
