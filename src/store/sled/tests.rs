//! Damage, done through sled itself or to its files.

use super::super::WordCount;
use super::*;
use crate::domain::{Evidence, Lifecycle, Pattern, Template, TemplateRecord, TemplateVersion};

fn record(id: &str, keywords: &[&str]) -> TemplateRecord {
    let template = Template {
        schema_version: crate::domain::SCHEMA_VERSION,
        id: TemplateId::new(id),
        version: TemplateVersion::new("v"),
        namespace: Namespace::new("acme"),
        name: id.to_owned(),
        keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
        pattern: Pattern::default(),
        slots: Vec::new(),
        steps: Vec::new(),
        answer: None,
        contract: Vec::new(),
        output_format: None,
    };
    TemplateRecord {
        template: std::sync::Arc::new(template),
        evidence: Evidence::default(),
        state: Lifecycle::Active,
        sequence: 0,
    }
}

async fn put(store: &SledStore, records: &[TemplateRecord]) {
    store.apply(Change { put: records.to_vec(), ..Change::default() }).await.unwrap();
}

fn key(id: &str) -> Vec<u8> {
    record_key(&Namespace::new("acme"), &TemplateId::new(id))
}

#[tokio::test]
async fn a_store_in_a_log_line_shows_no_content() {
    let Opened { store, folder } = opened().await;
    assert_eq!(format!("{store:?}"), format!("SledStore({:?})", folder.path()));
}

struct Opened {
    store: SledStore,
    folder: tempfile::TempDir,
}

/// A store with the templates `good` and `bad`.
async fn opened() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    put(&store, &[record("good", &["order"]), record("bad", &["order", "parcel"])]).await;
    Opened { store, folder }
}

fn ids(loaded: &Loaded) -> Vec<&str> {
    loaded.records.iter().map(|record| record.template.id.as_str()).collect()
}

#[tokio::test]
async fn a_damaged_record_is_set_aside_and_kept() {
    let Opened { store, folder } = opened().await;
    let mut bytes = store.inner.templates.get(key("bad")).unwrap().unwrap().to_vec();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    store.inner.templates.insert(key("bad"), bytes.clone()).unwrap();

    let loaded = store.load().await.unwrap();
    assert_eq!(ids(&loaded), ["good"]);
    assert_eq!(loaded.set_aside.len(), 1);
    assert!(loaded.set_aside[0].key.starts_with("aside/templates/acme/bad/"), "{:?}", loaded.set_aside);
    assert!(loaded.set_aside[0].why.contains("checksum"), "{:?}", loaded.set_aside);
    assert!(loaded.index_rebuilt, "its keywords are out of the index");
    assert!(store.postings(&Namespace::new("acme"), "parcel").await.unwrap().is_empty());
    let kept = store.inner.aside.first().unwrap().unwrap().1;
    assert!(kept.ends_with(&bytes));

    drop(store);
    let again = SledStore::open(folder.path()).unwrap().load().await.unwrap();
    assert_eq!(again.set_aside, loaded.set_aside, "it is reported until someone sees to it");
    assert!(!again.index_rebuilt);
}

#[tokio::test]
async fn two_damaged_values_of_one_key_are_both_kept() {
    let Opened { store, .. } = opened().await;
    for bytes in ["first", "second"] {
        store.inner.templates.insert(key("bad"), bytes).unwrap();
        store.load().await.unwrap();
    }
    assert_eq!(store.load().await.unwrap().set_aside.len(), 2);
}

#[tokio::test]
async fn a_damaged_record_that_is_replaced_or_removed_is_kept_aside() {
    let Opened { store, .. } = opened().await;
    store.inner.templates.insert(key("bad"), "no header").unwrap();
    put(&store, &[record("bad", &["exchange"])]).await;
    store.inner.templates.insert(key("good"), "cut").unwrap();
    let remove = vec![(Namespace::new("acme"), TemplateId::new("good"))];
    store.apply(Change { remove, ..Change::default() }).await.unwrap();

    let loaded = store.load().await.unwrap();
    assert_eq!(ids(&loaded), ["bad"]);
    assert_eq!(loaded.set_aside.len(), 2);
    assert!(loaded.index_rebuilt, "what the lost records listed is gone from the index");
    assert!(!store.load().await.unwrap().index_rebuilt);
}

#[tokio::test]
async fn a_newer_record_is_set_aside_with_a_clear_reason() {
    let Opened { store, .. } = opened().await;
    let bytes = store.inner.templates.get(key("bad")).unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let newer = text.replacen("\"schema_version\":1", "\"schema_version\":9", 1);
    store.inner.templates.insert(key("bad"), newer.as_str()).unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(ids(&loaded), ["good"]);
    assert!(loaded.set_aside[0].why.contains("newer release (schema version 9"), "{:?}", loaded.set_aside);

    let mut newer = record("newer", &[]);
    std::sync::Arc::make_mut(&mut newer.template).schema_version = 9;
    put(&store, &[newer]).await;
    let loaded = store.load().await.unwrap();
    assert!(loaded.set_aside.iter().any(|aside| aside.why.contains("its template has schema version 9")));
}

#[tokio::test]
async fn what_a_newer_release_wrote_is_taken_back_by_it() {
    let Opened { store, folder } = opened().await;
    let put_aside = |key: &[u8], bytes: &[u8]| {
        let value = aside_value("it was written by a newer release", bytes);
        store.inner.aside.insert(aside_key("templates", key, bytes), value).unwrap();
    };
    // As an older release would have left them: one alone, one replaced since, one damaged.
    let (key, bytes) = record_entry(&record("newer", &["order", "exchange"])).unwrap();
    put_aside(&key, &bytes);
    let (key, bytes) = record_entry(&record("good", &["old"])).unwrap();
    put_aside(&key, &bytes);
    put_aside(&key, b"damaged");

    let loaded = store.load().await.unwrap();
    assert_eq!(ids(&loaded), ["bad", "good", "newer"]);
    assert_eq!(loaded.records[1].template.keywords, ["order"], "what was written since is kept");
    assert_eq!(loaded.set_aside.len(), 2);
    assert!(loaded.index_rebuilt);
    drop(store);
    let again = SledStore::open(folder.path()).unwrap().load().await.unwrap();
    assert_eq!((again.records.len(), again.index_rebuilt), (3, false));
}

#[tokio::test]
async fn a_record_under_another_key_is_not_believed() {
    let Opened { store, .. } = opened().await;
    let bytes = store.inner.templates.get(key("bad")).unwrap().unwrap();
    let rival = record_key(&Namespace::new("rival"), &TemplateId::new("bad"));
    store.inner.templates.insert(rival, bytes).unwrap();
    store.inner.templates.insert("raw", "value").unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(ids(&loaded), ["bad", "good"]);
    let why: Vec<&str> = loaded.set_aside.iter().map(|aside| aside.why.as_str()).collect();
    assert!(why.iter().any(|why| why.contains("wrong place")), "{why:?}");
    assert!(why.iter().any(|why| why.contains("key was not made by this program")), "{why:?}");
}

#[tokio::test]
async fn a_damaged_word_count_is_set_aside() {
    let Opened { store, .. } = opened().await;
    let count = |word: &str| WordCount { namespace: Namespace::new("acme"), word: word.to_owned(), tasks: 2 };
    let words = vec![count("order"), count("parcel")];
    store.apply(Change { words, ..Change::default() }).await.unwrap();
    store.inner.words.insert(count_entry(&count("order")).unwrap().0, "2").unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.words, [count("parcel")]);
    assert_eq!(loaded.set_aside.len(), 1);
}

#[tokio::test]
async fn a_wrong_index_is_made_anew() {
    let Opened { store, .. } = opened().await;
    let posting = |word: &str, id: &str| keys::join(&["acme", word, id]);
    for damage in [posting("order", "gone"), posting("other", "good"), b"raw".to_vec()] {
        store.inner.postings.insert(damage, &[]).unwrap();
        assert!(store.load().await.unwrap().index_rebuilt);
        assert!(!store.load().await.unwrap().index_rebuilt);
    }
    store.inner.postings.remove(posting("order", "good")).unwrap();
    assert!(store.load().await.unwrap().index_rebuilt);
    let listed = store.postings(&Namespace::new("acme"), "order").await.unwrap();
    assert_eq!(listed, [TemplateId::new("bad"), TemplateId::new("good")]);
}

#[tokio::test]
async fn a_purge_takes_what_was_set_aside_too() {
    let Opened { store, .. } = opened().await;
    store.inner.templates.insert(key("bad"), "damaged").unwrap();
    store.load().await.unwrap();
    assert_eq!(store.purge(&Namespace::new("acme")).await.unwrap(), 1);
    let loaded = store.load().await.unwrap();
    assert!(loaded.set_aside.is_empty() && loaded.records.is_empty() && !loaded.index_rebuilt);
}

#[tokio::test]
async fn a_folder_in_use_is_left_alone() {
    let Opened { folder, store } = opened().await;
    for error in [SledStore::open(folder.path()), SledStore::open_or_set_aside(folder.path())] {
        let said = error.unwrap_err().to_string();
        assert!(said.contains("another process has it open; stop that process"), "{said}");
        assert!(said.contains(&folder.path().display().to_string()), "{said}");
    }
    assert_eq!(store.load().await.unwrap().records.len(), 2);
}

#[tokio::test]
async fn a_path_that_is_a_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    for error in [SledStore::open(&file), SledStore::open_or_set_aside(&file)] {
        let said = error.unwrap_err().to_string();
        assert!(said.contains("check that the path is a folder"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test]
async fn another_layout_is_not_opened() {
    let Opened { folder, store } = opened().await;
    let state = State { layout: 7, ..State::read(store.inner.state.get(STATE).unwrap().as_deref()).unwrap() };
    store.inner.state.insert(STATE, state.bytes()).unwrap();
    drop(store);
    for error in [SledStore::open(folder.path()), SledStore::open_or_set_aside(folder.path())] {
        let said = error.unwrap_err().to_string();
        assert!(said.contains("its layout is 7") && said.contains("release that wrote it"), "{said}");
    }
}

/// Every file below a folder with its bytes, the lock left out.
fn files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)),
            );
        } else {
            found.insert(path.file_name().unwrap().into(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Damages the database file of a closed store of `size` records.
async fn damaged(size: usize, damage: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = SledStore::open(&path).unwrap();
    let many: Vec<_> = (0..size).map(|n| record(&format!("t{n}"), &["order", "parcel"])).collect();
    for some in many.chunks(50) {
        put(&store, some).await;
    }
    drop(store);
    // Its threads may still be writing.
    drop(Folder::lock(&path).unwrap());
    let file = path.join("sled").join("db");
    let mut bytes = std::fs::read(&file).unwrap();
    damage(&mut bytes);
    std::fs::write(file, bytes).unwrap();
    (folder, path)
}

/// The store must be refused with its files untouched, then set aside with them, and replaced by
/// an empty one that works and says so.
async fn refused_and_set_aside(path: &Path) {
    let before = files(path);
    let said = SledStore::open(path).unwrap_err().to_string();
    assert!(said.contains("its files are corrupt") && said.contains("move the folder aside"), "{said}");
    assert!(said.contains(&path.display().to_string()), "{said}");
    assert!(files(path) == before, "a refused store stays as it was");

    let store = SledStore::open_or_set_aside(path).unwrap();
    let loaded = store.load().await.unwrap();
    assert!(loaded.records.is_empty());
    let aside = path.with_extension("set-aside-1");
    assert_eq!(loaded.set_aside[0].key, aside.display().to_string());
    assert!(loaded.set_aside[0].why.contains("corrupt"), "{:?}", loaded.set_aside);
    assert!(files(&aside) == before, "nothing is deleted");
    put(&store, &[record("new", &["order"])]).await;
    drop(store);
    assert_eq!(ids(&SledStore::open(path).unwrap().load().await.unwrap()), ["new"]);
}

#[tokio::test]
async fn a_flipped_bit_loses_nothing_silently() {
    let mut refused = 0;
    for (size, tenth) in [(200, 1), (200, 5), (200, 9), (3000, 3), (3000, 6)] {
        let (_folder, path) = damaged(size, |bytes| {
            let at = bytes.len() * tenth / 10;
            bytes[at] ^= 16;
        })
        .await;
        // The bit may lie in space that is no longer used; then everything is there.
        if let Ok(store) = SledStore::open(&path) {
            let loaded = store.load().await.unwrap();
            assert_eq!((loaded.records.len(), loaded.set_aside, loaded.index_rebuilt), (size, vec![], false));
        } else {
            refused_and_set_aside(&path).await;
            refused += 1;
        }
    }
    assert!(refused >= 3, "only {refused} were noticed");
}

#[tokio::test]
async fn cut_off_files_are_noticed() {
    for keep in [0, 1, 50, 90] {
        let (_folder, path) = damaged(200, |bytes| bytes.truncate(bytes.len() * keep / 100)).await;
        refused_and_set_aside(&path).await;
    }
}

#[tokio::test]
async fn overwritten_and_missing_files_are_noticed() {
    let (_folder, path) = damaged(200, |bytes| bytes.fill(7)).await;
    refused_and_set_aside(&path).await;
    let (_folder, path) = damaged(200, |_| ()).await;
    std::fs::remove_dir_all(path.join("sled")).unwrap();
    refused_and_set_aside(&path).await;
}

#[tokio::test]
async fn set_aside_folders_are_numbered() {
    let (_folder, path) = damaged(10, |bytes| bytes.clear()).await;
    std::fs::create_dir(path.with_extension("set-aside-1")).unwrap();
    let loaded = SledStore::open_or_set_aside(&path).unwrap().load().await.unwrap();
    assert!(loaded.set_aside[0].key.ends_with("store.set-aside-2"));
}

#[tokio::test]
async fn an_interrupted_opening_is_undone() {
    let (_folder, path) = damaged(200, |_| ()).await;
    let folder = Folder::lock(&path).unwrap();
    folder.safeguard().unwrap();
    // The process ends here, after the database has spoilt its files.
    std::fs::write(path.join("sled").join("db"), "spoilt").unwrap();
    drop(folder);
    let store = SledStore::open(&path).unwrap();
    assert_eq!(store.load().await.unwrap().records.len(), 200);
    assert!(!path.join("before-opening").exists() && !path.join("altered").exists());
}
