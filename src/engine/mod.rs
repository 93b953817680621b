//! Composes the other rooms: look-up (decide, fill, validate) and admission (trace to template).

mod admit;
mod agree;
mod answer;
mod ask;
mod compared;
mod constants;
mod covers;
mod decided;
mod derived;
mod explain;
mod look_ups;
mod lookup;
mod manage;
mod meaning;
mod natural;
mod next;
mod parts;
mod programs;
mod results;
mod shown;
mod single;
mod sliced;
mod snapshot;
mod stands;
mod weighed;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lru::LruCache;
use tokio::sync::Mutex as AsyncMutex;

use crate::domain::{
    EffectClass, Lifecycle, Namespace, NextStep, Outcome, RunId, RunOutcome, Served, TemplateId,
    TemplateRecord, Tool, Trace,
};
use crate::expr::Compiled;
use crate::fill::Filler;
use crate::matching::{Embedder, KeywordExtractor, Likeness, RecurrenceKeywords};
use crate::policy::Policy;
use crate::store::{Change, SetAside, Store, StoreError};
use crate::validate;

use decided::Run;
use lookup::Fingerprints;
use snapshot::Snapshot;

/// Runs whose decision is remembered.
const MOST_RUNS: usize = 4_096;
/// Tool lists whose fingerprints are remembered.
const MOST_TOOL_LISTS: usize = 64;

/// The cache itself, without any protocol around it.
pub struct Engine {
    store: Arc<dyn Store>,
    policy: Policy,
    filler: Option<Arc<dyn Filler>>,
    keywords: Arc<dyn KeywordExtractor>,
    likeness: Option<Arc<Likeness>>,
    programs: Compiled,
    snapshot: ArcSwap<Snapshot>,
    /// One change at a time, so that none is lost; decisions never wait for it.
    changing: AsyncMutex<()>,
    runs: Mutex<LruCache<(Namespace, RunId, String), Arc<Run>>>,
    fingerprints: Mutex<LruCache<usize, Tools>>,
    set_aside: Vec<SetAside>,
}

/// A tool list (kept, so that its address stays its own) with its fingerprints.
type Tools = (Arc<Vec<Tool>>, Arc<Fingerprints>);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.store).finish_non_exhaustive()
    }
}

/// What the cache says to one planning call.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The next step, if it is served.
    pub step: Option<NextStep>,
    /// The decision with its reason and numbers.
    pub outcome: Outcome,
}

/// What an admission did.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Admission {
    /// Templates that are new.
    pub learnt: Vec<Served>,
    /// Templates that got more evidence or were generalised.
    pub merged: Vec<Served>,
    /// Parts of the run that could not be learnt, and why.
    pub rejected: Vec<String>,
    /// Templates that no further run confirmed in a long time and that were given up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<TemplateId>,
}

impl Engine {
    /// Opens the cache on a store: loads every template and builds the index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        policy: Policy,
        store: Arc<dyn Store>,
        filler: Option<Arc<dyn Filler>>,
    ) -> Result<Self, StoreError> {
        let mut loaded = store.load().await?;
        let set_aside = std::mem::take(&mut loaded.set_aside);
        loaded.records.retain(|record| validate::template(&record.template).is_ok());
        Ok(Self {
            store,
            policy,
            filler,
            keywords: Arc::new(RecurrenceKeywords),
            likeness: None,
            programs: Compiled::default(),
            snapshot: ArcSwap::from_pointee(Snapshot::load(loaded)),
            changing: AsyncMutex::new(()),
            runs: Mutex::new(LruCache::new(bound(MOST_RUNS))),
            fingerprints: Mutex::new(LruCache::new(bound(MOST_TOOL_LISTS))),
            set_aside,
        })
    }

    /// Uses another keyword extractor for what is learnt from now on.
    #[must_use]
    pub fn with_keywords(mut self, keywords: Arc<dyn KeywordExtractor>) -> Self {
        self.keywords = keywords;
        self
    }

    /// Serves texts in other words than those learnt too, compared by this embedder, if there is one.
    #[must_use]
    pub fn with_embedder(mut self, embedder: Option<Arc<dyn Embedder>>) -> Self {
        self.likeness = embedder.map(|embedder| Arc::new(Likeness::new(embedder)));
        self
    }

    /// The settings.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Records that could not be read when the store was opened; they are kept aside there.
    pub fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// Learns from a completed run. A run that is not a success is not learnt.
    ///
    /// # Errors
    /// When the store could not keep what was learnt.
    pub async fn admit(&self, trace: &Trace) -> Result<Admission, StoreError> {
        if trace.outcome != RunOutcome::Success {
            let rejected = vec![format!("the run's outcome is {:?}", trace.outcome).to_lowercase()];
            return Ok(Admission { rejected, ..Admission::default() });
        }
        let _one = self.changing.lock().await;
        let before = self.snapshot.load_full();
        let learner = admit::Learner {
            policy: &self.policy,
            programs: &self.programs,
            keywords: &*self.keywords,
            fingerprints: &self.fingerprints(&trace.task),
        };
        let (after, change, report) = learner.learn(&before, trace);
        self.store.apply(change).await?;
        self.snapshot.store(Arc::new(after));
        self.learn_wordings(&trace.task.namespace, &report.learnt);
        Ok(report)
    }

    /// Takes note of how a *served* run ended; `templates` are those of its hits. A bad outcome takes
    /// the templates out of service at once; with the run that was `wrong`, they will also not serve
    /// again where they observe what it observed, until that was seen to go well.
    ///
    /// # Errors
    /// When the store could not keep it.
    pub async fn served(
        &self,
        namespace: &Namespace,
        templates: &[Served],
        diverged: bool,
        outcome: RunOutcome,
        wrong: Option<&Trace>,
    ) -> Result<(), StoreError> {
        let _one = self.changing.lock().await;
        let mut after = Snapshot::clone(&self.snapshot.load());
        if let Some(trace) = wrong {
            self.noted(trace, templates).into_iter().for_each(|record| after.put(record));
        }
        let mut put = Vec::new();
        // What went wrong is laid to the templates that write, or to all if none does.
        let writes = |record: &TemplateRecord| {
            record.template.steps.iter().any(|s| self.policy.effect(&s.tool) != EffectClass::Read)
        };
        let records: Vec<TemplateRecord> = templates
            .iter()
            .filter_map(|served| after.tenant(namespace)?.record(&served.id).map(|r| (**r).clone()))
            .collect();
        let some_write = records.iter().any(writes);
        for mut record in records {
            let loosely = templates.iter().any(|served| served.id == record.template.id && served.loosely);
            record.evidence.diverged += u32::from(diverged);
            record.evidence.served += u64::from(!diverged);
            let concerned = !some_write || writes(&record);
            let blamed = outcome == RunOutcome::Failure && concerned;
            record.evidence.loosely += u32::from(loosely && !diverged && !blamed);
            record.evidence.strayed += u32::from(loosely && diverged && concerned);
            if blamed && loosely {
                // The plan may be right, and the text was not its own.
                tracing::warn!(template = %record.template.id, "a text was misread: its own words only");
                record.evidence.misread += 1;
            } else if blamed {
                tracing::warn!(template = %record.template.id, "a served run went wrong: withdrawn");
                record.evidence.bad_outcomes += 1;
                // Only new evidence counts from here on.
                record.evidence.successes = 0;
                record.evidence.tasks.clear();
                record.state = Lifecycle::Quarantined;
            }
            after.put(record.clone());
            put.push(record);
        }
        self.store.apply(Change { put, ..Change::default() }).await?;
        self.snapshot.store(Arc::new(after));
        Ok(())
    }
}

fn reply(step: Option<NextStep>, outcome: Outcome) -> Reply {
    Reply { step, outcome }
}

fn bound(most: usize) -> NonZeroUsize {
    NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN)
}

/// A lock whose holder panicked guards caches only: what they hold is still right.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
