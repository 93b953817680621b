use maud::{Markup, html};

use super::n;

/// From values to coordinates.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
    pub(super) logarithmic: bool,
}

impl Scale {
    pub(super) fn linear(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to, logarithmic: false }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let v = |value: f64| if self.logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let whole = v(self.from.1) - v(self.from.0);
        let share = if whole == 0.0 { 0.0 } else { (v(value) - v(self.from.0)) / whole };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// Round values from `low` to at least `high`, in about so many steps.
pub(super) fn ticks(low: f64, high: f64, steps: usize) -> Vec<f64> {
    let rough = ((high - low) / steps.max(1) as f64).max(1e-9);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough - 1e-12);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).floor();
    (0..=100)
        .map(|at| (first + f64::from(at)) * step)
        .scan(false, |over, tick| {
            let before = std::mem::replace(over, tick >= high - 1e-9 * step);
            (!before).then_some(tick)
        })
        .collect()
}

/// Lines across at the ticks of the vertical axis, with their words at the left.
pub(super) fn grid(ticks: &[f64], scale: &Scale, x: (f64, f64), words: &dyn Fn(f64) -> String) -> Markup {
    html! {
        @for tick in ticks {
            @let y = scale.at(*tick);
            line.grid x1=(n(x.0)) x2=(n(x.1)) y1=(n(y)) y2=(n(y)) {}
            text.tick x=(n(x.0 - 6.0)) y=(n(y + 4.0)) text-anchor="end" { (words(*tick)) }
        }
    }
}

/// The words of the horizontal axis, below it.
pub(super) fn foot(ticks: &[f64], scale: &Scale, y: f64, words: &dyn Fn(f64) -> String) -> Markup {
    html! {
        line.axis x1=(n(scale.to.0)) x2=(n(scale.to.1)) y1=(n(y)) y2=(n(y)) {}
        @for tick in ticks {
            text.tick x=(n(scale.at(*tick))) y=(n(y + 16.0)) text-anchor="middle" { (words(*tick)) }
        }
    }
}

/// What an axis means.
pub(super) fn caption(x: f64, y: f64, anchor: &str, words: &str) -> Markup {
    html! { text.caption x=(n(x)) y=(n(y)) text-anchor=(anchor) { (words) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_maps_its_ends_and_its_middle() {
        let scale = Scale::linear((0.0, 10.0), (100.0, 0.0));
        assert_eq!([0.0, 5.0, 10.0].map(|v| scale.at(v)), [100.0, 50.0, 0.0]);
        let scale = Scale { from: (1.0, 100.0), to: (0.0, 20.0), logarithmic: true };
        assert!((scale.at(10.0) - 10.0).abs() < 1e-9);
        assert_eq!(Scale::linear((3.0, 3.0), (0.0, 1.0)).at(3.0), 0.0);
    }

    #[test]
    fn ticks_are_round_and_cover_what_is_asked() {
        assert_eq!(ticks(0.0, 1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(0.0, 56.4, 4), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks(0.62, 1.0, 4), [0.6, 0.7, 0.8, 0.9, 1.0].map(|t: f64| (t * 10.0).round() * 0.1));
        assert_eq!(ticks(0.0, 0.0, 4)[0], 0.0);
    }
}
