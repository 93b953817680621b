use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::measure::Prices;
use crate::report::figures::{feedback, split};
use crate::report::{ResultFile, Results, compare, rank};

/// How the figures came about, in short.
pub(super) fn method(results: &Results) -> Markup {
    let each = |of: &dyn Fn(&ResultFile) -> String| -> Vec<String> {
        results.files.iter().map(of).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let splits = each(&|file| split(file.result.split).to_owned());
    let told = each(&|file| feedback(file.result.feedback).to_owned());
    let seeds = each(&|file| file.result.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
    let fillers = each(&|file| file.result.filler.clone().unwrap_or_else(|| "none".to_owned()));
    html! {
        section #method {
            h2 { "How it was measured" }
            p { "In full in " code { "eval/METHODOLOGY.md" } "; what the figures cannot show is in " code { "eval/BIAS.md" } "." }
            dl.method {
                dt { "Stream" }
                dd {
                    "A system begins empty and is given a benchmark's tasks one after the other, shuffled by a seed; "
                    "every system sees the same orders. A task is learnt from when it is over, and before the next begins."
                }
                dt { "Orders" }
                dd { "Seeds " (seeds.join("; ")) ". Orders of the same tasks are not independent, so intervals are drawn over tasks." }
                dt { "Tasks" }
                dd { (splits.join("; ")) ". Constants that affect a decision are chosen on the other 30%." }
                dt { "Planner" }
                dd {
                    "Recorded or constructed: on a miss, the run of that very task with its tokens counted, which is a "
                    "perfect planner where the runs are. Live: a model at an endpoint. The two are never added up."
                }
                dt { "Judge" }
                dd { "A deterministic verifier that neither planning, matching nor filling can reach, asked when the task is over." }
                dt { "Feedback" }
                dd { (told.join("; ")) ". Without an outcome, a run that ended and whose last call worked is taken for a success." }
                dt { "Hit, diverged, wrong" }
                dd {
                    "A hit is a task served without a call to the planner; a diverged one was served at first and then "
                    "handed back. A task served but for a part that nothing learnt covers, for which the planner was asked, is "
                    "counted apart. Any of them is a wrong plan if the judge finds that what was served should not have been. "
                    "Below 200 hits there is no claim, only a 95% upper bound (Wilson)."
                }
                dt { "Intervals" }
                dd { "95%, percentile bootstrap over tasks with all their orders, 1,000 resamples." }
                dt { "Ceilings" }
                dd {
                    "By shape: tasks whose plan shape came before in the stream. Reachable: the same, where it came in a "
                    "run that succeeded and can be learnt whole."
                }
                dt { "Local model" }
                dd { (fillers.join("; ")) }
                dt { "Prices" }
                dd { @for prices in distinct(results) { (price(prices)) " " } }
                dt { "Rank" }
                dd { (rank::RULE) }
                dt { "Ratchet" }
                dd { (compare::RULE) }
            }
        }
    }
}

fn distinct(results: &Results) -> Vec<&Prices> {
    let mut seen: Vec<&Prices> = Vec::new();
    for file in &results.files {
        if !seen.contains(&&file.result.prices) {
            seen.push(&file.result.prices);
        }
    }
    seen
}

fn price(prices: &Prices) -> Markup {
    html! {
        @for (who, price) in [("the planner", &prices.planner), ("systems' own models", &prices.small)] {
            (who) " as " (price.model) ": US$ " (price.input) " read, " (price.cached_input) " read from the "
            "provider's prompt cache, " (price.output) " written, per million tokens; "
        }
        "as of " (prices.date) " (" (prices.source) "). A local filler costs no tokens' money."
    }
}
