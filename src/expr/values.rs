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
        self.lists.get(&list)?.get(index)?.get(&slot)
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
