use serde_json::{Map, Value};

use super::Program;
use super::transform::apply;
use super::values::{Read, Seen, Values};
use crate::domain::{Binding, ListId, Operand, PathStep, Predicate, SlotPart};
use crate::spans::{same_value, text_of};

/// What bindings are evaluated against.
#[derive(Clone, Copy, Debug)]
pub struct Env<'a> {
    /// The task's values.
    pub values: &'a Values,
    /// What the template's steps observed, by step.
    pub seen: &'a [Seen<'a>],
    /// The task's structured context.
    pub context: &'a Value,
    /// The element at hand, inside a loop.
    pub unit: Option<(ListId, usize)>,
}

/// Why a binding yields no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A slot, an observation or a member is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// No record satisfies the predicates.
    #[error("no record matches")]
    NoMatch,
    /// Several records satisfy them and lead to different values.
    #[error("{0} records match")]
    Tie(usize),
    /// The values do not fit the operation.
    #[error("{0}")]
    Unfit(String),
    /// The binding needs the filler, or more evidence.
    #[error("not a deterministic binding")]
    Open,
}

/// Evaluates a binding.
///
/// # Errors
/// See [`EvalError`]; none of them is exceptional: they are what a decision is made of.
pub fn eval(binding: &Binding, env: Env<'_>) -> Result<Value, EvalError> {
    match binding {
        Binding::Value(operand) => eval_operand(operand, env),
        Binding::Context { path } => walk(env.context, path, env),
        Binding::Constant { json: Some(json), .. } => {
            serde_json::from_str(json).map_err(|e| EvalError::Unfit(format!("constant is not JSON: {e}")))
        }
        Binding::Compute { cel } => compute(cel, env),
        Binding::Constant { json: None, .. } | Binding::Written => Err(EvalError::Open),
    }
}

/// Evaluates an operand.
///
/// # Errors
/// See [`EvalError`].
pub fn eval_operand(operand: &Operand, env: Env<'_>) -> Result<Value, EvalError> {
    match operand {
        Operand::Slot { slot, part } => {
            let read =
                env.values.get(*slot, env.unit).ok_or_else(|| EvalError::Missing(format!("slot {slot}")))?;
            if read.is_absent() {
                return Err(EvalError::Missing(format!("slot {slot}, which may be left out,")));
            }
            take_part(&read.value, part)
        }
        Operand::Observed { step, path } => walk(observation(*step, env)?, path, env),
        Operand::Merge { base, changes } => {
            let base = eval_operand(base, env)?;
            let changes = eval_operand(changes, env)?;
            match (base, changes) {
                (Value::Object(base), Value::Object(changes)) => merge(base, changes),
                _ => Err(EvalError::Unfit("only objects can be merged".into())),
            }
        }
        Operand::Made { by, of } => {
            let of = of.iter().map(|operand| eval_operand(operand, env)).collect::<Result<Vec<_>, _>>()?;
            apply(by, &of)
        }
    }
}

/// A CEL expression over the slots and observations that it names.
fn compute(cel: &str, env: Env<'_>) -> Result<Value, EvalError> {
    let unfit = |e: super::ExprError| EvalError::Unfit(e.to_string());
    let program = Program::compile(cel).map_err(unfit)?;
    let number = |name: &str, prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
    let vars = program.variables().into_iter().map(|name| {
        let value = match (number(&name, "slot_"), number(&name, "step_")) {
            (Some(slot), _) => eval_operand(&Operand::Slot { slot, part: SlotPart::Whole }, env)?,
            (_, Some(step)) => observation(step, env)?.clone(),
            _ => return Err(EvalError::Missing(format!("`{name}`"))),
        };
        Ok((name, value))
    });
    program.value(&vars.collect::<Result<Vec<_>, _>>()?).map_err(unfit)
}

fn observation<'a>(step: u32, env: Env<'a>) -> Result<&'a Value, EvalError> {
    let missing = || EvalError::Missing(format!("observation of step {}", step + 1));
    match env.seen.get(step as usize) {
        Some(Seen::One(value)) => Ok(value),
        Some(Seen::Each(..)) => {
            let seen = &env.seen[step as usize];
            env.unit.and_then(|unit| seen.of(unit, env.values)).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

/// "The same but for": members of `changes` replace those of `base`, which must have them.
fn merge(mut base: Map<String, Value>, changes: Map<String, Value>) -> Result<Value, EvalError> {
    for (key, value) in changes {
        match base.get_mut(&key) {
            Some(old) => *old = value,
            None => return Err(EvalError::Unfit(format!("the object has no member \"{key}\" to change"))),
        }
    }
    Ok(Value::Object(base))
}

/// A part of a slot's value.
fn take_part(value: &Value, part: &SlotPart) -> Result<Value, EvalError> {
    let words = || text_of(value).map(|t| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let found = match part {
        SlotPart::Whole => Some(value.clone()),
        SlotPart::Word(n) => words().and_then(|w| w.get(*n as usize).cloned()).map(Value::String),
        SlotPart::LastWord => words().and_then(|w| w.last().cloned()).map(Value::String),
        SlotPart::ButLastWord => words()
            .filter(|w| w.len() > 1)
            .and_then(|w| w.split_last().map(|(_, head)| Value::String(head.join(" ")))),
        SlotPart::Field(key) => value.get(key).cloned(),
    };
    found.ok_or_else(|| EvalError::Missing(format!("part {part:?} of the value")))
}

/// Follows a path. Where records tie, the path is followed from each; only different results are
/// a tie.
fn walk(root: &Value, path: &[PathStep], env: Env<'_>) -> Result<Value, EvalError> {
    let mut at: Vec<(Option<&str>, &Value)> = vec![(None, root)];
    for step in path {
        let mut next = Vec::new();
        for (key, value) in &at {
            follow(step, *key, value, env, &mut next)?;
        }
        if next.is_empty() {
            return Err(match step {
                PathStep::Key(key) => EvalError::Missing(format!("member \"{key}\"")),
                _ => EvalError::NoMatch,
            });
        }
        at = next;
    }
    let keyed = matches!(path.last(), Some(PathStep::KeyOf));
    let mut found: Vec<Value> = Vec::new();
    for (key, value) in at {
        let value = match (keyed, key) {
            (true, Some(key)) => Value::String(key.to_owned()),
            _ => value.clone(),
        };
        if !found.contains(&value) {
            found.push(value);
        }
    }
    match found.len() {
        1 => found.pop().ok_or(EvalError::NoMatch),
        n => Err(EvalError::Tie(n)),
    }
}

type Element<'a> = (Option<&'a str>, &'a Value);

fn follow<'a>(
    step: &'a PathStep,
    key: Option<&'a str>,
    value: &'a Value,
    env: Env<'_>,
    out: &mut Vec<Element<'a>>,
) -> Result<(), EvalError> {
    match step {
        PathStep::Key(name) => out.extend(value.get(name).map(|v| (None, v))),
        PathStep::KeyOf => out.push((key, value)),
        PathStep::Select(predicates) => {
            let wanted = predicates
                .iter()
                .filter(|p| !is_absent(&p.equals, env))
                .map(|p| Ok((p, eval_operand(&p.equals, env)?)))
                .collect::<Result<Vec<(&Predicate, Value)>, EvalError>>()?;
            out.extend(elements(value).into_iter().filter(|(_, record)| {
                wanted
                    .iter()
                    .all(|(p, want)| field(record, &p.field).is_some_and(|has| same_value(has, want)))
            }));
        }
        PathStep::Only => {
            let all = elements(value);
            match all.len() {
                1 => out.extend(all),
                n => return Err(EvalError::Tie(n)),
            }
        }
        PathStep::Position(n) => out.extend(elements(value).into_iter().nth(*n as usize)),
        PathStep::Least(keys) => out.extend(extremum(value, keys, std::cmp::Ordering::Less)?),
        PathStep::Greatest(keys) => out.extend(extremum(value, keys, std::cmp::Ordering::Greater)?),
    }
    Ok(())
}

/// Whether an operand is, or is made with, a slot that the text leaves out.
fn is_absent(operand: &Operand, env: Env<'_>) -> bool {
    match operand {
        Operand::Slot { slot, .. } => env.values.get(*slot, env.unit).is_some_and(Read::is_absent),
        Operand::Observed { .. } => false,
        Operand::Merge { base, changes } => is_absent(base, env) || is_absent(changes, env),
        Operand::Made { of, .. } => of.iter().any(|operand| is_absent(operand, env)),
    }
}

/// The elements of an array, or of an object used as a keyed collection.
pub fn elements(value: &Value) -> Vec<(Option<&str>, &Value)> {
    match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (Some(key.as_str()), item)).collect(),
        _ => Vec::new(),
    }
}

/// The member of a record at these keys.
pub fn field<'a>(record: &'a Value, keys: &[String]) -> Option<&'a Value> {
    keys.iter().try_fold(record, |value, key| value.get(key))
}

/// The one element whose numeric field is least or greatest.
fn extremum<'a>(
    value: &'a Value,
    keys: &[String],
    side: std::cmp::Ordering,
) -> Result<Option<Element<'a>>, EvalError> {
    let mut best: Option<(f64, Element<'a>)> = None;
    let mut ties = 0;
    for element in elements(value) {
        let Some(number) = field(element.1, keys).and_then(Value::as_f64) else { continue };
        match best.as_ref().map(|(b, _)| number.partial_cmp(b)) {
            None => (best, ties) = (Some((number, element)), 1),
            Some(Some(order)) if order == side => (best, ties) = (Some((number, element)), 1),
            Some(Some(std::cmp::Ordering::Equal)) => ties += 1,
            _ => {}
        }
    }
    if ties > 1 {
        return Err(EvalError::Tie(ties));
    }
    Ok(best.map(|(_, element)| element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn env<'a>(values: &'a Values, seen: &'a [Seen<'a>]) -> Env<'a> {
        Env { values, seen, context: &Value::Null, unit: None }
    }

    fn slot(slot: u32, part: SlotPart) -> Operand {
        Operand::Slot { slot, part }
    }

    fn values(pairs: &[(u32, Value)]) -> Values {
        let slots =
            pairs.iter().map(|(id, v)| (*id, Read { value: v.clone(), span: None, open: false })).collect();
        Values { slots, ..Values::default() }
    }

    #[test]
    fn a_record_is_selected_by_its_sibling_and_a_tie_is_an_error() {
        let obs = json!({"rows": [{"n": "Lamp", "id": 1}, {"n": "Chair", "id": 2}, {"n": "Chair", "id": 3}]});
        let seen = [Seen::One(&obs)];
        let path = vec![
            PathStep::Key("rows".into()),
            PathStep::Select(vec![Predicate { field: vec!["n".into()], equals: slot(0, SlotPart::Whole) }]),
            PathStep::Key("id".into()),
        ];
        let binding = Binding::Value(Operand::Observed { step: 0, path });
        let at = |name: &str| eval(&binding, env(&values(&[(0, json!(name))]), &seen));
        assert_eq!(at("lamp"), Ok(json!(1)));
        assert_eq!(at("Chair"), Err(EvalError::Tie(2)));
        assert_eq!(at("Desk"), Err(EvalError::NoMatch));
    }

    #[test]
    fn a_predicate_on_what_is_left_out_does_not_count() {
        let obs = json!([{"n": "Lamp", "hue": "red", "id": 1}, {"n": "Chair", "hue": "red", "id": 2},
            {"n": "Chair", "hue": "blue", "id": 3}]);
        let seen = [Seen::One(&obs)];
        let is = |field: &str, id| Predicate { field: vec![field.into()], equals: slot(id, SlotPart::Whole) };
        let path = vec![PathStep::Select(vec![is("n", 0), is("hue", 1)]), PathStep::Key("id".into())];
        let binding = Binding::Value(Operand::Observed { step: 0, path });
        let at = |name: &str, hue: Value| eval(&binding, env(&values(&[(0, json!(name)), (1, hue)]), &seen));
        assert_eq!(at("Chair", json!("blue")), Ok(json!(3)));
        assert_eq!(at("Lamp", Value::Null), Ok(json!(1)));
        assert_eq!(at("Chair", Value::Null), Err(EvalError::Tie(2)));
        let whole = Binding::Value(slot(1, SlotPart::Whole));
        assert!(eval(&whole, env(&values(&[(1, Value::Null)]), &[])).is_err());
    }

    #[test]
    fn the_same_but_for_changes_only_what_is_there() {
        let merged = |base: Value, changes: Value| {
            let operand = Operand::Merge {
                base: Box::new(slot(0, SlotPart::Whole)),
                changes: Box::new(slot(1, SlotPart::Whole)),
            };
            eval_operand(&operand, env(&values(&[(0, base), (1, changes)]), &[]))
        };
        assert_eq!(merged(json!({"a": 1, "b": 2}), json!({"b": 3})), Ok(json!({"a": 1, "b": 3})));
        assert!(merged(json!({"a": 1}), json!({"c": 3})).is_err());
    }

    #[test]
    fn parts_of_a_name_are_words() {
        let values = values(&[(0, json!("Ada King Noel"))]);
        let part = |part| eval_operand(&slot(0, part), env(&values, &[]));
        assert_eq!(part(SlotPart::Word(0)), Ok(json!("Ada")));
        assert_eq!(part(SlotPart::LastWord), Ok(json!("Noel")));
        assert_eq!(part(SlotPart::ButLastWord), Ok(json!("Ada King")));
        assert!(part(SlotPart::Word(3)).is_err());
    }
}
