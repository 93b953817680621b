//! Texts for decisions on matches alone: pairs that say the same or do not, and texts labelled with
//! the plan that they need. Nothing is planned or executed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plancache_agents::import::ImportError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Definition;
use super::registry::root;
use crate::tasks::read_lines;

/// Two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Which pair.
    pub id: String,
    /// A text.
    pub a: String,
    /// Another one.
    pub b: String,
    /// Whether they ask the same.
    pub duplicate: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    /// A labelled pair.
    Labelled { pair_id: String, a: String, b: String, label: u8 },
    /// A sentence and another wording of it.
    Paraphrase { pair_id: String, origin: String, similar: String },
}

/// The pairs that are part of the project: paraphrases, all duplicates.
pub fn pairs_file() -> PathBuf {
    root().join("data/pairs/gptcache_mock.jsonl")
}

/// Reads pairs from JSON Lines: `pair_id`, `a`, `b`, `label` (1 for duplicates), or `pair_id`,
/// `origin`, `similar`.
///
/// # Errors
/// When the file cannot be read, or a line is no pair.
pub fn read_pairs(file: &Path) -> Result<Vec<Pair>, ImportError> {
    let pair = |line| match line {
        Line::Labelled { pair_id: id, a, b, label } => Pair { id, a, b, duplicate: label == 1 },
        Line::Paraphrase { pair_id: id, origin: a, similar: b } => Pair { id, a, b, duplicate: true },
    };
    Ok(read_lines::<Line>(file)?.into_iter().map(pair).collect())
}

/// A task's text with the plan that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Which task.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Equal for tasks that need the same plan.
    pub label: String,
}

/// Agents whose tasks say which plan they need: the members that hold the text and the label.
const LABELS: [(&str, &str, &str); 4] = [
    ("nfl", "request", "intent"),
    ("retail", "instruction", "gold_actions"),
    ("sql", "question", "sql_template"),
    ("webarena", "intent", "intent_template_id"),
];

/// The tasks of a benchmark with the plans that they need; `None` if its tasks do not say.
///
/// # Errors
/// When the file cannot be read, or a task lacks its text or its label.
pub fn labelled(definition: &Definition) -> Result<Option<Vec<Labelled>>, ImportError> {
    let Some((_, text, label)) = LABELS.iter().find(|(agent, ..)| *agent == definition.agent) else {
        return Ok(None);
    };
    let file = definition.files.task_file();
    let tasks = read_lines::<Map<String, Value>>(&file)?;
    let read = |(at, task): (usize, &Map<String, Value>)| {
        let member = |name: &str| match task.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Array(actions)) => Ok(names(actions)),
            _ => Err(ImportError::Format {
                path: file.display().to_string(),
                why: format!("task {}: `{name}` is missing, or neither text nor a number", at + 1),
            }),
        };
        Ok(Labelled { id: member("task_id")?, text: member(text)?, label: member(label)? })
    };
    tasks.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
}

/// The names of actions as a set, as one text.
fn names(actions: &[Value]) -> String {
    let names = actions.iter().filter_map(|action| action.get("name")?.as_str());
    set_of(names)
}

/// Names as a set, as one text: the label of tasks that are several wishes in a row.
pub fn set_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn pairs_are_read_in_both_forms() {
        let pairs = read_pairs(&pairs_file()).unwrap();
        assert_eq!(pairs.len(), 699);
        assert!(pairs.iter().all(|pair| pair.duplicate && pair.a != pair.b));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairs.jsonl");
        std::fs::write(&file, r#"{"pair_id": "q", "a": "Who?", "b": "Whom?", "label": 0}"#).unwrap();
        let pair = Pair { id: "q".into(), a: "Who?".into(), b: "Whom?".into(), duplicate: false };
        assert_eq!(read_pairs(&file).unwrap(), [pair]);
    }

    #[test]
    fn tasks_that_say_which_plan_they_need_are_labelled() {
        let tasks = labelled(&find("webarena").unwrap()).unwrap().unwrap();
        let labels: BTreeSet<_> = tasks.iter().map(|task| &task.label).collect();
        assert_eq!((tasks.len(), labels.len()), (570, 133));
        let retail = labelled(&find("retail").unwrap()).unwrap().unwrap();
        assert!(retail.iter().any(|task| task.label == "cancel_pending_order modify_pending_order_items"));
        assert_eq!(labelled(&find("gsm8k").unwrap()).unwrap(), None);
    }
}
