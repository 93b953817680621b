//! Between readings of a text that put its values into the same slots in other ways: the filler chooses the
//! value of one slot after the other, with the whole text and what is chosen so far in view.

use std::collections::BTreeSet;

use super::Engine;
use super::ask::{offered, reader};
use crate::domain::{ListId, Miss, SlotId, Task, Template, TemplateId};
use crate::expr::Read;
use crate::fill::{Block, FillAnswer, Wanted};
use crate::spans::text_of;

/// A slot of a block, with its element where it is one of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    block: usize,
    slot: SlotId,
    unit: Option<(ListId, usize)>,
}

impl Engine {
    /// Which of several readings that differ in their values alone the filler arrives at slot by slot; `None`
    /// where a choice is not clear.
    pub(super) async fn single(&self, task: &Task, rivals: &[Vec<Block>]) -> Option<usize> {
        let first = rivals.first()?;
        let mut left: Vec<usize> = (0..rivals.len()).collect();
        let mut known: Vec<String> = Vec::new();
        for place in places(first) {
            let own = |at: &usize| rivals.get(*at).map_or_else(String::new, |blocks| value(blocks, place));
            let values: Vec<String> = left.iter().map(own).collect::<BTreeSet<_>>().into_iter().collect();
            let template = &first.get(place.block)?.template;
            let chosen = match values.as_slice() {
                [only] => only.clone(),
                several => self.slot_value(task, template, place, several, &known).await?,
            };
            left.retain(|at| own(at) == chosen);
            let name = template.slot(place.slot).map_or("value", |slot| slot.name.as_str());
            known.push(format!("{name}: {chosen}"));
        }
        match left.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Which of these values the filler takes for that of a slot, if it is sure.
    async fn slot_value(
        &self,
        task: &Task,
        template: &Template,
        place: Place,
        values: &[String],
        known: &[String],
    ) -> Option<String> {
        let (tool, argument) = asked_for(template, place.slot)?;
        let tool = &*offered(task, tool);
        let mut said = task.text.clone();
        if !known.is_empty() {
            said.push_str("\nKnown so far: ");
            said.push_str(&known.join("; "));
        }
        let wanted = Wanted { template, tool, argument, said: &said, deadline: self.deadline() };
        match self.answer_to(wanted.among(values), &|| Miss::FillerUnavailable).await {
            Ok(FillAnswer::Chosen { index, margin }) if margin >= self.policy.natural.slot_margin => {
                values.get(index).cloned()
            }
            _ => None,
        }
    }
}

/// Whether readings are of the same templates and differ in their values alone.
pub(super) fn differ_in_values(rivals: &[Vec<Block>]) -> bool {
    rivals.windows(2).all(|pair| shape(&pair[0]) == shape(&pair[1]))
}

/// What readings that differ in their values alone have in common.
fn shape(blocks: &[Block]) -> Vec<(&TemplateId, usize, usize, Vec<usize>)> {
    let units = |block: &Block| block.values.lists.values().map(Vec::len).collect();
    blocks.iter().map(|block| (&block.template.id, block.from, block.to, units(block))).collect()
}

/// All slots of these blocks, in the order of the templates.
fn places(blocks: &[Block]) -> Vec<Place> {
    let mut out = Vec::new();
    for (block, own) in blocks.iter().enumerate() {
        out.extend(own.values.slots.keys().map(|slot| Place { block, slot: *slot, unit: None }));
        for (list, units) in &own.values.lists {
            for (at, unit) in units.iter().enumerate() {
                let place = |slot: &SlotId| Place { block, slot: *slot, unit: Some((*list, at)) };
                out.extend(unit.keys().map(place));
            }
        }
    }
    out
}

/// What a slot is in a reading, as text; nothing is an empty text.
fn value(blocks: &[Block], place: Place) -> String {
    let read = blocks.get(place.block).and_then(|block| block.values.get(place.slot, place.unit));
    let said = |read: &Read| text_of(&read.value).unwrap_or_else(|| read.value.to_string());
    read.filter(|read| !read.is_absent()).map_or_else(String::new, said)
}

/// What to ask for: tool and argument that is a slot's whole value, or by the slot's own name what a record is
/// selected by.
fn asked_for(template: &Template, slot: SlotId) -> Option<(&str, &str)> {
    let own = || Some((template.steps.last()?.tool.as_str(), template.slot(slot)?.name.as_str()));
    reader(template, slot).or_else(own)
}
