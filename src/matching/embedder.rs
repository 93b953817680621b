//! Texts as vectors, so that similar ones are near each other.

/// Turns texts into vectors. The nearer two vectors are, the more alike are the texts.
pub trait Embedder: Send + Sync + std::fmt::Debug {
    /// A short name for reports.
    fn name(&self) -> &str;

    /// How many numbers a vector has.
    fn dimensions(&self) -> usize;

    /// A vector of length 1 for each text, in their order; the product of two is the cosine of the
    /// angle between them. Blocks while it computes.
    ///
    /// # Errors
    /// When the model fails.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Why texts could not be embedded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the embedder failed: {0}")]
pub struct EmbedError(pub String);
