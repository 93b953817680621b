use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::report::read;
use crate::report::{Change, Comparison, Pair, compare as compared};

/// What is compared, and how it ends.
#[derive(Debug, Args)]
pub struct CompareOptions {
    /// The baseline: a folder that `run --out` wrote, or one result of it.
    base: PathBuf,
    /// What is compared with it.
    new: PathBuf,
    /// Exit with 1 if a result fell below the baseline.
    #[arg(long)]
    ratchet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn compare(options: &CompareOptions) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let comparison = compared(&read(&options.base)?, &read(&options.new)?);
    let mut out = io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&comparison)?)?;
    } else {
        write!(out, "{}", shown(&comparison))?;
    }
    let fell = options.ratchet && !comparison.fell.is_empty();
    Ok(if fell { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn shown(comparison: &Comparison) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["benchmark", "system", "n", "hits", "wrong", "success", "planner tokens"]);
    let changed: Vec<&Change> = comparison.systems.iter().filter(|change| !change.is_none()).collect();
    for change in &changed {
        let pairs = [change.tasks, change.hits, change.wrong_plans, change.succeeded, change.planner_tokens]
            .map(pair);
        table.add_row([change.name.clone(), change.system.clone()].into_iter().chain(pairs));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let same = comparison.systems.len() - changed.len();
    let mut text = String::new();
    if !changed.is_empty() {
        text += &format!("{table}\n");
    }
    text +=
        &format!("{} systems compared, {same} of them the same in every figure\n", comparison.systems.len());
    for new in &comparison.new {
        text += &format!("new      {new}: no baseline\n");
    }
    for fell in &comparison.fell {
        text += &format!("FELL     {fell}\n");
    }
    text + comparison.rule + "\n"
}

fn pair(pair: Pair) -> String {
    if pair.base == pair.new { pair.new.to_string() } else { format!("{} → {}", pair.base, pair.new) }
}
