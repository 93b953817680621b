use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plancache::domain::{EffectClass, Tool};
use plancache::engine::Engine;
use plancache::fill::Filler;
use plancache::policy::Policy;
use plancache::store::{SledStore, StoreError};
use plancache_agents::import::{ImportError, RecordedRun, read_effects, read_runs, read_tools};
use plancache_agents::recorded::RecordedPlanner;
use plancache_agents::retail::{LoadError, Retail};
use plancache_agents::tokens::Prompt;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Options, Phrases, Reworded};
use crate::filler::{self, Counted, FillerError};
use crate::score::Scorer;
use crate::tasks::{TaskInput, read_tasks};

/// How many tasks are done again in other words, for each member.
const OTHERS: usize = 3;

/// Why the demo cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The shop's data.
    #[error(transparent)]
    Data(#[from] LoadError),
    /// Tasks, runs, tools or effects.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store, while learning.
    #[error("what a run taught could not be kept: {0}; see whether the disk is full")]
    Learning(String),
    /// The local model.
    #[error(transparent)]
    Filler(#[from] FillerError),
    /// A file of the data folder, or the folder for the store.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
}

/// Everything that a stream of tasks needs.
pub struct Stage {
    pub(super) tasks: Vec<TaskInput>,
    /// Tasks again in other words, for after the stream.
    pub(super) others: Vec<Reworded>,
    pub(super) tools: Arc<Vec<Tool>>,
    pub(super) shop: Retail,
    pub(super) scorer: Scorer,
    pub(super) planner: RecordedPlanner,
    pub(super) engine: Arc<Engine>,
    pub(super) filler: Option<Arc<Counted>>,
    /// Where the store is.
    pub store_folder: PathBuf,
    /// Removes the store's folder at the end, if it is a fresh one.
    _fresh: Option<tempfile::TempDir>,
}

impl Stage {
    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Reads the data and opens the cache.
    ///
    /// # Errors
    /// When a file is missing or malformed, or the store cannot be opened.
    pub async fn set(options: &Options) -> Result<Self, SetupError> {
        let data = options.data_folder();
        let shop = Retail::load(&data)?;
        let mut tasks = read_tasks(&options.task_file())?;
        if let Some(seed) = options.shuffle {
            tasks.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        }
        tasks.truncate(options.limit.unwrap_or(usize::MAX));
        let mut scorer = Scorer::load(&options.task_file(), shop.clone())?;
        let (described, tools) = read_tools(&data.join("tools.json"))?;
        let effects = read_effects(&data.join("effects.toml"))?;
        let mut runs = read_runs(&options.run_file(), &tools)?;
        let others = if options.no_filler { Vec::new() } else { others(options, &tasks)? };
        for other in &others {
            scorer.also(&other.of, &other.input.task_id);
            let run = runs.iter().find(|run| run.task_id == other.of).cloned();
            runs.extend(run.map(|run| RecordedRun { task_id: other.input.task_id.clone(), ..run }));
        }
        let prompt = Prompt { system: read(&data.join("policy.md"))?, tools: described };
        let planner = RecordedPlanner::new(runs, reads(&effects), prompt);
        let (store_folder, fresh) = store_folder(options)?;
        let policy = Policy {
            effects,
            min_evidence_write: options.min_evidence,
            filler: !options.no_filler,
            ..Policy::default()
        };
        let filler = if options.no_filler { None } else { filler::open_counted(options.filler.as_deref())? };
        let store = Arc::new(SledStore::open(&store_folder)?);
        let asked = filler.clone().map(|filler| filler as Arc<dyn Filler>);
        let engine = Arc::new(Engine::open(policy, store, asked).await?);
        Ok(Self { tasks, others, tools, shop, scorer, planner, engine, filler, store_folder, _fresh: fresh })
    }
}

/// A few of the stream's tasks in other words: the first of each member's phrases.
fn others(options: &Options, tasks: &[TaskInput]) -> Result<Vec<Reworded>, SetupError> {
    let all = Phrases::load(&options.data_folder())?.reworded(tasks, false);
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut first = |other: &Reworded| {
        let count = taken.entry(other.member.clone()).or_default();
        *count += 1;
        *count <= OTHERS
    };
    Ok(all.into_iter().filter(|other| first(other)).collect())
}

fn reads(effects: &BTreeMap<String, EffectClass>) -> impl Iterator<Item = String> {
    effects.iter().filter(|(_, class)| **class == EffectClass::Read).map(|(tool, _)| tool.clone())
}

fn store_folder(options: &Options) -> Result<(PathBuf, Option<tempfile::TempDir>), SetupError> {
    if let Some(folder) = &options.store {
        return Ok((folder.clone(), None));
    }
    let fresh =
        tempfile::Builder::new().prefix("plancache-demo-").tempdir().map_err(|e| SetupError::File {
            path: std::env::temp_dir().display().to_string(),
            why: format!("no fresh folder for the store can be made ({e}); give one with --store"),
        })?;
    Ok((fresh.path().to_owned(), Some(fresh)))
}

fn read(path: &Path) -> Result<String, SetupError> {
    std::fs::read_to_string(path)
        .map_err(|e| SetupError::File { path: path.display().to_string(), why: e.to_string() })
}
