use maud::{Markup, html};

use super::{anchor, chips};
use crate::measure::{Interval, Totals};
use crate::report::figures::{
    cost, count, cut, cut_interval, hit_rate, money, percent, points, range, share, success, words, wrong,
};
use crate::report::{ResultFile, Results, findings as found};

pub(super) fn findings(results: &Results) -> Markup {
    html! {
        section.findings {
            @for sentence in found::findings(results) { p { (sentence) } }
        }
    }
}

pub(super) fn contents(results: &Results) -> Markup {
    html! {
        nav {
            a href="#all" { "All benchmarks" }
            @for file in &results.files { a href={ "#" (anchor(file)) } { (file.name) } }
            a href="#wrong" { "Every wrong plan" }
            a href="#method" { "Method" }
        }
    }
}

pub(super) fn cards(results: &Results) -> Markup {
    html! {
        div.cards {
            @for file in &results.files {
                @if let (Some(ours), Some(alone)) = (file.subject(), file.alone()) { (card(file, ours, alone)) }
            }
        }
    }
}

fn card(file: &ResultFile, ours: &Totals, alone: &Totals) -> Markup {
    let difference = success(ours) - success(alone);
    html! {
        a.card href={ "#" (anchor(file)) } {
            h3 { (file.name) }
            p.chips { (chips(file)) }
            @if file.is_control() {
                p.big { (percent(share(ours.wrong_plans, ours.tasks))) }
                p.of { "of tasks got a wrong plan" }
                (meter(share(ours.wrong_plans, ours.tasks), None, "bad"))
            } @else {
                p.big { (percent(cut(ours))) }
                p.of {
                    "fewer planner tokens"
                    @if let Some(interval) = cut_interval(ours) { " (" (range(Some(interval))) ")" }
                }
                (meter(cut(ours), cut_interval(ours), "ours"))
            }
            dl {
                dt { "success" }
                dd { (percent(success(ours))) " " span.quiet { "(" (points(difference)) " points to planner alone)" } }
                dt { "wrong plans" }
                dd { (wrong(ours)) }
                dt { "n" }
                dd { (count(ours.tasks)) span.quiet { " (" (file.result.tasks) " tasks × " (file.result.orders) "), " (words(&ours.name)) } }
            }
        }
    }
}

/// A share as a bar, with its interval as a line across it.
fn meter(share: f64, interval: Option<Interval>, class: &str) -> Markup {
    let at = |share: f64| format!("{:.1}", 200.0 * share.clamp(0.0, 1.0));
    html! {
        svg.meter viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.track x="0" y="2" width="200" height="6" {}
            rect.bar class=(class) x="0" y="2" width=(at(share)) height="6" {}
            @if let Some(interval) = interval {
                line.bound x1=(at(interval.low)) x2=(at(interval.low)) y1="0" y2="10" {}
                line.bound x1=(at(interval.high)) x2=(at(interval.high)) y1="0" y2="10" {}
            }
        }
    }
}

pub(super) fn overview(results: &Results) -> Markup {
    html! {
        section #all {
            h2 { "All benchmarks" }
            p.quiet {
                "The plan cache against the planner alone. Reachable: the share of tasks whose plan came before in a "
                "run that can be learnt, so that no cache that begins empty can hit more. Ranges are 95% intervals."
            }
            div.wide {
                table {
                    thead {
                        tr {
                            th { "benchmark" }
                            th { "planner" }
                            th.num { "n" }
                            th.num { "reachable" }
                            th.num { "hits" }
                            th.num { "planner tokens cut" }
                            th.num { "success" }
                            th.num { "to planner alone" }
                            th { "wrong plans" }
                            th.num { "US$ / 1,000 tasks" }
                            th.num { "planner alone" }
                        }
                    }
                    tbody {
                        @for file in &results.files {
                            @if let (Some(ours), Some(alone)) = (file.subject(), file.alone()) {
                                (line(file, ours, alone))
                            }
                        }
                    }
                }
            }
            @if !results.left_out.is_empty() {
                p.quiet { "Files that hold something else: " (results.left_out.join(", ")) "." }
            }
        }
    }
}

fn line(file: &ResultFile, ours: &Totals, alone: &Totals) -> Markup {
    let difference = file.subject().and_then(|s| s.intervals.success_difference);
    html! {
        tr {
            th scope="row" { a href={ "#" (anchor(file)) } { (file.name) } @if file.is_control() { " " span.quiet { "control" } } }
            td { (crate::report::markdown::planner(file)) }
            td.num { (count(ours.tasks)) }
            td.num { (percent(file.result.reachable_ceiling)) }
            td.num { (percent(hit_rate(ours))) }
            td.num { (percent(cut(ours))) br; span.quiet { (range(cut_interval(ours))) } }
            td.num { (percent(success(ours))) }
            td.num {
                (points(success(ours) - success(alone)))
                @if let Some(i) = difference { br; span.quiet { (points(i.low)) " to " (points(i.high)) } }
            }
            td { (wrong(ours)) }
            td.num { (money(cost(ours))) }
            td.num { (money(cost(alone))) }
        }
    }
}
