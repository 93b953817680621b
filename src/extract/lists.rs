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

#[cfg(test)]
mod tests {
    use super::super::region::elements;
    use super::*;
    use crate::spans::lex;

    fn read(text: &str) -> Vec<Element> {
        let text = lex(text);
        elements(&text, (0, text.tokens.len()), &[], &|_| false)
    }

    /// How many units each list has, and its separators.
    fn found(text: &str) -> Vec<(usize, Vec<String>)> {
        let join = |r: Repeat| (r.units.len(), r.separators.iter().map(|s| s.join(" ")).collect());
        repeats(&read(text)).into_iter().map(join).collect()
    }

    fn list(units: usize, separators: &[&str]) -> (usize, Vec<String>) {
        (units, separators.iter().map(|s| (*s).to_owned()).collect())
    }

    #[test]
    fn values_with_only_separators_between_are_a_list() {
        assert_eq!(found("tow Gull, Tern and Skua now"), [list(3, &[",", "and"])]);
        assert_eq!(found("tow K_1, K_2, and K_3 now"), [list(3, &[",", ", and"])]);
        assert_eq!(found("tow Gull now, Tern later"), []);
        assert_eq!(found("tow Gull. Tern"), []);
    }

    #[test]
    fn a_unit_may_hold_words_and_several_values() {
        assert_eq!(found("tow Gull to P_1, Tern to P_2, Skua to P_3"), [list(3, &[","])]);
        // The words have to be the same ones.
        assert_eq!(found("tow Gull to P_1, Tern from P_2"), []);
    }

    #[test]
    fn numbers_and_identifiers_are_alike_but_not_names_and_numbers() {
        assert_eq!(found("berths 12, B_7 and 9"), [list(3, &[",", "and"])]);
        assert_eq!(found("berths 12, Gull"), []);
    }

    #[test]
    fn lists_do_not_overlap_and_stand_in_order() {
        let lists = repeats(&read("tow Gull and Tern to P_1 or P_2"));
        assert_eq!(lists.iter().map(Repeat::range).collect::<Vec<_>>(), [(1, 4), (5, 8)]);
    }

    #[test]
    fn a_list_of_one_unit_stays_within_its_clause() {
        let all = read("tow Gull to P_1; paint Tern");
        let one = single(&all, &[3, 1]).unwrap();
        assert_eq!(one.range(), (1, 4));
        assert_eq!(one.separators, [[";".to_owned()]]);
        assert_eq!(single(&all, &[1]).unwrap().separators, Vec::<Vec<String>>::new());
        assert_eq!(single(&all, &[1, 6]), None);
        assert_eq!(single(&all, &[]), None);
    }
}
