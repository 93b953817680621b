//! The sentence embedder of the plan cache and of the systems that compare by similarity.

use std::sync::Arc;

use plancache::matching::Embedder;
use plancache::models::EmbedderChoice;

/// Its name in the model catalogue.
pub const NAME: &str = "all-minilm-l6-v2";

/// Opens the embedder of the model catalogue; `None` if its files are not on this machine, unless it
/// is `needed`.
///
/// # Errors
/// When it is needed and not there, or its files are broken.
pub fn open(needed: bool) -> Result<Option<Arc<dyn Embedder>>, String> {
    let choice = EmbedderChoice { name: needed.then(|| NAME.to_owned()), dir: None };
    choice.open().map_err(|e| e.to_string())
}
