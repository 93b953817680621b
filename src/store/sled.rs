//! The store on disk. This file alone knows sled.
//!
//! Four trees, with the keys of [`super::layout`]: `templates`, `words`, `postings` (the index,
//! which can always be made from the templates) and `aside` (what could not be read).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ::sled::transaction::{ConflictableTransactionError, TransactionError, Transactional, TransactionalTree};
use ::sled::{Batch, Db, IVec, Tree};
use async_trait::async_trait;

use super::layout::{
    aside_key, aside_reason, aside_value, count_entry, count_of, postings_of, record_entry, record_key,
    record_of,
};
use super::{Change, Loaded, SetAside, Store, StoreError, keys};
use crate::domain::{Namespace, TemplateId, TemplateRecord};

/// Version of the trees and keys. A store of another layout is not opened.
const LAYOUT: &str = "1";
/// Memory for pages, in bytes. Small, since everything is read once and then served from memory.
const CACHE: u64 = 64 << 20;

/// A store in a folder that one process at a time has open. Every change is one transaction over
/// records, index and word counts, and is flushed before it returns. Work runs on blocking
/// threads and is finished even if the caller stops waiting.
#[derive(Debug, Clone)]
pub struct SledStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    templates: Tree,
    words: Tree,
    postings: Tree,
    aside: Tree,
    /// One writer at a time, so that what a load or a purge has listed is still so when it writes.
    writing: Mutex<()>,
    folder_aside: Option<SetAside>,
}

/// Why a folder cannot be opened.
struct Trouble {
    why: String,
    remedy: &'static str,
    corrupt: bool,
}

impl SledStore {
    /// Opens the store in a folder; makes the folder if it is missing. Blocks while the files are
    /// read.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another process has it open, or when the files cannot be read.
    /// Nothing is changed or deleted then.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        Inner::open(path, None)
            .map(|inner| Self { inner: Arc::new(inner) })
            .map_err(|trouble| trouble.at(path))
    }

    /// As [`SledStore::open`]; but a folder whose files are corrupt is renamed to
    /// `<path>.set-aside-<n>`, and an empty store is opened in its place. [`Store::load`] reports
    /// it first among what was set aside. Reads everything once.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another process has it open, or when the folder cannot be
    /// renamed or made.
    pub fn open_or_set_aside(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let opened = Inner::open(path, None).and_then(|inner| inner.walk().map(|()| inner));
        let inner = match opened {
            Err(trouble) if trouble.corrupt => {
                let aside = free_name(path);
                std::fs::rename(path, &aside).map_err(|e| {
                    let why =
                        format!("{}, and it cannot be renamed to {}: {e}", trouble.why, aside.display());
                    Trouble { why, ..trouble }.at(path)
                })?;
                let report = SetAside { key: aside.display().to_string(), why: trouble.why };
                Inner::open(path, Some(report))
            }
            other => other,
        };
        inner.map(|inner| Self { inner: Arc::new(inner) }).map_err(|trouble| trouble.at(path))
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

/// A transaction's view of the four trees: templates, words, postings, aside.
type View<'a> = (&'a TransactionalTree, &'a TransactionalTree, &'a TransactionalTree, &'a TransactionalTree);
type Step = Result<(), ConflictableTransactionError<()>>;

impl Inner {
    fn open(path: &Path, folder_aside: Option<SetAside>) -> Result<Self, Trouble> {
        guarded(|| {
            let db = ::sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None).open()?;
            let open = |name: &str| db.open_tree(name);
            let (templates, words) = (open("templates")?, open("words")?);
            let (postings, aside) = (open("postings")?, open("aside")?);
            let layout = db.get("layout")?;
            if layout.is_none() {
                db.insert("layout", LAYOUT)?;
                db.flush()?;
            }
            let inner =
                Self { db, templates, words, postings, aside, writing: Mutex::default(), folder_aside };
            Ok((layout, inner))
        })
        .and_then(|(layout, inner)| match layout.as_deref() {
            Some(found) if found != LAYOUT.as_bytes() => Err(Trouble {
                why: format!(
                    "its layout is {:?}, this release knows {LAYOUT:?}",
                    String::from_utf8_lossy(found)
                ),
                remedy: "open it with the release that wrote it, or give this one another folder",
                corrupt: false,
            }),
            _ => Ok(inner),
        })
    }

    /// Reads everything, to see whether it can be read.
    fn walk(&self) -> Result<(), Trouble> {
        guarded(|| {
            [&self.templates, &self.words, &self.postings, &self.aside]
                .into_iter()
                .flat_map(Tree::iter)
                .try_for_each(|item| item.map(drop))
        })
    }

    fn load(&self) -> Result<Loaded, StoreError> {
        let doing = "reading all templates";
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loaded = Loaded::default();
        let mut bad = Vec::new();
        for item in &self.templates {
            let (key, bytes) = item.map_err(|e| io(doing, &e))?;
            match record_of(&key, &bytes) {
                Ok(record) => loaded.records.push(record),
                Err(why) => bad.push(("templates", key, bytes, why)),
            }
        }
        for item in &self.words {
            let (key, bytes) = item.map_err(|e| io(doing, &e))?;
            match count_of(&key, &bytes) {
                Ok(count) => loaded.words.push(count),
                Err(why) => bad.push(("words", key, bytes, why)),
            }
        }
        if !bad.is_empty() {
            self.transact("setting bad records aside", |(templates, words, _, aside)| {
                for (tree, key, bytes, why) in &bad {
                    let from = if *tree == "templates" { templates } else { words };
                    from.remove(key)?;
                    aside.insert(aside_key(tree, key, bytes), aside_value(why, bytes))?;
                }
                Ok(())
            })?;
        }
        loaded.index_rebuilt = self.repair_index(&loaded.records)?;
        loaded.set_aside.extend(self.folder_aside.clone());
        for item in &self.aside {
            let (key, value) = item.map_err(|e| io(doing, &e))?;
            let key = format!("aside/{}", keys::readable(&key));
            loaded.set_aside.push(SetAside { key, why: aside_reason(&value) });
        }
        loaded.records.sort_by(|a, b| {
            let (a, b) = (&a.template, &b.template);
            (&a.namespace, &a.id).cmp(&(&b.namespace, &b.id))
        });
        loaded.words.sort_by(|a, b| (&a.namespace, &a.word).cmp(&(&b.namespace, &b.word)));
        Ok(loaded)
    }

    /// Makes the stored index list exactly the records' keywords; says whether it did not.
    fn repair_index(&self, records: &[TemplateRecord]) -> Result<bool, StoreError> {
        let doing = "checking the index";
        let mut missing: BTreeSet<Vec<u8>> = records.iter().flat_map(postings_of).collect();
        let mut batch = Batch::default();
        let mut agrees = true;
        for key in self.postings.iter().keys() {
            let key = key.map_err(|e| io(doing, &e))?;
            if !missing.remove(key.as_ref()) {
                batch.remove(key);
                agrees = false;
            }
        }
        agrees &= missing.is_empty();
        if !agrees {
            missing.into_iter().for_each(|key| batch.insert(key, &[]));
            self.postings.apply_batch(batch).map_err(|e| io(doing, &e))?;
            self.db.flush().map_err(|e| io(doing, &e))?;
        }
        Ok(!agrees)
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
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.transact(doing, |view @ (templates, words, postings, _)| {
            for key in &remove {
                let old = templates.remove(key.as_slice())?;
                unpost(view, key, old)?;
            }
            for (key, bytes, listed) in &put {
                let old = templates.insert(key.as_slice(), bytes.as_slice())?;
                unpost(view, key, old)?;
                for posting in listed {
                    postings.insert(posting.as_slice(), &[])?;
                }
            }
            for (key, bytes) in &counts {
                words.insert(key.as_slice(), bytes.as_slice())?;
            }
            Ok(())
        })
    }

    fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError> {
        let doing = "purging a namespace";
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
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
            Ok(())
        })?;
        Ok(gone.0.len())
    }

    /// Runs one transaction over the four trees and makes it durable. It may run more than once.
    fn transact(&self, doing: &'static str, work: impl Fn(View<'_>) -> Step) -> Result<(), StoreError> {
        (&self.templates, &self.words, &self.postings, &self.aside)
            .transaction(|(templates, words, postings, aside)| work((templates, words, postings, aside)))
            .map_err(|e| match e {
                TransactionError::Storage(e) => io(doing, &e),
                TransactionError::Abort(()) => StoreError::Io { doing, why: "it was given up".to_owned() },
            })?;
        self.db.flush().map(drop).map_err(|e| io(doing, &e))
    }
}

/// Takes a replaced or removed record out of the index, or aside if it cannot be read; the next
/// load then mends the index.
fn unpost((_, _, postings, aside): View<'_>, key: &[u8], old: Option<IVec>) -> Step {
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

fn free_name(path: &Path) -> PathBuf {
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".set-aside-{n}"));
        PathBuf::from(name)
    };
    let mut n = 1;
    while name(n).exists() {
        n += 1;
    }
    name(n)
}

/// Runs work on files that may be corrupt: sled panics on some of what it cannot read.
fn guarded<T>(work: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => Err(Trouble::of(&e)),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(Trouble::corrupt(format!("its files are corrupt ({said})")))
        }
    }
}

impl Trouble {
    fn of(error: &::sled::Error) -> Self {
        match error {
            ::sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => Self {
                why: "another process has it open".to_owned(),
                remedy: "stop that process, or give this one another folder",
                corrupt: false,
            },
            ::sled::Error::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => Self {
                why: e.to_string(),
                remedy: "check that the path is a folder that may be written, and that the disk has room",
                corrupt: false,
            },
            other => Self::corrupt(format!("its files are corrupt ({other})")),
        }
    }

    fn corrupt(why: String) -> Self {
        Self {
            why,
            remedy: "move the folder aside to start with an empty store, or put a backup in its place",
            corrupt: true,
        }
    }

    fn at(self, path: &Path) -> StoreError {
        StoreError::Open { path: path.display().to_string(), why: self.why, remedy: self.remedy.to_owned() }
    }
}

fn io(doing: &'static str, error: &::sled::Error) -> StoreError {
    StoreError::Io { doing, why: error.to_string() }
}
