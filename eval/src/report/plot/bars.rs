use maud::{Markup, html};

use super::{WIDTH, frame, n};

/// A piece of a bar.
pub(in crate::report) struct Segment {
    /// The class that colours it.
    pub(in crate::report) class: &'static str,
    /// Its length.
    pub(in crate::report) value: f64,
    /// What it is, for who points at it.
    pub(in crate::report) title: String,
}

/// A bar with its words above it.
pub(in crate::report) struct Bar {
    /// What it is of.
    pub(in crate::report) label: String,
    /// Its figure.
    pub(in crate::report) figure: String,
    /// Its pieces, from the left.
    pub(in crate::report) segments: Vec<Segment>,
    /// Values to mark across it, with their words; the first by a full line, others by dashes.
    pub(in crate::report) marks: Vec<(f64, String)>,
}

/// Height of a bar with its words.
const ROW: f64 = 36.0;
/// Height of the bar alone.
const THICK: f64 = 11.0;
/// Air between two pieces.
const GAP: f64 = 2.0;

/// Bars of lengths up to `whole`, one below the other.
pub(in crate::report) fn bars(bars: &[Bar], whole: f64, says: &str) -> Markup {
    let unit = if whole > 0.0 { (WIDTH - 4.0) / whole } else { 0.0 };
    let inside = html! {
        @for (row, bar) in bars.iter().enumerate() {
            @let top = row as f64 * ROW;
            text.label x="0" y=(n(top + 14.0)) { (bar.label) }
            text.figure x=(n(WIDTH - 4.0)) y=(n(top + 14.0)) text-anchor="end" { (bar.figure) }
            rect.track x="0" y=(n(top + 20.0)) width=(n(WIDTH - 4.0)) height=(n(THICK)) rx="3" {}
            @for (from, segment) in starts(&bar.segments).into_iter().zip(&bar.segments).filter(|(_, s)| s.value > 0.0) {
                @let wide = (segment.value * unit).max(1.0);
                // Air before what follows another piece, if there is room for it.
                @let air = if from > 0.0 && wide > 2.0 * GAP { GAP } else { 0.0 };
                rect.bar.(segment.class) x=(n(from * unit + air)) y=(n(top + 20.0))
                    width=(n(wide - air)) height=(n(THICK)) rx="3" {
                    title { (segment.title) }
                }
            }
            @for (at, (value, words)) in bar.marks.iter().enumerate() {
                line.bound.dashed[at > 0] x1=(n(value * unit)) x2=(n(value * unit)) y1=(n(top + 18.5)) y2=(n(top + 33.0)) {
                    title { (words) }
                }
            }
        }
    };
    frame(bars.len() as f64 * ROW, says, &inside)
}

/// Where each piece begins.
fn starts(segments: &[Segment]) -> Vec<f64> {
    let before = |at: usize| segments[..at].iter().map(|segment| segment.value).sum();
    (0..segments.len()).map(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_and_fill_the_whole() {
        let piece = |value| Segment { class: "ours", value, title: value.to_string() };
        let bar = Bar {
            label: "slots".into(),
            figure: "4".into(),
            segments: vec![piece(1.0), piece(3.0)],
            marks: vec![(2.0, "half".into())],
        };
        assert_eq!(starts(&bar.segments), [0.0, 1.0]);
        let svg = bars(&[bar], 4.0, "slots").into_string();
        assert!(
            svg.contains(r#"x="0" y="20" width="99""#) && svg.contains(r#"x="101" y="20" width="295""#),
            "{svg}"
        );
        assert!(svg.contains("<title>half</title>") && svg.contains(r#"x1="198""#), "{svg}");
        assert!(!bars(&[], 0.0, "nothing").into_string().contains("NaN"));
    }
}
