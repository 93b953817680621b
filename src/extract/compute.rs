//! Values that are calculated from others: small calculations over few operands.

use serde_json::Value;

use super::explain::Scope;
use crate::domain::{Binding, DayReading, Operand, PathStep, SlotPart, Transform};
use crate::expr::{apply, numeric};
use crate::spans::{Kind, Lexed, forms, full_day, number, quantity, same_value, text_of};

/// Most operands that are tried with each other.
const MOST_OPERANDS: usize = 16;
/// Most calculations kept for one value.
const MOST_WAYS: usize = 16;
/// Largest factor between two units.
const MOST_FACTOR: f64 = 1e9;
/// How deep single members of an observation are looked for.
const MOST_DEPTH: usize = 3;

/// A value that is known here, with how to name it.
struct Known {
    operand: Operand,
    value: Value,
    /// It stands in the text.
    said: bool,
}

/// The calculations that yield a value. One run shows many that mean nothing; of those the next
/// runs leave few.
pub(super) fn computed(value: &Value, scope: &Scope<'_>) -> Vec<Binding> {
    let known = known(scope);
    let made = |(by, of): (Transform, Vec<&Known>)| {
        let of = of.into_iter().map(|known| known.operand.clone()).collect();
        Binding::Value(Operand::Made { by, of })
    };
    ways(value, &known).into_iter().map(made).collect()
}

/// The calculations over these that yield a value.
fn ways<'k>(value: &Value, known: &'k [Known]) -> Vec<(Transform, Vec<&'k Known>)> {
    let mut ways: Vec<(Transform, Vec<&Known>)> = Vec::new();
    match value {
        // Small numbers are the sum and product of nearly anything.
        Value::Number(n) if n.as_f64().is_some_and(|n| n.abs() > 1.0) => numbers(value, known, &mut ways),
        Value::String(text) => {
            days(text, known, &mut ways);
            joins(text, known, &mut ways);
        }
        _ => {}
    }
    let yields = |(by, of): &(Transform, Vec<&Known>)| {
        let values: Vec<Value> = of.iter().map(|known| known.value.clone()).collect();
        apply(by, &values).is_ok_and(|made| same_value(&made, value))
    };
    ways.retain(yields);
    ways.truncate(MOST_WAYS);
    ways
}

/// Whether a value is calculated from an observation, alone or with numbers and days of the text.
pub(super) fn is_calculated(text: &Lexed, observation: &Value, value: &Value) -> bool {
    let observed = |path: &[PathStep]| Operand::Observed { step: 0, path: path.to_vec() };
    let mut all = Vec::new();
    members(observation, &mut Vec::new(), &mut |path, value| {
        all.push(Known { operand: observed(path), value: value.clone(), said: false });
    });
    let own = all.len();
    for (slot, token) in text.tokens.iter().filter(|token| token.kind == Kind::Number).enumerate() {
        let operand = Operand::Slot { slot: slot as u32, part: SlotPart::Whole };
        all.push(Known { operand, value: token.value.clone(), said: true });
    }
    own > 0 && ways(value, &all).iter().any(|(_, of)| of.iter().any(|known| !known.said))
}

/// The days that a text can be counted from: all values here that are a day.
pub(super) fn counted_days(own: &Operand, value: &Value, scope: &Scope<'_>) -> Vec<Binding> {
    let Value::String(text) = value else { return Vec::new() };
    let all = forms(text);
    if all.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    for from in known(scope).into_iter().filter(|known| known.operand != *own && is_day(&known.value)) {
        for (_, form) in &all {
            for reading in [DayReading::Coming, DayReading::Calendar] {
                let by = Transform::Day { form: (*form).to_owned(), reading };
                let of = vec![own.clone(), from.operand.clone()];
                out.push(Binding::Value(Operand::Made { by, of }));
            }
        }
    }
    out
}

fn is_day(value: &Value) -> bool {
    value.as_str().is_some_and(|text| full_day(text).is_some())
}

fn known(scope: &Scope<'_>) -> Vec<Known> {
    let mut out: Vec<Known> = Vec::new();
    for (slot, value) in scope.readable() {
        let operand = Operand::Slot { slot: slot.id, part: SlotPart::Whole };
        out.push(Known { operand, value: value.clone(), said: true });
    }
    for (step, observation) in scope.observations() {
        let observed = |path: Vec<PathStep>| Operand::Observed { step, path };
        members(observation, &mut Vec::new(), &mut |path, value| {
            out.push(Known { operand: observed(path.to_vec()), value: value.clone(), said: false });
        });
    }
    out
}

/// The members of an object that need no choice: scalars, and collections as a whole.
fn members(value: &Value, path: &mut Vec<PathStep>, visit: &mut dyn FnMut(&[PathStep], &Value)) {
    match value {
        Value::Object(map) if path.len() < MOST_DEPTH => {
            for (key, item) in map {
                path.push(PathStep::Key(key.clone()));
                members(item, path, visit);
                path.pop();
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) => {}
        other => visit(path, other),
    }
}

fn numbers<'k>(wanted: &Value, known: &'k [Known], ways: &mut Vec<(Transform, Vec<&'k Known>)>) {
    let Some(wanted) = wanted.as_f64() else { return };
    let all: Vec<(&Known, f64)> = known
        .iter()
        .filter_map(|own| Some((own, numeric(&own.value).ok()?)))
        .filter(|(_, number)| *number != 0.0)
        .take(MOST_OPERANDS)
        .collect();
    for (own, n) in all.iter().filter(|(own, _)| own.said) {
        ways.extend(scale(wanted, *n, String::new()).map(|by| (by, vec![*own])));
    }
    for own in known.iter().filter(|own| own.said) {
        if let Some((n, unit)) = own.value.as_str().and_then(quantity) {
            ways.extend(scale(wanted, n, unit).map(|by| (by, vec![own])));
        }
    }
    for (i, (a, _)) in all.iter().enumerate() {
        for (b, _) in &all[i + 1..] {
            ways.push((Transform::Sum, vec![a, b]));
            ways.push((Transform::Product, vec![a, b]));
            ways.push((Transform::Difference, vec![a, b]));
            ways.push((Transform::Difference, vec![b, a]));
        }
    }
    for own in known.iter().filter(|own| own.value.is_array()).take(MOST_OPERANDS) {
        ways.push((Transform::Count, vec![own]));
        let first = own.value.get(0).and_then(Value::as_object);
        let fields = first.into_iter().flatten().filter(|(_, item)| item.is_number());
        ways.extend(fields.map(|(key, _)| (Transform::Total(vec![key.clone()]), vec![own])));
    }
    let days: Vec<&Known> = known.iter().filter(|own| is_day(&own.value)).take(MOST_OPERANDS).collect();
    for (a, b) in pairs(&days) {
        ways.push((Transform::DaysBetween, vec![a, b]));
    }
}

fn pairs<'k>(all: &[&'k Known]) -> Vec<(&'k Known, &'k Known)> {
    let others = |i: usize| (0..all.len()).filter(move |j| *j != i);
    (0..all.len()).flat_map(|i| others(i).map(move |j| (i, j))).map(|(i, j)| (all[i], all[j])).collect()
}

/// The whole factor, or divisor, between two numbers.
fn scale(wanted: f64, from: f64, unit: String) -> Option<Transform> {
    let whole = |ratio: f64| {
        let near = (ratio - ratio.round()).abs() < 1e-9 && (2.0..=MOST_FACTOR).contains(&ratio);
        near.then(|| ratio.round() as u64)
    };
    let (times, over) = match (whole(wanted / from), whole(from / wanted)) {
        (Some(times), _) => (times, 1),
        (_, Some(over)) => (1, over),
        _ => return None,
    };
    Some(Transform::Scale { times, over, unit })
}

/// A day so many days after or before another one.
fn days<'k>(wanted: &str, known: &'k [Known], ways: &mut Vec<(Transform, Vec<&'k Known>)>) {
    let all = forms(wanted);
    if all.is_empty() {
        return;
    }
    let counts: Vec<&Known> = known.iter().filter(|own| is_count(&own.value)).take(MOST_OPERANDS).collect();
    for from in known.iter().filter(|own| is_day(&own.value)).take(MOST_OPERANDS) {
        for by in &counts {
            for (_, form) in &all {
                let form = (*form).to_owned();
                ways.push((Transform::Later { form: form.clone() }, vec![from, by]));
                ways.push((Transform::Earlier { form }, vec![from, by]));
            }
        }
    }
}

fn is_count(value: &Value) -> bool {
    numeric(value).is_ok_and(|n| n.fract() == 0.0 && (1.0..1000.0).contains(&n) && number(n).is_some())
}

/// Two or three texts put together, with the same mark between them.
fn joins<'k>(wanted: &str, known: &'k [Known], ways: &mut Vec<(Transform, Vec<&'k Known>)>) {
    const MARKS: [&str; 9] = [" ", ", ", ",", "-", "_", ":", "|", "@", ""];
    let texts: Vec<(&Known, String)> = known
        .iter()
        .filter_map(|own| Some((own, text_of(&own.value)?)))
        .filter(|(_, text)| !text.is_empty() && wanted.contains(text.as_str()) && text != wanted)
        .take(MOST_OPERANDS)
        .collect();
    for (a, head) in &texts {
        let Some(rest) = wanted.strip_prefix(head.as_str()) else { continue };
        for mark in MARKS {
            let Some(rest) = rest.strip_prefix(mark) else { continue };
            for (b, tail) in &texts {
                if rest == tail {
                    ways.push((Transform::Join(mark.to_owned()), vec![a, b]));
                }
                let third = rest.strip_prefix(tail.as_str()).and_then(|rest| rest.strip_prefix(mark));
                for (c, end) in &texts {
                    if third.is_some_and(|third| third == end) {
                        ways.push((Transform::Join(mark.to_owned()), vec![a, b, c]));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{slot, values};
    use super::*;
    use crate::domain::SlotSpec;
    use crate::expr::Seen;
    use serde_json::json;

    fn ways(value: &Value, slots: &[Value], seen: &[Value]) -> Vec<Transform> {
        let specs: Vec<SlotSpec> = (0..slots.len()).map(|id| slot(id as u32, "phrase")).collect();
        let own = values(slots);
        let seen: Vec<Seen<'_>> = seen.iter().map(Seen::One).collect();
        let scope = Scope {
            slots: &specs,
            values: &own,
            seen: &seen,
            context: &Value::Null,
            unit: None,
            anchors: &[],
            derives: true,
        };
        let by = |binding| match binding {
            Binding::Value(Operand::Made { by, .. }) => by,
            other => panic!("{other:?}"),
        };
        computed(value, &scope).into_iter().map(by).collect()
    }

    #[test]
    fn numbers_are_calculated_from_what_is_said_and_observed() {
        let km = Transform::Scale { times: 1000, over: 1, unit: String::new() };
        assert_eq!(ways(&json!(5000), &[json!("5")], &[]), [km]);
        let joined = Transform::Scale { times: 1000, over: 1, unit: "km".into() };
        assert_eq!(ways(&json!(5000), &[json!("5km")], &[]), [joined]);
        let seen = json!({"fee": 30, "boats": [{"crew": 3}, {"crew": 4}]});
        assert_eq!(ways(&json!(42), &[json!("$12")], std::slice::from_ref(&seen)), [Transform::Sum]);
        assert_eq!(ways(&json!(18), &[json!("12")], std::slice::from_ref(&seen)), [Transform::Difference]);
        assert_eq!(
            ways(&json!(7), &[], std::slice::from_ref(&seen)),
            [Transform::Total(vec!["crew".into()])]
        );
        assert_eq!(ways(&json!(2), &[], &[seen]), [Transform::Count]);
        assert!(ways(&json!(1), &[json!("0.5"), json!("2")], &[]).is_empty());
    }

    #[test]
    fn days_are_shifted_and_texts_joined() {
        let form = "%Y-%m-%d".to_owned();
        let slots = [json!("March 1st, 2024"), json!("3")];
        assert_eq!(ways(&json!("2024-03-04"), &slots, &[]), [Transform::Later { form: form.clone() }]);
        assert_eq!(ways(&json!("2024-02-27"), &slots, &[]), [Transform::Earlier { form }]);
        assert_eq!(
            ways(&json!(3), &[json!("2024-03-01"), json!("2024-03-04")], &[]),
            [Transform::DaysBetween]
        );
        let slots = [json!("Gull"), json!("P_4")];
        assert_eq!(ways(&json!("Gull, P_4"), &slots, &[]), [Transform::Join(", ".into())]);
        assert!(ways(&json!("Gull at P_4"), &slots, &[]).is_empty());
    }
}
