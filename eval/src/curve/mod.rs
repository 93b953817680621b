//! Hits against wrong plans where a plan is a program in other words: over how near the wording of a
//! learnt program must be to a task, with the wording alone and with a second derivation by a local
//! model.

mod remembered;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use plancache::policy::{Policy, ProgramNames};
use serde::{Deserialize, Serialize};

use crate::bench;
use crate::embedder;
use crate::filler;
use crate::measure::TaskRecord;
use crate::run::{RunError, RunOptions, orders, part, sample, stream};
use crate::systems::{CacheSettings, Cached, Kind, PlannerOnly, System};
use remembered::{RememberedEmbedder, RememberedFiller};

/// How near a wording must be where it alone decides.
const ALONE: [f32; 9] = [0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975];
/// How near it must be to be compared with a second derivation.
const COMPARED: [f32; 5] = [0.0, 0.5, 0.6, 0.7, 0.8];
/// How many learnt programs are run beside the derived one.
const BESIDE: [u32; 3] = [0, 1, 3];
/// A question may take long on a busy machine; it is the same answer.
const PATIENCE_MS: u64 = 1_800_000;

/// What is run.
#[derive(Clone, Debug, Args)]
pub struct CurveOptions {
    /// The benchmark.
    #[arg(long, default_value = "sql")]
    pub benchmark: String,
    /// What is run.
    #[command(flatten)]
    pub run: RunOptions,
    /// What the local model said, asked or to be asked: each question is put once.
    #[arg(long, value_name = "FILE")]
    pub replies: Option<PathBuf>,
    /// How many of the nearest learnt programs the local model is shown. With any, what it is asked depends
    /// on what was learnt before.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub examples: u32,
    /// Only ways whose names hold this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub only: String,
    /// How near a wording must be, in place of the usual steps.
    #[arg(long, value_name = "COSINE", value_delimiter = ',')]
    pub least: Vec<f32>,
    /// Also write `curve.json` and `summary.md` to this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// One point of a curve, all orders together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How plans are decided.
    pub by: String,
    /// How near a wording must be.
    pub nearness: f32,
    /// Tasks of all orders.
    pub tasks: u64,
    /// Served without the planner.
    pub hits: u64,
    /// Of the tasks, those that were served wrongly.
    pub wrong: u64,
    /// Handed back after the look at the schema.
    pub handed_back: u64,
    /// Questions put to the local model.
    pub asked: u64,
    /// Tokens that it read and wrote.
    pub model_tokens: u64,
    /// Why the others were not served.
    pub reasons: BTreeMap<String, u64>,
    /// What the judge found of tasks that were served wrongly.
    #[serde(default)]
    pub faults: BTreeMap<String, String>,
}

/// The curves of a benchmark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The benchmark.
    pub benchmark: String,
    /// Which part of the tasks, in words.
    pub split: String,
    /// Seeds of the orders.
    pub seeds: Vec<u64>,
    /// The points.
    pub points: Vec<Point>,
}

/// Runs the curves; the text says them as a table.
///
/// # Errors
/// When data or models cannot be read, or the folder cannot be written.
pub async fn run(options: &CurveOptions) -> Result<String, Box<dyn std::error::Error>> {
    let chosen = options.run.applied(bench::find(&options.benchmark)?);
    let benchmark = bench::load(chosen.definition)?;
    let seed = options.run.seeds.first().copied().unwrap_or_default();
    let cases = sample(part(benchmark.cases.clone(), chosen.split), options.run.sample, seed);
    let orders = orders(&cases, &options.run.seeds);
    let planner = crate::run::planner(&benchmark, &options.run)?;
    let told = options.run.feedback;
    let none = BTreeMap::new();
    let mut alone = PlannerOnly::new(planner.clone());
    let records = stream(&benchmark, &cases, &mut alone, Some(told), &none, &|_| {}).await?;
    let alone: BTreeMap<String, TaskRecord> = records.into_iter().map(|r| (r.task.clone(), r)).collect();
    let vectors = embedder::open(true)?.ok_or("there is no embedder")?;
    let vectors = Arc::new(RememberedEmbedder::new(vectors));
    let model = match filler::open(options.run.filler.as_deref())? {
        Some(filler) => Some(Arc::new(RememberedFiller::open(filler, options.replies.as_deref())?)),
        None => None,
    };
    let mut own = Policy {
        programs_in_other_words: true,
        filler_deadline_ms: PATIENCE_MS,
        ..crate::run::policy(&benchmark, &options.run)?
    };
    // What is read by its values alone would be served beside the programs.
    own.natural.on = false;
    let steps = |usual: &[f32]| if options.least.is_empty() { usual.to_vec() } else { options.least.clone() };
    let mut settings: Vec<(String, f32, Policy)> = Vec::new();
    let columns = |names| match names {
        ProgramNames::Same => "",
        ProgramNames::Said => ", columns as slots",
        ProgramNames::Observed => ", any columns",
    };
    for names in [ProgramNames::Same, ProgramNames::Said] {
        let by = format!("wording alone{}", columns(names));
        for least in steps(&ALONE) {
            let policy = Policy {
                second_derivation: false,
                program_names: names,
                program_nearness_alone: least,
                ..own.clone()
            };
            settings.push((by.clone(), least, policy));
        }
    }
    if let Some(model) = &model {
        let name = plancache::fill::Filler::name(&**model).to_owned();
        for names in [ProgramNames::Same, ProgramNames::Said, ProgramNames::Observed] {
            for run in BESIDE {
                let examples = options.examples;
                let how = if run == 0 { "in form" } else { "in form or result" };
                let columns = columns(names);
                let by = format!("{name} agrees {how}, {run} run, {examples} shown{columns}");
                for least in steps(&COMPARED) {
                    let policy = Policy {
                        program_names: names,
                        program_nearness: least,
                        program_results: run,
                        program_examples: examples,
                        ..own.clone()
                    };
                    settings.push((by.clone(), least, policy));
                }
            }
        }
    }
    let mut curve = Curve {
        benchmark: options.benchmark.clone(),
        split: format!("{:?}", chosen.split).to_lowercase(),
        seeds: options.run.seeds.clone(),
        points: Vec::new(),
    };
    settings.retain(|(by, ..)| by.contains(&options.only));
    for (by, nearness, policy) in settings {
        let mut point = Point { by, nearness, ..Point::default() };
        for order in &orders {
            let filler = model.clone().filter(|_| policy.second_derivation);
            let settings = CacheSettings {
                name: point.by.clone(),
                policy: policy.clone(),
                filler: filler.map(|filler| filler as Arc<dyn plancache::fill::Filler>),
                embedder: Some(vectors.clone()),
            };
            let mut system = Cached::new(planner.clone(), settings).await?;
            let name = System::name(&system);
            let records = stream(&benchmark, order, &mut system, Some(told), &alone, &|_| {}).await;
            let records = records.map_err(|e| RunError::Stopped(format!("{name}: {e}")))?;
            records.iter().for_each(|record| point.add(record));
        }
        // Progress only: what counts is in the table.
        let _ = writeln!(io::stderr(), "{}", point.row());
        curve.points.push(point);
    }
    let text = curve.text();
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("curve.json"), serde_json::to_string_pretty(&curve)? + "\n")?;
        std::fs::write(folder.join("summary.md"), &text)?;
    }
    Ok(text)
}

impl Point {
    fn add(&mut self, record: &TaskRecord) {
        self.tasks += 1;
        self.hits += u64::from(record.kind == Kind::Hit);
        self.wrong += u64::from(record.wrong);
        self.handed_back += u64::from(record.kind == Kind::Diverged);
        self.asked += record.own.calls;
        self.model_tokens += record.own.tokens();
        if record.wrong {
            self.faults.insert(record.task.clone(), record.why.clone().unwrap_or_default());
        }
        if let Some(reason) = &record.reason {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
    }

    fn row(&self) -> String {
        let share = |n: u64, of: u64| 100.0 * n as f64 / of.max(1) as f64;
        format!(
            "| {} | {:.3} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.0} |",
            self.by,
            self.nearness,
            share(self.hits, self.tasks),
            share(self.hits.saturating_sub(self.wrong), self.tasks),
            share(self.wrong, self.hits),
            share(self.handed_back, self.tasks),
            self.asked as f64 / self.tasks.max(1) as f64,
            self.model_tokens as f64 / self.tasks.max(1) as f64,
        )
    }
}

impl Curve {
    /// The curves as a table in Markdown.
    pub fn text(&self) -> String {
        let mut out = format!(
            "# Programs in other words: {}\n\nThe {} part of the tasks, seeds {:?}. What the words mean: \
             `eval/METHODOLOGY.md`.\n\n| served where | nearness at least | hits, % of tasks | right, % of \
             tasks | wrong, % of hits | handed back, % of tasks | questions a task | model tokens a task \
             |\n|---|---|---|---|---|---|---|---|\n",
            self.benchmark, self.split, self.seeds
        );
        for point in &self.points {
            out.push_str(&point.row());
            out.push('\n');
        }
        out
    }
}
