//! The local model of the demo and of the evaluations, and how often it is asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use plancache::fill::{FillAnswer, FillError, FillQuestion, Filler};

/// Why there is no local model although one was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FillerError {
    /// The catalogue does not know it, or its file is not there.
    #[error(
        "the local model {name} cannot be used: {why}; pull it with `plancache models pull`, or go without by --no-filler"
    )]
    Unavailable {
        /// As it was asked for.
        name: String,
        /// The reason.
        why: String,
    },
}

/// A filler that counts the questions it is asked.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn Filler>,
    asked: AtomicU64,
}

impl Counted {
    /// Counts the questions to `inner`.
    pub fn new(inner: Arc<dyn Filler>) -> Self {
        Self { inner, asked: AtomicU64::new(0) }
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Filler for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.fill(question).await
    }
}

/// Opens a local model: a GGUF file, a name of the catalogue, or the catalogue's default if its
/// file is on this machine. `None` if none was asked for and the default is not there.
///
/// # Errors
/// When one was asked for and cannot be used, or the default's file is broken.
pub fn open(wanted: Option<&str>) -> Result<Option<Arc<Counted>>, FillerError> {
    let Some(path) = locate(wanted)? else { return Ok(None) };
    load(path).map(|filler| Some(Arc::new(Counted::new(filler))))
}

/// The file of the model that is wanted; `None` if none is and the default is not there.
fn locate(wanted: Option<&str>) -> Result<Option<PathBuf>, FillerError> {
    use plancache::models::{Catalogue, default_model_dir};

    let unavailable =
        |why: String| FillerError::Unavailable { name: wanted.unwrap_or("of the catalogue").to_owned(), why };
    if let Some(path) = wanted.map(PathBuf::from).filter(|path| path.is_file()) {
        return Ok(Some(path));
    }
    let catalogue = Catalogue::builtin().map_err(|e| unavailable(e.to_string()))?;
    let entry = catalogue.find(wanted).map_err(|e| unavailable(e.to_string()))?;
    let found = entry.locate(&default_model_dir().unwrap_or_default());
    if found.is_none() && wanted.is_some() {
        return Err(unavailable(format!("{} is not on this machine", entry.file)));
    }
    // Without the engine for it, a model that nobody asked for is no use.
    Ok(found.filter(|_| wanted.is_some() || cfg!(feature = "local-model")))
}

#[cfg(feature = "local-model")]
fn load(path: PathBuf) -> Result<Arc<dyn Filler>, FillerError> {
    use plancache::models::{LocalModel, LocalSettings};

    match LocalModel::open(&path, LocalSettings::default()) {
        Ok(model) => Ok(Arc::new(model)),
        Err(e) => Err(FillerError::Unavailable { name: path.display().to_string(), why: e.to_string() }),
    }
}

#[cfg(not(feature = "local-model"))]
fn load(path: PathBuf) -> Result<Arc<dyn Filler>, FillerError> {
    let why = "this program was built without the feature `local-model`".to_owned();
    Err(FillerError::Unavailable { name: path.display().to_string(), why })
}
