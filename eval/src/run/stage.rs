use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plancache::fill::Filler;
use plancache::matching::Embedder;
use plancache::policy::Policy;
use plancache_agents::recorded::RecordedPlanner;
use plancache_agents::tokens::TokenCounter;

use super::course::note_new;
use super::suite::PLANNER_ONLY;
use super::{Course, Feedback, RunError, RunOptions, stream};
use crate::bench::{Benchmark, Case};
use crate::embedder;
use crate::filler;
use crate::measure::TaskRecord;
use crate::systems::{
    AnswerCache, CacheSettings, Cached, GENERALIZE, Metered, Models, NAME_THE_INTENT, PlannerOnly, Prompted,
    RandomTemplate, Shown, SmallOnly, System, Vectors, live,
};

/// Similarities from which on an answer cache answers.
const THRESHOLDS: [f32; 3] = [0.80, 0.90, 0.95];

/// Parts of the product that can be switched off, to see what each is worth, with their settings.
/// They are compared with the product without the local model, but with the embedder if it is there.
const ABLATIONS: [(&str, &str); 6] = [
    ("without_merge", "/learning/merge"),
    ("without_blocks", "/learning/blocks"),
    ("without_loops", "/learning/loops"),
    ("without_values", "/learning/values"),
    ("without_programs", "/learning/programs"),
    ("without_natural", "/natural/on"),
];

/// The plan cache without a local model that writes, which reads texts in other words.
const NATURAL: &str = "plancache_natural";

/// The systems that prompt a small planner on a hit.
const PROMPTED: [Shown; 3] = [Shown::Template, Shown::FullHistory, Shown::RandomTemplate];

/// The control on the tasks that the plan cache serves; it is run after the plan cache.
pub(super) const SMALL_ON_HITS: &str = "small_on_hits";

/// What all streams of a benchmark share.
pub(super) struct Stage {
    pub(super) benchmark: Benchmark,
    planner: Metered,
    pub(super) planner_is: String,
    small: Option<Models>,
    pub(super) policy: Policy,
    pub(super) filler: Option<Arc<dyn Filler>>,
    embedder: Option<Arc<dyn Embedder>>,
    vectors: Option<Vectors>,
    pub(super) feedback: Feedback,
    /// What the planner alone comes to, by task.
    pub(super) alone: BTreeMap<String, TaskRecord>,
}

impl Stage {
    /// Opens the planner and the models.
    pub(super) async fn set(
        benchmark: Benchmark,
        cases: &[Case],
        options: &RunOptions,
    ) -> Result<Self, RunError> {
        let wants = |name: &str| options.systems.is_empty() || options.systems.iter().any(|s| s == name);
        let filler = if wants("plancache") { filler::open(options.filler.as_deref())? } else { None };
        let natural = options.systems.iter().any(|name| name == NATURAL);
        let ablation = options.systems.iter().any(|name| name.starts_with("plancache_without_"));
        let embedder =
            if natural || ablation || wants("plancache") { embedder::open(natural) } else { Ok(None) };
        let embedder = embedder.map_err(RunError::Asked)?;
        let planner = planner(&benchmark, options)?;
        let small = match &options.small {
            Some(endpoint) => Some(models(&benchmark, &planner, endpoint)?),
            None => None,
        };
        Ok(Self {
            planner,
            planner_is: options.planner.clone().unwrap_or_else(|| "recorded".to_owned()),
            small,
            policy: policy(&benchmark, options)?,
            filler,
            embedder,
            vectors: vectors(&[cases, &benchmark.lessons.cases].concat(), options).await?,
            feedback: options.feedback,
            alone: BTreeMap::new(),
            benchmark,
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
        let records = stream(&self.benchmark, cases, &mut system, Some(self.feedback), &none, &seen).await?;
        self.alone = records.into_iter().map(|record| (record.task.clone(), record)).collect();
        Ok(())
    }

    /// Runs an order of tasks through a system that begins each of its streams empty.
    pub(super) async fn order(
        &self,
        courses: &[Course],
        name: &str,
        seed: u64,
        served: Option<BTreeSet<String>>,
        watch: &(dyn Fn(&TaskRecord) + Send + Sync),
    ) -> Result<Vec<TaskRecord>, RunError> {
        let (bench, told, mut records) = (&self.benchmark, Some(self.feedback), Vec::new());
        for Course { taught, asked } in courses {
            let mut system = self.system(name, seed, served.clone()).await?;
            stream(bench, taught, &mut *system, told, &self.alone, &|_| {}).await?;
            let told = told.filter(|_| taught.is_empty());
            records.extend(stream(bench, asked, &mut *system, told, &self.alone, &|r| watch(r)).await?);
        }
        note_new(bench, courses, &mut records);
        Ok(records)
    }

    /// The systems that are asked for, the planner alone aside; by default all that need no
    /// endpoint. The control on the plan cache's hits comes last.
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
        known.extend(self.embedder.is_some().then(|| NATURAL.to_owned()));
        let parts = ABLATIONS.iter().filter(|(_, setting)| without(&self.policy, setting).is_some());
        known.extend(parts.map(|(part, _)| format!("plancache_{part}")));
        if self.small.is_some() {
            known.push("small_only".to_owned());
            known.extend(PROMPTED.map(|shown| shown.name().to_owned()));
            known.push(SMALL_ON_HITS.to_owned());
        }
        let mut wanted: Vec<String> =
            options.systems.iter().filter(|name| *name != PLANNER_ONLY).cloned().collect();
        if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
            let known = known.join(", ");
            return Err(RunError::Asked(format!(
                "there is no system {name:?} here; there are {PLANNER_ONLY}, {known} (those with a small \
                 planner need --small URL#MODEL, plancache needs the local model, answer caches the embedder)"
            )));
        }
        wanted.sort_by_key(|name| name == SMALL_ON_HITS);
        Ok(wanted)
    }

    /// A system from an empty cache. `served` are the tasks that the plan cache served in the same
    /// order, where that is known.
    async fn system(
        &self,
        name: &str,
        seed: u64,
        served: Option<BTreeSet<String>>,
    ) -> Result<Box<dyn System>, RunError> {
        let planner = self.planner.apart();
        let cached = |filler: Option<Arc<dyn Filler>>| CacheSettings {
            name: name.to_owned(),
            policy: Policy { filler: filler.is_some(), ..self.policy.clone() },
            filler,
            embedder: None,
        };
        let natural = |filler| CacheSettings { embedder: self.embedder.clone(), ..cached(filler) };
        match name {
            NATURAL => return Ok(Box::new(Cached::new(planner, natural(None)).await?)),
            "random_template" => return Ok(Box::new(RandomTemplate::new(planner, seed))),
            "plancache_no_filler" => return Ok(Box::new(Cached::new(planner, cached(None)).await?)),
            "plancache" => return Ok(Box::new(Cached::new(planner, natural(self.filler.clone())).await?)),
            _ => {}
        }
        let part = ABLATIONS.iter().find(|(part, _)| name == format!("plancache_{part}"));
        if let Some(policy) = part.and_then(|(_, setting)| without(&self.policy, setting)) {
            let settings = CacheSettings { policy: Policy { filler: false, ..policy }, ..natural(None) };
            return Ok(Box::new(Cached::new(planner, settings).await?));
        }
        let least = THRESHOLDS.iter().find(|least| name == format!("answer_cache_{least:.2}"));
        if let (Some(least), Some(vectors)) = (least, &self.vectors) {
            return Ok(Box::new(AnswerCache::new(planner, vectors.clone(), *least)));
        }
        if let Some(models) = &self.small {
            if let Some(shown) = PROMPTED.into_iter().find(|shown| shown.name() == name) {
                return Ok(Box::new(Prompted::new(shown, models.apart(), seed)));
            }
            match (name, served) {
                ("small_only", _) => return Ok(Box::new(SmallOnly::on_all(models.small.apart()))),
                (SMALL_ON_HITS, Some(served)) => {
                    return Ok(Box::new(SmallOnly::on(served, models.small.apart(), planner)));
                }
                _ => {}
            }
        }
        Err(RunError::Asked(format!("{name} cannot be run here; run it together with plancache")))
    }
}

/// Vectors of the tasks' texts, if an answer cache is asked for, or nothing is and the embedder is
/// on this machine.
async fn vectors(cases: &[Case], options: &RunOptions) -> Result<Option<Vectors>, RunError> {
    let wanted = options.systems.iter().any(|name| name.starts_with("answer_cache"));
    if !wanted && !options.systems.is_empty() {
        return Ok(None);
    }
    let Some(embedder) = embedder::open(wanted).map_err(RunError::Asked)? else { return Ok(None) };
    let cases: Vec<(String, String)> = cases.iter().map(|c| (c.id.clone(), c.task.text.clone())).collect();
    let embed = move || {
        let texts: Vec<&str> = cases.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = embedder.embed(&texts).map_err(|e| RunError::Asked(e.to_string()))?;
        Ok(Some(Vectors::new(cases.iter().map(|(id, _)| id.clone()).zip(vectors).collect())))
    };
    tokio::task::spawn_blocking(embed).await.map_err(|e| RunError::Stopped(e.to_string()))?
}

/// The policy with one of its switches off, if it has that switch.
fn without(policy: &Policy, setting: &str) -> Option<Policy> {
    let mut value = serde_json::to_value(policy).ok()?;
    let switch = value.pointer_mut(setting).filter(|switch| switch.is_boolean())?;
    *switch = false.into();
    serde_json::from_value(value).ok()
}

/// The policy that a user of such an agent would set.
pub(crate) fn policy(benchmark: &Benchmark, options: &RunOptions) -> Result<Policy, RunError> {
    let given = match &options.policy {
        None => Policy::default(),
        Some(path) => {
            let wrong = |why: String| RunError::Asked(format!("{}: {why}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
            toml::from_str(&text).map_err(|e| wrong(e.to_string()))?
        }
    };
    let evidence = benchmark.definition.evidence;
    Ok(Policy {
        effects: benchmark.effects.clone(),
        min_evidence_read: evidence.read.unwrap_or(given.min_evidence_read),
        min_evidence_write: evidence.write.unwrap_or(given.min_evidence_write),
        ..given
    })
}

pub(crate) fn planner(benchmark: &Benchmark, options: &RunOptions) -> Result<Metered, RunError> {
    let fixed = benchmark.prompt.tokens(&TokenCounter::default());
    if let Some(endpoint) = &options.planner {
        return live(endpoint, &benchmark.prompt.system, fixed).map_err(RunError::Asked);
    }
    let recorded = RecordedPlanner::new(benchmark.runs.clone(), benchmark.reads(), benchmark.prompt.clone());
    Ok(Metered::recorded(recorded, fixed))
}

fn models(benchmark: &Benchmark, planner: &Metered, endpoint: &str) -> Result<Models, RunError> {
    let fixed = benchmark.prompt.tokens(&TokenCounter::default());
    let asked = |system: &str, fixed| live(endpoint, system, fixed).map_err(RunError::Asked);
    Ok(Models {
        planner: planner.clone(),
        small: asked(&benchmark.prompt.system, fixed)?,
        namer: asked(NAME_THE_INTENT, 0)?,
        writer: asked(GENERALIZE, 0)?,
    })
}
