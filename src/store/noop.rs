use async_trait::async_trait;

use super::{Change, Loaded, Store, StoreError};
use crate::domain::{Namespace, TemplateId};

/// A store that keeps nothing: what is learnt lasts as long as the process that learnt it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopStore;

#[async_trait]
impl Store for NoopStore {
    fn name(&self) -> &str {
        "noop"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    async fn apply(&self, _change: Change) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, _namespace: &Namespace) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn postings(&self, _: &Namespace, _: &str) -> Result<Vec<TemplateId>, StoreError> {
        Ok(Vec::new())
    }
}
