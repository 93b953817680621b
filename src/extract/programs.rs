//! Programs among a run's arguments: each is read as an object of its values, so that all that
//! explains an argument explains a literal, and put back together in the template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::domain::{Argument, Binding, ProgramPart, Template, Trace};
use crate::programs::{Literal, Piece, Reading, read};

/// A run with its programs read.
pub(super) struct Programs {
    /// The run, with an object of its values in place of each program.
    pub(super) trace: Trace,
    /// The programs, by step and argument.
    cut: BTreeMap<(usize, String), Reading>,
    /// For each step, the earlier steps that say its names.
    sources: BTreeMap<usize, Vec<usize>>,
}

impl Programs {
    /// Reads the programs of a run. An argument of a tool holds programs if each of its values that
    /// did not fail is one, and some surely is; `None` if there is no such argument.
    pub(super) fn of(trace: &Trace) -> Option<Self> {
        let mut cut: BTreeMap<(usize, String), Reading> = BTreeMap::new();
        let mut sure = BTreeSet::new();
        let mut never = BTreeSet::new();
        for (at, step) in trace.steps.iter().enumerate() {
            let failed = step.observation.as_ref().is_none_or(|o| o.failed);
            for (name, value) in &step.call.arguments {
                let place = (step.call.tool.as_str(), name.as_str());
                match value.as_str().and_then(read) {
                    Some(reading) => {
                        if reading.is_sure && !failed {
                            sure.insert(place);
                        }
                        cut.insert((at, name.clone()), reading);
                    }
                    None if !failed => drop(never.insert(place)),
                    None => {}
                }
            }
        }
        cut.retain(|(at, name), _| {
            let place = (trace.steps[*at].call.tool.as_str(), name.as_str());
            sure.contains(&place) && !never.contains(&place)
        });
        if cut.is_empty() {
            return None;
        }
        let mut own = trace.clone();
        for ((at, name), reading) in &cut {
            let values = called(reading).into_iter().map(|(of, literal)| (of, literal.value.clone()));
            own.steps[*at].call.arguments.insert(name.clone(), values.collect::<Map<_, _>>().into());
        }
        let steps: BTreeSet<usize> = cut.keys().map(|(at, _)| *at).collect();
        let sources = steps.iter().map(|at| (*at, sources(trace, &cut, *at))).collect();
        Some(Self { trace: own, cut, sources })
    }

    /// Whether a step has a program.
    pub(super) fn has(&self, step: usize) -> bool {
        self.sources.contains_key(&step)
    }

    /// Whether a program that failed was followed by one in its place that did not: it was tried in
    /// another way.
    pub(super) fn is_made_good(&self, step: usize) -> bool {
        let call = |at: &usize| &self.trace.steps[*at].call;
        self.has(step)
            && self
                .sources
                .keys()
                .filter(|at| **at > step && call(at).tool == call(&step).tool)
                .any(|at| self.trace.steps[*at].observation.as_ref().is_some_and(|o| !o.failed))
    }

    /// The earlier steps whose observations say the names of a step's programs.
    pub(super) fn sources(&self, step: usize) -> impl Iterator<Item = usize> {
        self.sources.get(&step).into_iter().flatten().copied()
    }

    /// Puts the programs back in place of the objects that were explained; `steps` are those of the run
    /// that the template's stand for.
    pub(super) fn put_back(&self, template: &mut Template, steps: &[usize]) -> Result<(), String> {
        for (step, at) in template.steps.iter_mut().zip(steps) {
            for (name, argument) in &mut step.arguments {
                let Some(reading) = self.cut.get(&(*at, name.clone())) else { continue };
                *argument = program(reading, argument)
                    .ok_or_else(|| format!("the program of {} could not be explained", step.tool))?;
            }
        }
        Ok(())
    }
}

fn program(reading: &Reading, explained: &Argument) -> Option<Argument> {
    let mut names = called(reading).into_iter().map(|(of, _)| of);
    let mut parts = Vec::new();
    for piece in &reading.pieces {
        parts.push(match piece {
            Piece::Text(text) => ProgramPart::Text(text.clone()),
            Piece::Name(name) => ProgramPart::Name(name.clone()),
            Piece::Value(Literal { before, after, .. }) => {
                let of = names.next()?;
                let Argument::Object(members) = explained else { return None };
                let (_, Argument::One(space)) = members.iter().find(|(name, _)| *name == of)? else {
                    return None;
                };
                let mut space = space.clone();
                // A text inside a program is no prose for a filler to write.
                space.bindings.retain(|binding| *binding != Binding::Written);
                ProgramPart::Value { of, before: before.clone(), after: after.clone(), space }
            }
        });
    }
    Some(Argument::Program(parts))
}

/// The literals of a program under names of their own.
fn called(reading: &Reading) -> Vec<(String, &Literal)> {
    let mut out: Vec<(String, &Literal)> = Vec::new();
    for literal in reading.literals() {
        let of = if literal.of.is_empty() { "value" } else { literal.of.as_str() };
        let same = reading.literals().take(out.len()).filter(|other| other.of == literal.of).count();
        out.push((if same == 0 { of.to_owned() } else { format!("{of} {}", same + 1) }, literal));
    }
    out
}

/// The earlier steps that a program's names come from: look-ups that name the same things, and for a
/// name that none of them says, the last step that does.
fn sources(trace: &Trace, cut: &BTreeMap<(usize, String), Reading>, step: usize) -> Vec<usize> {
    let names_of = |at: usize| -> BTreeSet<String> {
        let own = cut.range((at, String::new())..(at + 1, String::new()));
        own.flat_map(|(_, reading)| reading.names().map(str::to_lowercase)).collect()
    };
    let looks = |at: usize| {
        let mut own = cut.range((at, String::new())..(at + 1, String::new())).peekable();
        own.peek().is_some() && own.all(|(_, reading)| !reading.is_sure)
    };
    let went_well = |at: &usize| trace.steps[*at].observation.as_ref().is_some_and(|o| !o.failed);
    let wanted = names_of(step);
    let mut out: Vec<usize> = (0..step)
        .filter(went_well)
        .filter(|at| looks(*at) && names_of(*at).iter().any(|name| wanted.contains(name)))
        .collect();
    let says = |at: usize, name: &str| {
        trace.steps[at].observation.as_ref().is_some_and(|seen| says(&seen.value, name))
    };
    for name in &wanted {
        if out.iter().any(|at| says(*at, name)) {
            continue;
        }
        let look_up = (0..step).filter(went_well).rfind(|at| looks(*at) && says(*at, name));
        out.extend(look_up.or_else(|| (0..step).filter(went_well).rfind(|at| says(*at, name))));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether an observation says a name: as a text or as a key.
fn says(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text.eq_ignore_ascii_case(name),
        Value::Array(items) => items.iter().any(|item| says(item, name)),
        Value::Object(map) => {
            map.iter().any(|(key, item)| key.eq_ignore_ascii_case(name) || says(item, name))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{is_read, run};
    use super::*;
    use crate::domain::Learning;
    use serde_json::json;

    fn asked(text: &str, queries: &[(&str, Value)]) -> super::super::Extracted {
        let calls: Vec<(&str, Value, Value)> =
            queries.iter().map(|(q, seen)| ("berths", json!({"query": q}), seen.clone())).collect();
        super::super::extract(&run(text, &calls), &is_read, Learning::default())
    }

    fn shown(argument: &Argument) -> String {
        let Argument::Program(parts) = argument else { return format!("{argument:?}") };
        let part = |part: &ProgramPart| match part {
            ProgramPart::Text(text) => text.clone(),
            ProgramPart::Name(name) => format!("<{name}>"),
            ProgramPart::Value { of, before, after, space } => {
                let best = space.best().next().map(Binding::tier);
                format!("{before}{{{of}: {best:?}}}{after}")
            }
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn a_query_becomes_a_skeleton_with_its_look_ups_and_without_what_failed() {
        let found = asked(
            "Which boats at pier Mole are longer than 12 metres? Show the longest.",
            &[
                ("SELECT boat FROM boats", json!({"error": "no such table"})),
                ("SHOW TABLES", json!(["boat", "pier", "crew"])),
                ("DESCRIBE crew", json!([{"field": "age"}])),
                ("DESCRIBE boat", json!([{"field": "name"}, {"field": "pier"}, {"field": "metres"}])),
                ("SELECT name FROM boat WHERE pier = 'Mole'", json!({"rows": [["Gull"]]})),
                (
                    "SELECT name FROM boat WHERE pier = 'Mole' AND metres > 12 ORDER BY metres DESC LIMIT 1",
                    json!({"rows": [["Gull"]]}),
                ),
            ],
        );
        assert_eq!(found.templates.len(), 1, "{:?}", found.rejected);
        assert_eq!(found.steps, [[1, 3, 5]]);
        let steps: Vec<String> = found.templates[0].steps.iter().map(|s| shown(&s.arguments[0].1)).collect();
        assert_eq!(
            steps,
            [
                "SHOW TABLES",
                "DESCRIBE <boat>",
                "SELECT <name> FROM <boat> WHERE <pier> = '{pier: Some(Anchored)}' AND <metres> > {metres: \
                 Some(Anchored)} ORDER BY <metres> DESC LIMIT {limit: Some(Constant)}",
            ]
        );
    }

    #[test]
    fn words_that_only_look_like_a_statement_stay_one_value() {
        let found = asked("At P_4, show crew.", &[("show crew", json!({"is": "well"}))]);
        assert!(matches!(found.templates[0].steps[0].arguments[0].1, Argument::One(_)));
        assert_eq!(found.read, None);
    }
}
