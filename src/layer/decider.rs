use async_trait::async_trait;

use crate::domain::{EffectClass, Namespace, PlanRequest, RunId, RunOutcome, Served, Trace};
use crate::engine::{Admission, Engine, Reply};

/// What the layer asks of the cache behind it. [`Engine`] is the one; tests bring faulty ones.
#[async_trait]
pub trait Decider: Send + Sync + 'static {
    /// Whether steps are served.
    fn serves(&self) -> bool;

    /// Whether decisions are made and compared, but not served.
    fn shadows(&self) -> bool;

    /// Whether runs are learnt from.
    fn learns(&self) -> bool;

    /// What a tool does to the world.
    fn effect(&self, tool: &str) -> EffectClass;

    /// Decides the next step.
    async fn next(&self, request: &PlanRequest) -> Reply;

    /// Notes that the planner has done the part of a run's task that begins at this byte, with the calls
    /// of the request. `false`: the rest is not served; the planner goes on with the run.
    fn part_done(&self, request: &PlanRequest, from: usize) -> bool {
        let _ = (request, from);
        false
    }

    /// Learns from a completed run.
    ///
    /// # Errors
    /// When the store could not keep what was learnt.
    async fn admit(&self, trace: &Trace) -> Result<Admission, String>;

    /// Takes note of how a served run ended.
    ///
    /// # Errors
    /// When the store could not keep it.
    async fn served(&self, run: &ServedRun) -> Result<(), String>;
}

/// How a served run ended.
#[derive(Clone, Debug)]
pub struct ServedRun {
    /// Which run.
    pub run: RunId,
    /// Whose.
    pub namespace: Namespace,
    /// The templates that served it.
    pub templates: Vec<Served>,
    /// It was handed back to the planner.
    pub diverged: bool,
    /// How it ended.
    pub outcome: RunOutcome,
    /// All of it, if it went wrong.
    pub wrong: Option<Box<Trace>>,
}

#[async_trait]
impl Decider for Engine {
    fn serves(&self) -> bool {
        self.policy().mode.serves()
    }

    fn shadows(&self) -> bool {
        let mode = self.policy().mode;
        mode.learns() && !mode.serves() && mode != crate::policy::Mode::WriteOnly
    }

    fn learns(&self) -> bool {
        self.policy().mode.learns()
    }

    fn effect(&self, tool: &str) -> EffectClass {
        self.policy().effect(tool)
    }

    async fn next(&self, request: &PlanRequest) -> Reply {
        Engine::next(self, request).await
    }

    fn part_done(&self, request: &PlanRequest, from: usize) -> bool {
        Engine::part_done(self, request, from)
    }

    async fn admit(&self, trace: &Trace) -> Result<Admission, String> {
        Engine::admit(self, trace).await.map_err(|error| error.to_string())
    }

    async fn served(&self, run: &ServedRun) -> Result<(), String> {
        Engine::served(self, &run.namespace, &run.templates, run.diverged, run.outcome, run.wrong.as_deref())
            .await
            .map_err(|error| error.to_string())
    }
}
