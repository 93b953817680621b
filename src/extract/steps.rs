use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::explain::{Scope, anchor, explain};
use crate::domain::{
    Argument, Binding, KnownFailure, ListId, Operand, PathStep, SlotId, SlotSpec, Space, StepTemplate, Task,
    Tier, TraceStep,
};
use crate::expr::{Env, Read, Seen, Values, eval};
use crate::spans::{form_of, same_value};

/// The steps of a block, with how well they are explained.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    /// The steps.
    pub(super) steps: Vec<StepTemplate>,
    /// Arguments that neither the task nor an observation explains.
    pub(super) unexplained: usize,
    /// Lists that a step or an argument runs over.
    pub(super) lists: Vec<ListId>,
}

/// What the steps of a block are explained from.
pub(super) struct Source<'a> {
    /// The task.
    pub(super) task: &'a Task,
    /// The block's slots.
    pub(super) slots: &'a [SlotSpec],
    /// Their values in this run.
    pub(super) values: &'a Values,
    /// Values are also recognised in other notations, and as calculated.
    pub(super) derives: bool,
}

/// Explains every argument of a block's calls. Neighbouring calls of one tool that go through the
/// elements of a list become one step for each element.
pub(super) fn steps<'a>(calls: &[&'a TraceStep], source: &Source<'a>) -> Steps {
    let mut builder = Builder { source, seen: Vec::new(), anchors: Vec::new(), out: Steps::default() };
    let mut at = 0;
    while at < calls.len() {
        let same = calls[at..].iter().take_while(|c| c.call.tool == calls[at].call.tool).count();
        let looped = (1..=same).rev().find(|n| builder.looped(&calls[at..at + n]));
        match looped {
            Some(n) => at += n,
            None => {
                builder.single(calls[at]);
                at += 1;
            }
        }
    }
    builder.out
}

/// The arguments of a loop, and which call each element made.
type Loop = (Vec<(String, Argument)>, Vec<usize>);

struct Builder<'a, 'b> {
    source: &'b Source<'a>,
    seen: Vec<Seen<'a>>,
    anchors: Vec<Operand>,
    out: Steps,
}

impl<'a> Builder<'a, '_> {
    fn scope<'s>(&'s self, unit: Option<(ListId, usize)>) -> Scope<'s> {
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

    fn env(&self, unit: Option<(ListId, usize)>) -> Env<'_> {
        self.scope(unit).env()
    }

    fn schema(&self, tool: &str, argument: &str) -> Option<&'a Value> {
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
        self.push(step.call.tool.clone(), None, arguments);
        let failed = step.observation.as_ref().filter(|o| o.failed);
        if let (Some(own), Some(failed)) = (self.out.steps.last_mut(), failed) {
            own.failures.push(KnownFailure { form: form_of(&failed.value), seen: 1 });
            own.untried = true;
        }
        // Nothing can be read from what failed.
        let seen = step.observation.as_ref().filter(|o| !o.failed);
        self.seen.push(seen.map_or(Seen::Nothing, |o| Seen::One(&o.value)));
    }

    fn push(&mut self, tool: String, for_each: Option<ListId>, arguments: Vec<(String, Argument)>) {
        self.out.lists.extend(for_each);
        self.out.steps.push(StepTemplate {
            tool,
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
    fn note(&mut self, argument: &Argument) {
        let mut unexplained = 0;
        let mut anchors = Vec::new();
        argument.spaces(&mut |space| {
            let best = space.best().next().map(Binding::tier);
            let declared = space.bindings.iter().any(|b| matches!(b, Binding::Constant { seen: 0, .. }));
            unexplained += usize::from(best.is_none_or(|t| t >= Tier::Computed) && !declared);
            anchors.extend(space.best().filter_map(anchor));
        });
        if let Argument::Each { list, .. } = argument {
            self.out.lists.push(*list);
        }
        self.out.unexplained += unexplained;
        for anchor in anchors {
            if !self.anchors.contains(&anchor) && self.anchors.len() < 16 {
                self.anchors.push(anchor);
            }
        }
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
        lists.find_map(|(list, units)| {
            // What may be left out explains nothing where it is.
            let left_out = |unit: &BTreeMap<SlotId, Read>| unit.values().filter(|r| r.is_absent()).count();
            let full = (0..units.len()).min_by_key(|i| left_out(&units[*i]))?;
            let mut space = explain(&items[full], schema, &self.scope(Some((*list, full))));
            space.bindings.retain(|binding| {
                self.depends_on(binding, *list)
                    && items.iter().enumerate().all(|(i, item)| {
                        eval(binding, self.env(Some((*list, i)))).is_ok_and(|made| same_value(&made, item))
                    })
            });
            (!space.bindings.is_empty())
                .then(|| Argument::Each { list: *list, element: Box::new(Argument::One(space)) })
        })
    }

    /// Tries to read neighbouring calls as one step for each element of a list; equal calls were
    /// made once.
    fn looped(&mut self, calls: &[&'a TraceStep]) -> bool {
        let lists: Vec<ListId> = self.source.values.lists.keys().copied().collect();
        for list in lists {
            let units = self.source.values.units(list);
            if calls.len() > units || calls.iter().any(|c| c.observation.as_ref().is_some_and(|o| o.failed)) {
                continue;
            }
            if let Some((arguments, calls_of)) = self.loop_arguments(calls, list, units) {
                let tool = calls[0].call.tool.clone();
                for (_, argument) in &arguments {
                    self.note(argument);
                }
                self.push(tool, Some(list), arguments);
                let each: Option<Vec<&'a Value>> =
                    calls_of.iter().map(|call| calls[*call].observation.as_ref().map(|o| &o.value)).collect();
                self.seen.push(each.map_or(Seen::Nothing, |each| Seen::Each(list, each)));
                return true;
            }
        }
        false
    }

    /// The arguments of a loop, and which call each element made.
    fn loop_arguments(&self, calls: &[&'a TraceStep], list: ListId, units: usize) -> Option<Loop> {
        let first = &calls[0].call;
        let spaces: Vec<(&String, Space)> = first
            .arguments
            .iter()
            .map(|(name, value)| {
                let schema = self.schema(&first.tool, name);
                (name, explain(value, schema, &self.scope(Some((list, 0)))))
            })
            .collect();
        let calls_of = spaces.iter().find_map(|(name, space)| {
            let mut varying = space.best().filter(|b| self.depends_on(b, list));
            varying.find_map(|binding| self.calls_of(binding, name, calls, list, units))
        })?;
        let mut arguments = Vec::new();
        for (name, mut space) in spaces {
            space.bindings.retain(|binding| {
                (0..units).all(|unit| {
                    let wanted = calls[calls_of[unit]].call.arguments.get(name);
                    match binding {
                        Binding::Constant { json, .. } => {
                            json.as_ref().and_then(|j| serde_json::from_str(j).ok()) == wanted.cloned()
                        }
                        Binding::Written => true,
                        _ => eval(binding, self.env(Some((list, unit))))
                            .is_ok_and(|made| wanted.is_some_and(|w| same_value(&made, w))),
                    }
                })
            });
            if space.bindings.is_empty() {
                return None;
            }
            arguments.push((name.clone(), Argument::One(space)));
        }
        let same_names = |map: &Map<String, Value>| map.keys().eq(first.arguments.keys());
        calls.iter().all(|c| same_names(&c.call.arguments)).then_some((arguments, calls_of))
    }

    /// Which call each element made, if the binding's values are the calls' arguments in order of
    /// first occurrence.
    fn calls_of(
        &self,
        binding: &Binding,
        name: &str,
        calls: &[&TraceStep],
        list: ListId,
        units: usize,
    ) -> Option<Vec<usize>> {
        let mut out = Vec::new();
        let mut reached = 0;
        for unit in 0..units {
            let made = eval(binding, self.env(Some((list, unit)))).ok()?;
            let call = calls
                .iter()
                .position(|c| c.call.arguments.get(name).is_some_and(|own| same_value(own, &made)))?;
            if call > reached {
                return None;
            }
            reached = reached.max(call + 1);
            out.push(call);
        }
        (reached == calls.len()).then_some(out)
    }

    /// Whether a binding reads the element at hand.
    fn depends_on(&self, binding: &Binding, list: ListId) -> bool {
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
