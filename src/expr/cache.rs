use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::{ExprError, Program};

/// Compiled programs by their source, so that each is compiled once. Bounded: the least recently
/// used one is dropped.
pub struct Compiled {
    programs: Mutex<LruCache<String, Arc<Program>>>,
}

impl Compiled {
    /// A cache of at most so many programs (at least one).
    pub fn new(most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self { programs: Mutex::new(LruCache::new(most)) }
    }

    /// The program of a source text, compiled now if it was not before.
    ///
    /// # Errors
    /// As [`Program::compile`]; failures are not kept.
    pub fn program(&self, source: &str) -> Result<Arc<Program>, ExprError> {
        // A panic while the lock was held cannot leave the map half changed.
        let lock = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = lock().get(source) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(Program::compile(source)?);
        lock().put(source.to_owned(), Arc::clone(&program));
        Ok(program)
    }
}

impl Default for Compiled {
    /// Room for 4,096 programs.
    fn default() -> Self {
        Self::new(4_096)
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}
