use std::path::{Path, PathBuf};

use plancache_agents::import::ImportError;

use super::{
    Benchmark, Definition, DefinitionError, airline, asked, blocksworld, dbbench, financebench, gsm8k,
    nestful, nfl, retail, sql, tabmwp, webarena,
};

/// Why a benchmark cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its definition.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Tasks, runs, tools.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is none of that name.
    #[error("there is no benchmark {name:?} in {folder}; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        folder: String,
        /// The names there.
        known: String,
    },
    /// Its definition names an agent that does not exist.
    #[error("{name}: there is no agent {agent:?}; agents are the files of eval/src/bench")]
    Agent {
        /// The benchmark.
        name: String,
        /// The agent.
        agent: String,
    },
    /// Its data.
    #[error("{name}: {why}")]
    Data {
        /// The benchmark.
        name: String,
        /// What is wrong, where, and what to do.
        why: String,
    },
}

/// The folder `eval/`: below the current folder, else where this crate was built.
pub(crate) fn root() -> PathBuf {
    let here = Path::new("eval");
    if here.join("definitions").is_dir() { here.to_owned() } else { env!("CARGO_MANIFEST_DIR").into() }
}

/// The names of all benchmarks, in order.
///
/// # Errors
/// When the folder of definitions cannot be read.
pub fn names() -> Result<Vec<String>, DefinitionError> {
    let folder = root().join("definitions");
    let entries = std::fs::read_dir(&folder)
        .map_err(|e| DefinitionError::Read { path: folder.display().to_string(), why: e.to_string() })?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The names of the benchmarks whose data are here.
///
/// # Errors
/// When a definition cannot be read.
pub fn complete() -> Result<Vec<String>, LoadError> {
    let mut complete = Vec::new();
    for name in names()? {
        if find(&name)?.files.task_file().is_file() {
            complete.push(name);
        }
    }
    Ok(complete)
}

/// The definition of that name.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn find(name: &str) -> Result<Definition, LoadError> {
    let folder = root().join("definitions");
    let known = names()?;
    if !known.iter().any(|k| k == name) {
        let (folder, known) = (folder.display().to_string(), known.join(", "));
        return Err(LoadError::Unknown { name: name.to_owned(), folder, known });
    }
    Ok(Definition::read(&folder.join(format!("{name}.toml")), &root())?)
}

/// Loads a benchmark: its agent reads the files that the definition names.
///
/// # Errors
/// When a file is missing or malformed, or the agent does not exist.
pub fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    asked::set_apart(by_its_agent(definition)?)
}

fn by_its_agent(definition: Definition) -> Result<Benchmark, LoadError> {
    match definition.agent.as_str() {
        "airline" => airline::load(definition, true),
        "airline_unchanged" => airline::load(definition, false),
        "blocksworld" => blocksworld::load(definition),
        "dbbench" => dbbench::load(definition),
        "financebench" => financebench::load(definition),
        "gsm8k" => gsm8k::load(definition),
        "nestful" => nestful::load(definition, &["executable", "sgd"]),
        "nestful_unique" => nestful::load(definition, &["glaive"]),
        "nfl" => nfl::load(definition),
        "retail" => retail::load(definition),
        "sql" => sql::load(definition),
        "tabmwp" => tabmwp::load(definition),
        "webarena" => webarena::load(definition),
        agent => Err(LoadError::Agent { name: definition.name.clone(), agent: agent.to_owned() }),
    }
}
