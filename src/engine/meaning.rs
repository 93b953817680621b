//! What a plan comes to, as far as that can be said before anything is observed.

use std::collections::HashMap;

use crate::domain::{
    Argument, Binding, Operand, PathStep, Shape, SlotId, Template, TemplateId, TemplateRecord,
};
use crate::fill::Block;

/// What a block's calls would be: tools, and the simplest binding of every argument with the values
/// in place of slots. Readings with the same meaning are one.
pub(super) fn meaning(block: &Block) -> String {
    let value = |slot: SlotId| {
        let all = block.values.all().filter(|(id, _)| *id == slot);
        all.map(|(_, read)| read.value.to_string().to_lowercase()).collect::<Vec<_>>().join("|")
    };
    said(&block.template, &|slot| value(slot), &|list| block.values.units(list).to_string())
}

/// The same without values: plans that differ only in their wordings have one.
pub(super) fn plan_of(template: &Template) -> String {
    let shape = |slot: SlotId| template.slot(slot).map(|s| format!("{:?}", s.shape)).unwrap_or_default();
    said(template, &shape, &|_| String::new())
}

/// The kinds of the values that a template reads, in order of kind. A text fits templates of the same
/// kinds.
pub(super) fn kinds_of(template: &Template) -> Vec<(Shape, bool)> {
    let read = template.slots.iter().filter(|slot| !slot.idle);
    let mut kinds: Vec<_> = read.map(|slot| (slot.shape, slot.list.is_some())).collect();
    kinds.sort_unstable();
    kinds
}

type Say<'a, T> = &'a dyn Fn(T) -> String;

fn said(template: &Template, slot: Say<'_, SlotId>, list: Say<'_, u32>) -> String {
    let mut out = String::new();
    for step in &template.steps {
        out.push_str(&step.tool);
        if let Some(over) = step.for_each {
            out.push(if step.together { '+' } else { '*' });
            out.push_str(&list(over));
        }
        for (name, of) in &step.arguments {
            out.push(' ');
            argument(of, name, slot, &mut out);
        }
        out.push(';');
    }
    out
}

fn argument(of: &Argument, name: &str, slot: Say<'_, SlotId>, out: &mut String) {
    of.places(name, &mut |path, space| {
        out.push_str(path);
        out.push('=');
        match space.best().next() {
            Some(Binding::Value(of)) => operand(of, slot, out),
            Some(Binding::Constant { hash, .. }) => out.push_str(hash),
            Some(other) => out.push_str(&format!("{other:?}")),
            None => {}
        }
    });
}

fn operand(of: &Operand, slot: Say<'_, SlotId>, out: &mut String) {
    match of {
        Operand::Slot { slot: own, part } => out.push_str(&format!("{}:{part:?}", slot(*own))),
        Operand::Observed { step, path } => {
            out.push_str(&format!("@{step}"));
            for place in path {
                match place {
                    PathStep::Select(predicates) => {
                        for predicate in predicates {
                            out.push_str(&format!("[{}=", predicate.field.join(".")));
                            operand(&predicate.equals, slot, out);
                            out.push(']');
                        }
                    }
                    other => out.push_str(&format!(".{other:?}")),
                }
            }
        }
        Operand::Made { by, of } => {
            out.push_str(&format!("{by:?}("));
            of.iter().for_each(|of| operand(of, slot, out));
            out.push(')');
        }
        Operand::Merge { base, changes } => {
            operand(base, slot, out);
            out.push('+');
            operand(changes, slot, out);
        }
    }
}

/// How often the plans of a namespace were seen, whatever their wordings.
#[derive(Clone, Debug, Default)]
pub(super) struct Plans {
    seen: HashMap<String, u32>,
    of: HashMap<TemplateId, (String, u32)>,
}

impl Plans {
    /// Counts a record in place of an older one of its lineage. Idle texts are no plans.
    pub(super) fn note(&mut self, record: &TemplateRecord) {
        self.forget(&record.template.id);
        if !record.template.is_idle() {
            let (plan, times) = (plan_of(&record.template), record.evidence.successes);
            *self.seen.entry(plan.clone()).or_default() += times;
            self.of.insert(record.template.id.clone(), (plan, times));
        }
    }

    pub(super) fn forget(&mut self, id: &TemplateId) {
        if let Some((plan, times)) = self.of.remove(id)
            && let Some(seen) = self.seen.get_mut(&plan)
        {
            *seen -= times.min(*seen);
        }
    }

    /// How likely the next text asks for a plan that was never seen: the share of what was seen only
    /// once (Good, "The population frequencies of species", 1953), never nothing.
    pub(super) fn novelty(&self) -> f32 {
        let once = self.seen.values().filter(|times| **times == 1).count();
        let all: u32 = self.seen.values().sum();
        (once as f32 + 1.0) / (all as f32 + 1.0)
    }
}
