//! One cache, asked in several modes: a layer for each, on the same engine.

use std::sync::Arc;

use async_trait::async_trait;

use super::call_id::CallIds;
use super::wire::Wire;
use crate::config::Answers;
use crate::domain::{Bypass, EffectClass, NextStep, Outcome, PlanRequest, Trace};
use crate::engine::{Admission, Engine, Reply};
use crate::layer::{CacheHandle, Decider, PlanCacheLayer, ServedRun, Settings};
use crate::policy::Mode;

/// The cache, or what kept it from being opened: then every request is a bypass.
pub(super) type Cache = Result<Arc<Engine>, String>;

/// The engine in one mode.
struct InMode {
    cache: Cache,
    mode: Mode,
    ids: CallIds,
    answers: Wording,
}

/// Who words the final answer.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    pub(super) by: Answers,
    /// What is said where a template says nothing.
    pub(super) text: Option<String>,
}

impl Wording {
    /// The step that ends a run, and the outcome that says whose it is.
    fn end(&self, reply: Reply) -> Reply {
        match (self.by, &self.text, reply) {
            (
                Answers::Planner,
                _,
                Reply { step: Some(NextStep::Answer(_)), outcome: Outcome::Hit { templates, .. } },
            ) => Reply { step: None, outcome: Outcome::PlannerAnswer { templates } },
            (Answers::Template, Some(text), Reply { outcome: Outcome::PlannerAnswer { templates }, .. }) => {
                let (step, slots) = (Some(NextStep::Answer(text.clone())), Vec::new());
                Reply { step, outcome: Outcome::Hit { templates, step: 0, slots } }
            }
            (_, _, reply) => reply,
        }
    }
}

#[async_trait]
impl Decider for InMode {
    fn serves(&self) -> bool {
        self.mode.serves()
    }

    fn shadows(&self) -> bool {
        self.mode == Mode::Shadow
    }

    fn learns(&self) -> bool {
        self.mode.learns()
    }

    fn effect(&self, tool: &str) -> EffectClass {
        self.cache.as_ref().map(|engine| engine.policy().effect(tool)).unwrap_or_default()
    }

    async fn next(&self, request: &PlanRequest) -> Reply {
        let bypass = |why| Reply { step: None, outcome: Outcome::Bypass(why) };
        let engine = match &self.cache {
            Ok(engine) => engine,
            Err(what) => return bypass(Bypass::Fault { what: what.clone() }),
        };
        // A run in which the planner has made a call stays with the planner, unless it was asked for a part
        // only. The calls say so themselves, so that a replica that never saw the run knows.
        let own = |id: &str| self.ids.read(&request.task.namespace, id).is_some();
        if self.mode.serves()
            && !request.history.iter().all(|step| own(&step.call.id))
            && !engine.is_shared(request)
        {
            return bypass(Bypass::RunInProgress);
        }
        let reply = engine.next(request).await;
        let mut reply = if engine.is_shared(request) { reply } else { self.answers.end(reply) };
        if let Reply { step: Some(NextStep::Answer(_)), outcome: Outcome::Hit { step, .. } } = &mut reply {
            *step = request.history.len();
        }
        reply
    }

    fn part_done(&self, request: &PlanRequest, from: usize) -> bool {
        self.cache.as_ref().is_ok_and(|engine| engine.part_done(request, from))
    }

    async fn admit(&self, trace: &Trace) -> Result<Admission, String> {
        Engine::admit(self.engine()?, trace).await.map_err(|error| error.to_string())
    }

    async fn served(&self, run: &ServedRun) -> Result<(), String> {
        Decider::served(self.engine()?.as_ref(), run).await
    }
}

impl InMode {
    fn engine(&self) -> Result<&Arc<Engine>, String> {
        self.cache.as_ref().map_err(Clone::clone)
    }
}

/// The modes in which the cache is asked at all.
const ASKED: [Mode; 4] = [Mode::On, Mode::ReadOnly, Mode::WriteOnly, Mode::Shadow];

/// A layer for each mode.
#[derive(Debug)]
pub(super) struct Modes(Vec<(Mode, PlanCacheLayer<Wire>)>);

impl Modes {
    pub(super) fn new(
        cache: &Cache,
        ids: &CallIds,
        answers: &Wording,
        settings: Settings,
        wire: &Wire,
    ) -> Self {
        let layer = |mode| {
            let decider = InMode { cache: cache.clone(), mode, ids: ids.clone(), answers: answers.clone() };
            PlanCacheLayer::with(Arc::new(decider), wire.clone(), settings)
        };
        Self(ASKED.into_iter().map(|mode| (mode, layer(mode))).collect())
    }

    /// The layer for a mode; none when it is off.
    pub(super) fn of(&self, mode: Mode) -> Option<&PlanCacheLayer<Wire>> {
        self.0.iter().find(|(own, _)| *own == mode).map(|(_, layer)| layer)
    }

    /// How to end runs and read counters, in each mode.
    pub(super) fn handles(&self) -> impl Iterator<Item = CacheHandle> {
        self.0.iter().map(|(_, layer)| layer.handle())
    }
}
