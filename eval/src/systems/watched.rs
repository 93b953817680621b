use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use plancache::domain::{EffectClass, PlanRequest, Trace};
use plancache::engine::{Admission, Engine, Reply};
use plancache::layer::{Decider, ServedRun};

/// The engine behind the layer, watched: learning happens out of sight of the agent, but an
/// evaluation shows what was learnt, and stops when it could not be kept.
#[derive(Debug)]
pub(crate) struct Watched {
    engine: Arc<Engine>,
    seen: Mutex<Vec<Result<Admission, String>>>,
}

impl Watched {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, seen: Mutex::default() }
    }

    /// What was learnt, or why it was not, since the last time it was taken.
    pub(crate) fn take(&self) -> Vec<Result<Admission, String>> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn saw(&self, what: Result<Admission, String>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

#[async_trait]
impl Decider for Watched {
    fn serves(&self) -> bool {
        Decider::serves(self.engine.as_ref())
    }

    fn shadows(&self) -> bool {
        Decider::shadows(self.engine.as_ref())
    }

    fn learns(&self) -> bool {
        Decider::learns(self.engine.as_ref())
    }

    fn effect(&self, tool: &str) -> EffectClass {
        Decider::effect(self.engine.as_ref(), tool)
    }

    async fn next(&self, request: &PlanRequest) -> Reply {
        self.engine.next(request).await
    }

    fn part_done(&self, request: &PlanRequest, from: usize) -> bool {
        self.engine.part_done(request, from)
    }

    async fn admit(&self, trace: &Trace) -> Result<Admission, String> {
        let admitted = Decider::admit(self.engine.as_ref(), trace).await;
        self.saw(admitted.clone());
        admitted
    }

    async fn served(&self, run: &ServedRun) -> Result<(), String> {
        let noted = Decider::served(self.engine.as_ref(), run).await;
        if let Err(why) = &noted {
            self.saw(Err(why.clone()));
        }
        noted
    }
}
