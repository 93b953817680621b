use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::guards;
use super::optional::merge_run;
use super::slots::describe;
use crate::domain::{
    AnswerTemplate, Argument, Binding, Guard, KnownFailure, ListPart, Operand, Part, Pattern, ProgramPart,
    Shape, SlotSpec, Space, State, StepTemplate, Template, Transform, canonical_hash, hide_states,
};

/// What two templates must have in common to be merged: the words and the places of values in
/// their patterns, which of these are the same, the tools with their contracts, and the build of every argument. Shapes of
/// slots, separators of lists and bindings may differ.
pub fn shape_key(template: &Template) -> String {
    let steps: Vec<Value> = template
        .steps
        .iter()
        .map(|s| {
            let arguments: Vec<Value> = s.arguments.iter().map(|(n, a)| json!([n, build(a)])).collect();
            json!([s.tool, over(s), arguments])
        })
        .collect();
    let same: Vec<_> = template.slots.iter().filter_map(|s| Some([s.id, s.same_as?])).collect();
    let mut contract: Vec<_> = template.contract.iter().map(|c| [&c.name, &c.fingerprint]).collect();
    contract.sort();
    let key = json!([skeleton(&template.pattern.parts), same, steps, contract, template.output_format]);
    canonical_hash(&key)[..32].to_owned()
}

pub(super) fn skeleton(parts: &[Part]) -> Value {
    parts
        .iter()
        .map(|part| match part {
            Part::Literal(word) => json!(word),
            Part::Slot(_) => json!(0),
            Part::Words => json!(1),
            Part::List(list) => json!([skeleton(&list.unit)]),
        })
        .collect()
}

/// What a step repeats over, and whether in one loop with the step before.
pub(super) fn over(step: &StepTemplate) -> Value {
    if step.together { json!([step.for_each]) } else { json!(step.for_each) }
}

pub(super) fn build(argument: &Argument) -> Value {
    match argument {
        Argument::One(_) => json!(0),
        Argument::Each { list, element } => json!({"each": list, "of": build(element)}),
        Argument::Array(items) => items.iter().map(build).collect(),
        Argument::Object(members) => {
            Value::Object(members.iter().map(|(n, a)| (n.clone(), build(a))).collect())
        }
        Argument::Program(parts) => {
            let part = |part: &ProgramPart| match part {
                ProgramPart::Text(text) | ProgramPart::Name(text) => json!(text),
                ProgramPart::Value { before, after, quoting, .. } if quoting.is_sql() => {
                    json!([before, after])
                }
                ProgramPart::Value { before, after, quoting, .. } => json!([before, after, quoting]),
            };
            json!({"program": parts.iter().map(part).collect::<Vec<_>>()})
        }
    }
}

/// Merges a template with one that another run of the same shape gave: what explains the values
/// of both is kept. `distinct` says that the other run was of another task. `None` if nothing
/// explains some value of both; then they are different plans for the same words.
pub fn merge(old: &Template, new: &Template, distinct: bool) -> Option<Template> {
    if old.steps.iter().any(|step| !step.when.is_empty()) {
        return merge_run(old, new, distinct);
    }
    if shape_key(old) != shape_key(new) {
        return None;
    }
    merge_aligned(old, new, distinct, &BTreeSet::new())
}

/// Merges two templates step by step; the steps that the new one lacks (`absent`) stay as they are.
pub(super) fn merge_aligned(
    old: &Template,
    new: &Template,
    distinct: bool,
    absent: &BTreeSet<usize>,
) -> Option<Template> {
    if old.slots.len() != new.slots.len() || old.steps.len() != new.steps.len() {
        return None;
    }
    let mut merged = old.clone();
    let tried = (!old.is_untried(), !new.is_untried());
    for (slot, other) in merged.slots.iter_mut().zip(&new.slots) {
        join_slots(slot, other)?;
    }
    merged.pattern = Pattern { parts: join_parts(&old.pattern.parts, &new.pattern.parts) };
    for (at, (step, other)) in merged.steps.iter_mut().zip(&new.steps).enumerate() {
        if !absent.contains(&at) {
            *step = intersect_steps(step, other, distinct, tried)?;
        }
    }
    merged.answer = same_answer(&old.answer, &new.answer);
    guards::follow(&mut merged.steps, &[&old.steps, &new.steps]);
    describe(&mut merged.slots, &merged.steps);
    Some(merged)
}

/// Most builds of a slot's values that are kept.
const MOST_BUILDS: usize = 8;

fn join_slots(slot: &mut SlotSpec, other: &SlotSpec) -> Option<()> {
    slot.only = slot.only.take().filter(|only| other.only.as_ref() == Some(only));
    if slot.list != other.list || (slot.shape == Shape::Member && slot.members != other.members) {
        return None;
    }
    slot.optional |= other.optional;
    slot.builds.extend(other.builds.iter().cloned());
    slot.builds.sort();
    slot.builds.dedup();
    slot.builds.truncate(MOST_BUILDS);
    slot.shape = slot.shape.join(other.shape).or_else(|| {
        let open = |s: Shape| !matches!(s, Shape::Member | Shape::Object);
        (open(slot.shape) && open(other.shape)).then_some(Shape::Phrase)
    })?;
    Some(())
}

fn join_parts(old: &[Part], new: &[Part]) -> Vec<Part> {
    old.iter()
        .zip(new)
        .map(|pair| match pair {
            (Part::List(a), Part::List(b)) => {
                let mut separators = a.separators.clone();
                separators.extend(b.separators.iter().filter(|s| !a.separators.contains(s)).cloned());
                separators.sort();
                Part::List(ListPart { id: a.id, unit: join_parts(&a.unit, &b.unit), separators })
            }
            (a, _) => a.clone(),
        })
        .collect()
}

/// `tried` says of the old and the new template whether its calls ever went well.
fn intersect_steps(
    old: &StepTemplate,
    new: &StepTemplate,
    distinct: bool,
    tried: (bool, bool),
) -> Option<StepTemplate> {
    let arguments = old
        .arguments
        .iter()
        .zip(&new.arguments)
        .map(|((name, a), (_, b))| Some((name.clone(), intersect(a, b, distinct)?)))
        .collect::<Option<Vec<_>>>()?;
    // A run in which a write failed does not show what it would have changed.
    let guards = match tried {
        (true, false) => old.guards.clone(),
        (false, true) => new.guards.clone(),
        _ => join_guards(&old.guards, &new.guards),
    };
    let failures = join_failures(&old.failures, &new.failures, distinct);
    let states = State::join(&old.states, &new.states, distinct);
    Some(StepTemplate {
        arguments,
        guards,
        failures,
        states,
        untried: old.untried && new.untried,
        ..old.clone()
    })
}

fn join_failures(old: &[KnownFailure], new: &[KnownFailure], distinct: bool) -> Vec<KnownFailure> {
    let mut all = old.to_vec();
    for failure in new {
        match all.iter_mut().find(|known| known.form == failure.form) {
            Some(known) if distinct => known.seen += failure.seen,
            Some(_) => {}
            None => all.push(failure.clone()),
        }
    }
    all.sort_by(|a, b| a.form.cmp(&b.form));
    all
}

/// A guard on a value is kept where both runs had the same value, another as it was.
fn join_guards(old: &[Guard], new: &[Guard]) -> Vec<Guard> {
    old.iter()
        .filter_map(|guard| {
            if guard.field.is_empty() {
                return Some(guard.clone());
            }
            let same = new.iter().find(|g| g.field == guard.field && g.hash == guard.hash)?;
            Some(Guard { cel: guard.cel.clone().or_else(|| same.cel.clone()), ..guard.clone() })
        })
        .collect()
}

fn intersect(old: &Argument, new: &Argument, distinct: bool) -> Option<Argument> {
    match (old, new) {
        (Argument::One(a), Argument::One(b)) => Some(Argument::One(intersect_spaces(a, b, distinct)?)),
        (Argument::Each { list, element: a }, Argument::Each { element: b, .. }) => {
            Some(Argument::Each { list: *list, element: Box::new(intersect(a, b, distinct)?) })
        }
        (Argument::Array(a), Argument::Array(b)) => a
            .iter()
            .zip(b)
            .map(|(a, b)| intersect(a, b, distinct))
            .collect::<Option<_>>()
            .map(Argument::Array),
        (Argument::Object(a), Argument::Object(b)) => a
            .iter()
            .zip(b)
            .map(|((name, a), (_, b))| Some((name.clone(), intersect(a, b, distinct)?)))
            .collect::<Option<_>>()
            .map(Argument::Object),
        (Argument::Program(a), Argument::Program(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .map(|pair| match pair {
                (
                    ProgramPart::Value { of, before, after, quoting, space },
                    ProgramPart::Value { space: other, .. },
                ) => {
                    let space = intersect_spaces(space, other, distinct)?;
                    Some(ProgramPart::Value {
                        of: of.clone(),
                        before: before.clone(),
                        after: after.clone(),
                        quoting: *quoting,
                        space,
                    })
                }
                (own, _) => Some(own.clone()),
            })
            .collect::<Option<_>>()
            .map(Argument::Program),
        _ => None,
    }
}

fn intersect_spaces(old: &Space, new: &Space, distinct: bool) -> Option<Space> {
    let bindings: Vec<Binding> = old
        .bindings
        .iter()
        .filter_map(|a| match a {
            Binding::Constant { hash, json, seen } => new.bindings.iter().find_map(|b| match b {
                Binding::Constant { hash: other, json: other_json, seen: more } if other == hash => {
                    let seen = if *seen == 0 { 0 } else { seen + if distinct { *more } else { 0 } };
                    let json = json.clone().or_else(|| other_json.clone());
                    Some(Binding::Constant { hash: hash.clone(), json, seen })
                }
                _ => None,
            }),
            Binding::Value(Operand::Made { by: Transform::Table(lines), of }) => {
                let others = new.bindings.iter().find_map(|b| match b {
                    Binding::Value(Operand::Made { by: Transform::Table(lines), of: own }) if own == of => {
                        Some(lines)
                    }
                    _ => None,
                })?;
                let by = Transform::Table(Transform::join_tables(lines, others, distinct)?);
                Some(Binding::Value(Operand::Made { by, of: of.clone() }))
            }
            other => new.bindings.contains(other).then(|| other.clone()),
        })
        .collect();
    let overflow = old.overflow || new.overflow;
    if bindings.is_empty() { None } else { Some(Space { bindings, overflow }) }
}

/// What runs said of a block alone; a run that said nothing of it has no voice. Different answers
/// leave none.
fn same_answer(old: &Option<AnswerTemplate>, new: &Option<AnswerTemplate>) -> Option<AnswerTemplate> {
    match (old, new) {
        (Some(a), Some(b)) if a != b => Some(AnswerTemplate::default()),
        (Some(a), _) => Some(a.clone()),
        (None, b) => b.clone(),
    }
}

/// Hides what only few tasks showed: constants seen in fewer than `least` distinct tasks, and
/// guards on a value that a single task showed, unless `declared` says of the value's hash that
/// the tools' own descriptions name it.
pub fn redact(template: &mut Template, tasks: u32, least: u32, declared: &dyn Fn(&str) -> bool) {
    for step in &mut template.steps {
        for (_, argument) in &mut step.arguments {
            redact_argument(argument, least);
        }
        hide_states(step.states.iter_mut().flat_map(|state| &mut state.values));
        hide_states(step.when.iter_mut().flat_map(|c| c.made.iter_mut().chain(&mut c.left_out)));
        for guard in &mut step.guards {
            if let Some(hash) = &guard.hash
                && tasks < 2
                && !declared(hash)
            {
                guard.cel = None;
            }
        }
    }
}

fn redact_argument(argument: &mut Argument, least: u32) {
    argument.places_mut("", &mut |_, space| {
        for binding in &mut space.bindings {
            match binding {
                Binding::Constant { json, seen, .. } if *seen > 0 && *seen < least => *json = None,
                Binding::Value(Operand::Made { by: Transform::Table(lines), .. }) => {
                    lines.iter_mut().filter(|line| line.seen < least).for_each(|line| line.json = None);
                }
                _ => {}
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::examples::{run, template};
    use super::*;

    /// A run that looks up what lies at a pier and tows it.
    fn towing(pier: &str, boats: &[(&str, &str)], name: &str) -> Template {
        let boat = boats.iter().find(|b| b.0 == name).unwrap().1;
        let all: Vec<Value> = boats.iter().map(|(n, b)| json!({"name": n, "boat": b})).collect();
        let calls = [
            ("berths", json!({"pier": pier}), json!({"boats": all})),
            ("tow", json!({"boat": boat, "crew": 4}), json!({})),
        ];
        template(&run(&format!("At {pier}, tow the {name}."), &calls))
    }

    fn first() -> Template {
        towing("P_1", &[("Gull", "K_1"), ("Tern", "K_2")], "Tern")
    }

    fn second() -> Template {
        towing("P_2", &[("Skua", "K_3"), ("Rook", "K_4")], "Skua")
    }

    fn space<'a>(template: &'a Template, name: &str) -> &'a Space {
        match template.steps[1].arguments.iter().find(|(n, _)| n == name) {
            Some((_, Argument::One(space))) => space,
            other => panic!("{other:?}"),
        }
    }

    fn seen(template: &Template) -> u32 {
        match space(template, "crew").bindings[0] {
            Binding::Constant { seen, .. } => seen,
            ref other => panic!("{other:?}"),
        }
    }

    fn has_position(template: &Template) -> bool {
        serde_json::to_string(space(template, "boat")).unwrap().contains("position")
    }

    #[test]
    fn what_explains_only_one_run_is_dropped() {
        let merged = merge(&first(), &second(), true).unwrap();
        assert!(has_position(&first()) && has_position(&second()));
        assert!(!has_position(&merged));
        assert_eq!(space(&merged, "boat").bindings.len(), 1);
        assert_eq!(shape_key(&merged), shape_key(&first()));
    }

    #[test]
    fn a_merge_with_itself_changes_nothing_and_the_order_does_not_matter() {
        for own in [first(), second()] {
            assert_eq!(merge(&own, &own, false), Some(own));
        }
        assert_eq!(merge(&first(), &second(), true), merge(&second(), &first(), true));
    }

    #[test]
    fn a_constant_counts_distinct_tasks_alone() {
        let once = merge(&first(), &second(), true).unwrap();
        assert_eq!(seen(&once), 2);
        assert_eq!(seen(&merge(&once, &second(), false).unwrap()), 2);
        assert_eq!(seen(&merge(&once, &second(), true).unwrap()), 3);
    }

    #[test]
    fn runs_that_nothing_explains_together_stay_apart() {
        let mut other = second();
        let crew = Argument::One(Space {
            bindings: vec![Binding::Constant { hash: canonical_hash(&json!(5)), json: None, seen: 1 }],
            overflow: false,
        });
        other.steps[1].arguments[1].1 = crew;
        assert_eq!(shape_key(&other), shape_key(&first()));
        assert_eq!(merge(&first(), &other, true), None);
        let mut other = second();
        other.pattern.parts[0] = Part::Literal("near".into());
        assert_ne!(shape_key(&other), shape_key(&first()));
        assert_eq!(merge(&first(), &other, true), None);
    }

    #[test]
    fn shapes_of_slots_are_joined() {
        let calls = [
            ("berths", json!({"pier": "17"}), json!({"boats": [{"name": "old tub", "boat": "K_5"}]})),
            ("tow", json!({"boat": "K_5", "crew": 4}), json!({})),
        ];
        let lower = template(&run("At 17, tow the \"old tub\".", &calls));
        let merged = merge(&first(), &lower, true).unwrap();
        assert_eq!(merged.slots[0].shape, Shape::Identifier);
        assert_eq!(merged.slots[1].shape, Shape::Phrase);
    }

    #[test]
    fn separators_of_lists_are_united() {
        let towing = |text: &str| {
            let calls =
                [("tow", json!({"boat": "K_1"}), json!({})), ("tow", json!({"boat": "K_2"}), json!({}))];
            template(&run(text, &calls))
        };
        let merged = merge(&towing("Tow K_1 and K_2."), &towing("Tow K_1, K_2."), true).unwrap();
        let lists: Vec<&ListPart> = merged
            .pattern
            .parts
            .iter()
            .filter_map(|p| if let Part::List(list) = p { Some(list) } else { None })
            .collect();
        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].separators, [[",".to_owned()], ["and".to_owned()]]);
    }

    #[test]
    fn a_guard_on_a_value_stays_only_where_both_runs_had_it() {
        let guard = |value: &str| Guard {
            cel: Some("true".into()),
            field: vec!["is".into()],
            hash: Some(canonical_hash(&json!(value))),
        };
        let members = Guard { cel: Some("'a' in obs".into()), field: Vec::new(), hash: None };
        let old = [guard("moored"), members.clone()];
        assert_eq!(join_guards(&old, &[guard("moored")]), old);
        assert_eq!(join_guards(&old, &[guard("adrift")]), std::slice::from_ref(&members));
        // One that was hidden takes the other's words.
        let hidden = Guard { cel: None, ..guard("moored") };
        assert_eq!(join_guards(&[hidden], &[guard("moored")]), [guard("moored")]);
    }

    #[test]
    fn a_failed_run_takes_no_guard_away_and_adds_how_it_failed() {
        let towing = |pier: &str, after: Value| {
            let calls = [
                ("berths", json!({"pier": pier}), json!({"pier": pier, "boat": "K_1", "is": "moored"})),
                ("tow", json!({"boat": "K_1"}), after),
            ];
            template(&run(&format!("Tow what lies at {pier}."), &calls))
        };
        let well = towing("P_1", json!({"pier": "P_1", "boat": "K_1", "is": "adrift"}));
        let failed = towing("P_2", json!({"error": "rope 7 broke"}));
        let other = towing("P_3", json!({"error": "rope 9 broke"}));
        assert!(failed.is_untried() && !well.is_untried());
        let both = merge(&well, &failed, true).unwrap();
        assert_eq!(both, merge(&failed, &well, true).unwrap());
        assert_eq!(both.steps[0].guards, well.steps[0].guards);
        let all = merge(&both, &other, true).unwrap();
        assert_eq!(all.steps[1].failures.len(), 1);
        assert_eq!((all.steps[1].failures[0].seen, all.is_untried()), (2, false));
        assert_eq!(merge(&all, &other, false), Some(all));
    }

    #[test]
    fn what_few_tasks_showed_is_hidden() {
        let mut template = first();
        let guard = Guard { cel: Some("true".into()), field: vec!["is".into()], hash: Some("h".into()) };
        template.steps[0].guards.push(guard);
        let shows = |t: &Template| {
            let constant = matches!(&space(t, "crew").bindings[0], Binding::Constant { json: Some(_), .. });
            (constant, t.steps[0].guards.last().is_some_and(|g| g.cel.is_some()))
        };
        let hide = |tasks, least, declared: &dyn Fn(&str) -> bool| {
            let mut own = template.clone();
            redact(&mut own, tasks, least, declared);
            shows(&own)
        };
        assert_eq!(hide(1, 3, &|_| false), (false, false));
        assert_eq!(hide(2, 3, &|_| false), (false, true));
        assert_eq!(hide(1, 3, &|hash| hash == "h"), (false, true));
        assert_eq!(hide(1, 1, &|_| false), (true, false));
        // A member guard shows no value.
        let mut own = first();
        redact(&mut own, 1, 3, &|_| false);
        assert!(own.steps[0].guards[0].cel.is_some());
    }

    #[test]
    fn an_answer_stays_where_no_run_gave_another() {
        let answer = |words: &str| {
            Some(AnswerTemplate { parts: vec![crate::domain::AnswerPart::Text(words.to_owned())] })
        };
        assert_eq!(same_answer(&answer("a"), &answer("a")), answer("a"));
        assert_eq!(same_answer(&answer("a"), &None), answer("a"));
        assert_eq!(same_answer(&None, &answer("a")), answer("a"));
        let none = same_answer(&answer("a"), &answer("b"));
        assert_eq!(none, Some(AnswerTemplate::default()));
        assert_eq!(same_answer(&none, &answer("a")), none);
    }
}
