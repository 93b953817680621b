use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use plancache::store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::stage::{SMALL_ON_HITS, Stage};
use super::{Course, Feedback, RunOptions, Split, ceiling, courses, orders, part, sample};
use crate::bench::{self, LoadError};
use crate::filler::FillerError;
use crate::measure::{Prices, TaskRecord, Totals, totals};
use crate::systems::{Kind, SystemError};

/// Tasks that only fill an empty cache, for figures of a filled one.
const WARM: usize = 50;

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its data.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A system.
    #[error(transparent)]
    System(#[from] SystemError),
    /// An empty cache.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The local model.
    #[error(transparent)]
    Filler(#[from] FillerError),
    /// What was asked for.
    #[error("{0}")]
    Asked(String),
    /// A stream that stopped.
    #[error("a stream stopped: {0}")]
    Stopped(String),
}

/// What a benchmark came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Result {
    /// The benchmark.
    pub benchmark: String,
    /// Query orders.
    pub orders: usize,
    /// Tasks learnt before the first is asked.
    #[serde(default)]
    pub taught: usize,
    /// Tasks in each.
    pub tasks: usize,
    /// Share of tasks whose plan shape came before.
    pub ceiling: f64,
    /// The same, in a run that can be learnt.
    pub reachable_ceiling: f64,
    /// Seeds of the orders.
    pub seeds: Vec<u64>,
    /// Which part of the tasks.
    pub split: Split,
    /// What the cache was told.
    pub feedback: Feedback,
    /// The planner on a miss.
    pub planner: String,
    /// The local model, if one was there.
    pub filler: Option<String>,
    /// The prices.
    pub prices: Prices,
    /// The systems.
    pub systems: Vec<Totals>,
    /// Each system's records, one list an order.
    #[serde(skip)]
    pub records: BTreeMap<String, Vec<Vec<TaskRecord>>>,
}

/// Sees each task of each stream when it is over, with the stream's system.
pub type Progress = Arc<dyn Fn(&str, &TaskRecord) + Send + Sync>;

/// A stream that is over: its system and order, its records and how long it took.
type Done = (usize, usize, Vec<TaskRecord>, f64);

/// Runs a benchmark through the systems that are asked for.
///
/// # Errors
/// When its data or the local model cannot be read, or a system that was asked for cannot be had.
pub async fn run(
    name: &str,
    options: &RunOptions,
    prices: &Prices,
    watch: Progress,
) -> std::result::Result<Result, RunError> {
    let chosen = options.applied(bench::find(name)?);
    let benchmark = bench::load(chosen.definition)?;
    let seed = options.seeds.first().copied().unwrap_or_default();
    let cases = sample(part(benchmark.cases.clone(), chosen.split), options.sample, seed);
    if cases.is_empty() {
        return Err(RunError::Asked(format!("{name} has no task in this split; try --split all")));
    }
    // What is learnt before comes in an order of the same seed.
    let lessons = orders(&benchmark.lessons.cases, &options.seeds);
    let orders: Vec<Vec<Course>> = (orders(&cases, &options.seeds).iter().zip(&lessons))
        .map(|(order, lessons)| courses(&benchmark, order, lessons))
        .collect();
    let warm = if benchmark.lessons.cases.is_empty() { WARM } else { 0 };
    let mut stage = Stage::set(benchmark, &cases, options).await?;
    let started = Instant::now();
    stage.plan_alone(&cases, &*watch).await?;
    let alone_s = started.elapsed().as_secs_f64();
    let (ceiling, within_reach) = ceiling(&stage.benchmark, &orders, &stage.policy).await?;

    let stage = Arc::new(stage);
    let systems = stage.systems(options)?;
    let mut records = vec![vec![Vec::new(); orders.len()]; systems.len()];
    let mut wall = vec![0.0; systems.len()];
    // The control on the plan cache's hits has to know them.
    for phase in [false, true] {
        let now: Vec<usize> =
            (0..systems.len()).filter(|at| (systems[*at] == SMALL_ON_HITS) == phase).collect();
        let served = served(&systems, &records);
        let done = side_by_side(&stage, &systems, &now, &orders, served, options, watch.clone()).await?;
        for (system, order, done, seconds) in done {
            records[system][order] = done;
            for record in &mut records[system][order] {
                record.within_reach = within_reach[order].contains(&record.task);
            }
            wall[system] += seconds;
        }
    }
    let in_order = |order: &Vec<Course>| -> Vec<TaskRecord> {
        let asked = order.iter().flat_map(|course| &course.asked);
        asked.filter_map(|case| stage.alone.get(&case.id).cloned()).collect()
    };
    let mut all: Vec<(String, Vec<Vec<TaskRecord>>, f64)> = Vec::new();
    all.push((PLANNER_ONLY.to_owned(), orders.iter().map(in_order).collect(), alone_s * orders.len() as f64));
    all.extend(
        systems.into_iter().zip(records).zip(wall).map(|((name, records), wall)| (name, records, wall)),
    );
    Ok(Result {
        benchmark: name.to_owned(),
        orders: orders.len(),
        taught: stage.benchmark.lessons.cases.len(),
        tasks: cases.len(),
        ceiling: ceiling.by_shape,
        reachable_ceiling: ceiling.reachable,
        seeds: options.seeds.clone(),
        split: chosen.split,
        feedback: options.feedback,
        planner: stage.planner_is.clone(),
        filler: stage.filler.as_ref().map(|filler| filler.name().to_owned()),
        prices: prices.clone(),
        systems: (all.iter())
            .map(|(name, records, wall)| totals(name, records, &stage.alone, prices, *wall, warm))
            .collect(),
        records: all.into_iter().map(|(name, records, _)| (name, records)).collect(),
    })
}

/// The tasks that the plan cache served in each order, if it was run: the one with the local model
/// rather than the one without.
fn served(systems: &[String], records: &[Vec<Vec<TaskRecord>>]) -> Vec<Option<BTreeSet<String>>> {
    let of = |name: &str| systems.iter().position(|system| system == name);
    let Some(at) = of("plancache").or_else(|| of("plancache_no_filler")) else { return Vec::new() };
    let hits = |order: &Vec<TaskRecord>| {
        let hits = order.iter().filter(|record| record.kind == Kind::Hit);
        (!order.is_empty()).then(|| hits.map(|record| record.task.clone()).collect())
    };
    records[at].iter().map(hits).collect()
}

/// The system whose records every other is compared with.
pub(super) const PLANNER_ONLY: &str = "planner_only";

/// Runs every system on every order, as many streams at a time as there are jobs.
async fn side_by_side(
    stage: &Arc<Stage>,
    systems: &[String],
    now: &[usize],
    orders: &[Vec<Course>],
    served: Vec<Option<BTreeSet<String>>>,
    options: &RunOptions,
    watch: Progress,
) -> std::result::Result<Vec<Done>, RunError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let permits = Arc::new(Semaphore::new(options.jobs.unwrap_or(processors).max(1)));
    let mut streams = JoinSet::new();
    for &at in now {
        let name = &systems[at];
        for (nth, order) in orders.iter().enumerate() {
            let (stage, permits, watch) = (stage.clone(), permits.clone(), watch.clone());
            let (name, order, seed) = (name.clone(), order.clone(), options.seeds[nth]);
            let served = served.get(nth).cloned().flatten();
            streams.spawn(async move {
                let _permit = permits.acquire().await;
                let started = Instant::now();
                let seen = |record: &TaskRecord| watch(&name, record);
                let records = stage.order(&order, &name, seed, served, &seen).await?;
                Ok::<Done, RunError>((at, nth, records, started.elapsed().as_secs_f64()))
            });
        }
    }
    let mut done = Vec::new();
    while let Some(stream) = streams.join_next().await {
        done.push(stream.map_err(|e| RunError::Stopped(e.to_string()))??);
    }
    Ok(done)
}
