use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::report::read;
use crate::report::{Ranking, rank as ranked};

/// What is ranked.
#[derive(Debug, Args)]
pub struct RankOptions {
    /// The folder that `run --out` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn rank(options: &RankOptions) -> Result<(), Box<dyn std::error::Error>> {
    let ranking = ranked(&read(&options.folder)?);
    let mut out = io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&ranking)?)?;
    } else {
        write!(out, "{}", shown(&ranking))?;
    }
    Ok(())
}

fn shown(ranking: &Ranking) -> String {
    let mut text = String::new();
    for standing in &ranking.benchmarks {
        let mut table = table(&["", "system", "success %", "", "US$", "of planner only", "n"], 2);
        for row in &standing.rows {
            table.add_row([
                row.place.to_string(),
                row.system.clone(),
                format!("{:.1}", 100.0 * row.success),
                if row.keeps_success { String::new() } else { "falls short".to_owned() },
                format!("{:.2}", row.cost_usd),
                format!("{:.3}", row.cost_ratio),
                row.tasks.to_string(),
            ]);
        }
        text += &format!("{}\n{table}\n\n", standing.name);
    }
    let mut table = table(&["system", "first", "keeps success", "benchmarks", "mean cost ratio"], 1);
    for sum in &ranking.summary {
        table.add_row([
            sum.system.clone(),
            sum.wins.to_string(),
            sum.keeps_success.to_string(),
            sum.benchmarks.to_string(),
            format!("{:.3}", sum.cost_ratio),
        ]);
    }
    text + &format!("all\n{table}\n{}\n", ranking.rule)
}

/// A table whose columns from the given one on are figures.
fn table(head: &[&str], figures: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(head);
    for column in table.column_iter_mut().skip(figures) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
