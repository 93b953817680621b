//! What a block's bindings say of its slots.

use crate::domain::{Binding, Operand, PathStep, Shape, SlotId, SlotPart, SlotSpec, StepTemplate, Transform};

use super::steps::{path_reads, reads};
use crate::expr::Values;
use crate::spans::same_value;

/// Names slots after the first argument that reads them, marks those that nothing reads, and notes
/// which members an object literal must have.
pub(super) fn describe(slots: &mut [SlotSpec], steps: &[StepTemplate]) {
    for slot in slots.iter_mut() {
        let mut name: Option<String> = None;
        for (argument_name, argument) in steps.iter().flat_map(|s| &s.arguments) {
            argument.spaces(&mut |space| {
                if name.is_none() && space.best().any(|b| binding_reads(b, slot.id)) {
                    name = Some(argument_name.clone());
                }
            });
        }
        slot.idle = name.is_none();
        slot.name = name.unwrap_or_else(|| format!("{:?}", slot.shape).to_lowercase());
        slot.keys = if slot.shape == Shape::Object { keys(slot.id, steps) } else { Vec::new() };
    }
    for i in 0..slots.len() {
        let same = slots[..i].iter().filter(|s| s.name == slots[i].name).count();
        if same > 0 {
            slots[i].name = format!("{}_{}", slots[i].name, same + 1);
        }
    }
}

/// Notes which slots of an acting block name the same thing.
pub(super) fn join_same(slots: &mut [SlotSpec], values: &Values, steps: &[StepTemplate]) {
    let value = |slot: &SlotSpec| {
        let single = slot.list.is_none() && !steps.is_empty();
        single.then(|| values.get(slot.id, None)).flatten().map(|read| &read.value)
    };
    for at in 1..slots.len() {
        let same = |other: &&SlotSpec| match (value(other), value(&slots[at])) {
            (Some(a), Some(b)) => same_value(a, b),
            _ => false,
        };
        slots[at].same_as = slots[..at].iter().find(same).map(|slot| slot.id);
    }
}

/// Notes what a value was that an acting block does not read: whether it matters is not known.
pub(super) fn pin(slots: &mut [SlotSpec], values: &Values, steps: &[StepTemplate]) {
    for slot in slots.iter_mut().filter(|slot| slot.idle && slot.list.is_none() && !steps.is_empty()) {
        slot.only = values.get(slot.id, None).map(|read| SlotSpec::only_hash(&read.value));
    }
}

/// Whether an argument is made from a slot.
pub(super) fn is_read(slot: SlotId, steps: &[StepTemplate]) -> bool {
    let mut read = false;
    for (_, argument) in steps.iter().flat_map(|s| &s.arguments) {
        argument.spaces(&mut |space| read |= space.best().any(|b| binding_reads(b, slot)));
    }
    read
}

fn binding_reads(binding: &Binding, slot: SlotId) -> bool {
    match binding {
        // What stands in a table may be a coincidence of one task: the words are pinned until two differ.
        Binding::Value(Operand::Made { by: Transform::Table(_), .. }) => false,
        Binding::Value(operand) => reads(operand, &|s| s == slot, &|_| false),
        Binding::Context { path } => path_reads(path, &|s| s == slot, &|_| false),
        _ => false,
    }
}

/// The members of an object slot without which some argument cannot be made: those that each of
/// its best bindings reads. Sorted.
fn keys(slot: SlotId, steps: &[StepTemplate]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (_, argument) in steps.iter().flat_map(|s| &s.arguments) {
        argument.spaces(&mut |space| {
            let mut each = space.best().map(|binding| {
                let mut found = Vec::new();
                match binding {
                    Binding::Value(operand) => operand_keys(operand, slot, &mut found),
                    Binding::Context { path } => path_keys(path, slot, &mut found),
                    _ => {}
                }
                found
            });
            let Some(mut common) = each.next() else { return };
            for other in each {
                common.retain(|key| other.contains(key));
            }
            out.append(&mut common);
        });
    }
    out.sort();
    out.dedup();
    out
}

fn operand_keys(operand: &Operand, slot: SlotId, out: &mut Vec<String>) {
    match operand {
        Operand::Slot { slot: own, part: SlotPart::Field(key) } if *own == slot => out.push(key.clone()),
        Operand::Slot { .. } => {}
        Operand::Observed { path, .. } => path_keys(path, slot, out),
        Operand::Merge { base, changes } => {
            operand_keys(base, slot, out);
            operand_keys(changes, slot, out);
        }
        Operand::Made { of, .. } => of.iter().for_each(|operand| operand_keys(operand, slot, out)),
    }
}

fn path_keys(path: &[PathStep], slot: SlotId, out: &mut Vec<String>) {
    for step in path {
        if let PathStep::Select(predicates) = step {
            predicates.iter().for_each(|p| operand_keys(&p.equals, slot, out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Argument, Space};

    fn step(bindings: &[&str]) -> StepTemplate {
        let binding =
            |key: &&str| Binding::Value(Operand::Slot { slot: 0, part: SlotPart::Field((*key).to_owned()) });
        let space = Space { bindings: bindings.iter().map(binding).collect(), overflow: false };
        StepTemplate {
            tool: "find".into(),
            when: Vec::new(),
            for_each: None,
            together: false,
            arguments: vec![("code".into(), Argument::One(space))],
            guards: Vec::new(),
            failures: Vec::new(),
            states: Vec::new(),
            untried: false,
        }
    }

    #[test]
    fn a_literal_needs_the_members_that_every_best_binding_reads() {
        let mut slots = vec![SlotSpec {
            id: 0,
            name: String::new(),
            shape: Shape::Object,
            members: Vec::new(),
            list: None,
            keys: Vec::new(),
            optional: false,
            idle: false,
            builds: Vec::new(),
            same_as: None,
            only: None,
        }];
        describe(&mut slots, &[step(&["shelf"]), step(&["row", "row"])]);
        assert_eq!(slots[0].keys, ["row", "shelf"]);
        // Either member will do: none is needed.
        describe(&mut slots, &[step(&["row", "shelf"])]);
        assert!(slots[0].keys.is_empty());
        assert_eq!(slots[0].name, "code");
    }
}
