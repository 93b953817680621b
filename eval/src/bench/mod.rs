//! Benchmarks: tasks, the planner that is known to solve them, the world in which calls are made,
//! and the judge of what came of it.
//!
//! A benchmark is one definition file (`eval/definitions/NAME.toml`) and one agent. What decides
//! and plans is handed [`Case`]s only; the judge is asked when a task is over.

mod airline;
mod asked;
mod blocksworld;
mod dbbench;
mod definition;
mod financebench;
mod gsm8k;
mod judge;
mod nestful;
mod nfl;
pub mod pairs;
mod registry;
mod retail;
mod script;
mod sql;
mod tabmwp;
#[cfg(test)]
mod testing;
mod webarena;

use std::collections::BTreeMap;
use std::sync::Arc;

use plancache::domain::{EffectClass, Task, Tool, Trace};
use plancache_agents::Environment;
use plancache_agents::import::{self, RecordedRun};
use plancache_agents::tokens::Prompt;
use serde_json::{Map, Value};

pub use definition::{Asked, Definition, DefinitionError, Repeats, Runs, Source};
pub use judge::{Judge, Parts, Verdict};
pub(crate) use registry::root;
pub use registry::{LoadError, complete, find, load, names};

/// A task, as far as anything that plans may see it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which task.
    pub id: String,
    /// What is asked, with the tools that may be called.
    pub task: Arc<Task>,
}

impl Case {
    /// A task with this text, in the default namespace.
    fn new(id: &str, text: String, tools: &Arc<Vec<Tool>>) -> Self {
        Self { id: id.to_owned(), task: import::task(text, tools.clone()).into() }
    }
}

/// A fresh world for each run of a case.
pub trait Worlds: Send + Sync {
    /// The world of this case before anything is done in it.
    fn fresh(&self, case: &Case) -> World;
}

/// Where one run's calls are executed.
pub type World = Box<dyn Environment + Send>;

/// A benchmark, loaded.
pub struct Benchmark {
    /// Its definition.
    pub definition: Definition,
    /// The tasks, in the order of their file.
    pub cases: Vec<Case>,
    /// What is learnt before, where the tasks that are asked are set apart.
    pub lessons: Lessons,
    /// What the planner does, one run a task; a task without one cannot be planned.
    pub runs: Vec<RecordedRun>,
    /// What a planner is sent before the conversation.
    pub prompt: Prompt,
    /// What the tools do to the world.
    pub effects: BTreeMap<String, EffectClass>,
    /// Where calls are executed.
    pub worlds: Box<dyn Worlds>,
    /// Who knows what is right.
    pub judge: Box<dyn Judge>,
    /// The shapes of each task's plan (one a part, for tasks that are several wishes in a row), by
    /// the task's id: for the ceilings and for what is new, only.
    pub shapes: BTreeMap<String, Vec<String>>,
}

/// What a cache learns before it is asked, and learns no more.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    /// The tasks; none where the tasks that are asked are learnt as they come.
    pub cases: Vec<Case>,
    /// Where several parts of the tasks are asked, each of a cache that has learnt the others: the
    /// part of each task.
    pub folds: BTreeMap<String, String>,
}

impl std::fmt::Debug for Benchmark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Benchmark").field("name", &self.definition.name).finish_non_exhaustive()
    }
}

impl Benchmark {
    /// The tools that change nothing.
    pub fn reads(&self) -> impl Iterator<Item = String> + '_ {
        self.effects.iter().filter(|(_, class)| **class == EffectClass::Read).map(|(tool, _)| tool.clone())
    }

    /// Judges a run of one of its tasks.
    pub fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        self.judge.judge(case, trace)
    }

    /// How far a call that is the whole plan of one of its tasks is right.
    pub(crate) fn parts(&self, case: &Case, tool: &str, arguments: &Map<String, Value>) -> Option<Parts> {
        self.judge.parts(case, tool, arguments)
    }
}
