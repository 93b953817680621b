use maud::{Markup, html};

use super::{anchor, chips};
use crate::measure::{Interval, Totals};
use crate::report::figures::{
    cost, count, cut, cut_interval, hit_rate, money, percent, points, range, share, success, words, wrong,
};
use crate::report::markdown::planner;
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
    let (seen, claim) = wrong(ours);
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
            ul {
                li { b { (percent(success(ours))) } " success" span.quiet { " (planner alone " (percent(success(alone))) ")" } }
                li { b { (seen) } " wrong" @if !claim.is_empty() { span.quiet { " (" (claim) ")" } } }
                li.quiet {
                    (words(&ours.name)) ", n " (count(ours.tasks)) ": " (file.result.tasks) " tasks × "
                    (file.result.orders) " orders"
                }
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
            rect.bar.(class) x="0" y="2" width=(at(share)) height="6" {}
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
                            th.num { "n" }
                            th.num { "hits, and reachable" }
                            th.num { "planner tokens cut" }
                            th.num { "success, and to planner alone" }
                            th { "wrong plans" }
                            th.num { "US$ per 1,000 tasks, and planner alone" }
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
    let (seen, claim) = wrong(ours);
    let difference = file.subject().and_then(|s| s.intervals.success_difference);
    html! {
        tr {
            th scope="row" {
                a href={ "#" (anchor(file)) } { (file.name) } br;
                span.quiet { (planner(file)) @if file.is_control() { ", a control" } }
            }
            td.num { (count(ours.tasks)) br; span.quiet { (file.result.tasks) " × " (file.result.orders) } }
            td.num { (percent(hit_rate(ours))) br; span.quiet { "of " (percent(file.result.reachable_ceiling)) } }
            td.num { (percent(cut(ours))) br; span.quiet { (range(cut_interval(ours))) } }
            td.num {
                (percent(success(ours))) br;
                span.quiet {
                    (points(success(ours) - success(alone)))
                    @if let Some(i) = difference { " (" (points(i.low)) " to " (points(i.high)) ")" }
                }
            }
            td { (seen) br; span.quiet { (claim) } }
            td.num { (money(cost(ours))) br; span.quiet { "of " (money(cost(alone))) } }
        }
    }
}
