//! What every store must do, run against each of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/faulty_store.rs"]
mod faulty_store;
#[path = "support/records.rs"]
mod records;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use faulty_store::{Fault, FaultyStore};
use plancache::domain::{Namespace, TemplateId, TemplateRecord};
use plancache::store::{Change, Loaded, MemoryStore, NoopStore, SledStore, Store, StoreError, WordCount};
use proptest::prelude::*;
use records::record;

const NAMESPACES: [&str; 4] = ["", "a", "ab", "a\0"];
const IDS: [&str; 4] = ["", "b", "t1", "b\0\0\0\u{1}x"];
const WORDS: [&str; 5] = ["refund", "order", "überweisung", "b", "bt1"];

fn count(namespace: &str, word: &str, tasks: u32) -> WordCount {
    WordCount { namespace: Namespace::new(namespace), word: word.to_owned(), tasks }
}

fn put(records: impl IntoIterator<Item = TemplateRecord>) -> Change {
    Change { put: records.into_iter().collect(), ..Change::default() }
}

/// Runs a check on every store that keeps things.
async fn for_each_store<F: AsyncFn(Arc<dyn Store>)>(check: F) {
    check(Arc::new(MemoryStore::new())).await;
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(SledStore::open(folder.path().join("store")).unwrap())).await;
    // Without a planned fault, the faulty one is a store like any other.
    check(Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())))).await;
}

#[tokio::test]
async fn a_fresh_store_is_empty() {
    for_each_store(async |store| {
        let loaded = store.load().await.unwrap();
        assert!(loaded.records.is_empty() && loaded.words.is_empty() && loaded.set_aside.is_empty());
        assert!(!loaded.index_rebuilt);
        assert!(store.postings(&Namespace::default(), "refund").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_put_is_loaded_and_replaced_and_removed() {
    for_each_store(async |store| {
        let (one, two) = (record("a", "t1", &["refund", "order"], 1), record("a", "t2", &["order"], 2));
        let change = Change { words: vec![count("a", "order", 2)], ..put([two.clone(), one.clone()]) };
        store.apply(change).await.unwrap();
        let loaded = store.load().await.unwrap();
        assert_eq!(loaded.records, [one, two.clone()], "sorted by lineage");
        assert_eq!(loaded.words, [count("a", "order", 2)]);

        let newer = record("a", "t1", &["exchange", "order"], 3);
        store.apply(put([newer.clone()])).await.unwrap();
        assert_eq!(store.load().await.unwrap().records, [newer.clone(), two.clone()]);
        let a = Namespace::new("a");
        assert!(store.postings(&a, "refund").await.unwrap().is_empty());
        let both = [TemplateId::new("t1"), TemplateId::new("t2")];
        assert_eq!(store.postings(&a, "order").await.unwrap(), both);

        let remove = vec![(a.clone(), TemplateId::new("t2")), (a.clone(), TemplateId::new("none"))];
        store.apply(Change { remove, ..Change::default() }).await.unwrap();
        assert_eq!(store.load().await.unwrap().records, [newer]);
        assert_eq!(store.postings(&a, "order").await.unwrap(), both[..1]);
    })
    .await;
}

#[tokio::test]
async fn removals_come_before_puts_and_the_last_put_counts() {
    for_each_store(async |store| {
        let remove = vec![(Namespace::new("a"), TemplateId::new("t1"))];
        let last = record("a", "t1", &["order"], 2);
        store
            .apply(Change { remove, ..put([record("a", "t1", &["refund"], 1), last.clone()]) })
            .await
            .unwrap();
        assert_eq!(store.load().await.unwrap().records, [last]);
        assert!(store.postings(&Namespace::new("a"), "refund").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_purge_takes_one_namespace_and_no_other() {
    for_each_store(async |store| {
        for namespace in NAMESPACES {
            let change = Change {
                words: vec![count(namespace, "order", 1)],
                ..put([record(namespace, "t1", &["order"], 1), record(namespace, "t2", &["order"], 2)])
            };
            store.apply(change).await.unwrap();
        }
        assert_eq!(store.purge(&Namespace::new("a")).await.unwrap(), 2);
        assert_eq!(store.purge(&Namespace::new("a")).await.unwrap(), 0);
        let loaded = store.load().await.unwrap();
        assert_eq!(loaded.records.len(), 2 * (NAMESPACES.len() - 1));
        assert_eq!(loaded.words.len(), NAMESPACES.len() - 1);
        assert!(loaded.records.iter().all(|record| record.template.namespace.as_str() != "a"));
        assert!(!loaded.index_rebuilt);
    })
    .await;
}

#[tokio::test]
async fn the_noop_store_accepts_everything_and_keeps_nothing() {
    let store = NoopStore;
    store.apply(put([record("a", "t1", &["order"], 1)])).await.unwrap();
    assert!(store.load().await.unwrap().records.is_empty());
    assert!(store.postings(&Namespace::new("a"), "order").await.unwrap().is_empty());
    assert_eq!(store.purge(&Namespace::new("a")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_cancelled_change_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    let mut apply = Box::pin(store.apply(put([record("a", "t1", &["order"], 1)])));
    // One poll starts the work; then the caller goes away.
    let _ = std::future::poll_fn(|context| std::task::Poll::Ready(apply.as_mut().poll(context))).await;
    drop(apply);
    for _ in 0..500 {
        if !store.load().await.unwrap().records.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the change was lost with its caller");
}

#[tokio::test(start_paused = true)]
async fn the_faulty_store_keeps_to_its_plan() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let wait = Duration::from_secs(5);
    store.plan([Fault::Fail, Fault::FailAfter, Fault::Delay(wait)], Fault::Hang);
    let failed = store.apply(put([record("a", "t1", &["order"], 1)])).await;
    assert!(matches!(failed, Err(StoreError::Io { .. })));
    assert!(store.apply(put([record("a", "t2", &["order"], 1)])).await.is_err());
    let before = tokio::time::Instant::now();
    let loaded = store.load().await.unwrap();
    assert!(before.elapsed() >= wait);
    assert_eq!(loaded.records.len(), 1, "the first failed before, the second after it was done");
    assert!(tokio::time::timeout(wait, store.load()).await.is_err(), "it hangs");
    assert_eq!(store.calls(), 4);
}

/// A step of a random history.
#[derive(Clone, Debug)]
enum Op {
    Apply { put: Vec<TemplateRecord>, remove: Vec<(Namespace, TemplateId)>, words: Vec<WordCount> },
    Purge(Namespace),
    Reopen,
}

fn any_op() -> impl Strategy<Value = Op> {
    let name = || proptest::sample::select(&NAMESPACES[..]);
    let id = || proptest::sample::select(&IDS[..]);
    let keywords = proptest::sample::subsequence(&WORDS[..], 0..4);
    let a_record = (name(), id(), keywords, 0..9_u64).prop_map(|(n, i, k, s)| record(n, i, &k, s));
    let a_count =
        (name(), proptest::sample::select(&WORDS[..]), 0..9_u32).prop_map(|(n, w, t)| count(n, w, t));
    let a_key = (name(), id()).prop_map(|(n, i)| (Namespace::new(n), TemplateId::new(i)));
    let several = 0..3_usize;
    let apply = (
        proptest::collection::vec(a_record, several.clone()),
        proptest::collection::vec(a_key, several.clone()),
        proptest::collection::vec(a_count, several),
    );
    prop_oneof![
        6 => apply.prop_map(|(put, remove, words)| Op::Apply { put, remove, words }),
        1 => name().prop_map(|n| Op::Purge(Namespace::new(n))),
        1 => Just(Op::Reopen),
    ]
}

/// What a store must hold, in the plainest form.
#[derive(Default)]
struct Model {
    records: BTreeMap<(Namespace, TemplateId), TemplateRecord>,
    words: BTreeMap<(Namespace, String), u32>,
}

impl Model {
    fn step(&mut self, op: &Op) -> usize {
        let before = self.records.len();
        match op {
            Op::Apply { put, remove, words } => {
                remove.iter().for_each(|key| drop(self.records.remove(key)));
                for record in put {
                    let key = (record.template.namespace.clone(), record.template.id.clone());
                    self.records.insert(key, record.clone());
                }
                for count in words {
                    self.words.insert((count.namespace.clone(), count.word.clone()), count.tasks);
                }
            }
            Op::Purge(namespace) => {
                self.records.retain(|(of, _), _| of != namespace);
                self.words.retain(|(of, _), _| of != namespace);
            }
            Op::Reopen => {}
        }
        before.saturating_sub(self.records.len())
    }

    async fn compare(&self, store: &dyn Store) {
        let Loaded { records, words, set_aside, index_rebuilt } = store.load().await.unwrap();
        assert_eq!(records, self.records.values().cloned().collect::<Vec<_>>());
        let counts = self.words.iter().map(|((n, w), &tasks)| count(n.as_str(), w, tasks));
        assert_eq!(words, counts.collect::<Vec<_>>());
        assert!(set_aside.is_empty() && !index_rebuilt);
        for namespace in NAMESPACES.map(Namespace::new) {
            for word in WORDS {
                let listed = self.records.iter().filter(|((of, _), record)| {
                    *of == namespace && record.template.keywords.iter().any(|k| k == word)
                });
                let ids: Vec<TemplateId> = listed.map(|((_, id), _)| id.clone()).collect();
                assert_eq!(store.postings(&namespace, word).await.unwrap(), ids, "{namespace} {word}");
            }
        }
    }
}

async fn follow(ops: &[Op], mut store: Arc<dyn Store>, folder: Option<&Path>) {
    let mut model = Model::default();
    for op in ops {
        let gone = model.step(op);
        match op.clone() {
            Op::Apply { put, remove, words } => store.apply(Change { put, remove, words }).await.unwrap(),
            Op::Purge(namespace) => assert_eq!(store.purge(&namespace).await.unwrap(), gone),
            Op::Reopen => {
                if let Some(folder) = folder {
                    drop(store);
                    store = Arc::new(SledStore::open(folder).unwrap());
                }
                model.compare(store.as_ref()).await;
            }
        }
    }
    model.compare(store.as_ref()).await;
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sled_agrees_with_the_model(ops in proptest::collection::vec(any_op(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SledStore::open(folder.path()).unwrap());
        block_on(follow(&ops, store, Some(folder.path())));
    }
}

proptest! {
    #[test]
    fn memory_agrees_with_the_model(ops in proptest::collection::vec(any_op(), 1..24)) {
        block_on(follow(&ops, Arc::new(MemoryStore::new()), None));
    }
}

/// The same steps without those that touch a namespace.
fn elsewhere(ops: Vec<Op>, kept: &str) -> Vec<Op> {
    let outside = |op| match op {
        Op::Apply { mut put, mut remove, mut words } => {
            put.retain(|record| record.template.namespace.as_str() != kept);
            remove.retain(|(of, _)| of.as_str() != kept);
            words.retain(|count| count.namespace.as_str() != kept);
            Some(Op::Apply { put, remove, words })
        }
        Op::Purge(namespace) if namespace.as_str() == kept => None,
        other => Some(other),
    };
    ops.into_iter().filter_map(outside).collect()
}

/// Whatever happens in other namespaces, this one's content stays as it was.
async fn stays(kept: &str, ops: &[Op], store: Arc<dyn Store>) {
    let (mine, namespace) = (record(kept, "b", &["order", "b"], 7), Namespace::new(kept));
    store.apply(Change { words: vec![count(kept, "order", 5)], ..put([mine.clone()]) }).await.unwrap();
    for op in ops.iter().cloned() {
        match op {
            Op::Apply { put, remove, words } => store.apply(Change { put, remove, words }).await.unwrap(),
            Op::Purge(namespace) => drop(store.purge(&namespace).await.unwrap()),
            Op::Reopen => drop(store.load().await.unwrap()),
        }
    }
    let Loaded { mut records, mut words, .. } = store.load().await.unwrap();
    records.retain(|record| record.template.namespace == namespace);
    words.retain(|word| word.namespace == namespace);
    assert_eq!((records, words), (vec![mine], vec![count(kept, "order", 5)]));
    assert_eq!(store.postings(&namespace, "order").await.unwrap(), [TemplateId::new("b")]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn namespaces_never_mix(
        ops in proptest::collection::vec(any_op(), 1..12),
        kept in proptest::sample::select(&NAMESPACES[..]),
    ) {
        let ops = elsewhere(ops, kept);
        let folder = tempfile::tempdir().unwrap();
        block_on(async {
            stays(kept, &ops, Arc::new(MemoryStore::new())).await;
            stays(kept, &ops, Arc::new(SledStore::open(folder.path()).unwrap())).await;
        });
    }
}
