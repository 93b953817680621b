//! The store on disk. This file alone knows sled.
//!
//! The trees, with the keys of [`super::layout`]: `templates`, `words`, `postings` (the index,
//! which can always be made from the templates), `aside` (what could not be read) and `state`
//! (how much the others must hold).

mod load;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::sled::transaction::{ConflictableTransactionError, TransactionError, Transactional, TransactionalTree};
use ::sled::{Db, IVec, Tree};
use async_trait::async_trait;

use super::folder::{Folder, Trouble};
use super::layout::{
    Growth, State, aside_key, aside_value, count_entry, postings_of, record_entry, record_key, record_of,
};
use super::{Change, Loaded, SetAside, Store, StoreError, keys};
use crate::domain::{Namespace, TemplateId};

/// Memory for pages, in bytes. Small, since everything is read once and then served from memory.
const CACHE: u64 = 64 << 20;
/// The key of the [`State`] in its tree.
const STATE: &str = "state";

/// A store in a folder that one process at a time has open. Every change is one transaction over
/// records, index and word counts, and is flushed before it returns. Work runs on blocking
/// threads and is finished even if the caller stops waiting.
#[derive(Clone)]
pub struct SledStore {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    templates: Tree,
    words: Tree,
    postings: Tree,
    aside: Tree,
    state: Tree,
    /// One writer at a time, so that what a load or a purge has listed is still so when it writes.
    writing: Mutex<()>,
    folder_aside: Option<SetAside>,
    folder: Folder,
}

impl SledStore {
    /// Opens the store in a folder; makes the folder if it is missing. Blocks while the files are
    /// copied and read once (see the notes in `folder.rs`), so it takes time and room on the disk in
    /// proportion to what is stored.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another process has it open, when the files cannot be read, or
    /// when something durable is missing in them. The files are then as they were.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let folder = Folder::lock(path).map_err(|trouble| trouble.at(path))?;
        match Inner::open(folder, None) {
            Ok(inner) => Ok(Self { inner: Arc::new(inner) }),
            Err((_, trouble)) => Err(trouble.at(path)),
        }
    }

    /// As [`SledStore::open`]; but a folder whose files are corrupt is renamed to
    /// `<path>.set-aside-<n>`, and an empty store is opened in its place. [`Store::load`] reports
    /// it first among what was set aside.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another process has it open, or when the folder cannot be
    /// renamed or made.
    pub fn open_or_set_aside(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let opened = || match Inner::open(Folder::lock(path)?, None) {
            Err((folder, trouble)) if trouble.is_corrupt() => {
                let key = folder.set_aside()?.display().to_string();
                let report = SetAside { key, why: trouble.why() };
                Inner::open(Folder::lock(path)?, Some(report)).map_err(|(_, trouble)| trouble)
            }
            other => other.map_err(|(_, trouble)| trouble),
        };
        opened().map(|inner| Self { inner: Arc::new(inner) }).map_err(|trouble| trouble.at(path))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(e) => Err(StoreError::Io { doing, why: e.to_string() }),
        }
    }
}

impl std::fmt::Debug for SledStore {
    /// Says where it is. (sled's own would print all that is stored.)
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SledStore").field(&self.inner.folder.path()).finish()
    }
}

#[async_trait]
impl Store for SledStore {
    fn name(&self) -> &str {
        "sled"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        self.blocking("reading all templates", Inner::load).await
    }

    async fn apply(&self, change: Change) -> Result<(), StoreError> {
        self.blocking("writing a change", |inner| inner.apply(change)).await
    }

    async fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError> {
        let namespace = namespace.clone();
        self.blocking("purging a namespace", move |inner| inner.purge(&namespace)).await
    }

    async fn postings(&self, namespace: &Namespace, keyword: &str) -> Result<Vec<TemplateId>, StoreError> {
        let prefix = keys::join(&[namespace.as_str(), keyword]);
        self.blocking("reading the index", move |inner| {
            let listed = inner.postings.scan_prefix(prefix).keys();
            let mut ids = Vec::new();
            for key in listed {
                let key = key.map_err(|e| io("reading the index", &e))?;
                ids.extend(keys::split(&key).and_then(|parts| parts.get(2).map(|id| TemplateId::new(*id))));
            }
            ids.sort();
            Ok(ids)
        })
        .await
    }
}

/// A transaction's view of the trees: templates, words, postings, aside.
type View<'a> = (&'a TransactionalTree, &'a TransactionalTree, &'a TransactionalTree, &'a TransactionalTree);
type Within<T> = Result<T, ConflictableTransactionError<()>>;

impl Inner {
    /// Opens the trees; if that cannot be done or something is missing in them, puts the files
    /// back as they were.
    fn open(folder: Folder, folder_aside: Option<SetAside>) -> Result<Self, (Folder, Trouble)> {
        if let Err(trouble) = folder.safeguard() {
            return Err((folder, trouble));
        }
        let opened = guarded(|| open_trees(&folder)).and_then(|(db, trees)| {
            check(&folder, &trees)?;
            folder.drop_copy().map_err(|e| Trouble::io(&e))?;
            Ok((db, trees))
        });
        match opened {
            Ok((db, [templates, words, postings, aside, state])) => {
                let writing = Mutex::default();
                Ok(Self { db, templates, words, postings, aside, state, writing, folder_aside, folder })
            }
            Err(trouble) => match folder.put_back() {
                Ok(()) => Err((folder, trouble)),
                Err(e) => Err((folder, Trouble::io(&e))),
            },
        }
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, change: Change) -> Result<(), StoreError> {
        let doing = "writing a change";
        let failed = |why| StoreError::Io { doing, why };
        let remove: Vec<Vec<u8>> = change.remove.iter().map(|(of, id)| record_key(of, id)).collect();
        let mut put = Vec::with_capacity(change.put.len());
        for record in &change.put {
            let (key, bytes) = record_entry(record).map_err(failed)?;
            put.push((key, bytes, postings_of(record)));
        }
        let counts: Vec<_> =
            change.words.iter().map(count_entry).collect::<Result<_, _>>().map_err(failed)?;
        let _one = self.writer();
        self.transact(doing, |view @ (templates, words, postings, _)| {
            let mut growth = Growth::default();
            for key in &remove {
                let old = templates.remove(key.as_slice())?;
                growth.templates -= i64::from(old.is_some());
                unpost(view, key, old)?;
            }
            for (key, bytes, listed) in &put {
                let old = templates.insert(key.as_slice(), bytes.as_slice())?;
                growth.templates += i64::from(old.is_none());
                unpost(view, key, old)?;
                for posting in listed {
                    postings.insert(posting.as_slice(), &[])?;
                }
            }
            for (key, bytes) in &counts {
                growth.words += i64::from(words.insert(key.as_slice(), bytes.as_slice())?.is_none());
            }
            Ok(growth)
        })
    }

    fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError> {
        let doing = "purging a namespace";
        let _one = self.writer();
        let list = |tree: &Tree, prefix: &[&str]| -> Result<Vec<IVec>, StoreError> {
            let keys = tree.scan_prefix(keys::join(prefix)).keys();
            keys.collect::<Result<_, _>>().map_err(|e| io(doing, &e))
        };
        let name = namespace.as_str();
        let gone =
            (list(&self.templates, &[name])?, list(&self.words, &[name])?, list(&self.postings, &[name])?);
        let mut aside = list(&self.aside, &["templates", name])?;
        aside.extend(list(&self.aside, &["words", name])?);
        self.transact(doing, |view| {
            let all = [(view.0, &gone.0), (view.1, &gone.1), (view.2, &gone.2), (view.3, &aside)];
            for (tree, keys) in all {
                for key in keys {
                    tree.remove(key)?;
                }
            }
            Ok(Growth { templates: -(gone.0.len() as i64), words: -(gone.1.len() as i64) })
        })?;
        Ok(gone.0.len())
    }

    /// Runs one transaction over the trees and makes it durable. The work may run more than once.
    fn transact(
        &self,
        doing: &'static str,
        work: impl Fn(View<'_>) -> Within<Growth>,
    ) -> Result<(), StoreError> {
        let trees = (&self.templates, &self.words, &self.postings, &self.aside, &self.state);
        let changes = trees
            .transaction(|(templates, words, postings, aside, state)| {
                let growth = work((templates, words, postings, aside))?;
                let old = State::read(state.get(STATE)?.as_deref()).unwrap_or_default();
                let new = old.grown(growth);
                state.insert(STATE, new.bytes())?;
                Ok(new.changes)
            })
            .map_err(|e| match e {
                TransactionError::Storage(e) => io(doing, &e),
                TransactionError::Abort(()) => StoreError::Io { doing, why: "it was given up".to_owned() },
            })?;
        self.db.flush().map_err(|e| io(doing, &e))?;
        // The number only guards the next opening; the change itself is durable.
        let _ = self.folder.note(changes);
        Ok(())
    }
}

type Trees = [Tree; 5];

fn open_trees(folder: &Folder) -> ::sled::Result<(Db, Trees)> {
    let db =
        ::sled::Config::new().path(folder.database()).cache_capacity(CACHE).flush_every_ms(None).open()?;
    let open = |name: &str| db.open_tree(name);
    let trees = [open("templates")?, open("words")?, open("postings")?, open("aside")?, open("state")?];
    Ok((db, trees))
}

/// Whether the trees hold everything that was made durable. Reads all of them.
fn check(folder: &Folder, trees: &Trees) -> Result<(), Trouble> {
    let [templates, words, postings, aside, state] = trees;
    let count = |tree: &Tree| tree.iter().try_fold(0, |n, item| item.map(|_| n + 1));
    let (bytes, counts) = guarded(|| {
        count(postings)?;
        count(aside)?;
        Ok((state.get(STATE)?, (count(templates)?, count(words)?)))
    })?;
    let state = match bytes {
        None => State::default(),
        Some(bytes) => {
            State::read(Some(&bytes)).ok_or_else(|| Trouble::corrupt("its state is not readable"))?
        }
    };
    state.compare(folder.changes(), counts)
}

/// Takes a replaced or removed record out of the index, or aside if it cannot be read; the next
/// load then mends the index.
fn unpost((_, _, postings, aside): View<'_>, key: &[u8], old: Option<IVec>) -> Within<()> {
    let Some(old) = old else { return Ok(()) };
    match record_of(key, &old) {
        Ok(record) => {
            for posting in postings_of(&record) {
                postings.remove(posting)?;
            }
        }
        Err(why) => {
            aside.insert(aside_key("templates", key, &old), aside_value(&why, &old))?;
        }
    }
    Ok(())
}

/// Runs work on files that may be corrupt: sled panics on some of what it cannot read.
fn guarded<T>(work: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(::sled::Error::Io(e))) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Err(Trouble::io(&e))
        }
        Ok(Err(e)) => Err(Trouble::corrupt(e)),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Trouble::corrupt(said.unwrap_or("the database gave no reason")))
        }
    }
}

fn io(doing: &'static str, error: &::sled::Error) -> StoreError {
    StoreError::Io { doing, why: error.to_string() }
}

#[cfg(test)]
mod tests;
