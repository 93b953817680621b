use serde_json::{Value, json};

use super::slots::describe;
use crate::domain::{
    AnswerTemplate, Argument, Binding, Guard, ListPart, Part, Pattern, Shape, SlotSpec, Space, StepTemplate,
    Template, canonical_hash,
};

/// What two templates must have in common to be merged: the words and the places of values in
/// their patterns, the tools with their contracts, and the build of every argument. Shapes of
/// slots, separators of lists and bindings may differ.
pub fn shape_key(template: &Template) -> String {
    let steps: Vec<Value> = template
        .steps
        .iter()
        .map(|s| {
            let arguments: Vec<Value> = s.arguments.iter().map(|(n, a)| json!([n, build(a)])).collect();
            json!([s.tool, s.for_each, arguments])
        })
        .collect();
    let key = json!([skeleton(&template.pattern.parts), steps, template.contract, template.output_format]);
    canonical_hash(&key)[..32].to_owned()
}

fn skeleton(parts: &[Part]) -> Value {
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

fn build(argument: &Argument) -> Value {
    match argument {
        Argument::One(_) => json!(0),
        Argument::Each { list, element } => json!({"each": list, "of": build(element)}),
        Argument::Array(items) => items.iter().map(build).collect(),
        Argument::Object(members) => {
            Value::Object(members.iter().map(|(n, a)| (n.clone(), build(a))).collect())
        }
    }
}

/// Merges a template with one that another run of the same shape gave: what explains the values
/// of both is kept. `distinct` says that the other run was of another task. `None` if nothing
/// explains some value of both; then they are different plans for the same words.
pub fn merge(old: &Template, new: &Template, distinct: bool) -> Option<Template> {
    if shape_key(old) != shape_key(new) || old.slots.len() != new.slots.len() {
        return None;
    }
    let mut merged = old.clone();
    for (slot, other) in merged.slots.iter_mut().zip(&new.slots) {
        join_slots(slot, other)?;
    }
    merged.pattern = Pattern { parts: join_parts(&old.pattern.parts, &new.pattern.parts) };
    for (step, other) in merged.steps.iter_mut().zip(&new.steps) {
        *step = intersect_steps(step, other, distinct)?;
    }
    merged.answer = same_answer(&old.answer, &new.answer);
    describe(&mut merged.slots, &merged.steps);
    Some(merged)
}

fn join_slots(slot: &mut SlotSpec, other: &SlotSpec) -> Option<()> {
    if slot.list != other.list || (slot.shape == Shape::Member && slot.members != other.members) {
        return None;
    }
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

fn intersect_steps(old: &StepTemplate, new: &StepTemplate, distinct: bool) -> Option<StepTemplate> {
    let arguments = old
        .arguments
        .iter()
        .zip(&new.arguments)
        .map(|((name, a), (_, b))| Some((name.clone(), intersect(a, b, distinct)?)))
        .collect::<Option<Vec<_>>>()?;
    Some(StepTemplate { arguments, guards: join_guards(&old.guards, &new.guards), ..old.clone() })
}

/// A guard on a value is kept where both runs had the same value. One on members is as it was:
/// what the surviving bindings read was read before.
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
        _ => None,
    }
}

fn intersect_spaces(old: &Space, new: &Space, distinct: bool) -> Option<Space> {
    let bindings: Vec<Binding> = old
        .bindings
        .iter()
        .filter_map(|a| match a {
            Binding::Constant { hash, json, seen } => new.bindings.iter().find_map(|b| match b {
                Binding::Constant { hash: other, json: other_json, .. } if other == hash => {
                    let seen = if *seen == 0 { 0 } else { seen + u32::from(distinct) };
                    let json = json.clone().or_else(|| other_json.clone());
                    Some(Binding::Constant { hash: hash.clone(), json, seen })
                }
                _ => None,
            }),
            other => new.bindings.contains(other).then(|| other.clone()),
        })
        .collect();
    let overflow = old.overflow || new.overflow;
    if bindings.is_empty() { None } else { Some(Space { bindings, overflow }) }
}

/// An answer is kept if both runs gave the same one; a run without an answer says nothing.
fn same_answer(old: &Option<AnswerTemplate>, new: &Option<AnswerTemplate>) -> Option<AnswerTemplate> {
    match (old, new) {
        (Some(a), Some(b)) if a == b => Some(a.clone()),
        _ => None,
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
    match argument {
        Argument::One(space) => {
            for binding in &mut space.bindings {
                if let Binding::Constant { json, seen, .. } = binding
                    && *seen > 0
                    && *seen < least
                {
                    *json = None;
                }
            }
        }
        Argument::Each { element, .. } => redact_argument(element, least),
        Argument::Array(items) => items.iter_mut().for_each(|a| redact_argument(a, least)),
        Argument::Object(members) => members.iter_mut().for_each(|(_, a)| redact_argument(a, least)),
    }
}
