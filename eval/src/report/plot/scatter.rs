use maud::{Markup, html};

use super::axes::{Scale, caption, foot, grid, ticks};
use super::labels::{Area, place};
use super::{WIDTH, family, frame, n};
use crate::measure::Interval;

/// A system in the plane.
pub(in crate::report) struct Point {
    /// The system.
    pub(in crate::report) system: String,
    /// Its name in words.
    pub(in crate::report) label: String,
    /// Its cost.
    pub(in crate::report) x: f64,
    /// Its success.
    pub(in crate::report) y: f64,
    /// The interval of its success.
    pub(in crate::report) interval: Option<Interval>,
    /// All of it, for who points at it.
    pub(in crate::report) title: String,
}

const HEIGHT: f64 = 320.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 42.0;

/// Cost to the right, success upwards. The first points get the best places for their labels.
pub(in crate::report) fn scatter(points: &[Point], across: &str, says: &str) -> Markup {
    let most = points.iter().map(|p| p.x).fold(0.0, f64::max);
    let least = points.iter().map(|p| p.interval.map_or(p.y, |i| i.low.min(p.y))).fold(1.0, f64::min);
    // A little air, so that what succeeds always does not lie on the frame.
    let xs = ticks(0.0, if most > 0.0 { most * 1.02 } else { 1.0 }, 5);
    let ys = ticks(if least < 0.5 { 0.0 } else { (least - 0.02).max(0.0) }, 1.0, 5);
    let last = |ticks: &[f64]| ticks.last().copied().unwrap_or(1.0);
    let x = Scale::linear((0.0, last(&xs)), (LEFT + 8.0, RIGHT));
    let y = Scale::linear((ys.first().copied().unwrap_or(0.0), 1.0), (BOTTOM, TOP + 10.0));
    let at: Vec<(f64, f64)> = points.iter().map(|p| (x.at(p.x), y.at(p.y))).collect();
    let words: Vec<&str> = points.iter().map(|p| p.label.as_str()).collect();
    let within = Area { left: LEFT, top: TOP - 6.0, right: RIGHT + 8.0, bottom: BOTTOM - 2.0 };
    let labels = place(&at, &words, within);
    let digits = usize::from(xs.iter().any(|t| t.fract().abs() > 1e-9)) * 2;
    let inside = html! {
        (grid(&ys, &y, (LEFT, RIGHT), &|t| format!("{:.0}%", 100.0 * t)))
        (foot(&xs, &x, BOTTOM, &|t| format!("{t:.digits$}")))
        (caption(4.0, 12.0, "start", "success"))
        (caption(RIGHT, HEIGHT - 6.0, "end", across))
        (caption(LEFT + 8.0, HEIGHT - 6.0, "start", "\u{2196} cheaper and better"))
        @for (point, (px, _)) in points.iter().zip(&at) {
            @if let Some(interval) = point.interval {
                @let (low, high) = (n(y.at(interval.low)), n(y.at(interval.high)));
                line.whisker.(family(&point.system)) x1=(n(*px)) x2=(n(*px)) y1=(low) y2=(high) {}
            }
        }
        @for ((px, py), area) in at.iter().zip(&labels) {
            @if let Some((lx, ly)) = leader((*px, *py), area) {
                line.leader x1=(n(*px)) y1=(n(*py)) x2=(n(lx)) y2=(n(ly)) {}
            }
        }
        // The first one on top.
        @for (point, (px, py)) in points.iter().zip(&at).rev() {
            circle.mark.(family(&point.system)) cx=(n(*px)) cy=(n(*py)) r="5.5" {
                title { (point.title) }
            }
        }
        @for (point, area) in points.iter().zip(&labels) {
            text.label.(family(&point.system)) x=(n(area.left)) y=(n(area.bottom - 3.0)) {
                (point.label)
            }
        }
    };
    frame(HEIGHT, says, &inside)
}

/// Where a line from a point to its label ends, if the label is not right beside it.
fn leader((x, y): (f64, f64), label: &Area) -> Option<(f64, f64)> {
    let nearest = label.nearest(x, y);
    let far = (nearest.0 - x).hypot(nearest.1 - y);
    (far > 12.0).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_is_a_mark_with_its_name_and_figures() {
        let point = |system: &str, x, y| Point {
            system: system.into(),
            label: system.replace('_', " "),
            x,
            y,
            interval: Some(Interval { low: y - 0.01, high: y }),
            title: format!("{system}: {x}"),
        };
        let points = [point("plancache", 10.0, 1.0), point("planner_only", 56.4, 1.0)];
        let svg = scatter(&points, "US$", "cost against success").into_string();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("planner only</text>") && svg.contains("<title>plancache: 10</title>"));
        assert!(svg.contains(r#"class="mark ours""#) && svg.contains("90%") == svg.contains("95%"), "{svg}");
        assert!(!svg.contains("NaN"));
        assert!(!scatter(&[], "US$", "nothing").into_string().contains("NaN"));
    }
}
