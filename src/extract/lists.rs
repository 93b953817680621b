use super::region::{Element, bounds, separates};
use crate::domain::Shape;

/// A repeated unit in a region: element ranges of the units, and what stands between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repeat {
    /// Element ranges of the units, in order.
    pub(super) units: Vec<(usize, usize)>,
    /// The unit that shows the whole form: others may leave out values of it.
    pub(super) full: usize,
    /// The distinct separators.
    pub(super) separators: Vec<Vec<String>>,
}

impl Repeat {
    /// Element range of the whole list.
    pub(super) fn range(&self) -> (usize, usize) {
        (self.units.first().map_or(0, |u| u.0), self.units.last().map_or(0, |u| u.1))
    }

    /// For each unit, which of its elements stands for each element of the form; `None` where the
    /// unit leaves a value out.
    pub(super) fn aligned(&self, elements: &[Element]) -> Vec<Vec<Option<usize>>> {
        let form = self.form(elements);
        self.units.iter().filter_map(|unit| align(elements, form, unit.0, true).map(|a| a.places)).collect()
    }

    /// The elements of the unit that leaves nothing out.
    pub(super) fn form<'a>(&self, elements: &'a [Element]) -> &'a [Element] {
        let (from, to) = self.units[self.full];
        &elements[from..to]
    }
}

/// Longest unit, in elements.
pub(super) const MOST_UNIT: usize = 9;
/// Longest unit of which values may be left out, in values.
const MOST_RAGGED: usize = 3;

/// Finds lists of two and more units: the same sequence of words and value shapes, again and again
/// with only separators in between. With `ragged`, units of values alone may leave out all but the
/// first ("Gull {size: small}, Tern"). Longest list first where they overlap, then the shortest unit.
pub(super) fn repeats(elements: &[Element], ragged: bool) -> Vec<Repeat> {
    let mut found = found(elements);
    if ragged {
        for form in forms(elements) {
            found.extend((0..elements.len()).filter_map(|start| repeat(elements, form, start, true)));
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

/// All lists whose units leave nothing out, though they overlap.
pub(super) fn found(elements: &[Element]) -> Vec<Repeat> {
    let mut found: Vec<Repeat> = Vec::new();
    for start in 0..elements.len() {
        if !matches!(elements[start], Element::Value(_)) {
            continue;
        }
        for length in 1..=MOST_UNIT.min(elements.len() - start) {
            let unit = &elements[start..start + length];
            let whole = !unit.iter().any(bounds) && !separates(&unit[length - 1]);
            if whole && let Some(repeat) = repeat(elements, unit, start, false) {
                found.push(repeat);
            }
        }
    }
    found
}

/// The sequences of neighbouring values of different shapes, one of each.
fn forms(elements: &[Element]) -> Vec<&[Element]> {
    let mut out: Vec<&[Element]> = Vec::new();
    for length in 2..=MOST_RAGGED {
        for form in elements.windows(length) {
            let distinct = (1..length).all(|i| !form[..i].iter().any(|other| alike(other, &form[i])));
            let values = form.iter().all(|e| matches!(e, Element::Value(_)));
            let known =
                |own: &&[Element]| own.len() == length && own.iter().zip(form).all(|(a, b)| alike(a, b));
            if values && distinct && !out.iter().any(known) {
                out.push(form);
            }
        }
    }
    out
}

/// A unit read at a place.
struct Aligned {
    places: Vec<Option<usize>>,
    end: usize,
}

/// Reads a unit of this form from element `at`; if it is ragged, values but the first may be left out.
fn align(elements: &[Element], form: &[Element], at: usize, ragged: bool) -> Option<Aligned> {
    let mut end = at;
    let mut places = Vec::new();
    for (n, part) in form.iter().enumerate() {
        if elements.get(end).is_some_and(|own| alike(part, own)) {
            places.push(Some(end));
            end += 1;
        } else if ragged && n > 0 && matches!(part, Element::Value(_)) {
            places.push(None);
        } else {
            return None;
        }
    }
    Some(Aligned { places, end })
}

/// The list whose first unit is at `start`. A ragged one has units with and without all values.
fn repeat(elements: &[Element], form: &[Element], start: usize, ragged: bool) -> Option<Repeat> {
    let mut units = vec![(start, align(elements, form, start, ragged)?.end)];
    let mut separators: Vec<Vec<String>> = Vec::new();
    let mut at = units[0].1;
    loop {
        let next = (1..=3usize).find_map(|gap| {
            let words = self::gap(elements.get(at..at + gap)?)?;
            let unit = align(elements, form, at + gap, ragged)?;
            Some((at + gap, unit.end, words))
        });
        let Some((from, to, words)) = next else { break };
        if !separators.contains(&words) {
            separators.push(words);
        }
        units.push((from, to));
        at = to;
    }
    let full = units.iter().position(|(from, to)| to - from == form.len())?;
    let uneven = units.iter().any(|(from, to)| to - from < form.len());
    (units.len() > 1 && uneven == ragged).then_some(Repeat { units, full, separators })
}

/// The words between two units, if they may stand there.
pub(super) fn gap<'e>(between: impl IntoIterator<Item = &'e Element>) -> Option<Vec<String>> {
    let word = |element: &Element| match element {
        Element::Literal(word) if separates(element) => Some(word.clone()),
        _ => None,
    };
    between.into_iter().map(word).collect()
}

/// Whether two elements are the same word, or values of kinds that one slot can have.
pub(super) fn alike(a: &Element, b: &Element) -> bool {
    match (a, b) {
        (Element::Literal(a), Element::Literal(b)) => a == b,
        (Element::Value(a), Element::Value(b)) => {
            a.shape.join(b.shape).is_some() && (a.shape != Shape::Member || a.members == b.members)
        }
        _ => false,
    }
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
    Some(Repeat { units: vec![(from, to)], full: 0, separators })
}

#[cfg(test)]
mod tests {
    use super::super::region::elements;
    use super::*;
    use crate::spans::lex;

    fn read(text: &str) -> Vec<Element> {
        let text = lex(text);
        elements(&text, (0, text.tokens.len()), &[], &|_| false, true)
    }

    /// How many units each list has, and its separators.
    fn found(text: &str) -> Vec<(usize, Vec<String>)> {
        let join = |r: Repeat| (r.units.len(), r.separators.iter().map(|s| s.join(" ")).collect());
        repeats(&read(text), true).into_iter().map(join).collect()
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
    fn units_may_leave_values_out_but_the_first() {
        let all = read("tow Gull {size: big}, Tern and Skua {size: small} / Tern");
        let lists = repeats(&all, true);
        assert_eq!(lists.len(), 1);
        assert_eq!(
            lists[0].aligned(&all),
            [[Some(1), Some(2)], [Some(4), None], [Some(6), Some(7)], [Some(9), None]]
        );
        // Without gaps only "Tern and Skua" is one.
        assert_eq!(repeats(&all, false)[0].range(), (4, 7));
        assert_eq!(repeats(&read("tow {size: big} Gull, {size: small}, Tern"), true).len(), 1);
        // The same form in each unit leaves nothing out.
        let all = read("tow Gull {size: big}, Tern {size: big}");
        assert_eq!(repeats(&all, true), repeats(&all, false));
    }

    #[test]
    fn lists_do_not_overlap_and_stand_in_order() {
        let lists = repeats(&read("tow Gull and Tern to P_1 or P_2"), true);
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
