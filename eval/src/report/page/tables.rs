use maud::{Markup, html};

use crate::measure::Totals;
use crate::report::figures::{
    count, hit_rate, money, percent, points, range, share, success, time, words, wrong,
};
use crate::report::plot::family;
use crate::report::{ResultFile, rank};

/// Every system of a result, with every figure and what it is of.
pub(super) fn systems(file: &ResultFile) -> Markup {
    let alone = file.alone();
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th { "system" }
                        th.num { "n" }
                        th.num { "success, and to planner alone" }
                        th.num { "hits, diverged" }
                        th { "wrong plans" }
                        th.num { "planner tokens" }
                        th.num { "own models' tokens" }
                        th.num { "US$ net" }
                        th.num { "US$, prompt caching" }
                        th.num { "seconds, decision" }
                    }
                }
                tbody {
                    @for system in &file.result.systems { (row(file, system, alone)) }
                }
            }
        }
        p.quiet {
            "n: tasks, all orders together; shares of it in percent, with 95% intervals. Place: by cost among the "
            "systems whose success is at most 1 point below the planner's alone, then by success. US$, prompt "
            "caching: where the provider holds the beginnings of prompts, for the planner alone as well."
        }
    }
}

fn row(file: &ResultFile, system: &Totals, alone: Option<&Totals>) -> Markup {
    let place = rank::standing(file).rows.into_iter().find(|row| row.system == system.name);
    let (seen, claim) = wrong(system);
    let is_alone = system.name == "planner_only";
    html! {
        tr.subject[file.subject().is_some_and(|subject| subject.name == system.name)] {
            th scope="row" { span.key.(family(&system.name)) {} (words(&system.name))
                @if let Some(place) = place { br; span.quiet { "place " (place.place) } }
            }
            td.num { (count(system.tasks)) }
            td.num {
                (percent(success(system))) br;
                span.quiet {
                    (range(system.intervals.success))
                    @if let (false, Some(alone)) = (is_alone, alone) {
                        br; (points(success(system) - success(alone)))
                        @if let Some(i) = system.intervals.success_difference {
                            " (" (points(i.low)) " to " (points(i.high)) ")"
                        }
                    }
                    @if system.faults > 0 { br; (count(system.faults)) " faults" }
                }
            }
            @if is_alone {
                td {} td {}
            } @else {
                td.num {
                    (percent(hit_rate(system))) br;
                    span.quiet {
                        (count(system.hits)) " of " (count(system.tasks)) br;
                        @if system.partly > 0 { (count(system.partly)) " but for a part" br; }
                        (count(system.diverged)) " diverged"
                    }
                }
                td { (seen) br; span.quiet { (claim) } }
            }
            td.num {
                (percent(share(system.planner_tokens, system.planner_tokens_planner_only))) br;
                span.quiet { (count(system.planner_tokens)) }
            }
            td.num { (count(system.cache_model_tokens)) }
            td.num {
                (money(system.cost_usd)) br;
                span.quiet { "of " (money(system.cost_usd_planner_only)) }
            }
            td.num {
                (money(system.cost_usd_prompt_cache)) br;
                span.quiet { "of " (money(system.cost_usd_planner_only_prompt_cache)) }
            }
            td.num {
                (format!("{:.1}", system.wall_s)) br;
                span.quiet { (system.decision_us_p50.map(time).unwrap_or_default()) }
            }
        }
    }
}
