use std::collections::HashMap;
use std::path::Path;

use plancache_agents::import::ImportError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::tasks::read_by_task;

/// What is right, by task, as a task file says it.
#[derive(Clone, Debug)]
pub struct Golds<G>(HashMap<String, Line<G>>);

#[derive(Clone, Debug, Deserialize)]
struct Line<G> {
    task_id: String,
    #[serde(flatten)]
    gold: G,
}

impl<G> Golds<G> {
    /// Reads a task file.
    ///
    /// # Errors
    /// When the file cannot be read, or a line does not say what is right.
    pub fn load(tasks: &Path) -> Result<Self, ImportError>
    where
        G: DeserializeOwned,
    {
        Ok(Self(read_by_task(tasks, |line: &Line<G>| &line.task_id)?))
    }

    /// What is right for a task.
    ///
    /// # Errors
    /// When nobody knows: says so.
    pub(super) fn of(&self, task_id: &str) -> Result<&G, String> {
        self.0
            .get(task_id)
            .map(|line| &line.gold)
            .ok_or_else(|| "the scorer does not know the task".to_owned())
    }

    /// Knows one task only.
    #[cfg(test)]
    pub(super) fn one(task_id: &str, gold: G) -> Self {
        let line = Line { task_id: task_id.to_owned(), gold };
        Self([(task_id.to_owned(), line)].into())
    }
}
