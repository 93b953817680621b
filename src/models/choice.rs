//! Which models are used, as settings say it, and opening them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, CatalogueError, ModelKind, default_model_dir};
use crate::fill::Filler;
use crate::matching::Embedder;

/// Which model fills what the binder cannot: one of the catalogue that is on this machine, a GGUF
/// file, or one behind an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FillerChoice {
    /// Name in the catalogue; by default the catalogue's own.
    pub name: Option<String>,
    /// Folder of the models; by default in the user's cache directory.
    pub dir: Option<PathBuf>,
    /// A GGUF file, in place of one of the catalogue.
    pub file: Option<PathBuf>,
    /// An endpoint, in place of a local model.
    pub endpoint: Option<EndpointSettings>,
}

/// Which endpoint, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Where the API is, such as `http://localhost:11434/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// Names the environment variable that holds the API key; without it none is sent.
    #[serde(default)]
    pub key_env: Option<String>,
    /// Ask for log-probabilities, from which the margin of a choice is taken. Not every endpoint
    /// has them; without, a choice counts as certain.
    #[serde(default)]
    pub logprobs: bool,
    /// How many questions may be under way; one more is refused as busy.
    #[serde(default = "four")]
    pub concurrency: usize,
}

fn four() -> usize {
    4
}

impl EndpointSettings {
    /// A model at an endpoint, without key and log-probabilities, four questions at a time.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            key_env: None,
            logprobs: false,
            concurrency: four(),
        }
    }
}

/// Why a filler that was asked for cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// It is not on this machine.
    #[error("the model {name} is not on this machine; pull it with `plancache models pull {name}`")]
    Absent {
        /// Its name.
        name: String,
    },
    /// It is a model of another kind.
    #[error("the model {name} writes nothing; `plancache models list` shows those that do")]
    NoWriter {
        /// Its name.
        name: String,
    },
    /// It is a model of another kind.
    #[error("the model {name} embeds nothing; `plancache models list` shows those that do")]
    NoEmbedder {
        /// Its name.
        name: String,
    },
    /// This program cannot run it.
    #[error("the model {name} cannot be used: this program was built without the feature `{feature}`")]
    NotBuilt {
        /// What was asked for.
        name: String,
        /// The feature of this crate that it needs.
        feature: &'static str,
    },
    /// The embedder.
    #[cfg(feature = "embedding")]
    #[error(transparent)]
    Embedder(#[from] super::EmbedderError),
    /// The local model.
    #[cfg(feature = "local-model")]
    #[error(transparent)]
    Local(#[from] super::local::ModelError),
    /// The endpoint.
    #[cfg(feature = "endpoint")]
    #[error(transparent)]
    Endpoint(#[from] super::endpoint::EndpointError),
}

impl FillerChoice {
    /// Reads one word: a URL with a model's name behind `#` (`http://localhost:11434/v1#qwen`), a
    /// file, or a name of the catalogue.
    pub fn parse(word: &str) -> Self {
        let url = word.starts_with("http://") || word.starts_with("https://");
        match word.split_once('#') {
            Some((base_url, model)) if url => {
                Self { endpoint: Some(EndpointSettings::new(base_url, model)), ..Self::default() }
            }
            None if url => Self { endpoint: Some(EndpointSettings::new(word, "default")), ..Self::default() },
            _ if Path::new(word).is_file() => Self { file: Some(word.into()), ..Self::default() },
            _ => Self { name: Some(word.to_owned()), ..Self::default() },
        }
    }

    /// Folder of the models, if one is set or there is a home directory.
    pub fn model_dir(&self) -> Option<PathBuf> {
        self.dir.clone().or_else(default_model_dir)
    }

    /// Where the local model's file is.
    ///
    /// # Errors
    /// When there is no such model, or it is not on this machine.
    pub fn local_file(&self) -> Result<PathBuf, ChoiceError> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let catalogue = Catalogue::builtin()?;
        let entry = catalogue.find(self.name.as_deref())?;
        if entry.kind != ModelKind::Writer {
            return Err(ChoiceError::NoWriter { name: entry.name.clone() });
        }
        let found = self.model_dir().and_then(|dir| entry.locate(&dir));
        found.ok_or_else(|| ChoiceError::Absent { name: entry.name.clone() })
    }

    /// Opens the filler. `None` if nothing was asked for by name and the catalogue's own model is
    /// not on this machine, or this program cannot run one: then what the binder cannot fill is a
    /// miss.
    ///
    /// # Errors
    /// When what was asked for is not there or cannot be used, or a model's file is broken.
    pub fn open(&self) -> Result<Option<Arc<dyn Filler>>, ChoiceError> {
        if let Some(settings) = &self.endpoint {
            return endpoint(settings).map(Some);
        }
        let unnamed = self.file.is_none() && self.name.is_none();
        match self.local_file() {
            // Without the engine for it, a model that nobody asked for is no use.
            Ok(_) if unnamed && !cfg!(feature = "local-model") => Ok(None),
            Ok(path) => local(&path).map(Some),
            Err(ChoiceError::Absent { .. }) if unnamed => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Which model tells how alike two wordings are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedderChoice {
    /// Name in the catalogue; by default the catalogue's own.
    pub name: Option<String>,
    /// Folder of the models; by default in the user's cache directory.
    pub dir: Option<PathBuf>,
}

impl EmbedderChoice {
    /// Opens the embedder. `None` if nothing was asked for by name and the catalogue's own model is
    /// not on this machine, or this program cannot run one: then only learnt words are read.
    ///
    /// # Errors
    /// When what was asked for is not there or cannot be used, or a model's file is broken.
    pub fn open(&self) -> Result<Option<Arc<dyn Embedder>>, ChoiceError> {
        let catalogue = Catalogue::builtin()?;
        let entry = match &self.name {
            Some(name) => Some(catalogue.find(Some(name))?),
            None => catalogue.usual(ModelKind::Embedder),
        };
        let Some(entry) = entry else { return Ok(None) };
        if entry.kind != ModelKind::Embedder {
            return Err(ChoiceError::NoEmbedder { name: entry.name.clone() });
        }
        match self.dir.clone().or_else(default_model_dir).and_then(|dir| entry.locate(&dir)) {
            // Without the engine for it, a model that nobody asked for is no use.
            Some(_) if self.name.is_none() && !cfg!(feature = "embedding") => Ok(None),
            Some(folder) => embedder(&folder).map(Some),
            None if self.name.is_none() => Ok(None),
            None => Err(ChoiceError::Absent { name: entry.name.clone() }),
        }
    }
}

#[cfg(feature = "embedding")]
fn embedder(folder: &Path) -> Result<Arc<dyn Embedder>, ChoiceError> {
    Ok(Arc::new(super::SentenceEmbedder::open(folder)?))
}

#[cfg(not(feature = "embedding"))]
fn embedder(folder: &Path) -> Result<Arc<dyn Embedder>, ChoiceError> {
    Err(ChoiceError::NotBuilt { name: folder.display().to_string(), feature: "embedding" })
}

#[cfg(feature = "local-model")]
fn local(path: &Path) -> Result<Arc<dyn Filler>, ChoiceError> {
    use super::local::{LocalModel, LocalSettings};
    Ok(Arc::new(LocalModel::open(path, LocalSettings::default())?))
}

#[cfg(not(feature = "local-model"))]
fn local(path: &Path) -> Result<Arc<dyn Filler>, ChoiceError> {
    Err(ChoiceError::NotBuilt { name: path.display().to_string(), feature: "local-model" })
}

#[cfg(feature = "endpoint")]
fn endpoint(settings: &EndpointSettings) -> Result<Arc<dyn Filler>, ChoiceError> {
    Ok(Arc::new(super::endpoint::EndpointFiller::new(settings.clone())?))
}

#[cfg(not(feature = "endpoint"))]
fn endpoint(settings: &EndpointSettings) -> Result<Arc<dyn Filler>, ChoiceError> {
    Err(ChoiceError::NotBuilt { name: settings.base_url.clone(), feature: "endpoint" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may")]
mod tests {
    use super::*;

    #[test]
    fn one_word_names_an_endpoint_a_file_or_a_model() {
        let endpoint = FillerChoice::parse("http://localhost:11434/v1#small").endpoint.unwrap();
        assert_eq!(endpoint, EndpointSettings::new("http://localhost:11434/v1", "small"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(FillerChoice::parse(path).file.unwrap(), file.path());
        assert_eq!(FillerChoice::parse("small").name.unwrap(), "small");
    }

    #[test]
    fn what_is_asked_for_and_not_there_is_an_error_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let by_name = |name: Option<&str>| FillerChoice {
            name: name.map(str::to_owned),
            dir: Some(dir.path().to_owned()),
            ..FillerChoice::default()
        };
        assert!(by_name(Some("no-such-model")).open().is_err());
        let known = Catalogue::builtin().unwrap().find(None).unwrap().name.clone();
        if std::env::var_os(super::super::MODEL_DIR_ENV).is_none() {
            let error = by_name(Some(&known)).open().unwrap_err().to_string();
            assert!(error.contains("plancache models pull"), "{error}");
            assert!(by_name(None).open().unwrap().is_none());
        }
    }
}
