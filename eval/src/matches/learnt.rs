use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{EffectClass, Outcome, PlanRequest, RunId, RunOutcome, Served, TemplateId};
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::store::MemoryStore;

use super::{Asked, Found, MatchError, Matcher};
use crate::bench::pairs::set_of;
use crate::bench::{Benchmark, Case};

/// The plan cache's own decision on the first planning call, with what it learns from the planner's
/// runs of the texts that it missed.
pub(super) struct Learnt {
    benchmark: Arc<Benchmark>,
    engine: Engine,
    /// The text from whose run each template was first learnt.
    origins: HashMap<TemplateId, usize>,
}

/// The agent whose tasks are several wishes in a row. A plan for one wish is learnt from runs that
/// fulfil others too, so there the label of what is served is what it changes.
const SEVERAL_WISHES: &str = "retail";

impl Learnt {
    /// An empty cache, without a local model, set up as a user of such an agent would.
    pub(super) async fn new(benchmark: Arc<Benchmark>) -> Result<Self, MatchError> {
        let (defaults, evidence) = (Policy::default(), benchmark.definition.evidence);
        let policy = Policy {
            filler: false,
            effects: benchmark.effects.clone(),
            min_evidence_read: evidence.read.unwrap_or(defaults.min_evidence_read),
            min_evidence_write: evidence.write.unwrap_or(defaults.min_evidence_write),
            ..defaults
        };
        let engine = Engine::open(policy, Arc::new(MemoryStore::default()), None).await.map_err(failed)?;
        Ok(Self { benchmark, engine, origins: HashMap::new() })
    }

    fn found(&self, templates: &[Served]) -> Result<Found, MatchError> {
        if self.benchmark.definition.agent == SEVERAL_WISHES {
            return Ok(Found::Labelled(self.changes(templates)));
        }
        let origin = |served: &Served| {
            let known = self.origins.get(&served.id).copied();
            known.ok_or_else(|| failed(format!("nobody knows where template {} comes from", served.id)))
        };
        templates.iter().map(origin).collect::<Result<_, _>>().map(Found::Entries)
    }

    /// The tools that these templates change something with, as a set.
    fn changes(&self, templates: &[Served]) -> String {
        let records = self.engine.templates(None);
        let steps = records
            .iter()
            .filter(|record| templates.iter().any(|served| served.id == record.template.id))
            .flat_map(|record| &record.template.steps)
            .map(|step| step.tool.as_str());
        set_of(steps.filter(|tool| self.engine.policy().effect(tool) != EffectClass::Read))
    }

    fn case<'a>(&self, asked: &Asked<'a>) -> Result<&'a Case, MatchError> {
        asked.case.ok_or_else(|| failed("there is no task to plan"))
    }
}

fn failed(why: impl ToString) -> MatchError {
    MatchError::new("plancache", why)
}

#[async_trait]
impl Matcher for Learnt {
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError> {
        let case = self.case(asked)?;
        let request = PlanRequest::new(RunId::new(&case.id), case.task.clone(), Vec::new());
        match self.engine.next(&request).await.outcome {
            Outcome::Hit { templates, .. } => self.found(&templates).map(Some),
            _ => Ok(None),
        }
    }

    /// The label is not looked at: what is learnt is the planner's run, if it succeeded.
    async fn learn(&mut self, asked: &Asked<'_>, _: &str) -> Result<(), MatchError> {
        let case = self.case(asked)?;
        let Some(run) = self.benchmark.runs.iter().find(|run| run.task_id == case.id) else { return Ok(()) };
        let mut trace = run.trace.clone();
        let succeeded = self.benchmark.judge(case, &trace).succeeded;
        trace.outcome = if succeeded { RunOutcome::Success } else { RunOutcome::Failure };
        let admitted = self.engine.admit(&trace).await.map_err(failed)?;
        for served in admitted.learnt.into_iter().chain(admitted.merged) {
            self.origins.entry(served.id).or_insert(asked.at);
        }
        Ok(())
    }
}
