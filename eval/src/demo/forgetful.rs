use async_trait::async_trait;
use plancache::domain::{Namespace, TemplateId};
use plancache::store::{Change, Loaded, Store, StoreError};

/// A store that keeps nothing.
#[derive(Debug)]
pub(super) struct Forgetful;

#[async_trait]
impl Store for Forgetful {
    fn name(&self) -> &str {
        "forgetful"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    async fn apply(&self, _: Change) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, _: &Namespace) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn postings(&self, _: &Namespace, _: &str) -> Result<Vec<TemplateId>, StoreError> {
        Ok(Vec::new())
    }
}
