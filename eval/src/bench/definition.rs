use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plancache::domain::EffectClass;
use serde::{Deserialize, Serialize};

use super::LoadError;

/// How much of a benchmark's tasks repeats, and with it what is expected of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// Intents recur: the more hits the better.
    Intents,
    /// A control: the same words need another plan, so the right behaviour is to miss.
    Control,
}

/// Where the planner's runs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// A model made them.
    Recorded,
    /// They were made from the tasks' gold plans.
    Constructed,
    /// There are none: only a live planner does the tasks.
    Absent,
}

/// A benchmark as data: `eval/definitions/NAME.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The agent that does its tasks, a name of the registry.
    pub agent: String,
    /// What it is, in a sentence.
    pub about: String,
    /// Where it comes from and under which licence.
    pub origin: String,
    /// Whether it repeats or is a control.
    pub repeats: Repeats,
    /// Where the planner's runs come from.
    pub runs_are: Runs,
    /// What counts as success, in a sentence.
    pub success: String,
    /// Where the files lie.
    pub files: Source,
    /// The system prompt of its planner, if it is not a file of the data.
    #[serde(default)]
    pub system: String,
    /// What its tools do to the world; a tool that is not named counts as a write.
    #[serde(default)]
    pub effects: BTreeMap<String, EffectClass>,
    /// Distinct successes before a plan that writes is served, and before one that reads is, where
    /// the defaults are not meant.
    #[serde(default)]
    pub evidence: Evidence,
    /// Which tasks are asked, where they are not learnt as they come: the others are learnt before.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// What the figures are known to hide.
    #[serde(default)]
    pub caveats: Vec<String>,
}

/// What is asked of a cache that has learnt other tasks before, and learns no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Tasks in the words of this file (`task_id`, `request`) of the data folder; the tasks that are
    /// not in it are learnt, in their own words.
    Texts(PathBuf),
    /// The tasks of this file of the data folder; all others are learnt.
    Tasks(PathBuf),
    /// The tasks whose plans have a part of one of these shapes; those without are learnt.
    Shapes(Vec<String>),
    /// The tasks that have the same value in this field of the task file, one value after the other;
    /// those with another value are learnt, each time by an empty cache.
    Each(String),
}

/// Evidence that a user of such an agent would ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Of a plan that only reads.
    pub read: Option<u32>,
    /// Of a plan that writes.
    pub write: Option<u32>,
}

/// The files of a benchmark. Paths are relative to the data folder, or absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The data folder; empty where the data is not part of the project.
    #[serde(default)]
    pub data: PathBuf,
    /// The tasks, JSON Lines.
    pub tasks: PathBuf,
    /// Recorded runs, JSON Lines, where there are any.
    #[serde(default)]
    pub runs: Option<PathBuf>,
}

impl Source {
    /// The file of tasks.
    pub fn task_file(&self) -> PathBuf {
        self.data.join(&self.tasks)
    }

    /// The file of recorded runs, if there is one.
    pub fn run_file(&self) -> Option<PathBuf> {
        self.runs.as_ref().map(|runs| self.data.join(runs))
    }
}

/// Why a definition cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file.
    #[error("{path} cannot be read: {why}; run it from the project's folder, or say --definitions DIR")]
    Read {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
    /// What it holds.
    #[error("{path} is no definition of a benchmark: {why}; compare it with eval/definitions/retail.toml")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

impl Definition {
    /// Reads a definition; a relative data folder is one below `root`, the folder `eval/`.
    ///
    /// # Errors
    /// When the file cannot be read or is no definition.
    pub fn read(path: &Path, root: &Path) -> Result<Self, DefinitionError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| DefinitionError::Read { path: shown(), why: e.to_string() })?;
        let mut definition: Self = toml::from_str(&text)
            .map_err(|e| DefinitionError::Format { path: shown(), why: e.to_string() })?;
        definition.files.data = root.join(&definition.files.data);
        Ok(definition)
    }

    /// The file of tasks of a benchmark whose data is not part of the project.
    ///
    /// # Errors
    /// When it is not there: says where it comes from, and what a line holds besides `task_id` and
    /// `question`.
    pub(super) fn elsewhere(&self, fields: &str) -> Result<PathBuf, LoadError> {
        let file = self.files.task_file();
        if file.is_file() {
            return Ok(file);
        }
        let why = format!(
            "its data is not part of this project. It comes from {}. Give the folder that holds it as {} \
             with --data: JSON Lines with `task_id`, `question`, {fields}",
            self.origin,
            self.files.tasks.display()
        );
        Err(LoadError::Data { name: self.name.clone(), why })
    }
}
