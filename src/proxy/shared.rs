use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::call_id::CallIds;
use super::clients::Clients;
use super::metrics::Metrics;
use super::modes::{Cache, Modes, Wording};
use super::planning::ToolLists;
use super::responses::Kept;
use super::runs::Ends;
use super::tracker::Tracker;
use super::upstream::Upstreams;
use super::wire::Wire;
use super::{ProxyError, Setup};
use crate::config::Proxy;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Proxy,
    pub(super) final_tools: Arc<Vec<String>>,
    pub(super) clients: Clients,
    pub(super) upstreams: Upstreams,
    pub(super) ids: CallIds,
    pub(super) tracker: Arc<Tracker>,
    pub(super) modes: Modes,
    pub(super) lists: ToolLists,
    pub(super) kept: Kept,
    pub(super) gate: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    /// The cache, or why it is out of use.
    pub(super) cache: Cache,
    draining: AtomicBool,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Result<Self, ProxyError> {
        let Setup { settings, layer, namespace, mode, cache, secret } = setup;
        let ids = CallIds::new(&secret);
        let tracker = Arc::new(Tracker::new(layer.most_runs));
        let wire = Wire::new(Arc::new(Ends::new(Arc::clone(&tracker), settings.completed)));
        let answers = Wording { by: settings.answers, text: settings.answer_text.clone() };
        let mode =
            mode.or_else(|| cache.as_ref().ok().map(|engine| engine.policy().mode)).unwrap_or_default();
        Ok(Self {
            clients: Clients::new(&settings, &namespace, mode)?,
            upstreams: Upstreams::new(&settings)?,
            modes: Modes::new(&cache, &ids, &answers, layer, &wire),
            gate: Arc::new(Semaphore::new(settings.limits.in_flight.min(Semaphore::MAX_PERMITS))),
            final_tools: Arc::new(settings.final_tools.clone()),
            lists: ToolLists::default(),
            kept: Kept::default(),
            metrics: Metrics::default(),
            cache,
            draining: AtomicBool::new(false),
            settings,
            ids,
            tracker,
        })
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
