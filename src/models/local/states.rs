//! The states that the model is in after a prefix, the ones not used for longest dropped first.

use llama_cpp_2::context::session::SeqState;
use llama_cpp_2::token::LlamaToken;
use lru::LruCache;

/// A prefix with the state after it.
pub(super) struct Kept {
    /// What was read; a key whose tokens have changed is stale.
    pub(super) tokens: Vec<LlamaToken>,
    /// The state after reading it.
    pub(super) state: SeqState,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.state.byte_len() + self.tokens.len() * size_of::<LlamaToken>()
    }
}

/// States by key, bounded in bytes.
pub(super) struct States {
    kept: LruCache<String, Kept>,
    bytes: usize,
    limit: usize,
}

impl States {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: LruCache::unbounded(), bytes: 0, limit }
    }

    /// The state after exactly these tokens.
    pub(super) fn get(&mut self, key: &str, tokens: &[LlamaToken]) -> Option<&SeqState> {
        self.kept.get(key).filter(|kept| kept.tokens == tokens).map(|kept| &kept.state)
    }

    /// Keeps a state; one that is larger than the limit is not kept.
    pub(super) fn put(&mut self, key: String, kept: Kept) {
        let bytes = kept.bytes();
        if bytes > self.limit {
            return;
        }
        if let Some((_, old)) = self.kept.push(key, kept) {
            self.bytes -= old.bytes();
        }
        self.bytes += bytes;
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.kept.pop_lru()
        {
            self.bytes -= oldest.bytes();
        }
    }
}
