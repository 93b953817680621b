//! Tasks from JSON Lines, as far as an agent may see them.

use std::collections::HashMap;
use std::path::Path;

use plancache_agents::import::ImportError;
use serde::Deserialize;

/// A task as the agent gets it. What makes it a success is read by [`crate::score`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskInput {
    /// Which task.
    pub task_id: String,
    /// What the user asks for.
    pub instruction: String,
}

/// Reads the tasks of a file, in its order.
///
/// # Errors
/// When the file cannot be read, or a line is not a task.
pub fn read_tasks(path: &Path) -> Result<Vec<TaskInput>, ImportError> {
    read_lines(path)
}

/// Reads a value of `T` from each line of a JSON Lines file, by the task that `id` says it is of.
pub(crate) fn read_by_task<T: serde::de::DeserializeOwned>(
    path: &Path,
    id: impl Fn(&T) -> &String,
) -> Result<HashMap<String, T>, ImportError> {
    Ok(read_lines::<T>(path)?.into_iter().map(|line| (id(&line).clone(), line)).collect())
}

/// Reads a value of `T` from each line of a JSON Lines file.
pub(crate) fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, ImportError> {
    let shown = || path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| ImportError::Read { path: shown(), why: e.to_string() })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            serde_json::from_str(line).map_err(|e| ImportError::Format {
                path: shown(),
                why: format!("line {}: {e}; compare it with the file of that kind in eval/data", i + 1),
            })
        })
        .collect()
}
