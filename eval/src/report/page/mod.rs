//! The report as one HTML page that asks for nothing else.

mod charts;
mod method;
mod section;
mod tables;
mod top;
mod wrong;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ResultFile, Results};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(results: &Results) -> String {
    let body = html! {
        header.top {
            p.eyebrow { "plancache-eval report" @if !results.title.is_empty() { " · " (results.title) } }
            h1 { "What a plan cache saves, and where it is wrong" }
        }
        (top::findings(results))
        (top::contents(results))
        (top::cards(results))
        (top::overview(results))
        @for file in &results.files { (section::section(file)) }
        (wrong::all(results))
        (method::method(results))
    };
    document(&body).into_string()
}

fn document(body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "plancache: evaluation" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}

/// The anchor of a result's section.
fn anchor(file: &ResultFile) -> String {
    file.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// What kind of run a result is of.
fn chips(file: &ResultFile) -> Markup {
    html! {
        span.chip.live[file.live().is_some()] { (super::markdown::planner(file)) }
        span.chip { (super::figures::feedback(file.result.feedback)) }
        @if file.is_control() { span.chip.control { "control: a miss is right" } }
    }
}
