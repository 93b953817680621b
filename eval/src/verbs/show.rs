use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::measure::Totals;
use crate::run::BenchmarkResult;

/// A benchmark's result for a terminal.
pub(super) fn table(result: &BenchmarkResult) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["system", "success %", "hits %", "wrong", "diverged", "planner tokens %", "US$", "s"]);
    for system in &result.systems {
        table.add_row(row(system));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!(
        "{}: {} tasks in {} orders, {} split; at most {:.1}% by shape, {:.1}% reachable\n{table}\n",
        result.benchmark,
        result.tasks,
        result.orders,
        format!("{:?}", result.split).to_lowercase(),
        100.0 * result.ceiling,
        100.0 * result.reachable_ceiling,
    )
}

fn row(system: &Totals) -> [String; 8] {
    let share = |part: u64, whole: u64| format!("{:.1}", 100.0 * part as f64 / whole.max(1) as f64);
    [
        system.name.clone(),
        share(system.succeeded, system.tasks),
        share(system.hits, system.tasks),
        system.wrong_plans.to_string(),
        system.diverged.to_string(),
        share(system.planner_tokens, system.planner_tokens_planner_only),
        format!("{:.2}", system.cost_usd),
        format!("{:.1}", system.wall_s),
    ]
}
