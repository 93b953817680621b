//! Steps that some runs make and others leave out, for the same words: one plan, with a condition on what
//! was observed before.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::merge::{build, merge_aligned, over, shape_key, skeleton};
use crate::domain::{
    Argument, Binding, Condition, Operand, PathStep, Space, StepTemplate, Template, canonical_hash,
};

/// What two templates must have in common to be one with optional steps: what the text says.
pub fn words_key(template: &Template) -> String {
    let same: Vec<_> = template.slots.iter().filter_map(|s| Some([s.id, s.same_as?])).collect();
    let said = json!([skeleton(&template.pattern.parts), same, template.output_format]);
    canonical_hash(&said)[..32].to_owned()
}

/// The shapes that runs of a template may have: with and without its optional steps.
pub fn shape_keys(template: &Template) -> Vec<String> {
    let mut keys = Vec::new();
    for absent in absences(template) {
        let key = shape_key(&without(template, &absent));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The sets of steps that a run of a template may lack.
fn absences(template: &Template) -> Vec<BTreeSet<usize>> {
    let mut groups: Vec<(&[Condition], BTreeSet<usize>)> = Vec::new();
    for (at, step) in template.steps.iter().enumerate().filter(|(_, step)| !step.when.is_empty()) {
        match groups.iter_mut().find(|(when, _)| *when == step.when.as_slice()) {
            Some((_, steps)) => drop(steps.insert(at)),
            None => groups.push((&step.when, [at].into())),
        }
    }
    let mut all = vec![BTreeSet::new()];
    for (_, steps) in groups {
        let with: Vec<BTreeSet<usize>> = all.iter().map(|own| own | &steps).collect();
        all.extend(with);
    }
    all
}

fn without(template: &Template, absent: &BTreeSet<usize>) -> Template {
    let mut own = template.clone();
    let mut at = 0;
    own.steps.retain(|_| {
        at += 1;
        !absent.contains(&(at - 1))
    });
    own.contract.retain(|contract| own.steps.iter().any(|step| step.tool == contract.name));
    own
}

/// Merges a run's template into one with optional steps. `None` if it is no run of it, or its conditions do
/// not tell what the run did.
pub(super) fn merge_run(full: &Template, run: &Template, distinct: bool) -> Option<Template> {
    absences(full).into_iter().find_map(|absent| {
        if shape_key(&without(full, &absent)) != shape_key(run) {
            return None;
        }
        let lifted = lift(run, full, &absent);
        let mut merged = merge_aligned(full, &lifted, distinct, &absent)?;
        for (at, step) in full.steps.iter().enumerate().filter(|(_, step)| !step.when.is_empty()) {
            let made = !absent.contains(&at);
            let noted = |c: &Condition| c.noted(&lifted.steps[c.step as usize].states, made, distinct);
            merged.steps[at].when = step.when.iter().filter_map(noted).collect();
            if merged.steps[at].when.is_empty() {
                return None;
            }
        }
        Some(merged)
    })
}

/// Two plans for the same words as one: what both do, and what each does alone, where a state that was
/// observed before tells their runs apart, in at least `least` runs of each. `None` if it does not.
pub fn fold(a: &Template, b: &Template, least: u32) -> Option<Template> {
    let plain = |t: &Template| t.steps.iter().all(|step| step.when.is_empty() && !step.untried);
    if words_key(a) != words_key(b) || a.slots.len() != b.slots.len() || !plain(a) || !plain(b) {
        return None;
    }
    // The same whichever is which.
    let (a, b) = if shape_key(a) <= shape_key(b) { (a, b) } else { (b, a) };
    let same = |(a, b): &(&StepTemplate, &StepTemplate)| step_key(a) == step_key(b);
    let before = a.steps.iter().zip(&b.steps).take_while(same).count();
    let (rest_a, rest_b) = (&a.steps[before..], &b.steps[before..]);
    let after = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(same).count();
    let (own_a, own_b) = (rest_a.len() - after, rest_b.len() - after);
    let when = conditions(&a.steps[..before], &b.steps[..before], least);
    if when.is_empty() || own_a + own_b == 0 {
        return None;
    }
    // First what both do, then what the one does, then what the other does, then what both do again.
    let only_a: BTreeSet<usize> = (before..before + own_a).collect();
    let only_b: BTreeSet<usize> = (before + own_a..before + own_a + own_b).collect();
    let mut full = a.clone();
    full.steps.truncate(before + own_a);
    full.steps.extend(rest_b[..own_b].to_vec());
    let tail: Vec<StepTemplate> = a.steps[before + own_a..].to_vec();
    full.steps.extend(tail);
    let contracts = b.contract.iter().filter(|c| !a.contract.contains(c));
    full.contract.extend(contracts.cloned());
    full.contract.sort_by(|a, b| a.name.cmp(&b.name));
    if full.contract.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return None;
    }
    // Each as a run of the whole: the steps of the other stand in for those that it lacks.
    for at in &only_b {
        remap(&mut full.steps[*at], &|step| {
            if (step as usize) < before { step } else { step + own_a as u32 }
        });
    }
    // What both do at the end may read the steps that only the first has.
    for step in full.steps.iter_mut().skip(before + own_a + own_b) {
        remap(step, &|old| if (old as usize) < before + own_a { old } else { old + own_b as u32 });
    }
    let as_a = lift(a, &full, &only_b);
    let as_b = lift(b, &full, &only_a);
    let mut base = as_a.clone();
    for at in only_a.iter() {
        base.steps[*at].when = when.clone();
    }
    for at in only_b.iter() {
        base.steps[*at].when = when.iter().map(Condition::reversed).collect();
    }
    let mut merged = merge_aligned(&base, &as_b, true, &(&only_a | &only_b))?;
    merged.contract = full.contract;
    (!dangles(&merged)).then_some(merged)
}

/// The states that tell the runs of two plans apart, at steps that both make.
fn conditions(a: &[StepTemplate], b: &[StepTemplate], least: u32) -> Vec<Condition> {
    let mut out = Vec::new();
    for (at, (a, b)) in a.iter().zip(b).enumerate().filter(|(_, (a, _))| a.for_each.is_none()) {
        for state in &a.states {
            let other = b.states.iter().find(|other| other.field == state.field);
            out.extend(other.and_then(|other| Condition::between(at as u32, state, other, least)));
        }
    }
    out
}

fn step_key(step: &StepTemplate) -> Value {
    let arguments: Vec<Value> = step.arguments.iter().map(|(n, a)| json!([n, build(a)])).collect();
    json!([step.tool, over(step), arguments])
}

/// A run's template with the steps of the whole; those that the run lacks are the whole's own.
fn lift(run: &Template, full: &Template, absent: &BTreeSet<usize>) -> Template {
    let present: Vec<u32> =
        (0..full.steps.len()).filter(|at| !absent.contains(at)).map(|at| at as u32).collect();
    let mut own = run.steps.iter().cloned();
    let mut lifted = run.clone();
    lifted.steps = full
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| match absent.contains(&at) {
            true => step.clone(),
            false => {
                let mut step = own.next().unwrap_or_else(|| step.clone());
                remap(&mut step, &|old| present.get(old as usize).copied().unwrap_or(old));
                step
            }
        })
        .collect();
    lifted.contract.clone_from(&full.contract);
    lifted
}

/// Gives the steps that a step's bindings read other numbers.
fn remap(step: &mut StepTemplate, to: &dyn Fn(u32) -> u32) {
    for (_, argument) in &mut step.arguments {
        argument.places_mut("", &mut |_, space: &mut Space| {
            for binding in &mut space.bindings {
                match binding {
                    Binding::Value(operand) => remap_operand(operand, to),
                    Binding::Context { path } => remap_path(path, to),
                    Binding::Constant { .. } | Binding::Compute { .. } | Binding::Written => {}
                }
            }
        });
    }
}

fn remap_operand(operand: &mut Operand, to: &dyn Fn(u32) -> u32) {
    match operand {
        Operand::Slot { .. } => {}
        Operand::Observed { step, path } => {
            *step = to(*step);
            remap_path(path, to);
        }
        Operand::Merge { base, changes } => {
            remap_operand(base, to);
            remap_operand(changes, to);
        }
        Operand::Made { of, .. } => of.iter_mut().for_each(|operand| remap_operand(operand, to)),
    }
}

fn remap_path(path: &mut [PathStep], to: &dyn Fn(u32) -> u32) {
    for step in path {
        if let PathStep::Select(predicates) = step {
            predicates.iter_mut().for_each(|p| remap_operand(&mut p.equals, to));
        }
    }
}

/// Whether a template calls an argument's value by the observation of a step that may be left out, outside
/// that step's own group.
fn dangles(template: &Template) -> bool {
    let reads = |argument: &Argument, optional: u32| {
        let mut found = false;
        argument.spaces(&mut |space| {
            found |= space.bindings.iter().any(|binding| match binding {
                Binding::Value(operand) => super::steps::reads(operand, &|_| false, &|step| step == optional),
                Binding::Context { path } => {
                    super::steps::path_reads(path, &|_| false, &|step| step == optional)
                }
                _ => false,
            });
        });
        found
    };
    template.steps.iter().enumerate().filter(|(_, step)| !step.when.is_empty()).any(|(at, optional)| {
        let others = template.steps.iter().filter(|step| step.when != optional.when);
        others.flat_map(|step| &step.arguments).any(|(_, argument)| reads(argument, at as u32))
    })
}
