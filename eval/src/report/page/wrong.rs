use maud::{Markup, html};
use serde_json::Value;

use crate::report::figures::{count, words};
use crate::report::{ResultFile, Results, TaskLine};

/// A value longer than this is cut.
const LONGEST: usize = 400;

/// Every wrong plan, folded by benchmark and system.
pub(super) fn all(results: &Results) -> Markup {
    html! {
        section #wrong {
            h2 { "Every wrong plan" }
            p.quiet {
                "A wrong plan is a hit, or the served part of a run that was handed back, after which the judge "
                "found the task done wrong. Served and planned: the first call that the planner does not make, and "
                "the planner's own, by the argument in which they differ. Random templates and answer caches are "
                "here too: they are what being wrong looks like."
            }
            @for file in &results.files { (of_a_result(file)) }
        }
    }
}

fn of_a_result(file: &ResultFile) -> Markup {
    let counted: u64 = file.result.systems.iter().map(|system| system.wrong_plans).sum();
    html! {
        h3 { (file.name) }
        @if counted == 0 { p { "None." } }
        @for system in &file.result.systems {
            @let plans: Vec<&TaskLine> = file.wrong().filter(|plan| plan.system == system.name).collect();
            @if system.wrong_plans > 0 || !plans.is_empty() {
                details {
                    summary {
                        b { (words(&system.name)) } ": " (count(system.wrong_plans))
                        span.quiet { " of " (count(system.hits)) " hits, n " (count(system.tasks)) }
                    }
                    @if plans.len() as u64 != system.wrong_plans {
                        p.quiet {
                            "There are records of " (count(plans.len() as u64)) " of them beside the result ("
                            (file.name) ".jsonl)."
                        }
                    }
                    @if !plans.is_empty() { (table(&plans)) }
                }
            }
        }
    }
}

fn table(plans: &[&TaskLine]) -> Markup {
    html! {
        div.wide {
            table.plans {
                thead {
                    tr {
                        th { "task" }
                        th { "seed" }
                        th { "served from" }
                        th { "call" }
                        th { "argument" }
                        th { "served" }
                        th { "planned" }
                        th { "the judge" }
                    }
                }
                tbody { @for plan in plans { (row(plan)) } }
            }
        }
    }
}

fn row(plan: &TaskLine) -> Markup {
    let record = &plan.record;
    let call = record.wrong_call.as_ref();
    html! {
        tr {
            th scope="row" { (record.task) }
            td { (plan.seed) }
            td { (record.from.join(", ")) }
            @if let Some(call) = call {
                td { (call.at + 1) ". " code { (call.tool) } }
                td { @if let Some(argument) = &call.argument { code { (argument) } } }
                td { code { (shown(&call.served)) } }
                td { @if let Some(planned) = &call.planned { code { (shown(planned)) } } @else { "no such call" } }
            } @else {
                td {} td {} td {} td {}
            }
            td { (record.why.as_deref().unwrap_or_default()) }
        }
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
