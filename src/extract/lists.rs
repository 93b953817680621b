use super::region::{Element, bounds, separates};
use crate::domain::Shape;

/// A repeated unit in a region: element ranges of the units, and what stands between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repeat {
    /// Element ranges of the units, in order.
    pub(super) units: Vec<(usize, usize)>,
    /// The distinct separators.
    pub(super) separators: Vec<Vec<String>>,
}

impl Repeat {
    /// Element range of the whole list.
    pub(super) fn range(&self) -> (usize, usize) {
        (self.units.first().map_or(0, |u| u.0), self.units.last().map_or(0, |u| u.1))
    }
}

/// Longest unit, in elements.
const MOST_UNIT: usize = 9;

/// Finds lists of two and more units: the same sequence of words and value shapes, again and again
/// with only separators in between. Longest list first where they overlap, then the shortest unit.
pub(super) fn repeats(elements: &[Element]) -> Vec<Repeat> {
    let mut found: Vec<Repeat> = Vec::new();
    for start in 0..elements.len() {
        if !matches!(elements[start], Element::Value(_)) {
            continue;
        }
        for length in 1..=MOST_UNIT.min(elements.len() - start) {
            let unit = &elements[start..start + length];
            let whole = !unit.iter().any(bounds) && !separates(&unit[length - 1]);
            if whole && let Some(repeat) = repeat(elements, start, length) {
                found.push(repeat);
            }
        }
    }
    let size = |r: &Repeat| r.range().1 - r.range().0;
    found.sort_by_key(|r| (std::cmp::Reverse(size(r)), std::cmp::Reverse(r.units.len()), r.range().0));
    let mut kept: Vec<Repeat> = Vec::new();
    for repeat in found {
        let (from, to) = repeat.range();
        if !kept.iter().any(|k| k.range().0 < to && from < k.range().1) {
            kept.push(repeat);
        }
    }
    kept.sort_by_key(|r| r.range().0);
    kept
}

fn repeat(elements: &[Element], start: usize, length: usize) -> Option<Repeat> {
    let unit = &elements[start..start + length];
    let mut units = vec![(start, start + length)];
    let mut separators: Vec<Vec<String>> = Vec::new();
    let mut at = start + length;
    loop {
        let next = (1..=3usize).find_map(|gap| {
            let from = at + gap;
            let between = elements.get(at..from)?;
            let own = elements.get(from..from + length)?;
            (between.iter().all(separates) && alike(unit, own)).then_some((from, between))
        });
        let Some((from, between)) = next else { break };
        let words: Vec<String> = between.iter().filter_map(literal).collect();
        if !separators.contains(&words) {
            separators.push(words);
        }
        units.push((from, from + length));
        at = from + length;
    }
    (units.len() > 1).then_some(Repeat { units, separators })
}

fn literal(element: &Element) -> Option<String> {
    match element {
        Element::Literal(word) => Some(word.clone()),
        Element::Value(_) => None,
    }
}

fn alike(a: &[Element], b: &[Element]) -> bool {
    a.iter().zip(b).all(|(a, b)| match (a, b) {
        (Element::Literal(a), Element::Literal(b)) => a == b,
        (Element::Value(a), Element::Value(b)) => {
            a.shape.join(b.shape).is_some() && (a.shape != Shape::Member || a.members == b.members)
        }
        _ => false,
    })
}

/// The list of one unit that spans the given elements (those that an array of one element was
/// made of), if it stays within one clause. A semicolon or line break after it is taken for the
/// separator that a longer list would have.
pub(super) fn single(elements: &[Element], used: &[usize]) -> Option<Repeat> {
    let from = *used.iter().min()?;
    let to = *used.iter().max()? + 1;
    if elements[from..to].iter().any(bounds) {
        return None;
    }
    let separators = match elements.get(to) {
        Some(Element::Literal(mark)) if mark == ";" || mark == "\n" => vec![vec![mark.clone()]],
        _ => Vec::new(),
    };
    Some(Repeat { units: vec![(from, to)], separators })
}
