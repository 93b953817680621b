//! A store that fails, waits or hangs by plan, in front of a sound one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use plancache::domain::{Namespace, TemplateId};
use plancache::store::{Change, Loaded, Store, StoreError};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: the sound store answers.
    Sound,
    /// It fails, and nothing is done.
    Fail,
    /// It is done, but reported as failed: the answer was lost.
    FailAfter,
    /// It is done after a wait.
    Delay(Duration),
    /// It never returns, and nothing is done.
    Hang,
}

/// Takes the next fault of its plan at each call; when the plan is used up, the last rule holds.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    sound: Arc<dyn Store>,
    plan: Mutex<VecDeque<Fault>>,
    then: Mutex<Fault>,
    calls: AtomicUsize,
}

impl FaultyStore {
    /// A store that is sound until it is told otherwise.
    pub(crate) fn new(sound: Arc<dyn Store>) -> Self {
        Self { sound, plan: Mutex::default(), then: Mutex::new(Fault::Sound), calls: AtomicUsize::new(0) }
    }

    /// The next calls meet these faults, the ones after them `then`.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>, then: Fault) {
        *self.plan.lock().unwrap() = faults.into_iter().collect();
        *self.then.lock().unwrap() = then;
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn meet<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let fault = self.plan.lock().unwrap().pop_front().unwrap_or(*self.then.lock().unwrap());
        let failed = || StoreError::Io { doing, why: "a planned fault".to_owned() };
        match fault {
            Fault::Sound => call.await,
            Fault::Fail => Err(failed()),
            Fault::FailAfter => call.await.and_then(|_| Err(failed())),
            Fault::Delay(wait) => {
                tokio::time::sleep(wait).await;
                call.await
            }
            Fault::Hang => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn name(&self) -> &str {
        "faulty"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        self.meet("loading", self.sound.load()).await
    }

    async fn apply(&self, change: Change) -> Result<(), StoreError> {
        self.meet("applying", self.sound.apply(change)).await
    }

    async fn purge(&self, namespace: &Namespace) -> Result<usize, StoreError> {
        self.meet("purging", self.sound.purge(namespace)).await
    }

    async fn postings(&self, namespace: &Namespace, keyword: &str) -> Result<Vec<TemplateId>, StoreError> {
        self.meet("reading postings", self.sound.postings(namespace, keyword)).await
    }
}
