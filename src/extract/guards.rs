use serde_json::Value;

use super::occurrences::scalars;
use super::steps::reads;
use crate::domain::{
    Binding, Guard, Operand, PathStep, State, StepTemplate, TraceStep, canonical_hash, is_state,
};
use crate::spans::same_text;

/// Puts guards on the steps: the members of their observations that later arguments read must be
/// there; and what a later write changed of an object must be as it was before it.
///
/// `calls` holds for each step the trace step of its first call.
pub(super) fn guard(steps: &mut [StepTemplate], calls: &[&TraceStep], is_read: &dyn Fn(&str) -> bool) {
    for step in 0..steps.len() {
        let Some(observation) = calls[step].observation.as_ref().map(|o| &o.value) else { continue };
        let members = members(steps, step);
        steps[step].guards.extend(members);
        if !is_read(&steps[step].tool) {
            continue;
        }
        if steps[step].for_each.is_none() {
            let mut states = State::shown(observation);
            // A member that is named after a value is data.
            let arguments = || calls.iter().flat_map(|c| c.call.arguments.values()).flat_map(scalars);
            states.retain(|s| !arguments().any(|v| v.as_str().is_some_and(|v| same_text(v, &s.field))));
            steps[step].states = states;
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

/// The guard that the members of a step's observation which later arguments read are there.
fn members(steps: &[StepTemplate], step: usize) -> Option<Guard> {
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
    let present = keys.iter().map(|key| format!("{} in obs", quote(key))).collect::<Vec<_>>();
    let cel = Some(present.join(" && "));
    (!present.is_empty()).then_some(Guard { cel, field: Vec::new(), hash: None })
}

/// After a merge: guards on members follow the bindings that are left, whichever run came first.
pub(super) fn follow(merged: &mut [StepTemplate], runs: &[&[StepTemplate]]) {
    for step in 0..merged.len() {
        let before: Vec<Guard> = runs.iter().filter_map(|run| members(run, step)).collect();
        let now = members(merged, step);
        let guards = &mut merged[step].guards;
        guards.retain(|guard| !before.contains(guard));
        now.into_iter().for_each(|guard| guards.insert(0, guard));
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
    let changed = before.iter().filter_map(|(key, value)| {
        let old = value.as_str().filter(|old| is_state(old))?;
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

#[cfg(test)]
mod tests {
    use super::super::examples::{run, template};
    use super::*;
    use serde_json::json;

    /// The guards of the first step of a run that looks up a boat and tows it.
    fn guards(before: &Value, after: &Value) -> Vec<String> {
        let calls = [
            ("berths", json!({"pier": "P_4"}), before.clone()),
            ("tow", json!({"boat": before["boat"]}), after.clone()),
        ];
        let template = template(&run("Tow what lies at P_4.", &calls));
        template.steps[0].guards.iter().filter_map(|g| g.cel.clone()).collect()
    }

    #[test]
    fn what_later_arguments_read_has_to_be_there() {
        let before = json!({"pier": "P_4", "boat": "K_1", "free": "no"});
        assert_eq!(guards(&before, &json!({"done": true})), ["\"boat\" in obs"]);
    }

    #[test]
    fn a_state_that_the_write_changed_has_to_be_as_it_was() {
        let before = json!({"pier": "P_4", "boat": "K_1", "is": "moored"});
        let after = json!({"pier": "P_4", "boat": "K_1", "is": "under tow"});
        assert_eq!(
            guards(&before, &after),
            ["\"boat\" in obs", "\"is\" in obs && obs[\"is\"] == \"moored\""]
        );
    }

    #[test]
    fn what_is_no_state_or_of_another_object_is_no_guard() {
        let before = json!({"pier": "P_4", "boat": "K_1", "is": "moored"});
        for after in [
            // Another object: too little is the same.
            json!({"pier": "P_4", "boat": "K_2", "is": "under tow"}),
            // Nothing changed.
            before.clone(),
        ] {
            assert_eq!(guards(&before, &after), ["\"boat\" in obs"]);
        }
        // A name and a number are values, not states.
        let before = json!({"pier": "P_4", "boat": "K_1", "by": "Ada", "at": "7 o'clock"});
        let after = json!({"pier": "P_4", "boat": "K_1", "by": "Bo", "at": "8 o'clock"});
        assert_eq!(guards(&before, &after), ["\"boat\" in obs"]);
    }

    #[test]
    fn a_guard_on_a_value_carries_its_hash_and_compiles() {
        let before = json!({"pier": "P_4", "boat": "K_1", "is": "moored"});
        let after = json!({"pier": "P_4", "boat": "K_1", "is": "adrift"});
        let calls = [("berths", json!({"pier": "P_4"}), before), ("tow", json!({"boat": "K_1"}), after)];
        let template = template(&run("Tow what lies at P_4.", &calls));
        let guard = &template.steps[0].guards[1];
        assert_eq!(guard.field, ["is"]);
        assert_eq!(guard.hash, Some(canonical_hash(&json!("moored"))));
        let program = crate::expr::Program::compile(guard.cel.as_ref().unwrap()).unwrap();
        assert_eq!(program.holds(&json!({"is": "moored"})), Ok(true));
        assert_eq!(program.holds(&json!({"is": "adrift"})), Ok(false));
        assert_eq!(program.holds(&json!({})), Ok(false));
    }
}
