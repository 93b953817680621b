use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::{Common, Failure, Status};
use crate::config::Config;
use crate::models::{Catalogue, ModelEntry, ModelKind};

#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// List the models of the catalogue, and which are here
    List,
    /// Fetch a model from the first source that has it, and check its sum
    Pull {
        /// Name in the catalogue [default: the catalogue's own]
        name: Option<String>,
        /// Folder to put it into
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Serve a local model as an OpenAI-compatible endpoint, to try an agent without a key
    #[cfg(all(feature = "local-model", feature = "proxy"))]
    Serve(super::model_server::Serve),
}

#[derive(Debug, thiserror::Error)]
enum ModelsError {
    #[error("no folder is known for the models; name one with --dir, PLANCACHE_MODEL_DIR or `model.dir`")]
    NoFolder,
    #[cfg(not(feature = "pull"))]
    #[error(
        "this program was built without fetching; build it with the feature `pull`, or put the model's files at {0} by hand"
    )]
    NoPull(PathBuf),
}

pub(super) fn run(verb: &Models, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    let config = Config::load(common.config.as_deref(), common.overrides())?;
    let catalogue = Catalogue::builtin()?;
    match verb {
        Models::List => {
            let dir = config.model.model_dir().ok_or(ModelsError::NoFolder)?;
            let here = |model: &crate::models::ModelEntry| model.locate(&dir);
            if out.json() {
                let all: Vec<_> = catalogue
                    .models()
                    .iter()
                    .map(|m| {
                        json!({"name": m.name, "kind": m.kind, "bytes": m.size(), "default": m.default,
                        "path": here(m), "files": m.files.iter().map(|file| {
                            json!({"name": file.name, "bytes": file.size, "sha256": file.sha256})
                        }).collect::<Vec<_>>()})
                    })
                    .collect();
                out.value(&all)?;
            } else {
                let rows = catalogue.models().iter().map(|m| {
                    let name = if m.default { format!("{} (default)", m.name) } else { m.name.clone() };
                    let place = here(m).map_or("not here".to_owned(), |path| path.display().to_string());
                    let use_of = match m.kind {
                        ModelKind::Writer => "filling, conversations",
                        ModelKind::Embedder => "embedding sentences",
                    };
                    vec![name, use_of.to_owned(), format!("{} MB", m.size() / 1_000_000), place]
                });
                out.table(&["model", "for", "size", "where"], rows.collect())?;
            }
            Ok(Status::Done)
        }
        Models::Pull { name, dir } => {
            let dir = dir.clone().or_else(|| config.model.model_dir()).ok_or(ModelsError::NoFolder)?;
            let named = name.as_deref().or(config.model.name.as_deref());
            let models: Vec<&ModelEntry> = match named {
                Some(name) => vec![catalogue.find(Some(name))?],
                // Whatever is used where nothing is said.
                None => catalogue.models().iter().filter(|model| model.default).collect(),
            };
            let mut fetched = Vec::new();
            for model in models {
                let path = fetch(model, &dir)?;
                if !out.json() {
                    out.line(format!("{} is at {}", model.name, path.display()))?;
                }
                fetched.push(json!({"name": model.name, "path": path}));
            }
            if out.json() {
                out.value(&fetched)?;
            }
            Ok(Status::Done)
        }
        #[cfg(all(feature = "local-model", feature = "proxy"))]
        Models::Serve(verb) => super::model_server::run(verb, config.model, out),
    }
}

#[cfg(feature = "pull")]
fn fetch(model: &ModelEntry, dir: &std::path::Path) -> Result<PathBuf, Failure> {
    use crate::models::{PullSettings, TerminalProgress, pull_model};
    Ok(pull_model(model, &PullSettings::from_env(dir), &TerminalProgress::stderr())?)
}

#[cfg(not(feature = "pull"))]
fn fetch(model: &ModelEntry, dir: &std::path::Path) -> Result<PathBuf, Failure> {
    model.locate(dir).ok_or_else(|| ModelsError::NoPull(model.place(dir)).into())
}
