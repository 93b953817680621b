use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::progress::bars;
use super::show;
use crate::bench;
use crate::measure::Prices;
use crate::run::{self, BenchmarkResult, RunOptions};

/// What is run, and how it is shown.
#[derive(Debug, Args)]
pub struct RunVerb {
    /// The benchmark; repeat it for several, `all` for all that bring their data.
    #[arg(long, value_name = "NAME", required = true)]
    benchmark: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
    /// The table of prices.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Print one JSON object for each benchmark.
    #[arg(long)]
    json: bool,
    /// Also write the results and each task's record to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) async fn run(verb: &RunVerb) -> Result<(), Box<dyn std::error::Error>> {
    let prices = Prices::read(&verb.prices.clone().unwrap_or_else(|| bench::root().join("prices.toml")))?;
    let all = verb.benchmark.iter().any(|name| name == "all");
    let names = if all { bench::complete()? } else { verb.benchmark.clone() };
    for name in names {
        let result = run::run(&name, &verb.options, &prices, bars(&name)).await?;
        if let Some(folder) = &verb.out {
            keep(folder, &result)?;
        }
        let mut out = io::stdout();
        if verb.json {
            writeln!(out, "{}", serde_json::to_string(&result)?)?;
        } else {
            write!(out, "{}", show::table(&result))?;
        }
    }
    Ok(())
}

/// Writes `NAME.json` and, a line a task, `NAME.jsonl`.
fn keep(folder: &Path, result: &BenchmarkResult) -> Result<(), Box<dyn std::error::Error>> {
    let wrong = |path: &Path, e: io::Error| format!("{} cannot be written: {e}", path.display());
    std::fs::create_dir_all(folder).map_err(|e| wrong(folder, e))?;
    let summary = folder.join(format!("{}.json", result.benchmark));
    std::fs::write(&summary, serde_json::to_string_pretty(result)? + "\n").map_err(|e| wrong(&summary, e))?;
    let mut lines = String::new();
    for (system, orders) in &result.records {
        for (seed, records) in result.seeds.iter().zip(orders) {
            for record in records {
                let line = serde_json::json!({"system": system, "seed": seed, "record": record});
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
        }
    }
    let raw = folder.join(format!("{}.jsonl", result.benchmark));
    std::fs::write(&raw, lines).map_err(|e| wrong(&raw, e).into())
}
