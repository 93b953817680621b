//! Lists whose elements hold a list each: "to P_1 the Gull and the Tern, to P_2 the Skua".

use super::block::elements_of;
use super::lists::{MOST_UNIT, Repeat, alike, found, gap};
use super::region::{Element, bounds, separates};
use crate::domain::Trace;
use crate::spans::Lexed;

/// A repeated unit that holds a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Nested {
    /// The units, in order.
    pub(super) units: Vec<Unit>,
    /// The unit that shows the form, and where in it the list stands.
    pub(super) form: Vec<Item>,
    /// The distinct separators of the units.
    pub(super) separators: Vec<Vec<String>>,
    /// The form of the inner lists' units: element range.
    pub(super) inner: (usize, usize),
    /// The distinct separators of the inner lists.
    pub(super) inner_separators: Vec<Vec<String>>,
}

/// A unit: element range, where its elements outside the list are, and the units of its list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// First element.
    pub(super) from: usize,
    /// One past the last element.
    pub(super) to: usize,
    /// The elements that stand for the form's, the list left out.
    pub(super) own: Vec<usize>,
    /// The units of its list: element ranges.
    pub(super) inner: Vec<(usize, usize)>,
}

/// An element, or a whole list in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// An element.
    One(usize),
    /// The units of a list: element ranges.
    List(Vec<(usize, usize)>),
}

impl Nested {
    /// Element range of the whole list.
    pub(super) fn range(&self) -> (usize, usize) {
        (self.units.first().map_or(0, |u| u.from), self.units.last().map_or(0, |u| u.to))
    }
}

/// The longest list of units that hold a list each, if there is one. At least two units, and at least one
/// inner list of several; a single inner unit is a list of one.
pub(super) fn nested(elements: &[Element]) -> Option<Nested> {
    let inner = found(elements);
    let mut forms: Vec<(usize, usize)> = Vec::new();
    for repeat in &inner {
        let form = repeat.units[repeat.full];
        if !forms.iter().any(|known| same(elements, *known, form)) {
            forms.push(form);
        }
    }
    let mut best: Option<Nested> = None;
    for form in forms {
        let own: Vec<&Repeat> = inner.iter().filter(|r| same(elements, r.units[r.full], form)).collect();
        let items = collapsed(elements, &own);
        let found = lists(elements, &items, form, &own).into_iter();
        let size = |n: &Nested| n.range().1 - n.range().0;
        best = found.chain(best).max_by_key(|n| (size(n), std::cmp::Reverse(n.form.len())));
    }
    best
}

/// Token range of such a list in the text of a run.
pub(super) fn nested_range(trace: &Trace, text: &Lexed, derives: bool) -> Option<(usize, usize)> {
    let steps: Vec<usize> = (0..trace.steps.len()).collect();
    let (all, _) = elements_of(trace, text, (0, text.tokens.len()), &steps, derives);
    let (from, to) = nested(&all)?.range();
    let tokens = |elements: &[Element]| {
        let length = |element: &Element| match element {
            Element::Literal(_) => 1,
            Element::Value(found) => found.to - found.from,
        };
        elements.iter().map(length).sum::<usize>()
    };
    Some((tokens(&all[..from]), tokens(&all[..to])))
}

/// Whether two sequences of elements have the same form.
fn same(elements: &[Element], a: (usize, usize), b: (usize, usize)) -> bool {
    let (a, b) = (&elements[a.0..a.1], &elements[b.0..b.1]);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

/// The elements with each list as one item, the longest where they overlap.
fn collapsed(elements: &[Element], lists: &[&Repeat]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < elements.len() {
        let list = lists.iter().filter(|l| l.range().0 == at).max_by_key(|l| l.range().1);
        match list {
            Some(list) => {
                items.push(Item::List(list.units.clone()));
                at = list.range().1;
            }
            None => {
                items.push(Item::One(at));
                at += 1;
            }
        }
    }
    items
}

/// The lists over these items.
fn lists(elements: &[Element], items: &[Item], inner: (usize, usize), own: &[&Repeat]) -> Vec<Nested> {
    let mut out = Vec::new();
    let reader = Reader { elements, items, inner };
    let is = |item: &Item, what: fn(&Element) -> bool| matches!(item, Item::One(at) if what(&elements[*at]));
    for start in 0..items.len() {
        for length in 2..=MOST_UNIT.min(items.len() - start) {
            let form = &items[start..start + length];
            let held = form.iter().filter(|item| matches!(item, Item::List(_))).count();
            let whole = !form.iter().any(|item| is(item, bounds))
                && !is(&form[0], separates)
                && !is(&form[length - 1], separates);
            let values = form.iter().any(|item| is(item, |e| matches!(e, Element::Value(_))));
            if held == 1 && whole && values {
                out.extend((0..=start).filter_map(|first| reader.list(form, first, own)));
            }
        }
    }
    out
}

struct Reader<'a> {
    elements: &'a [Element],
    items: &'a [Item],
    inner: (usize, usize),
}

impl Reader<'_> {
    /// The list of units of this form that begins at an item.
    fn list(&self, form: &[Item], first: usize, own: &[&Repeat]) -> Option<Nested> {
        let (unit, mut at) = self.unit(form, first)?;
        let mut units = vec![unit];
        let mut separators: Vec<Vec<String>> = Vec::new();
        loop {
            let next = (1..=3usize).find_map(|gap| {
                let between = self.items.get(at..at + gap)?.iter().map(|item| match item {
                    Item::One(at) => Some(&self.elements[*at]),
                    Item::List(_) => None,
                });
                let between = self::gap(between.collect::<Option<Vec<_>>>()?)?;
                Some((self.unit(form, at + gap)?, between))
            });
            let Some(((unit, end), words)) = next else { break };
            if !separators.contains(&words) {
                separators.push(words);
            }
            units.push(unit);
            at = end;
        }
        let mut inner_separators: Vec<Vec<String>> = Vec::new();
        for repeat in own {
            let used = units.iter().any(|u| u.inner == repeat.units);
            for words in repeat.separators.iter().filter(|_| used) {
                if !inner_separators.contains(words) {
                    inner_separators.push(words.clone());
                }
            }
        }
        let several = units.iter().any(|u| u.inner.len() > 1);
        // What divides both says nothing of where an inner list ends: "Gull; Tern {mast: oak}; Skua {..}".
        let told_apart = !separators.iter().any(|words| inner_separators.contains(words));
        (units.len() > 1 && several && told_apart).then(|| Nested {
            units,
            form: form.to_vec(),
            separators,
            inner: self.inner,
            inner_separators,
        })
    }

    /// A unit of this form at an item, and the item after it.
    fn unit(&self, form: &[Item], first: usize) -> Option<(Unit, usize)> {
        let mut at = first;
        let (mut own, mut inner) = (Vec::new(), Vec::new());
        let (mut from, mut to) = (None, 0);
        for part in form {
            let range = match (part, self.items.get(at)?) {
                (Item::List(_), Item::List(units)) => {
                    inner.clone_from(units);
                    at += 1;
                    (units.first()?.0, units.last()?.1)
                }
                // A single unit is a list of one.
                (Item::List(_), Item::One(element)) => {
                    let length = self.inner.1 - self.inner.0;
                    let range = (*element, element + length);
                    let plain = |item: &Item| matches!(item, Item::One(_));
                    if !self.items.get(at..at + length)?.iter().all(plain)
                        || !same(self.elements, range, self.inner)
                    {
                        return None;
                    }
                    inner.push(range);
                    at += length;
                    range
                }
                (Item::One(form), Item::One(element)) => {
                    if !alike(&self.elements[*form], &self.elements[*element]) {
                        return None;
                    }
                    own.push(*element);
                    at += 1;
                    (*element, element + 1)
                }
                (Item::One(_), Item::List(_)) => return None,
            };
            from = from.or(Some(range.0));
            to = range.1;
        }
        Some((Unit { from: from?, to, own, inner }, at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::region::elements;
    use super::*;
    use crate::spans::lex;

    /// The units of the list that is found: how many each one's list has, and the separators.
    fn read(text: &str) -> Option<(Vec<usize>, Vec<String>, Vec<String>)> {
        let text = lex(text);
        let all = elements(&text, (0, text.tokens.len()), &[], &|own| own != "Tow", true);
        let found = nested(&all)?;
        let join = |all: &[Vec<String>]| all.iter().map(|s| s.join(" ")).collect();
        let units = found.units.iter().map(|u| u.inner.len()).collect();
        Some((units, join(&found.separators), join(&found.inner_separators)))
    }

    fn some(
        units: &[usize],
        outer: &[&str],
        inner: &[&str],
    ) -> Option<(Vec<usize>, Vec<String>, Vec<String>)> {
        let own = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect();
        Some((units.to_vec(), own(outer), own(inner)))
    }

    #[test]
    fn units_hold_lists_of_any_length() {
        let wanted = some(&[2, 1, 3], &[";"], &[",", "and"]);
        assert_eq!(read("tow to P_1: Gull, Tern; P_2: Skua; P_3: Rook, Daw and Kite"), wanted);
        let wanted = some(&[2, 1], &[","], &["and"]);
        assert_eq!(read("tow Gull and Tern to P_1, Skua to P_2"), wanted);
        let wanted = some(&[1, 2], &["and"], &[","]);
        assert_eq!(read("tow P_1 (Gull) and P_2 (Tern, Skua)."), wanted);
    }

    #[test]
    fn a_flat_list_and_two_sentences_are_none() {
        assert_eq!(read("tow Gull, Tern and Skua"), None);
        assert_eq!(read("tow Gull, Tern to P_1"), None);
        assert_eq!(read("tow Gull and Tern to P_1. Tow Skua to P_2."), None);
        assert_eq!(read("tow Gull; Tern {mast: oak}; Skua {mast: ash}; Rook"), None);
    }
}
