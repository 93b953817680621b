use super::ablations::ablations;
use super::figures::{
    cost, count, cut, cut_interval, feedback, hit_rate, money, percent, points, range, share, split, success,
    time, words, wrong_line,
};
use super::findings::findings;
use super::left::left;
use super::{ResultFile, Results};
use crate::bench::Runs;
use crate::measure::Totals;

/// The findings, a table over all results and one a result.
pub fn markdown(results: &Results) -> String {
    let mut text = findings(results).join(" ") + "\n\n";
    text += &overview(results);
    text += &ablations(results);
    for file in &results.files {
        text += &format!("\n### {}\n\n{}\n\n", file.name, about(file));
        text += &systems(file);
        text += &left(file);
    }
    text
}

fn overview(results: &Results) -> String {
    let head = [
        "benchmark",
        "planner",
        "tasks × orders",
        "reachable",
        "hits",
        "hits after the first 50",
        "new together, hits",
        "planner tokens cut (95%)",
        "success, and against planner alone",
        "wrong plans",
        "US$ per 1,000 tasks, and planner alone",
    ];
    let rows = results.files.iter().filter_map(|file| {
        let (ours, alone) = (file.subject()?, file.alone()?);
        Some(vec![
            file.name.clone() + if file.is_control() { " (control)" } else { "" },
            planner(file),
            format!("{} × {}", count(file.result.tasks as u64), file.result.orders),
            percent(file.result.reachable_ceiling),
            percent(hit_rate(ours)),
            percent(share(ours.hits_after_50.0, ours.hits_after_50.1)),
            new_together(ours),
            with_range(percent(cut(ours)), &range(cut_interval(ours))),
            format!("{} ({})", percent(success(ours)), points(success(ours) - success(alone))),
            wrong_line(ours),
            format!("{} / {}", money(cost(ours)), money(cost(alone))),
        ])
    });
    table(&head, rows)
}

/// What a result is of, in a sentence.
pub(super) fn about(file: &ResultFile) -> String {
    let result = &file.result;
    let seeds: Vec<String> = result.seeds.iter().map(u64::to_string).collect();
    format!(
        "{}{} tasks in {} {} (seeds {}), {}; {}; {}. At most {} can be hits by the shape of the plans, {} of what \
         can be learnt.",
        match result.taught {
            0 => String::new(),
            taught => format!("{} tasks are learnt before, where they are not asked. ", count(taught as u64)),
        },
        count(result.tasks as u64),
        result.orders,
        if result.orders == 1 { "order" } else { "orders" },
        seeds.join(", "),
        split(result.split),
        planner(file),
        feedback(result.feedback),
        percent(result.ceiling),
        percent(result.reachable_ceiling),
    )
}

/// Which planner made the plans.
pub(super) fn planner(file: &ResultFile) -> String {
    match (file.live(), file.definition.as_ref().map(|d| d.runs_are)) {
        (Some(model), _) => format!("live planner {model}"),
        (None, Some(Runs::Recorded)) => "recorded runs of a model".to_owned(),
        (None, Some(Runs::Constructed)) => "constructed runs".to_owned(),
        (None, Some(Runs::Absent) | None) => "recorded planner".to_owned(),
    }
}

fn systems(file: &ResultFile) -> String {
    let head = [
        "system",
        "n",
        "success (95%)",
        "hits",
        "wrong plans",
        "planner tokens",
        "US$ per 1,000",
        "decision",
    ];
    let row = |system: &Totals| {
        vec![
            words(&system.name),
            count(system.tasks),
            with_range(percent(success(system)), &range(system.intervals.success)),
            percent(hit_rate(system)) + &parts(system),
            if system.name == "planner_only" { String::new() } else { wrong_line(system) },
            percent(share(system.planner_tokens, system.planner_tokens_planner_only)),
            money(cost(system)),
            system.decision_us_p50.map(time).unwrap_or_default(),
        ]
    };
    table(&head, file.result.systems.iter().map(row))
}

/// Hits among the tasks whose plan is of parts that came before, but never together.
fn new_together(system: &Totals) -> String {
    match system.new_together {
        (_, _, 0) => String::new(),
        (hits, _, tasks) => format!("{} of {}", percent(share(hits, tasks)), count(tasks)),
    }
}

/// Where one call is the whole plan: how often the right tool was served, or came closest, and how
/// many of the served arguments are right.
fn parts(system: &Totals) -> String {
    let Some(parts) = system.parts else { return String::new() };
    let tools = parts.served + parts.nearest;
    let (right, all) = parts.arguments;
    format!(
        " (template {}, slots of what was served {})",
        percent(share(tools, system.tasks)),
        if all == 0 { "none".to_owned() } else { percent(share(right, all)) }
    )
}

fn with_range(figure: String, range: &str) -> String {
    if range.is_empty() { figure } else { format!("{figure} ({range})") }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    table_after(1, head, rows)
}

/// A table whose first columns, so many, are words; the others are figures.
pub(super) fn table_after(words: usize, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = format!("|{}{}\n", "---|".repeat(words), "---:|".repeat(head.len() - words));
    let mut text = line(&head) + &rule;
    text.extend(rows.map(|row| line(&row)));
    text
}
