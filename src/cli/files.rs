//! Files that a person names: tools, and recorded runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::Failure;
use crate::config::Config;
use crate::domain::Tool;
use crate::import::{BadRecord, Format, OutcomeFrom, Reader, Recorded, Settings};

/// Notes of a kind that are kept; the rest is counted.
const MOST_NOTES: usize = 200;
/// Records between two looks at the progress.
const EVERY: usize = 64;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFile {
    #[error("{path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}: {why}; expected an array of tools, each with `name`, `description` and `parameters`, or such objects under `function`"
    )]
    Tools { path: PathBuf, why: String },
}

/// Reads tools from a file, and checks their schemas.
pub(super) fn read_tools(path: &Path) -> Result<Vec<Tool>, BadFile> {
    let bad = |why: String| BadFile::Tools { path: path.to_owned(), why };
    let tools = crate::import::read_tools(&read_file(path)?).map_err(bad)?;
    for tool in &tools {
        crate::validate::check_tool(tool).map_err(|error| bad(error.to_string()))?;
    }
    Ok(tools)
}

pub(super) fn read_file(path: &Path) -> Result<String, BadFile> {
    std::fs::read_to_string(path).map_err(|source| BadFile::Read { path: path.to_owned(), source })
}

/// Files of recorded runs, and how to read them.
#[derive(Debug, Args)]
pub(super) struct Recordings {
    /// Files of recorded runs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the files tell of runs
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// The tools of the runs that bring none of their own, as JSON
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// How the runs went: `success`, `failure` or `unknown` for all of them, or the name of the member
    /// (of telemetry: the attribute or evaluation) that says it [default: what `success`, `reward` or
    /// `outcome` say]
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<OutcomeFrom>,
    /// Keep agents with other system prompts apart, as `plancache serve` does, so that it finds what
    /// is learnt
    #[cfg(feature = "proxy")]
    #[arg(long)]
    for_proxy: bool,
}

/// Something to say about a place in a file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Note {
    pub(super) file: String,
    pub(super) line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<usize>,
    pub(super) why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.why)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Notes of one kind, the first of them in full.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) count: usize,
    pub(super) first: Vec<Note>,
}

impl Notes {
    pub(super) fn push(&mut self, note: Note) {
        self.count += 1;
        if self.first.len() < MOST_NOTES {
            self.first.push(note);
        }
    }

    /// The notes as lines, each after what kind it is.
    pub(super) fn lines(&self, kind: &str) -> Vec<String> {
        let mut lines: Vec<String> = self.first.iter().map(|note| format!("{kind}: {note}")).collect();
        if self.count > self.first.len() {
            lines.push(format!("{kind}: {} more", self.count - self.first.len()));
        }
        lines
    }
}

/// A recorded run with the file that it is from.
pub(super) struct Found<'f> {
    pub(super) file: &'f str,
    pub(super) recorded: Recorded,
}

impl Found<'_> {
    pub(super) fn note(&self, why: String) -> Note {
        Note { file: self.file.to_owned(), line: self.recorded.line, column: None, why, remedy: None }
    }
}

impl Recordings {
    /// Reads all runs in the order of the files, and hands each on; what is malformed is noted. With
    /// a terminal, a bar shows how much of the files is read.
    pub(super) fn each(
        &self,
        config: &Config,
        mut take: impl FnMut(Found<'_>) -> Result<(), Failure>,
    ) -> Result<Notes, Failure> {
        let tools = self.tools.as_deref().map(read_tools).transpose()?.unwrap_or_default();
        let settings = Settings {
            format: self.format,
            namespace: config.namespace.clone(),
            tools: Arc::new(tools),
            outcome: self.outcome.clone().unwrap_or_default(),
        };
        // Every file is opened before anything is learnt: a mistyped name changes nothing.
        let opened = self.files.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
        let bar = bar(opened.iter().map(|(_, _, size)| size).sum());
        let mut malformed = Notes::default();
        let mut before = 0;
        for (name, file, size) in opened {
            let mut reader = Reader::new(BufReader::new(file), name.as_str(), settings.clone());
            let mut n = 0;
            while let Some(next) = reader.next() {
                match next {
                    Ok(recorded) => {
                        let recorded = self.placed(recorded, config);
                        take(Found { file: &name, recorded })?;
                    }
                    Err(BadRecord { line, column, why, remedy }) => malformed.push(Note {
                        file: name.clone(),
                        line,
                        column: Some(column),
                        why,
                        remedy: Some(remedy),
                    }),
                }
                n += 1;
                if n % EVERY == 0 {
                    bar.set_position(before + reader.bytes_read());
                }
            }
            before += size;
            bar.set_position(before);
        }
        bar.finish_and_clear();
        Ok(malformed)
    }

    /// A run in the namespace in which its plans are looked for.
    #[cfg(feature = "proxy")]
    fn placed(&self, mut recorded: Recorded, config: &Config) -> Recorded {
        if self.for_proxy && config.proxy.system_prompt == crate::config::SystemPrompt::Contract {
            let task = &mut recorded.trace.task;
            task.namespace = crate::proxy::marked(&task.namespace, &recorded.instructions);
        }
        recorded
    }

    #[cfg(not(feature = "proxy"))]
    fn placed(&self, recorded: Recorded, _: &Config) -> Recorded {
        recorded
    }
}

fn open(path: &Path) -> Result<(String, File, u64), BadFile> {
    let bad = |source| BadFile::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(bad)?;
    let about = file.metadata().map_err(bad)?;
    if about.is_dir() {
        return Err(bad(std::io::ErrorKind::IsADirectory.into()));
    }
    Ok((path.display().to_string(), file, about.len()))
}

fn bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Reasons with how often each was given, the most frequent first.
pub(super) fn counted(reasons: &BTreeMap<String, usize>) -> Vec<(&str, usize)> {
    let mut all: Vec<(&str, usize)> = reasons.iter().map(|(why, n)| (why.as_str(), *n)).collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    all
}

/// A reason without the number of the step, so that the same reasons are counted together.
pub(super) fn unnumbered(why: &str) -> String {
    match why.strip_prefix("step ").and_then(|rest| rest.split_once(' ')) {
        Some((n, rest)) if n.chars().all(|c| c.is_ascii_digit()) => format!("a step {rest}"),
        _ => why.to_owned(),
    }
}
