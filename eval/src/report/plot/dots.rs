use maud::{Markup, html};

use super::axes::{Scale, foot};
use super::labels::width;
use super::{WIDTH, family, frame, n};
use crate::report::figures::time;

/// A system's two durations, in microseconds.
pub(in crate::report) struct Dot {
    /// The system.
    pub(in crate::report) system: String,
    /// Its name in words.
    pub(in crate::report) label: String,
    /// Hollow: the decision.
    pub(in crate::report) hollow: Option<f64>,
    /// Full: the whole.
    pub(in crate::report) full: Option<f64>,
}

const ROW: f64 = 26.0;
const TOP: f64 = 26.0;

/// Durations on a logarithmic axis, one system a row.
pub(in crate::report) fn dots(rows: &[Dot], hollow: &str, full: &str, says: &str) -> Markup {
    let all = || rows.iter().flat_map(|row| [row.hollow, row.full]).flatten().map(|us| us.max(1.0));
    let power = |us: f64| us.log10();
    let low = power(all().fold(f64::INFINITY, f64::min)).floor();
    let high = power(all().fold(0.0, f64::max)).ceil();
    if !low.is_finite() || !high.is_finite() {
        return html! {};
    }
    let high = high.max(low + 1.0);
    let left = rows.iter().map(|row| width(&row.label)).fold(0.0, f64::max) + 14.0;
    let x = Scale { from: (10f64.powf(low), 10f64.powf(high)), to: (left, WIDTH - 24.0), logarithmic: true };
    let decades: Vec<f64> = (0..=(high - low) as i32).map(|d| 10f64.powf(low + f64::from(d))).collect();
    // Where decades are narrow, every second one has its words.
    let narrow = (WIDTH - 24.0 - left) / (high - low) < 44.0;
    let named: Vec<f64> = decades.iter().copied().step_by(1 + usize::from(narrow)).collect();
    let bottom = TOP + rows.len() as f64 * ROW;
    let inside = html! {
        circle.hollow.ours cx="8" cy="9" r="4.5" {}
        text.caption x="18" y="13" { (hollow) }
        @let second = 18.0 + width(hollow) + 26.0;
        circle.mark.ours cx=(n(second)) cy="9" r="5" {}
        text.caption x=(n(second + 10.0)) y="13" { (full) }
        @for decade in &decades {
            line.grid x1=(n(x.at(*decade))) x2=(n(x.at(*decade))) y1=(n(TOP)) y2=(n(bottom)) {}
        }
        (foot(&named, &x, bottom, &|us| time(us).replace(".0 ", " ")))
        @for (at, row) in rows.iter().enumerate() {
            @let y = TOP + (at as f64 + 0.5) * ROW;
            text.label x=(n(left - 10.0)) y=(n(y + 4.0)) text-anchor="end" { (row.label) }
            @if let (Some(a), Some(b)) = (row.hollow, row.full) {
                line.whisker.(family(&row.system)) x1=(n(x.at(a.max(1.0)))) x2=(n(x.at(b.max(1.0)))) y1=(n(y)) y2=(n(y)) {}
            }
            @if let Some(us) = row.full {
                circle.mark.(family(&row.system)) cx=(n(x.at(us.max(1.0)))) cy=(n(y)) r="5" {
                    title { (row.label) ", " (full) ": " (time(us)) }
                }
            }
            @if let Some(us) = row.hollow {
                circle.hollow.(family(&row.system)) cx=(n(x.at(us.max(1.0)))) cy=(n(y)) r="4.5" {
                    title { (row.label) ", " (hollow) ": " (time(us)) }
                }
            }
        }
    };
    frame(bottom + 24.0, says, &inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_lie_on_decades_and_nothing_is_no_plot() {
        let row = Dot {
            system: "plancache".into(),
            label: "plancache".into(),
            hollow: Some(80.0),
            full: Some(560.0),
        };
        let svg = dots(&[row], "decision", "hit", "time").into_string();
        assert!(svg.contains("10 µs") && svg.contains("1 ms") && svg.contains("decision: 80 µs"), "{svg}");
        assert_eq!(dots(&[], "decision", "hit", "time").into_string(), "");
    }
}
