//! Where templates are kept. A store is asked once at opening and on every change; no decision
//! waits for it.

mod codec;
mod folder;
mod keys;
mod layout;
mod memory;
mod noop;
mod sled;

pub use self::sled::SledStore;
pub use memory::MemoryStore;
pub use noop::NoopStore;

use async_trait::async_trait;

use crate::domain::{Namespace, TemplateId, TemplateRecord};

/// A set of changes that is applied as one: all of it or nothing, durable when it returns.
/// Removals come first, so a record that is both removed and put is there afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Records to write; an older one of the same namespace and lineage is replaced.
    pub put: Vec<TemplateRecord>,
    /// Records to remove.
    pub remove: Vec<(Namespace, TemplateId)>,
    /// In how many distinct tasks of a namespace a word occurred: the new counts.
    pub words: Vec<WordCount>,
}

/// In how many distinct tasks a word occurred.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WordCount {
    /// The tenant.
    pub namespace: Namespace,
    /// The word, in lower case.
    pub word: String,
    /// Distinct tasks.
    pub tasks: u32,
}

/// Everything a store holds.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The templates, by namespace and lineage.
    pub records: Vec<TemplateRecord>,
    /// The word counts, by namespace and word.
    pub words: Vec<WordCount>,
    /// What could not be read, now or at an earlier load. It is kept aside, not deleted.
    pub set_aside: Vec<SetAside>,
    /// The stored index did not agree with the records and was rebuilt from them.
    pub index_rebuilt: bool,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is kept now.
    pub key: String,
    /// What was wrong with it.
    pub why: String,
}

/// What can go wrong with a store. To a caller of the cache each is a bypass, never an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The files cannot be opened.
    #[error("the store at {path} cannot be opened: {why}; {remedy}")]
    Open {
        /// Which files.
        path: String,
        /// The reason.
        why: String,
        /// What to do next.
        remedy: String,
    },
    /// A read or write failed.
    #[error("the store failed while {doing}: {why}")]
    Io {
        /// What it was doing.
        doing: &'static str,
        /// The reason.
        why: String,
    },
}

/// A place where templates are kept.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// A short name for reports.
    fn name(&self) -> &str;

    /// Reads everything, checking every record and the stored index.
    ///
    /// # Errors
    /// When the files cannot be read at all; single bad records are set aside instead.
    async fn load(&self) -> Result<Loaded, StoreError>;

    /// Applies a change as one, durably.
    ///
    /// # Errors
    /// When it could not be written; nothing of it is then.
    async fn apply(&self, change: Change) -> Result<(), StoreError>;

    /// Removes everything of a namespace; says how many templates that were.
    ///
    /// # Errors
    /// When it could not be written.
    async fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError>;

    /// In which templates the stored index lists a keyword, sorted.
    ///
    /// # Errors
    /// When it could not be read.
    async fn postings(&self, namespace: &Namespace, keyword: &str) -> Result<Vec<TemplateId>, StoreError>;
}
