//! How alike two wordings are.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::{EmbedError, Embedder};

/// Wordings whose vectors are kept: 25 MB at 384 numbers each.
const MOST_KEPT: usize = 16_384;

/// Compares wordings by their vectors and keeps those that it made.
#[derive(Debug)]
pub struct Likeness {
    embedder: Arc<dyn Embedder>,
    kept: Mutex<LruCache<String, Arc<[f32]>>>,
}

impl Likeness {
    /// Compares by this embedder.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        let most = NonZeroUsize::new(MOST_KEPT).unwrap_or(NonZeroUsize::MIN);
        Self { embedder, kept: Mutex::new(LruCache::new(most)) }
    }

    /// The vectors of these wordings, in their order. Blocks while it computes those that are new.
    ///
    /// # Errors
    /// When the model fails.
    pub fn vectors(&self, wordings: &[String]) -> Result<Vec<Arc<[f32]>>, EmbedError> {
        let mut found: Vec<Option<Arc<[f32]>>> = Vec::with_capacity(wordings.len());
        let mut new: Vec<&str> = Vec::new();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for wording in wordings {
                let vector = kept.get(wording).cloned();
                if vector.is_none() && !new.contains(&wording.as_str()) {
                    new.push(wording);
                }
                found.push(vector);
            }
        }
        let made: Vec<Arc<[f32]>> = self.embedder.embed(&new)?.into_iter().map(Arc::from).collect();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for (wording, vector) in new.iter().zip(&made) {
                kept.put((*wording).to_owned(), vector.clone());
            }
        }
        let place = |wording: &String| new.iter().position(|n| n == wording);
        let out = found.into_iter().zip(wordings);
        out.map(|(vector, wording)| {
            let new = || made.get(place(wording)?).cloned();
            vector.or_else(new).ok_or_else(|| EmbedError("it gave fewer vectors than texts".into()))
        })
        .collect()
    }
}

/// How alike two vectors of length 1 are: the cosine of their angle, -1 to 1.
pub fn alike(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it is asked for; a text's vector tells its length.
    #[derive(Debug, Default)]
    struct Counting(Mutex<usize>);

    impl Embedder for Counting {
        fn name(&self) -> &str {
            "counting"
        }

        fn dimensions(&self) -> usize {
            1
        }

        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
            *self.0.lock().unwrap() += texts.len();
            Ok(texts.iter().map(|text| vec![text.len() as f32]).collect())
        }
    }

    #[test]
    fn a_wording_is_embedded_once() {
        let embedder = Arc::new(Counting::default());
        let likeness = Likeness::new(embedder.clone());
        let asked: Vec<String> = ["a", "bcd", "a"].iter().map(|t| (*t).to_owned()).collect();
        let lengths = |vectors: Vec<Arc<[f32]>>| vectors.iter().map(|v| v[0]).collect::<Vec<_>>();
        assert_eq!(lengths(likeness.vectors(&asked).unwrap()), [1.0, 3.0, 1.0]);
        assert_eq!(lengths(likeness.vectors(&asked).unwrap()), [1.0, 3.0, 1.0]);
        assert_eq!(*embedder.0.lock().unwrap(), 2);
    }
}
