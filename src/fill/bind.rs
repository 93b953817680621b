use serde_json::{Map, Value};

use crate::domain::{Argument, Binding, Operand, ProgramPart, Space, Tier, canonical_hash};
use crate::expr::{Env, EvalError, eval};
use crate::programs::render;
use crate::spans::{figures, number, text_of};

/// Why an argument has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unbound {
    /// Bindings of the best tier disagree or tie.
    Failed(String),
    /// What was observed holds nothing of the kind.
    Refuted(String),
    /// The filler has to write or choose it; `path` leads to it within the arguments.
    Open {
        /// Names and positions from the argument down.
        path: Vec<String>,
    },
}

/// Makes an argument. `given` is the value that this argument really had, if the call was made
/// before: it stands in for what a filler wrote then. `least_seen` is the number of distinct
/// tasks that must have shown a constant.
///
/// # Errors
/// [`Unbound`] says why there is no value.
pub(super) fn make(
    argument: &Argument,
    schema: Option<&Value>,
    env: Env<'_>,
    given: Option<&Value>,
    least_seen: u32,
) -> Result<Value, Unbound> {
    match argument {
        Argument::One(space) => {
            let value = agree(space, env, given, least_seen)?;
            Ok(coerce(value, schema))
        }
        Argument::Each { list, element } => {
            let schema = schema.and_then(|s| s.get("items"));
            let units = env.values.elements(*list, env.unit);
            let made = units.into_iter().enumerate().map(|(at, unit)| {
                let env = Env { unit: Some((*list, unit)), ..env };
                make(element, schema, env, given.and_then(|g| g.get(at)), least_seen)
                    .map_err(|e| within(e, at))
            });
            Ok(Value::Array(made.collect::<Result<_, _>>()?))
        }
        Argument::Array(items) => {
            let schema = schema.and_then(|s| s.get("items"));
            let made = items.iter().enumerate().map(|(i, item)| {
                make(item, schema, env, given.and_then(|g| g.get(i)), least_seen).map_err(|e| within(e, i))
            });
            Ok(Value::Array(made.collect::<Result<_, _>>()?))
        }
        Argument::Object(members) => {
            let mut map = Map::new();
            for (name, item) in members {
                let schema = schema.and_then(|s| s.get("properties")?.get(name));
                let value = make(item, schema, env, given.and_then(|g| g.get(name)), least_seen)
                    .map_err(|e| within(e, name))?;
                map.insert(name.clone(), value);
            }
            Ok(Value::Object(map))
        }
        Argument::Program(parts) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    ProgramPart::Text(own) | ProgramPart::Name(own) => text.push_str(own),
                    ProgramPart::Value { of, before, after, quoting, space } => {
                        let value = agree(space, env, None, least_seen).map_err(|e| within(e, of))?;
                        let written = render(&value, before, after, *quoting);
                        text.push_str(&written.ok_or_else(|| {
                            Unbound::Failed("a value cannot stand where the program has one".into())
                        })?);
                    }
                }
            }
            Ok(Value::String(text))
        }
    }
}

fn within(unbound: Unbound, step: impl ToString) -> Unbound {
    match unbound {
        Unbound::Open { mut path } => {
            path.insert(0, step.to_string());
            Unbound::Open { path }
        }
        failed => failed,
    }
}

/// The value on which all bindings of the best tier agree. A binding whose records tie has no
/// voice; one that finds nothing speaks against the others.
fn agree(space: &Space, env: Env<'_>, given: Option<&Value>, least_seen: u32) -> Result<Value, Unbound> {
    let mut agreed: Option<Value> = None;
    let mut ties = 0;
    let mut open = false;
    for binding in space.best() {
        if binding.tier() == Tier::Written {
            open = true;
            continue;
        }
        if let Binding::Constant { seen, json, .. } = binding {
            // The schema's own constants were seen in no task.
            let counts = json.is_some() && (*seen == 0 || *seen >= least_seen);
            if !counts {
                open |= space.bindings.contains(&Binding::Written);
                continue;
            }
        }
        match eval(binding, env) {
            Ok(value) => match &agreed {
                None => agreed = Some(value),
                // How it is written is what a notation is about.
                Some(other) if crate::spans::same_value(other, &value) => {
                    if matches!(binding, Binding::Value(Operand::Made { .. })) {
                        agreed = Some(value);
                    }
                }
                Some(_) => return Err(Unbound::Failed("its bindings lead to different values".into())),
            },
            // A table speaks of the words that stand in it alone.
            Err(_) if binding.is_table() => {}
            Err(EvalError::Tie(n)) => ties = ties.max(n),
            Err(why @ (EvalError::NoMatch | EvalError::Missing(_))) => {
                return Err(Unbound::Refuted(why.to_string()));
            }
            Err(why) => return Err(Unbound::Failed(why.to_string())),
        }
    }
    // What was the same in every run so far may be always the same: then no run has told it apart from
    // what a calculation gives.
    let constant = |b: &Binding| match b {
        Binding::Constant { hash, .. } => agreed.as_ref().is_some_and(|v| canonical_hash(v) != *hash),
        _ => false,
    };
    if space.best().next().is_some_and(|b| b.tier() == Tier::Computed) && space.bindings.iter().any(constant)
    {
        return Err(Unbound::Failed("it may be calculated, or always the same".into()));
    }
    match (agreed, given) {
        (Some(value), _) => Ok(value),
        (None, Some(given)) if open => Ok(given.clone()),
        (None, None) if open => Err(Unbound::Open { path: Vec::new() }),
        (None, _) if ties > 0 => Err(Unbound::Failed(format!("{ties} records match"))),
        (None, _) => Err(Unbound::Failed("it looks constant, but too few tasks showed it".into())),
    }
}

/// Gives a value the type that the tool's schema asks for, where that changes nothing of what it
/// says: digits to a number, a number to its digits.
fn coerce(value: Value, schema: Option<&Value>) -> Value {
    let wanted = schema.and_then(|s| s.get("type")).and_then(Value::as_str);
    match (wanted, &value) {
        (Some("integer" | "number"), Value::String(text)) => {
            let said = serde_json::from_str::<serde_json::Number>(text.trim()).ok().map(Value::Number);
            said.or_else(|| figures(text).and_then(number)).unwrap_or(value)
        }
        (Some("boolean"), Value::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" => Value::Bool(true),
            "false" | "no" => Value::Bool(false),
            _ => value,
        },
        (Some("string"), Value::Number(_) | Value::Bool(_)) => text_of(&value).map_or(value, Value::String),
        _ => value,
    }
}
