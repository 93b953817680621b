use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;

use super::{Change, Loaded, Store, StoreError, WordCount};
use crate::domain::{Namespace, TemplateId, TemplateRecord};

/// A store in memory. It outlives an engine that was opened on it, but not the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<(Namespace, TemplateId), TemplateRecord>,
    words: BTreeMap<(Namespace, String), u32>,
}

impl MemoryStore {
    /// A store without templates.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn name(&self) -> &str {
        "memory"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let words = kept.words.iter().map(|((namespace, word), &tasks)| WordCount {
            namespace: namespace.clone(),
            word: word.clone(),
            tasks,
        });
        Ok(Loaded {
            records: kept.records.values().cloned().collect(),
            words: words.collect(),
            ..Loaded::default()
        })
    }

    async fn apply(&self, change: Change) -> Result<(), StoreError> {
        let Change { put, remove, words } = change;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for key in &remove {
            kept.records.remove(key);
        }
        for record in put {
            let key = (record.template.namespace.clone(), record.template.id.clone());
            kept.records.insert(key, record);
        }
        for WordCount { namespace, word, tasks } in words {
            kept.words.insert((namespace, word), tasks);
        }
        Ok(())
    }

    async fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let before = kept.records.len();
        kept.records.retain(|(of, _), _| of != namespace);
        kept.words.retain(|(of, _), _| of != namespace);
        Ok(before - kept.records.len())
    }

    async fn postings(&self, namespace: &Namespace, keyword: &str) -> Result<Vec<TemplateId>, StoreError> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let listed = kept.records.iter().filter(|((of, _), record)| {
            of == namespace && record.template.keywords.iter().any(|word| word == keyword)
        });
        Ok(listed.map(|((_, id), _)| id.clone()).collect())
    }
}
