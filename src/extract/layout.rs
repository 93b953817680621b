//! From the elements of a text and their lists to pattern, slots and values.

use std::collections::BTreeMap;

use super::lists::Repeat;
use super::nested::{Item, Nested};
use super::region::{Element, Found};
use crate::domain::{ListId, ListPart, Part, Pattern, Shape, SlotId, SlotSpec};
use crate::expr::{Read, Values};
use crate::spans::{Lexed, build_of, text_of};

/// A list in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Listed {
    /// One whose units hold no list.
    Flat(Repeat),
    /// One whose units hold a list each.
    Nested(Nested),
}

impl Listed {
    /// Element range of the whole list.
    pub(super) fn range(&self) -> (usize, usize) {
        match self {
            Self::Flat(list) => list.range(),
            Self::Nested(list) => list.range(),
        }
    }
}

/// Pattern, slots and values of a sequence of elements with these lists.
pub(super) fn lay_out(text: &Lexed, all: &[Element], lists: &[Listed]) -> (Pattern, Vec<SlotSpec>, Values) {
    let mut layout = Layout { text, all, slots: Vec::new(), values: Values::default(), lists: 0 };
    let mut parts = Vec::new();
    let mut at = 0;
    while at < all.len() {
        match lists.iter().find(|list| list.range().0 == at) {
            Some(list) => {
                parts.push(Part::List(match list {
                    Listed::Flat(repeat) => layout.flat(repeat),
                    Listed::Nested(nested) => layout.nested(nested),
                }));
                at = list.range().1;
            }
            None => {
                let id = layout.slots.len() as SlotId;
                parts.push(layout.part(&all[at], None));
                if let Element::Value(found) = &all[at] {
                    layout.values.slots.insert(id, read(text, found));
                }
                at += 1;
            }
        }
    }
    (Pattern { parts }, layout.slots, layout.values)
}

struct Layout<'a> {
    text: &'a Lexed,
    all: &'a [Element],
    slots: Vec<SlotSpec>,
    values: Values,
    /// Lists so far.
    lists: ListId,
}

impl Layout<'_> {
    fn part(&mut self, element: &Element, list: Option<ListId>) -> Part {
        match element {
            Element::Literal(word) => Part::Literal(word.clone()),
            Element::Value(found) => {
                let id = self.slots.len() as SlotId;
                self.slots.push(SlotSpec {
                    id,
                    name: String::new(),
                    shape: found.shape,
                    members: found.members.clone(),
                    list,
                    keys: Vec::new(),
                    optional: false,
                    idle: false,
                    builds: builds(found),
                    same_as: None,
                    only: None,
                });
                Part::Slot(id)
            }
        }
    }

    fn next_list(&mut self) -> ListId {
        self.lists += 1;
        self.lists - 1
    }

    /// A unit's values: for each slot the element that stands for it, or none where it is left out.
    fn unit(&mut self, own: impl Iterator<Item = (SlotId, Option<usize>)>) -> BTreeMap<SlotId, Read> {
        let mut unit = BTreeMap::new();
        for (slot, own) in own {
            let spec = &mut self.slots[slot as usize];
            if let Some(Element::Value(found)) = own.map(|own| &self.all[own]) {
                spec.shape = spec.shape.join(found.shape).unwrap_or(Shape::Phrase);
                unit.insert(slot, read(self.text, found));
            } else {
                spec.optional = true;
                unit.insert(slot, Read::absent());
            }
        }
        unit
    }

    fn flat(&mut self, repeat: &Repeat) -> ListPart {
        let id = self.next_list();
        let form = repeat.form(self.all);
        let first = self.slots.len() as SlotId;
        let unit = form.iter().map(|element| self.part(element, Some(id))).collect();
        let aligned = repeat.aligned(self.all);
        let units = aligned.into_iter().map(|places| {
            let values = places.into_iter().zip(form).filter(|(_, e)| matches!(e, Element::Value(_)));
            self.unit((first..).zip(values.map(|(own, _)| own)))
        });
        let units = units.collect();
        self.values.lists.insert(id, units);
        ListPart { id, unit, separators: sorted(&repeat.separators) }
    }

    fn nested(&mut self, nested: &Nested) -> ListPart {
        let id = self.next_list();
        let inner = self.next_list();
        let mut unit = Vec::new();
        let (mut own_slots, mut inner_slots) = (Vec::new(), Vec::new());
        let value = |part: &Part| if let Part::Slot(id) = part { Some(*id) } else { None };
        for item in &nested.form {
            match item {
                Item::One(at) => {
                    let part = self.part(&self.all[*at].clone(), Some(id));
                    own_slots.push(value(&part));
                    unit.push(part);
                }
                Item::List(_) => {
                    let (from, to) = nested.inner;
                    let parts: Vec<Part> =
                        (from..to).map(|at| self.part(&self.all[at].clone(), Some(inner))).collect();
                    inner_slots = parts.iter().map(value).collect();
                    let separators = sorted(&nested.inner_separators);
                    unit.push(Part::List(ListPart { id: inner, unit: parts, separators }));
                }
            }
        }
        let (mut units, mut inner_units, mut within) = (Vec::new(), Vec::new(), Vec::new());
        for (number, own) in nested.units.iter().enumerate() {
            let placed = own_slots.iter().zip(&own.own);
            units.push(self.unit(placed.filter_map(|(slot, at)| Some(((*slot)?, Some(*at))))));
            for (from, to) in &own.inner {
                let placed = inner_slots.iter().zip(*from..*to);
                inner_units.push(self.unit(placed.filter_map(|(slot, at)| Some(((*slot)?, Some(at))))));
                within.push(number);
            }
        }
        self.values.lists.insert(id, units);
        self.values.lists.insert(inner, inner_units);
        self.values.within.insert(inner, (id, within));
        ListPart { id, unit, separators: sorted(&nested.separators) }
    }
}

/// The separators in one order whatever the text's.
fn sorted(separators: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut own = separators.to_vec();
    own.sort();
    own
}

/// How the value of an identifier is built.
fn builds(found: &Found) -> Vec<String> {
    let named = matches!(found.shape, Shape::Identifier | Shape::Number);
    text_of(&found.value).filter(|_| named).map(|text| build_of(&text)).into_iter().collect()
}

fn read(text: &Lexed, found: &Found) -> Read {
    Read { value: found.value.clone(), span: Some(text.bytes(found.from, found.to)), open: false }
}
