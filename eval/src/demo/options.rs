use std::path::{Path, PathBuf};

use clap::Parser;

/// Runs a stream of real tasks through an agent whose planner is wrapped in the plan cache, from
/// an empty store, and reports what was served, what was wrong and what was saved.
#[derive(Clone, Debug, Parser)]
#[command(name = "plancache-demo", version)]
pub struct Options {
    /// Run only the first N tasks.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Tasks, JSON Lines with `task_id`, `instruction` and `gold_actions`
    /// [default: tasks_train.jsonl of the data folder].
    #[arg(long, value_name = "FILE")]
    pub tasks: Option<PathBuf>,

    /// Recorded runs, JSON Lines with `task_id` and `messages`
    /// [default: tau_retail_oracle.jsonl of the data folder].
    #[arg(long, value_name = "FILE")]
    pub runs: Option<PathBuf>,

    /// Folder with db/, tools.json, policy.md and effects.toml [default: eval/data/retail].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Print one JSON object instead of the report.
    #[arg(long)]
    pub json: bool,

    /// Also write one JSON line per task, with every decision, to this file.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Do not ask the local model: what it would have filled is a miss.
    #[arg(long, conflicts_with = "filler")]
    pub no_filler: bool,

    /// The model that fills what the binder cannot: a GGUF file, a name of the model catalogue, or
    /// an OpenAI-compatible endpoint with the model's name there, `http://localhost:11434/v1#MODEL`.
    #[arg(long, value_name = "PATH|NAME|URL#MODEL")]
    pub filler: Option<String>,

    /// Distinct successes before a plan that writes is served.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub min_evidence: u32,

    /// Shuffle the tasks by this seed; without it they come in file order.
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,

    /// Keep the store in this folder, and begin with what it holds [default: a fresh folder].
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

impl Options {
    /// The data folder: as given, else `eval/data/retail` below the current folder, else where
    /// this crate was built.
    pub fn data_folder(&self) -> PathBuf {
        let here = Path::new("eval/data/retail");
        match &self.data {
            Some(given) => given.clone(),
            None if here.is_dir() => here.to_owned(),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail"),
        }
    }

    /// The file of tasks.
    pub fn task_file(&self) -> PathBuf {
        self.tasks.clone().unwrap_or_else(|| self.data_folder().join("tasks_train.jsonl"))
    }

    /// The file of recorded runs.
    pub fn run_file(&self) -> PathBuf {
        self.runs.clone().unwrap_or_else(|| self.data_folder().join("tau_retail_oracle.jsonl"))
    }
}
