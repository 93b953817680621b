use std::collections::BTreeMap;

use serde_json::Value;

use super::explain::{Scope, anchor, explain};
use crate::domain::{
    Argument, Binding, KnownFailure, ListId, Operand, PathStep, SlotId, SlotSpec, StepTemplate, Task, Tier,
    TraceStep,
};
use crate::expr::{Env, Read, Seen, Values, eval};
use crate::spans::{form_of, same_value};

/// The steps of a block, with how well they are explained.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps<'a> {
    /// The steps.
    pub(super) steps: Vec<StepTemplate>,
    /// For each step, the trace step of its first call (a loop may have made several).
    pub(super) firsts: Vec<&'a TraceStep>,
    /// Arguments that neither the task nor an observation explains.
    pub(super) unexplained: usize,
    /// Lists that a step or an argument runs over.
    pub(super) lists: Vec<ListId>,
}

/// What the steps of a block are explained from.
pub(super) struct Source<'a, 's> {
    /// The task.
    pub(super) task: &'a Task,
    /// The block's slots.
    pub(super) slots: &'s [SlotSpec],
    /// Their values in this run.
    pub(super) values: &'s Values,
    /// Values are also recognised in other notations, and as calculated.
    pub(super) derives: bool,
}

/// Explains every argument of a block's calls. Neighbouring calls that go through the elements of a list
/// become one step for each element, or several where each element is worked off by several tools.
pub(super) fn steps<'a>(calls: &[&'a TraceStep], source: &Source<'a, '_>) -> Steps<'a> {
    let mut builder = Builder { source, seen: Vec::new(), anchors: Vec::new(), out: Steps::default() };
    let mut at = 0;
    while at < calls.len() {
        let same = calls[at..].iter().take_while(|c| c.call.tool == calls[at].call.tool).count();
        let looped = (1..=same).rev().find(|n| builder.looped(&calls[at..at + n], None).is_some());
        match looped.or_else(|| builder.body(&calls[at..])) {
            Some(n) => at += n,
            None => {
                builder.single(calls[at]);
                at += 1;
            }
        }
    }
    builder.out
}

/// Steps in the making.
#[derive(Clone)]
pub(super) struct Builder<'a, 'b> {
    pub(super) source: &'b Source<'a, 'b>,
    /// What each step observed.
    pub(super) seen: Vec<Seen<'a>>,
    anchors: Vec<Operand>,
    pub(super) out: Steps<'a>,
}

impl<'a> Builder<'a, '_> {
    pub(super) fn scope<'s>(&'s self, unit: Option<(ListId, usize)>) -> Scope<'s> {
        Scope {
            slots: self.source.slots,
            values: self.source.values,
            seen: &self.seen,
            context: &self.source.task.context,
            unit,
            anchors: &self.anchors,
            derives: self.source.derives,
        }
    }

    pub(super) fn env(&self, unit: Option<(ListId, usize)>) -> Env<'_> {
        self.scope(unit).env()
    }

    pub(super) fn schema(&self, tool: &str, argument: &str) -> Option<&'a Value> {
        self.source.task.tool(tool)?.argument(argument)
    }

    /// One call as it is.
    fn single(&mut self, step: &'a TraceStep) {
        let mut arguments = Vec::new();
        for (name, value) in &step.call.arguments {
            let schema = self.schema(&step.call.tool, name);
            let argument = self.argument(value, schema);
            self.note(&argument);
            arguments.push((name.clone(), argument));
        }
        self.push(step, None, arguments);
        let failed = step.observation.as_ref().filter(|o| o.failed);
        if let (Some(own), Some(failed)) = (self.out.steps.last_mut(), failed) {
            own.failures.push(KnownFailure { form: form_of(&failed.value), seen: 1 });
            own.untried = true;
        }
        // Nothing can be read from what failed.
        let seen = step.observation.as_ref().filter(|o| !o.failed);
        self.seen.push(seen.map_or(Seen::Nothing, |o| Seen::One(&o.value)));
    }

    /// Adds a step of which this is the first call.
    pub(super) fn push(
        &mut self,
        first: &'a TraceStep,
        for_each: Option<ListId>,
        arguments: Vec<(String, Argument)>,
    ) {
        for_each.into_iter().for_each(|list| self.runs_over(list));
        self.out.firsts.push(first);
        self.out.steps.push(StepTemplate {
            tool: first.call.tool.clone(),
            together: false,
            when: Vec::new(),
            for_each,
            arguments,
            guards: Vec::new(),
            failures: Vec::new(),
            states: Vec::new(),
            untried: false,
        });
    }

    /// Remembers the records an argument was taken from, and whether it is explained at all.
    pub(super) fn note(&mut self, argument: &Argument) {
        let mut unexplained = 0;
        let mut anchors = Vec::new();
        argument.spaces(&mut |space| {
            let best = space.best().next().map(Binding::tier);
            let declared = space.bindings.iter().any(|b| matches!(b, Binding::Constant { seen: 0, .. }));
            unexplained += usize::from(best.is_none_or(|t| t >= Tier::Computed) && !declared);
            anchors.extend(space.best().filter_map(anchor));
        });
        if let Argument::Each { list, .. } = argument {
            self.runs_over(*list);
        }
        self.out.unexplained += unexplained;
        for anchor in anchors {
            if !self.anchors.contains(&anchor) && self.anchors.len() < 16 {
                self.anchors.push(anchor);
            }
        }
    }

    /// Notes that a list is used, and with it the one around it.
    fn runs_over(&mut self, list: ListId) {
        self.out.lists.push(list);
        self.out.lists.extend(self.source.values.within.get(&list).map(|(outer, _)| *outer));
    }

    /// An argument: arrays element by element over a list of the same length, else as a whole, else
    /// each element for itself; objects as a whole, else member by member.
    fn argument(&self, value: &Value, schema: Option<&Value>) -> Argument {
        let whole = || explain(value, schema, &self.scope(None));
        match value {
            Value::Array(items) if !items.is_empty() => {
                let inner = schema.and_then(|s| s.get("items"));
                if let Some(each) = self.each(items, inner) {
                    return each;
                }
                let space = whole();
                if space.best().next().is_some_and(|b| b.tier() <= Tier::Extremum) {
                    return Argument::One(space);
                }
                Argument::Array(items.iter().map(|item| self.argument(item, inner)).collect())
            }
            Value::Object(map) if !map.is_empty() => {
                let space = whole();
                if space.best().next().is_some_and(|b| b.tier() <= Tier::Extremum) {
                    return Argument::One(space);
                }
                let inner = |name: &str| schema.and_then(|s| s.get("properties")?.get(name));
                let members = map.iter().map(|(name, v)| (name.clone(), self.argument(v, inner(name))));
                Argument::Object(members.collect())
            }
            _ => Argument::One(whole()),
        }
    }

    /// An array with one element for each element of a list.
    fn each(&self, items: &[Value], schema: Option<&Value>) -> Option<Argument> {
        let mut lists = self.source.values.lists.iter().filter(|(_, units)| units.len() == items.len());
        lists.find_map(|(list, _)| self.over(*list, &items.iter().collect::<Vec<_>>(), schema))
    }

    /// An array that has one of these values for each element of a list.
    pub(super) fn over(&self, list: ListId, wanted: &[&Value], schema: Option<&Value>) -> Option<Argument> {
        let units = self.source.values.lists.get(&list)?;
        // What may be left out explains nothing where it is.
        let left_out = |unit: &BTreeMap<SlotId, Read>| unit.values().filter(|r| r.is_absent()).count();
        let full = (0..units.len()).min_by_key(|i| left_out(&units[*i]))?;
        let mut space = explain(wanted.get(full)?, schema, &self.scope(Some((list, full))));
        space.bindings.retain(|binding| {
            self.depends_on(binding, list)
                && wanted.iter().enumerate().all(|(i, item)| {
                    eval(binding, self.env(Some((list, i)))).is_ok_and(|made| same_value(&made, item))
                })
        });
        (!space.bindings.is_empty()).then(|| Argument::Each { list, element: Box::new(Argument::One(space)) })
    }

    /// Whether a binding reads the element at hand.
    pub(super) fn depends_on(&self, binding: &Binding, list: ListId) -> bool {
        let of_list = |slot: SlotId| self.source.slots.iter().any(|s| s.id == slot && s.list == Some(list));
        let each = |step: u32| matches!(self.seen.get(step as usize), Some(Seen::Each(l, _)) if *l == list);
        match binding {
            Binding::Value(operand) => reads(operand, &of_list, &each),
            Binding::Context { path } => path_reads(path, &of_list, &each),
            _ => false,
        }
    }
}

/// Whether an operand reads a slot or a step for which the given question holds.
pub(super) fn reads(operand: &Operand, slot: &dyn Fn(SlotId) -> bool, step: &dyn Fn(u32) -> bool) -> bool {
    match operand {
        Operand::Slot { slot: id, .. } => slot(*id),
        Operand::Observed { step: id, path } => step(*id) || path_reads(path, slot, step),
        Operand::Merge { base, changes } => reads(base, slot, step) || reads(changes, slot, step),
        Operand::Made { of, .. } => of.iter().any(|operand| reads(operand, slot, step)),
    }
}

/// The same for the predicates of a path.
pub(super) fn path_reads(
    path: &[PathStep],
    slot: &dyn Fn(SlotId) -> bool,
    step: &dyn Fn(u32) -> bool,
) -> bool {
    path.iter().any(|p| match p {
        PathStep::Select(predicates) => predicates.iter().any(|p| reads(&p.equals, slot, step)),
        _ => false,
    })
}
