use std::collections::BTreeMap;
use std::sync::Arc;

use plancache::fill::Filler;
use plancache::policy::Policy;
use plancache_agents::recorded::RecordedPlanner;
use plancache_agents::tokens::TokenCounter;

use super::suite::PLANNER_ONLY;
use super::{Feedback, RunError, RunOptions, stream};
use crate::bench::{Benchmark, Case};
use crate::filler;
use crate::measure::TaskRecord;
use crate::systems::{
    AnswerCache, CacheSettings, Cached, Metered, PlannerOnly, RandomTemplate, System, Vectors,
};

/// Similarities from which on an answer cache answers.
const THRESHOLDS: [f32; 3] = [0.80, 0.90, 0.95];

/// What all streams of a benchmark share.
pub(super) struct Stage {
    pub(super) benchmark: Benchmark,
    pub(super) planner: Metered,
    pub(super) planner_is: String,
    pub(super) policy: Policy,
    pub(super) filler: Option<Arc<dyn Filler>>,
    pub(super) vectors: Option<Vectors>,
    pub(super) feedback: Feedback,
    /// What the planner alone comes to, by task.
    pub(super) alone: BTreeMap<String, TaskRecord>,
}

impl Stage {
    /// Opens the planner and the models.
    pub(super) async fn set(
        benchmark: Benchmark,
        _cases: &[Case],
        options: &RunOptions,
    ) -> Result<Self, RunError> {
        let fixed = benchmark.prompt.tokens(&TokenCounter::default());
        let recorded =
            RecordedPlanner::new(benchmark.runs.clone(), benchmark.reads(), benchmark.prompt.clone());
        let planner = Metered::recorded(recorded, fixed);
        let wants = |name: &str| options.systems.is_empty() || options.systems.iter().any(|s| s == name);
        let filler = if wants("plancache") { filler::open(options.filler.as_deref())? } else { None };
        let defaults = Policy::default();
        let evidence = benchmark.definition.evidence;
        let policy = Policy {
            effects: benchmark.effects.clone(),
            min_evidence_read: evidence.read.unwrap_or(defaults.min_evidence_read),
            min_evidence_write: evidence.write.unwrap_or(defaults.min_evidence_write),
            ..defaults
        };
        Ok(Self {
            benchmark,
            planner,
            planner_is: "recorded".to_owned(),
            policy,
            filler,
            vectors: None,
            feedback: options.feedback,
            alone: BTreeMap::new(),
        })
    }

    /// Runs every task with the planner alone, once: without a cache the order does not matter.
    pub(super) async fn plan_alone(
        &mut self,
        cases: &[Case],
        watch: &(dyn Fn(&str, &TaskRecord) + Send + Sync),
    ) -> Result<(), RunError> {
        let mut system = PlannerOnly::new(self.planner.clone());
        let seen = |record: &TaskRecord| watch(PLANNER_ONLY, record);
        let none = BTreeMap::new();
        let records = stream(&self.benchmark, cases, &mut system, self.feedback, &none, &seen).await?;
        self.alone = records.into_iter().map(|record| (record.task.clone(), record)).collect();
        Ok(())
    }

    /// The systems that are asked for, the planner alone aside; by default all that can be had.
    pub(super) fn systems(&self, options: &RunOptions) -> Result<Vec<String>, RunError> {
        let mut known = vec!["random_template".to_owned()];
        if self.vectors.is_some() {
            known.extend(THRESHOLDS.iter().map(|least| format!("answer_cache_{least:.2}")));
        }
        known.push("plancache_no_filler".to_owned());
        if self.filler.is_some() {
            known.push("plancache".to_owned());
        }
        if options.systems.is_empty() {
            return Ok(known);
        }
        let wanted: Vec<String> = options.systems.iter().filter(|s| *s != PLANNER_ONLY).cloned().collect();
        match wanted.iter().find(|name| !known.contains(name)) {
            Some(name) => {
                let why = format!("there is no system {name:?} here; there are {}", known.join(", "));
                Err(RunError::Asked(why))
            }
            None => Ok(wanted),
        }
    }

    /// A system from an empty cache.
    pub(super) async fn system(&self, name: &str, seed: u64) -> Result<Box<dyn System>, RunError> {
        let planner = self.planner.clone();
        let cached = |filler: Option<Arc<dyn Filler>>| CacheSettings {
            name: name.to_owned(),
            policy: Policy { filler: filler.is_some(), ..self.policy.clone() },
            filler,
        };
        Ok(match name {
            "random_template" => Box::new(RandomTemplate::new(planner, seed)),
            "plancache_no_filler" => Box::new(Cached::new(planner, cached(None)).await?),
            "plancache" => Box::new(Cached::new(planner, cached(self.filler.clone())).await?),
            other => {
                let least = THRESHOLDS.iter().find(|least| other == format!("answer_cache_{least:.2}"));
                match (least, &self.vectors) {
                    (Some(least), Some(vectors)) => {
                        Box::new(AnswerCache::new(planner, vectors.clone(), *least))
                    }
                    _ => return Err(RunError::Asked(format!("there is no system {other:?}"))),
                }
            }
        })
    }
}
