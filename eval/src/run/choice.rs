use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::Split;
use crate::bench::Definition;

/// What the cache is told after each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// Whether the task was done, as the judge found.
    Verified,
    /// Nothing: a run that came to an end and whose last call did not fail is taken for a success.
    Trace,
}

/// What is run.
#[derive(Clone, Debug, Args)]
pub struct RunOptions {
    /// The systems [default: all that need no model, and `plancache` if the local model is there].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub systems: Vec<String>,
    /// One query order for each seed.
    #[arg(long, value_name = "SEED", value_delimiter = ',', default_value = "1,2,3,4,5")]
    pub seeds: Vec<u64>,
    /// Which tasks [default: reported; all, if --tasks names another file].
    #[arg(long)]
    pub split: Option<Split>,
    /// So many of them, drawn by the first seed.
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// What the cache is told after each task.
    #[arg(long, default_value = "verified")]
    pub feedback: Feedback,
    /// Tasks in place of the benchmark's own.
    #[arg(long, value_name = "FILE")]
    pub tasks: Option<PathBuf>,
    /// Recorded runs in place of the benchmark's own.
    #[arg(long, value_name = "FILE")]
    pub runs: Option<PathBuf>,
    /// A data folder in place of the benchmark's own.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Settings of the cache's policy that go over the benchmark's own: a TOML file, as the table
    /// `policy` of the settings file.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Streams that run side by side [default: as many as there are processors].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// The local model that fills slots: a GGUF file, a name of the catalogue, or an endpoint,
    /// URL#MODEL [default: the catalogue's, if it is there].
    #[arg(long, value_name = "PATH|NAME|URL#MODEL")]
    pub filler: Option<String>,
    /// A live planner at an OpenAI-compatible endpoint, in place of the recorded one.
    #[arg(long, value_name = "URL#MODEL")]
    pub planner: Option<String>,
    /// The small planner of the systems that have one, at an OpenAI-compatible endpoint.
    #[arg(long, value_name = "URL#MODEL")]
    pub small: Option<String>,
}

/// What a benchmark is run with, after its own files and those of the options.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The benchmark, with the files that are meant.
    pub definition: Definition,
    /// The part of its tasks.
    pub split: Split,
}

impl RunOptions {
    /// This benchmark with the files of the options in place of its own. A path of the options is
    /// one from the current folder.
    pub fn applied(&self, mut definition: Definition) -> Chosen {
        let here = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if let Some(data) = &self.data {
            definition.files.data = here(data);
        }
        if let Some(tasks) = &self.tasks {
            definition.files.tasks = here(tasks);
        }
        if let Some(runs) = &self.runs {
            definition.files.runs = Some(here(runs));
        }
        let own = if self.tasks.is_some() { Split::All } else { Split::Reported };
        Chosen { definition, split: self.split.unwrap_or(own) }
    }
}
