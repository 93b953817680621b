use maud::{Markup, html};

use super::axes::{Scale, caption, foot, grid, ticks};
use super::labels::{spread, width};
use super::{WIDTH, family, frame, n};

/// A system along the stream.
pub(in crate::report) struct Line {
    /// The system.
    pub(in crate::report) system: String,
    /// What stands at its end.
    pub(in crate::report) label: String,
    /// A share for each part of the stream.
    pub(in crate::report) values: Vec<f64>,
}

const HEIGHT: f64 = 280.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = HEIGHT - 42.0;
/// Between a line's end and its label.
const GAP: f64 = 14.0;

/// Shares by position in the stream, each line named at its end.
pub(in crate::report) fn lines(lines: &[Line], up: &str, says: &str) -> Markup {
    let most = lines.iter().flat_map(|line| &line.values).copied().fold(0.0, f64::max);
    let ys = ticks(0.0, if most > 0.0 { most.min(1.0) } else { 0.05 }, 4);
    let widest = lines.iter().map(|line| width(&line.label)).fold(0.0, f64::max);
    let right = WIDTH - GAP - widest - 4.0;
    let parts = lines.iter().map(|line| line.values.len()).max().unwrap_or(1);
    let x = Scale::linear((1.0, parts.max(2) as f64), (LEFT + 8.0, right));
    let y = Scale::linear((0.0, ys.last().copied().unwrap_or(1.0)), (BOTTOM, TOP));
    let ends: Vec<f64> = lines.iter().map(|l| y.at(l.values.last().copied().unwrap_or(0.0))).collect();
    let heights = spread(&ends, 13.5, TOP - 4.0, BOTTOM);
    let xs: Vec<f64> = (1..=parts).map(|part| part as f64).collect();
    let small = ys.get(1).is_some_and(|tick| *tick < 0.01);
    let inside = html! {
        (grid(&ys, &y, (LEFT, right), &|t| {
            if small { format!("{:.1}%", 100.0 * t) } else { format!("{:.0}%", 100.0 * t) }
        }))
        (foot(&xs, &x, BOTTOM, &|t| format!("{t:.0}")))
        (caption(4.0, 14.0, "start", up))
        (caption(right, HEIGHT - 6.0, "end", "tenth of the stream"))
        // The first one on top.
        @for ((line, end), height) in lines.iter().zip(&ends).zip(&heights).rev() {
            polyline.line.(family(&line.system)) points=(path(line, &x, &y)) {
                title { (line.label) }
            }
            @let from = x.at(line.values.len().max(1) as f64);
            line.leader.(family(&line.system)) x1=(n(from)) y1=(n(*end))
                x2=(n(right + GAP - 3.0)) y2=(n(*height)) {}
            text.label.(family(&line.system)) x=(n(right + GAP)) y=(n(height + 4.0)) { (line.label) }
        }
        @for line in lines.iter().rev() {
            @for (at, value) in line.values.iter().enumerate() {
                circle.dot.(family(&line.system)) cx=(n(x.at(at as f64 + 1.0))) cy=(n(y.at(*value))) r="3" {
                    title { (line.label) ", tenth " (at + 1) ": " (super::super::figures::percent(*value)) }
                }
            }
        }
    };
    frame(HEIGHT, says, &inside)
}

fn path(line: &Line, x: &Scale, y: &Scale) -> String {
    let points = line.values.iter().enumerate();
    let points: Vec<String> =
        points.map(|(at, v)| format!("{},{}", n(x.at(at as f64 + 1.0)), n(y.at(*v)))).collect();
    points.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_dot_for_each_part_and_its_name_at_its_end() {
        let line = |system: &str, values: &[f64]| Line {
            system: system.into(),
            label: system.into(),
            values: values.to_vec(),
        };
        let svg =
            lines(&[line("plancache", &[0.1, 0.5, 0.9]), line("apc", &[0.1, 0.5, 0.9])], "hits", "hits");
        let svg = svg.into_string();
        assert_eq!(svg.matches("<circle").count(), 6);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains(">apc</text>") && !svg.contains("NaN"), "{svg}");
        assert!(!lines(&[], "hits", "hits").into_string().contains("NaN"));
    }
}
