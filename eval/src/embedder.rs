//! The sentence embedder of the systems that compare by similarity.

use std::sync::Arc;

use plancache::matching::Embedder;

/// Its name in the model catalogue.
pub const NAME: &str = "all-minilm-l6-v2";

/// Opens the embedder of the model catalogue; `None` if its files are not on this machine, unless it
/// is `needed`.
///
/// # Errors
/// When it is needed and not there, or its files are broken.
#[cfg(feature = "embedding")]
pub fn open(needed: bool) -> Result<Option<Arc<dyn Embedder>>, String> {
    use plancache::models::{Catalogue, SentenceEmbedder, default_model_dir};

    let catalogue = Catalogue::builtin().map_err(|e| e.to_string())?;
    let entry = catalogue.find(Some(NAME)).map_err(|e| e.to_string())?;
    match default_model_dir().and_then(|dir| entry.locate(&dir)) {
        Some(folder) => {
            let embedder = SentenceEmbedder::open(&folder).map_err(|e| e.to_string())?;
            Ok(Some(Arc::new(embedder)))
        }
        None if needed => {
            Err(format!("the embedder {NAME} is not here; fetch it with `plancache models pull {NAME}`"))
        }
        None => Ok(None),
    }
}

/// Opens nothing: this program was built without the feature `embedding`.
///
/// # Errors
/// When it is needed.
#[cfg(not(feature = "embedding"))]
pub fn open(needed: bool) -> Result<Option<Arc<dyn Embedder>>, String> {
    if needed { Err("this program was built without the feature `embedding`".to_owned()) } else { Ok(None) }
}
