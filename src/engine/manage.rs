//! Looking into what is stored, and changing it by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::lookup::Decision;
use super::snapshot::Snapshot;
use super::{Engine, explain};
use crate::domain::{Miss, Namespace, Task, TemplateId, TemplateRecord};
use crate::spans::lex;
use crate::store::{Change, StoreError};

impl Engine {
    /// Explains what would be decided for a task: masks, keywords, candidates with scores, slots
    /// with spans, and why it is a hit or a miss; of a text that no pattern covers, how alike its parts
    /// are to what is known (`likeness`). Models are asked as in a decision. A task without tools is taken to offer those that
    /// the namespace's templates were learnt with.
    pub async fn explain(&self, task: &Task) -> Value {
        let snapshot = self.snapshot.load_full();
        let fingerprints = if task.tools.is_empty() {
            Arc::new(explain::assumed(&snapshot, &task.namespace))
        } else {
            self.fingerprints(task)
        };
        let (mut explained, mut decided) = explain::explain(&snapshot, task, &self.policy, &fingerprints);
        if let Decision::Miss(miss @ (Miss::NotCovered { .. } | Miss::NoCandidate)) = &decided
            && let Some(tenant) = snapshot.tenant(&task.namespace)
            && let Some(weighed) = self.weigh(tenant, task, &fingerprints).await
        {
            explained["likeness"] = weighed.explained(&lex(&task.text), self.policy.natural);
            decided = self.decided(tenant, task, &weighed, miss.clone()).await;
        }
        if let Some(tenant) = snapshot.tenant(&task.namespace) {
            decided = self.around(tenant, task, &fingerprints, decided);
            explained["decision"] = explain::shown(&decided, &task.text);
        }
        if let Decision::Plan { plan, .. } = &decided
            && plan.is_open()
        {
            match self.choose(task, plan).await {
                Ok((_, chosen)) => {
                    if let Some(slots) = explained["decision"]["slots"].as_array_mut() {
                        slots.extend(chosen.iter().map(|slot| json!(slot)));
                    }
                }
                Err(miss) => explained["decision"] = json!({"result": "miss", "miss": miss}),
            }
        }
        explained
    }

    /// All templates of a namespace (of every one if `None`), oldest first.
    pub fn templates(&self, namespace: Option<&Namespace>) -> Vec<Arc<TemplateRecord>> {
        self.snapshot.load().records(namespace)
    }

    /// Distinct successes that a template needs before it is served; `None` if it never is.
    pub fn needed(&self, record: &TemplateRecord) -> Option<u32> {
        super::lookup::needed(record, &self.policy)
    }

    /// Puts records that were checked with [`crate::validate`] into the store and the index.
    ///
    /// # Errors
    /// When the store could not keep them.
    pub async fn put(&self, records: Vec<TemplateRecord>) -> Result<(), StoreError> {
        let _one = self.changing.lock().await;
        let mut after = Snapshot::clone(&self.snapshot.load());
        for record in &records {
            after.put(record.clone());
        }
        self.store.apply(Change { put: records, ..Change::default() }).await?;
        self.snapshot.store(Arc::new(after));
        Ok(())
    }

    /// Removes a template from the store and the index; says whether it was there.
    ///
    /// # Errors
    /// When the store could not be changed.
    pub async fn remove(&self, namespace: &Namespace, id: &TemplateId) -> Result<bool, StoreError> {
        let _one = self.changing.lock().await;
        let mut after = Snapshot::clone(&self.snapshot.load());
        if !after.remove(namespace, id) {
            return Ok(false);
        }
        let remove = vec![(namespace.clone(), id.clone())];
        self.store.apply(Change { remove, ..Change::default() }).await?;
        self.snapshot.store(Arc::new(after));
        Ok(true)
    }
}
