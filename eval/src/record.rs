//! Records what the demo shows: every order and setting, on the data and on its variants.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::demo::{Options, Report, SetupError, Stage, run};
use crate::measure::{Interval, wilson};
use crate::variants::{self, Kind, VariantError};

/// Seeds of the shuffled orders.
const SHUFFLES: [u64; 5] = [1, 2, 3, 4, 5];
/// Distinct successes before a plan that writes is served.
const EVIDENCE: [u32; 3] = [1, 2, 3];
/// The evidence with which the variants are run.
const VARIANT_EVIDENCE: u32 = 2;

/// What is recorded, and where.
#[derive(Clone, Debug, Parser)]
pub struct RecordOptions {
    /// The folder to write to; one JSON file a run, and summary.md.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The data.
    #[arg(long, value_name = "DIR", default_value = "eval/data/retail")]
    pub data: PathBuf,
    /// Seeds of the variants.
    #[arg(long, value_name = "SEED", value_delimiter = ',', default_value = "1,2,3,4,5")]
    pub seeds: Vec<u64>,
    /// Run only the first N tasks.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// With the local model: a GGUF file or a name of the catalogue; without, none is asked.
    #[arg(long, value_name = "PATH|NAME")]
    pub filler: Option<String>,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The demo.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A variant.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// A record.
    #[error("the record {path} cannot be written: {why}")]
    Write {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
}

/// A run of the demo that is recorded.
struct Planned {
    /// Name of the record.
    name: String,
    /// What it was run on, as it is shown.
    on: String,
    data: PathBuf,
    evidence: u32,
    shuffle: Option<u64>,
}

/// Runs everything and writes the records; `watch` sees each when it is done.
///
/// # Errors
/// When a run cannot begin or a record cannot be written.
pub async fn record(
    options: &RecordOptions,
    mut watch: impl FnMut(&str, &Report),
) -> Result<(), RecordError> {
    let variants = tempfile::tempdir().map_err(|e| write_error(Path::new("a temporary folder"), &e))?;
    let mut summary = Summary::default();
    for planned in plan(options, variants.path())? {
        let report = one(options, &planned).await?;
        let text = serde_json::to_string_pretty(&report)
            .map_err(|e| write_error(&options.out, &std::io::Error::other(e)))?;
        write(&options.out.join(format!("{}.json", planned.name)), &(text + "\n"))?;
        summary.add(&planned.name, &report);
        watch(&planned.name, &report);
    }
    write(&options.out.join("summary.md"), &summary.text())
}

fn plan(options: &RecordOptions, variants: &Path) -> Result<Vec<Planned>, RecordError> {
    let mut all = Vec::new();
    let on = "the data".to_owned();
    for evidence in EVIDENCE {
        for shuffle in std::iter::once(None).chain(SHUFFLES.map(Some)) {
            let order = shuffle.map_or("file".to_owned(), |seed| format!("shuffle{seed}"));
            let name = format!("{order}-evidence{evidence}");
            all.push(Planned { name, on: on.clone(), data: options.data.clone(), evidence, shuffle });
        }
    }
    for kind in Kind::ALL {
        for seed in &options.seeds {
            let name = format!("{}{seed}-evidence{VARIANT_EVIDENCE}", kind.name());
            let data = variants.join(&name);
            variants::write(kind, *seed, &options.data, &data)?;
            let on = format!("the variant `{}` by seed {seed}", kind.name());
            all.push(Planned { name, on, data, evidence: VARIANT_EVIDENCE, shuffle: None });
        }
    }
    Ok(all)
}

async fn one(options: &RecordOptions, planned: &Planned) -> Result<Report, SetupError> {
    let mut demo = Options::parse_from(["plancache-demo"]);
    demo.data = Some(planned.data.clone());
    demo.min_evidence = planned.evidence;
    demo.shuffle = planned.shuffle;
    demo.limit = options.limit;
    demo.filler.clone_from(&options.filler);
    demo.no_filler = options.filler.is_none();
    let stage = Stage::set(&demo).await?;
    let mut report = run(&stage, &demo, |_| {}).await?;
    // Where the files lay while it ran says nothing to a reader.
    report.settings.tasks.clone_from(&planned.on);
    report.settings.runs.clone_from(&planned.on);
    Ok(report)
}

#[derive(Default)]
struct Summary {
    rows: String,
}

impl Summary {
    fn add(&mut self, name: &str, report: &Report) {
        let hits = report.hits_after_50();
        let after = report.tasks.saturating_sub(50);
        let Interval { low, high } = wilson(hits, after);
        let wrong = wilson(report.wrong_plans, report.hits).high;
        let saved = 1.0 - report.planner_tokens as f64 / report.planner_tokens_without_cache.max(1) as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.rows,
            "| {name} | {:.1} ({:.1} to {:.1}) | {} | {} | {} | {} (at most {:.1}%) | {} | {:.1} | {} |",
            percent(hits, after),
            100.0 * low,
            100.0 * high,
            report.hits,
            report.misses,
            report.diverged,
            report.wrong_plans,
            100.0 * wrong,
            report.off_script,
            100.0 * saved,
            report.templates,
        );
    }

    fn text(&self) -> String {
        format!(
            "# The demo, recorded\n\nHow it was measured: `eval/METHODOLOGY.md`. Ranges are 95% Wilson intervals.\n\n\
             | run | hit rate after 50 tasks, % | hits | misses | diverged | wrong plans | off script | planner tokens saved, % | templates |\n\
             |---|---|---|---|---|---|---|---|---|\n{}",
            self.rows
        )
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn write(path: &Path, text: &str) -> Result<(), RecordError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|e| write_error(path, &e))
}

fn write_error(path: &Path, error: &std::io::Error) -> RecordError {
    RecordError::Write { path: path.display().to_string(), why: error.to_string() }
}
