//! Whether a value that is about to be served may be: it stands somewhere, or the plan itself says what
//! it is.

use serde_json::Value;

use crate::domain::{Argument, Binding, Operand, PlanRequest, ProgramPart};
use crate::fill::Plan;
use crate::programs::{Language, statement};
use crate::validate;

/// Whether every scalar below a value, and every key, stands somewhere.
pub(super) fn stands(value: &Value, somewhere: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().all(|item| stands(item, somewhere)),
        Value::Object(map) if !map.is_empty() => map.iter().all(|(key, item)| {
            // A key by itself: the object with nothing under it.
            let alone = Value::Object([(key.clone(), Value::Null)].into_iter().collect());
            somewhere(&alone) && stands(item, somewhere)
        }),
        leaf => somewhere(leaf),
    }
}

/// The ways in which a plan makes an argument.
fn ways<'p>(plan: &'p Plan, tool: &'p str, argument: &'p str) -> impl Iterator<Item = &'p Argument> {
    let steps = plan.covers.iter().flat_map(|c| c.iter()).flat_map(|b| &b.template.steps);
    let own = steps.filter(move |s| s.tool == tool).flat_map(|s| &s.arguments);
    own.filter(move |(name, _)| name == argument).map(|(_, own)| own)
}

/// The bindings that a plan has for an argument.
fn bindings<'p>(plan: &'p Plan, tool: &'p str, argument: &'p str) -> Vec<&'p Binding> {
    let mut found = Vec::new();
    ways(plan, tool, argument).for_each(|own| own.spaces(&mut |space| found.extend(&space.bindings)));
    found
}

/// Whether a plan gives an argument this value as a constant: enough distinct tasks showed it.
pub(super) fn is_constant(plan: &Plan, tool: &str, argument: &str, value: &Value) -> bool {
    bindings(plan, tool, argument).into_iter().any(|binding| match binding {
        Binding::Constant { json: Some(json), .. } => {
            serde_json::from_str::<Value>(json).is_ok_and(|own| own == *value)
        }
        _ => false,
    })
}

/// Whether a plan makes an argument from values that stand somewhere, and they give this one. What a
/// person wrote as an expression (CEL) is its own reason.
pub(super) fn derived(plan: &Plan, tool: &str, argument: &str, value: &Value, request: &PlanRequest) -> bool {
    let all = bindings(plan, tool, argument);
    if all.iter().any(|binding| matches!(binding, Binding::Compute { .. })) {
        return true;
    }
    let mut ways: Vec<&Operand> = Vec::new();
    for binding in all {
        if let Binding::Value(operand @ Operand::Made { .. }) = binding {
            ways.push(operand);
        }
    }
    validate::derived(value, &ways, &request.task, &request.history)
}

/// Whether a plan gives an argument as a program, all values and names of which stand somewhere.
pub(super) fn program_stands(
    plan: &Plan,
    tool: &str,
    argument: &str,
    program: &Value,
    grounded: &dyn Fn(&Value) -> bool,
) -> bool {
    let Some(text) = program.as_str() else { return false };
    let programs = ways(plan, tool, argument).filter_map(|own| match own {
        Argument::Program(parts) => Some(parts),
        _ => None,
    });
    let mut readings = programs.flat_map(|parts| match ProgramPart::are_sql(parts) {
        true => vec![statement(text)],
        false => Language::of(parts).into_iter().map(|language| language.read(text, grounded)).collect(),
    });
    readings.any(|reading| {
        reading.is_some_and(|reading| {
            // A thing that is looked up is what the look-up is to find out of.
            let names = !reading.is_sure || reading.names().all(|name| grounded(&Value::from(name)));
            names && reading.literals().all(|literal| grounded(&literal.value))
        })
    })
}
