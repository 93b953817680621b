use serde_json::Value;

use super::compute::is_calculated;
use super::notations::{days_said, said};
use super::occurrences::{occurrences, scalars};
use super::programs::Programs;
use crate::domain::{Trace, TraceStep};
use crate::expr::elements;
use crate::spans::{Kind, Lexed, forms, full_day, same_value};

/// What depends on what in a run, after the backward slice.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// For each step of the trace, the earlier steps whose observations its arguments come from.
    pub(super) needs: Vec<Vec<usize>>,
    /// The steps that nothing depends on, in order: what the run was for.
    pub(super) sinks: Vec<usize>,
    /// Reads that failed and were not made good: what they served cannot be learnt.
    pub(super) broken: Vec<usize>,
    /// What was dropped, and why.
    pub(super) notes: Vec<String>,
    /// Values are also recognised in other notations.
    pub(super) values: bool,
}

impl Flow {
    /// Reads the flow off a trace. A value that the text spells is taken from the text; another
    /// from the latest earlier observation that holds it, a read's before a write's.
    #[cfg(test)]
    pub(super) fn of(trace: &Trace, text: &Lexed, is_read: &dyn Fn(&str) -> bool, values: bool) -> Self {
        Self::with(trace, text, is_read, values, None)
    }

    /// The same of a run with programs. A query also needs the look-ups that say its names; one that
    /// reads is what the run was for only if it was read last, whatever values of the text it holds.
    pub(super) fn with(
        trace: &Trace,
        text: &Lexed,
        is_read: &dyn Fn(&str) -> bool,
        values: bool,
        programs: Option<&Programs>,
    ) -> Self {
        let mut flow = Self { values, ..Self::default() };
        let steps = &trace.steps;
        let mut wanted = vec![false; steps.len()];
        let mut in_text = vec![false; steps.len()];
        for (i, step) in steps.iter().enumerate() {
            let mut needs = Vec::new();
            for value in step.call.arguments.values().flat_map(scalars) {
                if spelt(text, value) || (values && !said(text, value, false).is_empty()) {
                    in_text[i] = true;
                } else if let Some(source) = source(&steps[..i], value, is_read) {
                    wanted[source] = true;
                    if !needs.contains(&source) {
                        needs.push(source);
                    }
                } else if values && let Some(source) = calculated_from(text, &steps[..i], value, is_read) {
                    wanted[source] = true;
                    if !needs.contains(&source) {
                        needs.push(source);
                    }
                }
            }
            if let Some(programs) = programs.filter(|programs| programs.is_query(i)) {
                in_text[i] &= !is_read(&step.call.tool);
                for source in programs.sources(i) {
                    wanted[source] = true;
                    needs.push(source);
                }
            }
            needs.sort_unstable();
            needs.dedup();
            flow.needs.push(needs);
        }
        let last = last_read(steps, is_read);
        for (i, step) in steps.iter().enumerate() {
            let Some(observation) = &step.observation else {
                flow.notes.push(format!("step {} ({}) has no observation: dropped", i + 1, step.call.tool));
                continue;
            };
            if wanted[i] {
                continue;
            }
            if observation.failed {
                let again = |programs: &Programs| programs.is_made_good(i);
                if made_good(steps, i) || programs.is_some_and(again) {
                    flow.notes.push(format!(
                        "step {} ({}) failed and was made good later: dropped",
                        i + 1,
                        step.call.tool
                    ));
                } else {
                    // A read that fails is tried in another way; a write was wanted all the same.
                    if is_read(&step.call.tool) {
                        flow.notes.push(format!(
                            "step {} ({}) failed: what it served is not learnt",
                            i + 1,
                            step.call.tool
                        ));
                        flow.broken.push(i);
                    }
                    flow.sinks.push(i);
                }
            } else if is_read(&step.call.tool) && !in_text[i] && last != Some(i) {
                flow.notes.push(format!("step {} ({}) was read for nothing: dropped", i + 1, step.call.tool));
            } else {
                flow.sinks.push(i);
            }
        }
        flow
    }

    /// A step with all steps that it needs, in order.
    pub(super) fn closure(&self, sink: usize) -> Vec<usize> {
        let mut steps = vec![sink];
        let mut at = 0;
        while at < steps.len() {
            for need in &self.needs[steps[at]] {
                if !steps.contains(need) {
                    steps.push(*need);
                }
            }
            at += 1;
        }
        steps.sort_unstable();
        steps
    }
}

/// What a run that changes nothing was made for: what it read last.
fn last_read(steps: &[TraceStep], is_read: &dyn Fn(&str) -> bool) -> Option<usize> {
    let went_well = |step: &TraceStep| step.observation.as_ref().is_some_and(|o| !o.failed);
    let changes = |step: &TraceStep| !is_read(&step.call.tool) && went_well(step);
    if steps.iter().any(changes) { None } else { steps.iter().rposition(went_well) }
}

/// Whether a text spells a value: as words, or as a member of an object literal.
pub(super) fn spelt(text: &Lexed, value: &Value) -> bool {
    !occurrences(text, value).is_empty()
        || text.tokens.iter().any(|token| {
            token.kind == Kind::Object && elements(&token.value).iter().any(|(_, v)| same_value(v, value))
        })
}

fn source(before: &[TraceStep], value: &Value, is_read: &dyn Fn(&str) -> bool) -> Option<usize> {
    if value.is_boolean() {
        return None;
    }
    let holds =
        |step: &TraceStep| step.observation.as_ref().is_some_and(|o| !o.failed && holds(&o.value, value));
    let latest =
        |reads: bool| before.iter().rposition(|step| is_read(&step.call.tool) == reads && holds(step));
    latest(true).or_else(|| latest(false))
}

/// The latest read of whose observation a value that stands nowhere is calculated, or from whose day a
/// day is counted that the text says ("tomorrow").
fn calculated_from(
    text: &Lexed,
    before: &[TraceStep],
    value: &Value,
    is_read: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    let counted = value.as_str().is_some_and(|day| !days_said(text, day, true).is_empty());
    if value.is_boolean() || !(value.is_number() || value.as_str().is_some_and(|day| !forms(day).is_empty()))
    {
        return None;
    }
    before.iter().rposition(|step| {
        let Some(seen) = step.observation.as_ref().filter(|o| !o.failed && is_read(&step.call.tool)) else {
            return false;
        };
        let is_day = |scalar: &&Value| scalar.as_str().is_some_and(|text| full_day(text).is_some());
        (counted && scalars(&seen.value).iter().any(is_day)) || is_calculated(text, &seen.value, value)
    })
}

pub(super) fn holds(root: &Value, wanted: &Value) -> bool {
    match root {
        Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
        Value::Object(map) => {
            map.iter().any(|(key, item)| wanted.as_str() == Some(key.as_str()) || holds(item, wanted))
        }
        scalar => same_value(scalar, wanted),
    }
}

/// Whether a failed call was followed by one of the same tool that succeeded and shares an
/// argument with it.
fn made_good(steps: &[TraceStep], failed: usize) -> bool {
    let call = &steps[failed].call;
    steps[failed + 1..].iter().any(|later| {
        later.call.tool == call.tool
            && later.observation.as_ref().is_some_and(|o| !o.failed)
            && later.call.arguments.iter().any(|(name, value)| call.arguments.get(name) == Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::super::examples::{is_read, run};
    use super::*;
    use crate::spans::lex;
    use serde_json::json;

    fn flow(text: &str, calls: &[(&str, Value, Value)]) -> Flow {
        let trace = run(text, calls);
        Flow::of(&trace, &lex(text), &is_read, true)
    }

    #[test]
    fn values_come_from_the_text_before_any_observation() {
        let boats = json!([{"name": "Gull", "boat": "K_1"}]);
        let tow = |boat: &str| ("tow", json!({"boat": boat}), json!({}));
        let read = ("berths", json!({"pier": "P_4"}), boats);
        let found = flow("At P_4, tow the Gull.", &[read.clone(), tow("K_1")]);
        assert_eq!((found.needs, found.sinks), (vec![vec![], vec![0]], vec![1]));
        let found = flow("At P_4, tow K_1.", &[read, tow("K_1")]);
        assert_eq!((found.needs, found.sinks), (vec![vec![], vec![]], vec![0, 1]));
    }

    #[test]
    fn a_read_speaks_before_a_later_write() {
        let calls = [
            ("berths", json!({"pier": "P_4"}), json!({"boat": "K_1"})),
            ("paint", json!({"pier": "P_4"}), json!({"boat": "K_1"})),
            ("tow", json!({"boat": "K_1"}), json!({})),
        ];
        let found = flow("Paint what lies at P_4, then tow it.", &calls);
        assert_eq!(found.needs[2], [0]);
        assert_eq!(found.closure(2), [0, 2]);
    }

    #[test]
    fn what_failed_is_dropped_if_made_good_and_else_broken() {
        let fail = ("tow", json!({"boat": "K_1", "by": "oar"}), json!({"error": "too heavy"}));
        let well = ("tow", json!({"boat": "K_1", "by": "tug"}), json!({}));
        let found = flow("Tow K_1.", &[fail.clone(), well]);
        assert_eq!((found.sinks, found.broken), (vec![1], vec![]));
        assert!(found.notes[0].contains("made good"), "{:?}", found.notes);
        let found = flow("Tow K_1.", &[fail]);
        assert_eq!((found.sinks, found.broken), (vec![0], vec![]));
        let fail = ("berths", json!({"pier": "P_4"}), json!({"error": "too heavy, K_1"}));
        let found = flow("What lies at P_4?", &[fail]);
        assert_eq!((found.sinks, found.broken), (vec![0], vec![0]));
        // What is noted names steps and tools, never values.
        assert!(!found.notes[0].contains("K_1") && !found.notes[0].contains("heavy"));
    }

    #[test]
    fn a_read_for_nothing_and_a_call_under_way_are_dropped() {
        let mut trace = run(
            "Tow K_1.",
            &[("berths", json!({"pier": "P_9"}), json!([])), ("tow", json!({"boat": "K_1"}), json!({}))],
        );
        let found = Flow::of(&trace, &lex("Tow K_1."), &is_read, true);
        assert_eq!((found.sinks, found.notes.len()), (vec![1], 1));
        // Of a run that changed nothing, what it read last is what it was for.
        trace.steps[1].observation = None;
        let found = Flow::of(&trace, &lex("Tow K_1."), &is_read, true);
        assert_eq!((found.sinks, found.notes.len()), (vec![0], 1));
    }
}
