//! Plots as SVG for a page that brings its own colours: marks carry the class of a family of
//! systems, and the page's style says what colour that is, in the light and in the dark.
//!
//! Every plot is drawn [`WIDTH`] units wide, about as wide as a phone shows it, so that its words
//! stay legible there; a wider page shows two side by side.

mod axes;
mod bars;
mod dots;
mod labels;
mod lines;
mod scatter;

use maud::{Markup, html};

pub(super) use bars::{Bar, Segment, bars};
pub(super) use dots::{Dot, dots};
pub(super) use lines::{Line, lines};
pub(super) use scatter::{Point, scatter};

/// Units that a plot is wide.
const WIDTH: f64 = 400.0;

/// Width of an average character of a label, in units.
const CHARACTER: f64 = 6.5;

/// The frame of a plot; `says` is what it shows, for who cannot see it.
fn frame(height: f64, says: &str, inside: &Markup) -> Markup {
    html! {
        svg viewBox={"0 0 " (n(WIDTH)) " " (n(height))} role="img" aria-label=(says) { (inside) }
    }
}

/// A coordinate.
fn n(value: f64) -> String {
    let shown = format!("{value:.1}");
    shown.strip_suffix(".0").unwrap_or(&shown).to_owned()
}

/// The class that colours a system.
pub(super) fn family(system: &str) -> &'static str {
    let starts = |with: &str| system.starts_with(with);
    match system {
        "planner_only" => "alone",
        "plancache" => "ours",
        _ if starts("plancache") => "ours second",
        _ if starts("random") => "random",
        _ if starts("answer") => "answers",
        _ if starts("small") => "small",
        _ if starts("full_history") || starts("apc") => "prompted",
        _ => "other",
    }
}
