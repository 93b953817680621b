//! Whether everything that steps and answer name exists and is in scope.

use std::collections::{BTreeMap, BTreeSet};

use super::template::{Invalid, MAX_BINDINGS, MAX_CONJUNCTS, bound, invalid};
use crate::domain::{
    AnswerPart, Argument, Binding, Guard, Operand, PathStep, ProgramPart, SlotSpec, Space, Template,
    Transform, canonical_hash,
};
use crate::expr::{OBSERVATION, Program};

/// The longest path, and how deep operands may be nested.
const MAX_PATH: usize = 32;
const MAX_NESTING: usize = 12;
const MAX_ARGUMENTS: usize = 256;
/// The most lines of a table.
const MAX_LINES: usize = 256;
/// The most parts of a program.
const MAX_PROGRAM: usize = 1_024;

pub(super) fn check(template: &Template) -> Result<(), Invalid> {
    let lists = template.pattern.lists().map(|(list, outer)| (list.id, outer)).collect();
    for (n, step) in template.steps.iter().enumerate() {
        let place = format!("steps[{n}]");
        let scope = Scope { template, lists: &lists, before: n, list: step.for_each };
        if let Some(list) = step.for_each {
            scope.list(list, &format!("{place}.for_each"))?;
        }
        if step.together {
            let first = template.steps[..n].iter().rfind(|s| !s.together).and_then(|s| s.for_each);
            let own = step.for_each.filter(|list| scope.is_within(first, *list));
            if first.is_none() || own.is_none() {
                return Err(invalid(
                    format!("{place}.together"),
                    "it does not repeat over the list of the loop that it belongs to, nor over one within it",
                    "correct `for_each` or remove `together`",
                ));
            }
        }
        bound(&format!("{place}.arguments"), step.arguments.len(), MAX_ARGUMENTS)?;
        let mut names = BTreeSet::new();
        for (name, argument) in &step.arguments {
            let place = format!("{place}.arguments.{name}");
            if !names.insert(name) {
                return Err(invalid(place, "the argument is given twice", "remove one"));
            }
            scope.argument(argument, &place, 0)?;
        }
        for (w, condition) in step.when.iter().enumerate() {
            let place = format!("{place}.when[{w}]");
            Scope { list: None, ..scope }.step(condition.step, &place)?;
            let optional = template.steps.get(condition.step as usize).is_some_and(|s| !s.when.is_empty());
            if optional || condition.made.is_empty() || condition.left_out.is_empty() {
                let what = "a condition needs a step that is always made, and values on both sides";
                return Err(invalid(place, what, "correct or remove it"));
            }
        }
        for (g, guard) in step.guards.iter().enumerate() {
            self::guard(guard, &format!("{place}.guards[{g}]"))?;
        }
    }
    let after = Scope { template, lists: &lists, before: template.steps.len(), list: None };
    for (n, part) in template.answer.iter().flat_map(|answer| &answer.parts).enumerate() {
        if let AnswerPart::Value(operand) = part {
            after.operand(operand, &format!("answer.parts[{n}]"), 0)?;
        }
    }
    Ok(())
}

/// What may be named at a place: the steps before it, and the elements of one list.
#[derive(Clone, Copy)]
struct Scope<'t> {
    template: &'t Template,
    /// The lists, each with the one in whose unit it stands.
    lists: &'t BTreeMap<u32, Option<u32>>,
    before: usize,
    list: Option<u32>,
}

impl<'t> Scope<'t> {
    fn list(self, list: u32, place: &str) -> Result<(), Invalid> {
        if self.lists.contains_key(&list) {
            return Ok(());
        }
        Err(invalid(
            place,
            format!("list {list} does not stand in the pattern"),
            "name a list of the pattern",
        ))
    }

    fn argument(self, argument: &Argument, place: &str, depth: usize) -> Result<(), Invalid> {
        nesting(depth, place)?;
        match argument {
            Argument::One(space) => self.space(space, place),
            Argument::Each { list, element } => {
                self.list(*list, place)?;
                if self.list.is_some_and(|_| !self.is_within(self.list, *list)) {
                    return Err(invalid(
                        place,
                        format!("list {list} repeats inside another list"),
                        "only a list that stands within an element can repeat inside it",
                    ));
                }
                Self { list: Some(*list), ..self }.argument(element, &format!("{place}[each]"), depth + 1)
            }
            Argument::Array(items) => {
                bound(place, items.len(), MAX_ARGUMENTS)?;
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(n, item)| self.argument(item, &format!("{place}[{n}]"), depth + 1))
            }
            Argument::Object(members) => {
                bound(place, members.len(), MAX_ARGUMENTS)?;
                members
                    .iter()
                    .try_for_each(|(name, item)| self.argument(item, &format!("{place}.{name}"), depth + 1))
            }
            Argument::Program(parts) => {
                bound(place, parts.len(), MAX_PROGRAM)?;
                parts.iter().try_for_each(|part| match part {
                    ProgramPart::Value { of, space, .. } => self.space(space, &format!("{place}.{of}")),
                    ProgramPart::Text(_) | ProgramPart::Name(_) => Ok(()),
                })
            }
        }
    }

    fn space(self, space: &Space, place: &str) -> Result<(), Invalid> {
        if space.bindings.is_empty() {
            return Err(invalid(
                place,
                "nothing says where the value comes from",
                "give at least one binding",
            ));
        }
        bound(place, space.bindings.len(), MAX_BINDINGS)?;
        space
            .bindings
            .iter()
            .enumerate()
            .try_for_each(|(n, binding)| self.binding(binding, &format!("{place}.bindings[{n}]")))
    }

    fn binding(self, binding: &Binding, place: &str) -> Result<(), Invalid> {
        match binding {
            Binding::Value(operand) => self.operand(operand, place, 0),
            Binding::Context { path } => self.path(path, place, 0),
            Binding::Constant { hash, json, .. } => constant(hash, json.as_deref(), place),
            Binding::Compute { cel } => self.compute(cel, place),
            Binding::Written => Ok(()),
        }
    }

    fn operand(self, operand: &Operand, place: &str, depth: usize) -> Result<(), Invalid> {
        nesting(depth, place)?;
        match operand {
            Operand::Slot { slot, .. } => self.slot(*slot, place),
            Operand::Observed { step, path } => {
                self.step(*step, place)?;
                self.path(path, place, depth)
            }
            Operand::Merge { base, changes } => {
                self.operand(base, place, depth + 1)?;
                self.operand(changes, place, depth + 1)
            }
            Operand::Made { by, of } => {
                made(by, of, place)?;
                if let (Transform::Table(_), [Operand::Slot { slot, .. }]) = (by, of.as_slice()) {
                    // A slot that only tables read is idle all the same.
                    return self.declared(*slot, place).map(|_| ());
                }
                of.iter().try_for_each(|operand| self.operand(operand, place, depth + 1))
            }
        }
    }

    fn slot(self, id: u32, place: &str) -> Result<(), Invalid> {
        let slot = self.declared(id, place)?;
        if slot.idle {
            return Err(invalid(place, format!("slot {id} is read, but declared idle"), "remove `idle`"));
        }
        self.scoped(slot.list, &format!("slot {id}"), place)
    }

    fn declared(self, id: u32, place: &str) -> Result<&'t SlotSpec, Invalid> {
        let undeclared = || invalid(place, format!("slot {id} is not declared"), "declare it under `slots`");
        self.template.slot(id).ok_or_else(undeclared)
    }

    fn step(self, step: u32, place: &str) -> Result<(), Invalid> {
        let earlier = self.template.steps.get(step as usize).filter(|_| (step as usize) < self.before);
        let Some(earlier) = earlier else {
            return Err(invalid(
                place,
                format!("the observation of step {step} is read before it is there"),
                "steps are counted from 0; name an earlier one",
            ));
        };
        let own = self.template.steps.get(self.before).map(|own| &own.when);
        if !earlier.when.is_empty() && own != Some(&earlier.when) {
            return Err(invalid(
                place,
                format!("step {step} may be left out, but is read where it may be"),
                "read it under the same conditions",
            ));
        }
        self.scoped(earlier.for_each, &format!("step {step}"), place)
    }

    /// Whether a list is this one or stands within it.
    fn is_within(self, outer: Option<u32>, list: u32) -> bool {
        outer == Some(list) || outer.is_some() && self.lists.get(&list).copied().flatten() == outer
    }

    /// What repeats over a list can only be read inside a loop over that list, or over one within it.
    fn scoped(self, list: Option<u32>, what: &str, place: &str) -> Result<(), Invalid> {
        match list {
            Some(list) if !self.list.is_some_and(|own| self.is_within(Some(list), own)) => Err(invalid(
                place,
                format!("{what} repeats over list {list}, but is read outside it"),
                "read it in a step or argument that repeats over that list",
            )),
            _ => Ok(()),
        }
    }

    fn path(self, path: &[PathStep], place: &str, depth: usize) -> Result<(), Invalid> {
        bound(place, path.len(), MAX_PATH)?;
        for (n, step) in path.iter().enumerate() {
            match step {
                PathStep::Select(predicates) => {
                    if predicates.is_empty() {
                        return Err(invalid(
                            place,
                            "a selection has no predicate",
                            "say which record is meant",
                        ));
                    }
                    bound(&format!("{place}, predicates of a selection"), predicates.len(), MAX_CONJUNCTS)?;
                    predicates.iter().try_for_each(|p| self.operand(&p.equals, place, depth + 1))?;
                }
                PathStep::KeyOf => {
                    let before = n.checked_sub(1).and_then(|n| path.get(n));
                    let fits = matches!(
                        before,
                        Some(
                            PathStep::Select(_)
                                | PathStep::Only
                                | PathStep::Least(_)
                                | PathStep::Greatest(_)
                                | PathStep::Position(_)
                        )
                    );
                    if !fits || n + 1 != path.len() {
                        return Err(invalid(
                            place,
                            "`key_of` must be last, and follow what selects a record",
                            "correct the path",
                        ));
                    }
                }
                PathStep::Key(_)
                | PathStep::Only
                | PathStep::Least(_)
                | PathStep::Greatest(_)
                | PathStep::Position(_) => {}
            }
        }
        Ok(())
    }

    fn compute(self, cel: &str, place: &str) -> Result<(), Invalid> {
        let number = |name: &str, prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
        for name in compiled(cel, place)?.variables() {
            match (number(&name, "slot_"), number(&name, "step_")) {
                (Some(slot), _) => self.slot(slot, place)?,
                (_, Some(step)) => self.step(step, place)?,
                _ => {
                    return Err(invalid(
                        place,
                        format!("`{name}` is not known"),
                        "a computation sees `slot_<n>` and `step_<n>`",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What is made is made in one step, so that it can be found again without the binder.
fn made(by: &Transform, of: &[Operand], place: &str) -> Result<(), Invalid> {
    let wanted = match by {
        Transform::Day { .. } => 1..=2,
        Transform::Later { .. } | Transform::Earlier { .. } => 2..=2,
        Transform::DaysBetween | Transform::Sum | Transform::Product | Transform::Difference => 2..=2,
        Transform::Join(_) => 2..=3,
        _ => 1..=1,
    };
    if !wanted.contains(&of.len()) {
        let what = format!("{} operands, where {} to {} are needed", of.len(), wanted.start(), wanted.end());
        return Err(invalid(place, what, "give as many"));
    }
    if of.iter().any(|operand| matches!(operand, Operand::Made { .. })) {
        return Err(invalid(place, "a made value is made from a made value", "make it in one step"));
    }
    if let Transform::Scale { times: 0, .. } | Transform::Scale { over: 0, .. } = by {
        return Err(invalid(place, "a factor or divisor is 0", "count from 1"));
    }
    if let Transform::Table(lines) = by {
        bound(&format!("{place}, lines of a table"), lines.len(), MAX_LINES)?;
        for line in lines {
            constant(&line.hash, line.json.as_deref(), place)?;
        }
    }
    Ok(())
}

fn nesting(depth: usize, place: &str) -> Result<(), Invalid> {
    if depth > MAX_NESTING {
        return Err(invalid(place, format!("nested more than {MAX_NESTING} deep"), "simplify it"));
    }
    Ok(())
}

fn constant(hash: &str, json: Option<&str>, place: &str) -> Result<(), Invalid> {
    let Some(json) = json else { return Ok(()) };
    match serde_json::from_str(json) {
        Ok(value) if canonical_hash(&value) == hash => Ok(()),
        Ok(_) => Err(invalid(place, "the constant's hash is not that of its value", "export it again")),
        Err(error) => {
            Err(invalid(place, format!("the constant is not JSON: {error}"), "write it as JSON text"))
        }
    }
}

fn guard(guard: &Guard, place: &str) -> Result<(), Invalid> {
    let Some(cel) = &guard.cel else {
        if guard.hash.is_none() {
            return Err(invalid(place, "a guard needs an expression or a hash", "remove it"));
        }
        return Ok(());
    };
    match compiled(cel, place)?.variables().into_iter().find(|name| name != OBSERVATION && !is_type(name)) {
        Some(name) => Err(invalid(
            place,
            format!("`{name}` is not known"),
            format!("a guard sees `{OBSERVATION}` alone"),
        )),
        None => Ok(()),
    }
}

/// Names that CEL itself gives to types.
fn is_type(name: &str) -> bool {
    matches!(
        name,
        "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type"
    )
}

fn compiled(cel: &str, place: &str) -> Result<Program, Invalid> {
    Program::compile(cel).map_err(|error| invalid(place, error.to_string(), "correct the expression"))
}
