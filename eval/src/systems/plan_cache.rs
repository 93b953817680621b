use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{FilledBy, Outcome, RunId, RunOutcome, Served};
use plancache::engine::Engine;
use plancache::fill::Filler;
use plancache::layer::{Decision, Native, PlanCache, PlanCacheLayer, Settings};
use plancache::matching::Embedder;
use plancache::policy::Policy;
use plancache::store::MemoryStore;
use tower::Layer;

use super::missed::missed;
use super::replay::ran;
use super::{Kind, Metered, Ran, Spend, System, SystemError, Watched};
use crate::bench::{Case, World};
use crate::filler::Counted;

/// How the plan cache is set up.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// Its name in reports.
    pub name: String,
    /// The policy.
    pub policy: Policy,
    /// The local model, if it may be asked.
    pub filler: Option<Arc<dyn Filler>>,
    /// What tells how alike wordings are, if texts in other words are to be served.
    pub embedder: Option<Arc<dyn Embedder>>,
}

/// The product: `PlanCacheLayer` around the planner, from an empty store.
pub struct Cached {
    name: String,
    engine: Arc<Engine>,
    watched: Arc<Watched>,
    layer: PlanCacheLayer,
    planner: Metered,
    cached: PlanCache<Metered, Native>,
    filler: Option<Arc<Counted>>,
}

impl Cached {
    /// An empty cache in front of this planner.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn new(planner: Metered, settings: CacheSettings) -> Result<Self, SystemError> {
        let CacheSettings { name, policy, filler, embedder } = settings;
        // Counted for each cache apart, since several may run side by side.
        let filler = filler.map(|filler| Arc::new(Counted::new(filler)));
        let asked = filler.clone().map(|filler| filler as Arc<dyn Filler>);
        let engine = Engine::open(policy, Arc::new(MemoryStore::default()), asked)
            .await
            .map_err(|e| SystemError { system: name.clone(), why: e.to_string() })?;
        let engine = Arc::new(engine.with_embedder(embedder));
        let watched = Arc::new(Watched::new(engine.clone()));
        let layer = PlanCacheLayer::with(watched.clone(), Native, Settings::default());
        let cached = layer.layer(planner.clone());
        Ok(Self { name, engine, watched, layer, planner, cached, filler })
    }

    /// The engine, to look into.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

#[async_trait]
impl System for Cached {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        let run = RunId::new(&case.id);
        let agent = self.planner.agent();
        let record = agent.run(&mut self.cached, run.clone(), case.task.clone(), world).await;
        let planner = self.planner.take(&run);
        let own = self.filler.as_ref().map(|filler| filler.take()).unwrap_or_default();
        Ok(Ran { planner, own, ..ran(record, Kind::Miss) })
    }

    async fn finish(&mut self, case: &Case, ran: &mut Ran, outcome: RunOutcome) -> Result<(), SystemError> {
        ran.trace.outcome = outcome;
        let report = self.layer.handle().finish_with(&ran.trace);
        self.layer.handle().flush().await;
        for admitted in self.watched.take() {
            let admitted = admitted.map_err(|why| SystemError { system: self.name.clone(), why })?;
            ran.rejected.extend(admitted.rejected);
        }
        let Some(report) = report else { return Ok(()) };
        let planned = ran.planner != Spend::default() || !ran.ended();
        ran.kind = kind(&report.decisions, planned);
        ran.decision = report.decisions.first().map(|d| d.took);
        ran.slots = slots(&report.decisions);
        ran.reason = (ran.kind != Kind::Hit).then(|| reason(&report.decisions)).flatten();
        ran.loosely = report.templates.iter().any(|served| served.loosely);
        if ran.kind != Kind::Hit {
            ran.missed = missed(&self.engine, &case.task.text, &report.decisions);
        }
        ran.from = names(&self.engine, &report.templates);
        Ok(())
    }
}

/// The layer counts a run whose answer was left to the planner apart. A recorded planner leaves
/// that answer to the agent and charges nothing for it, so such a run is a hit here.
pub(crate) fn kind(decisions: &[Decision], planned: bool) -> Kind {
    let as_planned = |d: &Decision| d.outcome.templates().is_some();
    if !decisions.iter().any(|d| d.served) {
        Kind::Miss
    } else if decisions.iter().all(as_planned)
        && decisions.iter().any(|d| matches!(d.outcome, Outcome::PlannerPart { .. }))
    {
        Kind::Part
    } else if planned || decisions.iter().any(|d| matches!(d.outcome, Outcome::Diverged(_))) {
        Kind::Diverged
    } else {
        Kind::Hit
    }
}

/// Slots that the binder filled, and that the filler did.
pub(crate) fn slots(decisions: &[Decision]) -> (u64, u64) {
    let slots = decisions.iter().filter(|d| d.served).flat_map(|d| match &d.outcome {
        Outcome::Hit { slots, .. } => slots.as_slice(),
        _ => &[],
    });
    slots.fold((0, 0), |(binder, filler), slot| match slot.by {
        FilledBy::Binder => (binder + 1, filler),
        FilledBy::Filler => (binder, filler + 1),
    })
}

/// The names of the templates that served a run.
pub(crate) fn names(engine: &Engine, served: &[Served]) -> Vec<String> {
    let all = if served.is_empty() { Vec::new() } else { engine.templates(None) };
    let name = |id| all.iter().find(|r| r.template.id == id).map(|r| r.template.name.clone());
    served.iter().map(|s| name(s.id.clone()).unwrap_or_else(|| s.id.to_string())).collect()
}

/// Why a run was not served to the end: the first decision that served nothing.
pub(crate) fn reason(decisions: &[Decision]) -> Option<String> {
    let (result, reason) = plancache::telemetry::labels(&decisions.iter().find(|d| !d.served)?.outcome);
    Some(if reason.is_empty() { result.to_owned() } else { format!("{result}: {reason}") })
}
