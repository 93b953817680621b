use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::bench::{Definition, Repeats};
use crate::measure::{TaskRecord, Totals};
use crate::run::{BenchmarkResult, Feedback};

/// How to know a benchmark's definition by its name.
pub type Definitions<'a> = &'a dyn Fn(&str) -> Option<Definition>;

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file or folder.
    #[error("{path} cannot be read: {why}")]
    Read {
        /// Which one.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// What it holds.
    #[error("{path} is no result of this version: {why}; run the benchmark again with --out")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong.
        why: serde_json::Error,
    },
    /// There is none.
    #[error("{0} holds no results; `plancache-eval run --benchmark all --out DIR` writes them")]
    Empty(String),
}

/// A task's record, with where it happened.
#[derive(Clone, Debug, Deserialize)]
pub struct TaskLine {
    /// The system.
    pub system: String,
    /// The seed of the order.
    pub seed: u64,
    /// The task.
    pub record: TaskRecord,
}

/// What one run of a benchmark came to, as `run --out` wrote it.
#[derive(Clone, Debug)]
pub struct ResultFile {
    /// Its path below the folder, without the extension.
    pub name: String,
    /// The result.
    pub result: BenchmarkResult,
    /// What the benchmark is, where that is known here.
    pub definition: Option<Definition>,
    /// Every task of which there is a record.
    pub lines: Vec<TaskLine>,
}

impl ResultFile {
    /// The system that the report is about: the plan cache, with as many of its models as it ran with.
    pub fn subject(&self) -> Option<&Totals> {
        let of = |name: &str| self.result.systems.iter().find(|system| system.name == name);
        of("plancache").or_else(|| of("plancache_natural")).or_else(|| of("plancache_no_filler"))
    }

    /// The planner alone.
    pub fn alone(&self) -> Option<&Totals> {
        self.result.systems.iter().find(|system| system.name == "planner_only")
    }

    /// Every wrong plan of which there is a record.
    pub fn wrong(&self) -> impl Iterator<Item = &TaskLine> {
        self.lines.iter().filter(|line| line.record.wrong)
    }

    /// Whether the right behaviour is to miss.
    pub fn is_control(&self) -> bool {
        self.definition.as_ref().is_some_and(|d| d.repeats == Repeats::Control)
    }

    /// The live planner's model, if the planner was not a recorded one.
    pub fn live(&self) -> Option<&str> {
        let planner = self.result.planner.as_str();
        (planner != "recorded").then(|| planner.rsplit('#').next().unwrap_or(planner))
    }

    /// Whether it was run as the headline figures are: recorded planner, outcome told.
    pub fn is_main(&self) -> bool {
        self.live().is_none() && self.result.feedback == Feedback::Verified
    }
}

/// The results of a folder, those of the headline first, then by name.
#[derive(Clone, Debug)]
pub struct Results {
    /// The name of the folder.
    pub title: String,
    /// Each result.
    pub files: Vec<ResultFile>,
    /// JSON files that hold something else.
    pub left_out: Vec<String>,
}

impl Results {
    /// Reads all results in a folder and those below it, or a single file.
    ///
    /// # Errors
    /// When one cannot be read, or there is none.
    pub fn read(path: &Path, definitions: Definitions<'_>) -> Result<Self, ResultsError> {
        let mut paths = Vec::new();
        if path.is_dir() {
            json_files(path, &mut paths)?
        } else {
            paths.push(path.to_owned())
        }
        let mut results = Self { title: title(path), files: Vec::new(), left_out: Vec::new() };
        for file in paths {
            let name = file.strip_prefix(path).ok().filter(|name| *name != Path::new(""));
            let name = name.map(|name| name.with_extension("").to_string_lossy().replace('\\', "/"));
            match read(&file, definitions)? {
                Some(found) => results.files.push(match name {
                    Some(name) => ResultFile { name, ..found },
                    None => found,
                }),
                None => results.left_out.push(name.unwrap_or_else(|| title(&file))),
            }
        }
        if results.files.is_empty() {
            return Err(ResultsError::Empty(path.display().to_string()));
        }
        results.files.sort_by(|a, b| {
            let key = |f: &ResultFile| (!f.is_main(), f.live().is_some(), f.is_control(), f.name.clone());
            key(a).cmp(&key(b))
        });
        Ok(results)
    }
}

fn title(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), ResultsError> {
    let wrong = |why| ResultsError::Read { path: folder.display().to_string(), why };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        entries.push(entry.map_err(wrong)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() {
            json_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

/// A result, or nothing where the file holds something else.
fn read(path: &Path, definitions: Definitions<'_>) -> Result<Option<ResultFile>, ResultsError> {
    let shown = |path: &Path| path.display().to_string();
    let text = |path: &Path| {
        std::fs::read_to_string(path).map_err(|why| ResultsError::Read { path: shown(path), why })
    };
    let format = |path: &Path, why| ResultsError::Format { path: shown(path), why };
    let value: Value = serde_json::from_str(&text(path)?).map_err(|why| format(path, why))?;
    if value.get("benchmark").is_none() || value.get("systems").is_none() {
        return Ok(None);
    }
    let result: BenchmarkResult = serde_json::from_value(value).map_err(|why| format(path, why))?;
    let raw = path.with_extension("jsonl");
    let mut lines = Vec::new();
    if raw.is_file() {
        for line in text(&raw)?.lines().filter(|line| !line.trim().is_empty()) {
            lines.push(serde_json::from_str(line).map_err(|why| format(&raw, why))?);
        }
    }
    let definition = definitions(&result.benchmark);
    Ok(Some(ResultFile { name: result.benchmark.clone(), result, definition, lines }))
}
