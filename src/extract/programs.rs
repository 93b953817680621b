//! Programs among a run's arguments: each is read as an object of its values, so that all that
//! explains an argument explains a literal, and put back together in the template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::flow::holds;
use super::languages::languages;
use super::occurrences::{occurrences, scalars};
use crate::domain::{Argument, Binding, ProgramPart, Template, Trace};
use crate::programs::{Literal, Piece, Reading, statement};
use crate::spans::Lexed;

/// The programs of a run, by step and argument.
type Cut = BTreeMap<(usize, String), Reading>;

/// A run with its programs read.
pub(super) struct Programs {
    /// The run, with an object of its values in place of each program.
    pub(super) trace: Trace,
    cut: Cut,
    /// For each step with statements of SQL, the earlier steps that say their names.
    sources: BTreeMap<usize, Vec<usize>>,
}

impl Programs {
    /// Reads the programs of a run. An argument of a tool holds programs if each of its values that
    /// did not fail is one, and some surely is; `None` if there is no such argument.
    pub(super) fn of(trace: &Trace, text: &Lexed) -> Option<Self> {
        let mut places: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, step) in trace.steps.iter().enumerate() {
            for name in step.call.arguments.keys() {
                places.entry((&step.call.tool, name)).or_default().push(at);
            }
        }
        let known = |value: &Value| {
            let seen = trace.steps.iter().filter_map(|step| step.observation.as_ref());
            !occurrences(text, value).is_empty() || { seen }.any(|seen| holds(&seen.value, value))
        };
        let (mut cut, mut queries) = (Cut::new(), BTreeSet::new());
        for ((tool, name), steps) in places {
            let all = |read: &dyn Fn(&str) -> Option<Reading>| read_all(trace, name, &steps, read);
            let found = all(&statement);
            queries.extend(found.iter().flatten().map(|(at, _)| *at));
            let found = found.or_else(|| {
                languages(&trace.task, tool, name)
                    .into_iter()
                    .find_map(|language| all(&|text| language.read(text, &known)))
            });
            cut.extend(found.into_iter().flatten().map(|(at, reading)| ((at, name.to_owned()), reading)));
        }
        if cut.is_empty() {
            return None;
        }
        let mut own = trace.clone();
        for ((at, name), reading) in &cut {
            let values = called(reading).into_iter().map(|(of, literal)| (of, literal.value.clone()));
            own.steps[*at].call.arguments.insert(name.clone(), values.collect::<Map<_, _>>().into());
        }
        let sources = queries.iter().map(|at| (*at, sources(trace, &cut, *at))).collect();
        Some(Self { trace: own, cut, sources })
    }

    /// Whether some program is a statement of SQL: then it is for all that the text says.
    pub(super) fn has_queries(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Whether a step has a statement of SQL.
    pub(super) fn is_query(&self, step: usize) -> bool {
        self.sources.contains_key(&step)
    }

    /// Whether a program that failed was followed by one in its place that did not: it was tried in
    /// another way.
    pub(super) fn is_made_good(&self, step: usize) -> bool {
        let call = |at: usize| &self.trace.steps[at].call;
        // A statement asks for the same in another way; of another program that is known by a value.
        let alike = |at: usize| {
            let values = |at: usize| call(at).arguments.values().flat_map(scalars);
            self.is_query(step) || values(at).any(|value| values(step).any(|own| own == value))
        };
        let programs = |at: &usize| self.cut.keys().any(|(own, _)| own == at);
        programs(&step)
            && (step + 1..self.trace.steps.len())
                .filter(|at| programs(at) && call(*at).tool == call(step).tool && alike(*at))
                .any(|at| self.trace.steps[at].observation.as_ref().is_some_and(|o| !o.failed))
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

/// What an argument of these steps holds, if each value of it that did not fail is read so, and some surely.
fn read_all(
    trace: &Trace,
    name: &str,
    steps: &[usize],
    read: &dyn Fn(&str) -> Option<Reading>,
) -> Option<Vec<(usize, Reading)>> {
    let mut is_sure = false;
    let mut out = Vec::new();
    for at in steps {
        let step = &trace.steps[*at];
        let failed = step.observation.as_ref().is_none_or(|o| o.failed);
        match step.call.arguments.get(name).and_then(Value::as_str).and_then(read) {
            Some(reading) => {
                is_sure |= reading.is_sure && !failed;
                out.push((*at, reading));
            }
            None if failed => {}
            None => return None,
        }
    }
    is_sure.then_some(out)
}

fn program(reading: &Reading, explained: &Argument) -> Option<Argument> {
    let mut names = called(reading).into_iter().map(|(of, _)| of);
    let mut parts = Vec::new();
    for piece in &reading.pieces {
        parts.push(match piece {
            Piece::Text(text) => ProgramPart::Text(text.clone()),
            Piece::Name(name) => ProgramPart::Name(name.clone()),
            Piece::Value(Literal { before, after, quoting, .. }) => {
                let of = names.next()?;
                let Argument::Object(members) = explained else { return None };
                let (_, Argument::One(space)) = members.iter().find(|(name, _)| *name == of)? else {
                    return None;
                };
                let mut space = space.clone();
                // A text inside a program is no prose for a filler to write.
                space.bindings.retain(|binding| *binding != Binding::Written);
                ProgramPart::Value {
                    of,
                    before: before.clone(),
                    after: after.clone(),
                    quoting: *quoting,
                    space,
                }
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
fn sources(trace: &Trace, cut: &Cut, step: usize) -> Vec<usize> {
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
            ProgramPart::Value { of, before, after, space, .. } => {
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
