//! Models that run on this machine or behind an endpoint, as implementations of the traits that
//! the other rooms own; the catalogue of local models, and fetching them.

mod catalogue;
mod choice;
#[cfg(feature = "embedding")]
mod embedder;
#[cfg(feature = "endpoint")]
mod endpoint;
#[cfg(feature = "local-model")]
mod local;
#[cfg(feature = "pull")]
mod pull;
#[cfg(all(feature = "local-model", feature = "proxy"))]
mod serve;

pub use catalogue::{
    Catalogue, CatalogueError, Hub, MODEL_DIR_ENV, ModelEntry, ModelFile, ModelKind, Packages,
    default_model_dir,
};
pub use choice::{ChoiceError, EmbedderChoice, EndpointSettings, FillerChoice};
#[cfg(feature = "embedding")]
pub use embedder::{EmbedderError, SentenceEmbedder};
#[cfg(feature = "endpoint")]
pub use endpoint::{EndpointError, EndpointFiller};
#[cfg(feature = "local-model")]
pub use local::{
    ChatTemplate, Constraint, GenerateError, Generation, LocalModel, LocalSettings, ModelError, Part, Piece,
    THREADS_ENV, TemplateError,
};
#[cfg(feature = "pull")]
pub use pull::{PYTHON_ENV, Progress, PullError, PullSettings, Quiet, TerminalProgress, pull, pull_model};
#[cfg(all(feature = "local-model", feature = "proxy"))]
pub use serve::{ModelServer, ServeError};
