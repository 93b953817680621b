//! Where words go so that none covers another.

use super::CHARACTER;

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn around(x: f64, y: f64, by: f64) -> Self {
        Self { left: x - by, top: y - by, right: x + by, bottom: y + by }
    }

    /// Its point that is nearest to another.
    pub(super) fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        (x.clamp(self.left - 2.0, self.right + 2.0), y.clamp(self.top + 2.0, self.bottom - 2.0))
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_in(&self, other: &Self) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }
}

/// How high a line of words is.
const LINE: f64 = 13.0;

/// How wide some words are, about.
pub(super) fn width(words: &str) -> f64 {
    words.chars().count() as f64 * CHARACTER
}

/// Distances from its point at which a label is tried, and the directions, in order.
const DISTANCES: [f64; 9] = [9.0, 16.0, 26.0, 38.0, 52.0, 70.0, 90.0, 115.0, 145.0];
const DIRECTIONS: [(f64, f64); 12] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.7, -0.7),
    (0.7, 0.7),
    (-0.7, 0.7),
    (-0.7, -0.7),
    (0.0, 1.0),
    (0.0, -1.0),
    (-0.3, 0.95),
    (0.3, 0.95),
    (-0.95, 0.3),
    (0.95, 0.3),
];

/// Places a label beside each point: near it if there is room, further away if not. What comes
/// first has the better places. The points themselves stay free.
pub(super) fn place(points: &[(f64, f64)], words: &[&str], within: Area) -> Vec<Area> {
    let marks: Vec<Area> = points.iter().map(|(x, y)| Area::around(*x, *y, 7.0)).collect();
    let mut placed: Vec<Area> = Vec::new();
    for ((x, y), words) in points.iter().zip(words) {
        let wide = width(words);
        let tried = DISTANCES.iter().flat_map(|far| DIRECTIONS.iter().map(move |way| (*far, *way)));
        let areas: Vec<Area> = tried
            .map(|(far, (dx, dy))| {
                let (x, y) = (x + far * dx, y + far * dy);
                let left = if dx > 0.0 {
                    x
                } else if dx < 0.0 {
                    x - wide
                } else {
                    x - wide / 2.0
                };
                Area { left, top: y - LINE / 2.0, right: left + wide, bottom: y + LINE / 2.0 }
            })
            .collect();
        let free =
            |area: &&Area| area.is_in(&within) && !marks.iter().chain(&placed).any(|other| area.meets(other));
        let clear = |area: &&Area| !placed.iter().any(|other| crosses((*x, *y), area.nearest(*x, *y), other));
        let chosen = areas.iter().filter(free).find(clear).or_else(|| areas.iter().find(free));
        // Where nothing is free, inside is still better than outside.
        let left = (x - wide / 2.0).clamp(within.left, (within.right - wide).max(within.left));
        let top = (y + 9.0).min(within.bottom - LINE);
        let inside = Area { left, top, right: left + wide, bottom: top + LINE };
        placed.push(chosen.copied().unwrap_or(inside));
    }
    placed
}

/// Whether the line between two points runs through an area.
fn crosses(from: (f64, f64), to: (f64, f64), area: &Area) -> bool {
    (0..=20).map(|at| f64::from(at) / 20.0).any(|share| {
        let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
        area.meets(&Area::around(x, y, 0.5))
    })
}

/// Heights moved apart by at least `gap`, as little as is needed, between `low` and `high`.
pub(super) fn spread(heights: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    let mut least = low;
    for &at in &order {
        moved[at] = moved[at].max(least);
        least = moved[at] + gap;
    }
    let mut most = high;
    for &at in order.iter().rev() {
        moved[at] = moved[at].min(most);
        most = moved[at] - gap;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_points_in_one_place_do_not_cover_each_other() {
        let words =
            ["plancache", "planner only", "answer cache 0.80", "answer cache 0.90", "apc", "small only"];
        let points = [(60.0, 20.0), (62.0, 20.0), (60.0, 21.0), (300.0, 20.0), (60.0, 20.0), (60.0, 20.0)];
        let within = Area { left: 40.0, top: 5.0, right: 430.0, bottom: 260.0 };
        let placed = place(&points, &words, within);
        for (at, area) in placed.iter().enumerate() {
            assert!(area.is_in(&within), "{area:?}");
            assert!(placed[at + 1..].iter().all(|other| !area.meets(other)), "{placed:?}");
            assert!(points.iter().all(|(x, y)| !area.meets(&Area::around(*x, *y, 7.0))));
        }
    }

    #[test]
    fn labels_of_one_point_at_the_edge_stay_inside() {
        let words = ["plancache", "planner only", "plancache no filler", "answer cache 0.95"];
        let within = Area { left: 44.0, top: 24.0, right: 396.0, bottom: 276.0 };
        let placed = place(&[(340.0, 40.0); 4], &words, within);
        for (at, area) in placed.iter().enumerate() {
            assert!(area.is_in(&within), "{area:?}");
            assert!(placed[at + 1..].iter().all(|other| !area.meets(other)), "{placed:?}");
        }
    }

    #[test]
    fn heights_are_spread_and_stay_inside() {
        let moved = spread(&[10.0, 10.0, 10.0, 100.0], 12.0, 0.0, 100.0);
        assert_eq!(moved, [10.0, 22.0, 34.0, 100.0]);
        let moved = spread(&[100.0, 99.0, 98.0], 12.0, 0.0, 100.0);
        assert_eq!(moved, [100.0, 88.0, 76.0]);
    }
}
