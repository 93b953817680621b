use serde_json::Value;

use super::steps::reads;
use crate::domain::{Binding, Guard, Operand, PathStep, StepTemplate, TraceStep, canonical_hash};

/// Puts guards on the steps: the members of their observations that later arguments read must be
/// there; and what a later write changed of an object must be as it was before it.
///
/// `calls` holds for each step the trace step of its first call.
pub(super) fn guard(steps: &mut [StepTemplate], calls: &[&TraceStep], is_read: &dyn Fn(&str) -> bool) {
    for step in 0..steps.len() {
        let mut keys: Vec<String> = Vec::new();
        for later in &steps[step + 1..] {
            for (_, argument) in &later.arguments {
                argument.spaces(&mut |space| {
                    for binding in space.best() {
                        first_keys(binding, step as u32, &mut keys);
                    }
                });
            }
        }
        let Some(observation) = calls[step].observation.as_ref().map(|o| &o.value) else { continue };
        let present = keys.iter().map(|key| format!("{} in obs", quote(key))).collect::<Vec<_>>();
        if !present.is_empty() {
            let cel = Some(present.join(" && "));
            steps[step].guards.push(Guard { cel, field: Vec::new(), hash: None });
        }
        if !is_read(&steps[step].tool) {
            continue;
        }
        let changed = (step + 1..steps.len())
            .filter(|w| !is_read(&steps[*w].tool))
            .find_map(|w| changes(observation, &calls[w].observation.as_ref()?.value));
        for (key, value) in changed.into_iter().flatten() {
            steps[step].guards.push(Guard {
                cel: Some(format!("{} in obs && obs[{}] == {}", quote(&key), quote(&key), quote(&value))),
                field: vec![key],
                hash: Some(canonical_hash(&Value::String(value))),
            });
        }
    }
}

/// Text members of an object that are words (no digits, at most four) and that a write changed:
/// states, on which the run's choice is likely to have depended. `None` if the two observations
/// are not of the same object.
fn changes(before: &Value, after: &Value) -> Option<Vec<(String, String)>> {
    let (before, after) = (before.as_object()?, after.as_object()?);
    let same = before.iter().filter(|(key, v)| after.get(*key) == Some(*v)).count();
    if same < 2 {
        return None;
    }
    let state = |text: &str| {
        !text.is_empty()
            && text.split_whitespace().count() <= 4
            && text.chars().all(|c| c.is_lowercase() || " _-()".contains(c))
    };
    let changed = before.iter().filter_map(|(key, value)| {
        let old = value.as_str().filter(|old| state(old))?;
        let new = after.get(key)?.as_str()?;
        (old != new).then(|| (key.clone(), old.to_owned()))
    });
    Some(changed.collect())
}

fn first_keys(binding: &Binding, step: u32, keys: &mut Vec<String>) {
    let Binding::Value(operand) = binding else { return };
    if !reads(operand, &|_| false, &|s| s == step) {
        return;
    }
    if let Operand::Observed { step: own, path } = operand
        && *own == step
        && let Some(PathStep::Key(key)) = path.first()
        && !keys.contains(key)
    {
        keys.push(key.clone());
    }
}

/// A CEL string literal.
fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
