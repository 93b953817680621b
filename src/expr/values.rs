use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::{ListId, SlotId};

/// A value read from a task's text, with its byte range there.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The value.
    pub value: Value,
    /// Byte range in the text; `None` if it was not read there.
    pub span: Option<(usize, usize)>,
    /// The text says the value in other words than the slot's own members: the value is those
    /// words, and what they mean is still to be chosen.
    pub open: bool,
}

impl Read {
    /// What a slot reads that the text leaves out.
    pub fn absent() -> Self {
        Self { value: Value::Null, span: None, open: false }
    }

    /// Whether the text leaves the slot out.
    pub fn is_absent(&self) -> bool {
        self.value.is_null()
    }
}

/// The values of a template's slots for one task: single ones, and one set for each element of
/// each list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Slots outside lists.
    pub slots: BTreeMap<SlotId, Read>,
    /// Lists: for each element, its slots.
    pub lists: BTreeMap<ListId, Vec<BTreeMap<SlotId, Read>>>,
    /// Of a list within another one: the other, and for each element, to which of the other's it belongs.
    /// The elements of all of them stand in one sequence, in the text's order.
    pub within: BTreeMap<ListId, (ListId, Vec<usize>)>,
}

impl Values {
    /// How many elements a list has; 0 if it has none or is unknown.
    pub fn units(&self, list: ListId) -> usize {
        self.lists.get(&list).map_or(0, Vec::len)
    }

    /// The value of a slot, in a loop that of the current element.
    pub fn get(&self, slot: SlotId, unit: Option<(ListId, usize)>) -> Option<&Read> {
        if let Some(read) = self.slots.get(&slot) {
            return Some(read);
        }
        let (list, index) = unit?;
        let own = self.lists.get(&list)?.get(index)?.get(&slot);
        own.or_else(|| self.get(slot, Some(self.around((list, index))?)))
    }

    /// The element within which an element stands.
    pub fn around(&self, (list, index): (ListId, usize)) -> Option<(ListId, usize)> {
        let (outer, of) = self.within.get(&list)?;
        Some((*outer, *of.get(index)?))
    }

    /// The elements of a list at a place: those within the element at hand, if the list stands within its
    /// list, else all.
    pub fn elements(&self, list: ListId, at: Option<(ListId, usize)>) -> Vec<usize> {
        let inside = |index: &usize| match (self.around((list, *index)), at) {
            (Some((outer, own)), Some((at, number))) if outer == at => own == number,
            _ => true,
        };
        (0..self.units(list)).filter(inside).collect()
    }

    /// Every value, to change, in order of slot and element.
    pub fn all_mut(&mut self) -> impl Iterator<Item = (SlotId, &mut Read)> {
        let single = self.slots.iter_mut().map(|(id, read)| (*id, read));
        let listed =
            self.lists.values_mut().flatten().flat_map(|unit| unit.iter_mut().map(|(id, read)| (*id, read)));
        single.chain(listed)
    }

    /// Every value, in order of slot and element.
    pub fn all(&self) -> impl Iterator<Item = (SlotId, &Read)> {
        let single = self.slots.iter().map(|(id, read)| (*id, read));
        let listed = self.lists.values().flatten().flat_map(|unit| unit.iter().map(|(id, read)| (*id, read)));
        single.chain(listed)
    }
}

/// What a step of a template observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Seen<'a> {
    /// Nothing yet.
    #[default]
    Nothing,
    /// One observation.
    One(&'a Value),
    /// One for each element of the list it runs over.
    Each(ListId, Vec<&'a Value>),
}

impl<'a> Seen<'a> {
    /// What was observed for an element of a list, or for the one around it.
    pub fn of(&self, unit: (ListId, usize), values: &Values) -> Option<&'a Value> {
        let Self::Each(list, each) = self else { return None };
        match unit.0 == *list {
            true => each.get(unit.1).copied(),
            false => self.of(values.around(unit)?, values),
        }
    }
}
