//! Neighbouring calls that go through the elements of a list.

use serde_json::{Map, Value};

use super::explain::explain;
use super::steps::Builder;
use crate::domain::{Argument, Binding, ListId, Space, TraceStep};
use crate::expr::{Seen, eval};
use crate::spans::same_value;

/// The arguments of a loop, and which call each element made.
type Loop = (Vec<(String, Argument)>, Vec<usize>);

impl<'a> Builder<'a, '_> {
    /// Tries to read neighbouring calls as one step for each element of a list; equal calls were
    /// made once. `over` names the list; without it any may be. The list, and which call each element
    /// made.
    pub(super) fn looped(
        &mut self,
        calls: &[&'a TraceStep],
        over: Option<ListId>,
    ) -> Option<(ListId, Vec<usize>)> {
        let lists: Vec<ListId> = match over {
            Some(list) => vec![list],
            None => self.source.values.lists.keys().copied().collect(),
        };
        for list in lists {
            let units = self.source.values.units(list);
            if calls.len() > units || calls.iter().any(|c| c.observation.as_ref().is_some_and(|o| o.failed)) {
                continue;
            }
            if let Some((arguments, calls_of)) = self.loop_arguments(calls, list, units) {
                for (_, argument) in &arguments {
                    self.note(argument);
                }
                self.push(calls[0], Some(list), arguments);
                let each: Option<Vec<&'a Value>> =
                    calls_of.iter().map(|call| calls[*call].observation.as_ref().map(|o| &o.value)).collect();
                self.seen.push(each.map_or(Seen::Nothing, |each| Seen::Each(list, each)));
                return Some((list, calls_of));
            }
        }
        None
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
            if let Some(each) = self.each_within(name, calls, &calls_of, list) {
                arguments.push((name.clone(), each));
                continue;
            }
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

    /// An array whose elements are those of the list within each element.
    fn each_within(
        &self,
        name: &str,
        calls: &[&TraceStep],
        calls_of: &[usize],
        list: ListId,
    ) -> Option<Argument> {
        let values = self.source.values;
        let (inner, _) = values.within.iter().find(|(_, (outer, _))| *outer == list)?;
        let mut wanted: Vec<&Value> = Vec::new();
        for (unit, call) in calls_of.iter().enumerate() {
            let own = values.elements(*inner, Some((list, unit)));
            let items = calls[*call].call.arguments.get(name)?.as_array()?;
            if own.len() != items.len() {
                return None;
            }
            wanted.extend(items);
        }
        let schema = self.schema(&calls[0].call.tool, name).and_then(|s| s.get("items"));
        self.over(*inner, &wanted, schema)
    }

    /// Tries to read the calls from the first on as one loop of several steps, which does all of them
    /// for an element before it goes on to the next; some may repeat over a list within the element. The
    /// number of calls that are read so.
    pub(super) fn body(&mut self, calls: &[&'a TraceStep]) -> Option<usize> {
        let first = &calls.first()?.call.tool;
        let again = calls.iter().skip(1).rposition(|c| c.call.tool == *first)? + 1;
        let tools = |calls: &[&'a TraceStep]| {
            let mut tools: Vec<&'a str> = Vec::new();
            for tool in calls.iter().map(|c| c.call.tool.as_str()) {
                if !tools.contains(&tool) {
                    tools.push(tool);
                }
            }
            tools
        };
        // The last element's calls end before the first tool that the loop does not have.
        let known = tools(&calls[..again]);
        let other = calls[again..].iter().position(|c| !known.contains(&c.call.tool.as_str()));
        let most = other.map_or(calls.len(), |n| again + n);
        let outer: Vec<ListId> = self.source.values.lists.keys().copied().collect();
        (again + 1..=most).rev().find(|n| {
            outer.iter().any(|list| {
                let mut tried = self.clone();
                let read = tried.body_over(&calls[..*n], &known, *list);
                if read {
                    *self = tried;
                }
                read
            })
        })
    }

    /// Whether these calls are one loop over a list, in the order in which it would make them.
    fn body_over(&mut self, calls: &[&'a TraceStep], tools: &[&str], list: ListId) -> bool {
        let values = self.source.values;
        if tools.len() < 2 || values.within.contains_key(&list) {
            return false;
        }
        let inner = values.within.iter().find(|(_, (outer, _))| *outer == list).map(|(inner, _)| *inner);
        let from = self.out.steps.len();
        let mut loops: Vec<(ListId, Vec<usize>)> = Vec::new();
        for tool in tools {
            let at: Vec<usize> = (0..calls.len()).filter(|n| calls[*n].call.tool == *tool).collect();
            let own: Vec<&'a TraceStep> = at.iter().map(|n| calls[*n]).collect();
            let read = self.looped(&own, Some(list)).or_else(|| self.looped(&own, Some(inner?)));
            let Some((over, made)) = read else { return false };
            loops.push((over, made.into_iter().map(|n| at[n]).collect()));
        }
        self.out.steps[from + 1..].iter_mut().for_each(|step| step.together = true);
        let mut made: Vec<usize> = Vec::new();
        for element in 0..values.units(list) {
            for (over, calls_of) in &loops {
                let units = match *over == list {
                    true => vec![element],
                    false => values.elements(*over, Some((list, element))),
                };
                for call in units.into_iter().map(|unit| calls_of[unit]) {
                    if !made.contains(&call) {
                        made.push(call);
                    }
                }
            }
        }
        loops[0].0 == list && made.into_iter().eq(0..calls.len())
    }
}
