//! All ways to say which place of an observation is meant.

use serde_json::Value;

use super::explain::{MOST_BINDINGS, Scope};
use super::notations::notations;
use super::occurrences::{At, MOST_PLACES, is_collection, is_named, places};
use crate::domain::{Operand, PathStep, Predicate, SlotId, SlotPart};
use crate::expr::{elements, field};
use crate::spans::same_value;

/// The paths to every place of a value. `cut` is set where not all are looked for.
pub(super) fn paths(root: &Value, value: &Value, scope: &Scope<'_>, cut: &mut bool) -> Vec<Vec<PathStep>> {
    let places = places(root, value);
    *cut |= places.len() >= MOST_PLACES;
    places.iter().flat_map(|place| generalise(root, place, scope, cut)).collect()
}

/// All ways to say which place is meant: array positions and keys of collections become
/// predicates over sibling fields, conjunctions of two, the only element, the least or greatest,
/// and last the position.
fn generalise(root: &Value, place: &[At], scope: &Scope<'_>, cut: &mut bool) -> Vec<Vec<PathStep>> {
    let mut paths: Vec<Vec<PathStep>> = vec![Vec::new()];
    let mut value = root;
    for (depth, at) in place.iter().enumerate() {
        let next = match at {
            At::Key(key) => value.get(key),
            At::Index(i) => value.get(i),
            At::KeyOf => Some(value),
        };
        let Some(next) = next else { return Vec::new() };
        let ways: Vec<PathStep> = match at {
            At::KeyOf => vec![PathStep::KeyOf],
            At::Key(key) if !is_collection(value) => vec![PathStep::Key(key.clone())],
            At::Key(_) | At::Index(_) => {
                let mut ways = select(value, next, &place[depth + 1..], at, scope, cut);
                if let (At::Key(key), true) = (at, is_named(value)) {
                    ways.insert(0, PathStep::Key(key.clone()));
                }
                ways
            }
        };
        *cut |= paths.len() * ways.len() > MOST_BINDINGS;
        paths = paths
            .into_iter()
            .flat_map(|path| {
                ways.iter().map(move |way| {
                    let mut path = path.clone();
                    path.push(way.clone());
                    path
                })
            })
            .take(MOST_BINDINGS)
            .collect();
        value = next;
    }
    paths
}

/// How to select one element of a collection.
fn select(
    collection: &Value,
    chosen: &Value,
    rest: &[At],
    at: &At,
    scope: &Scope<'_>,
    cut: &mut bool,
) -> Vec<PathStep> {
    let own: Vec<String> = rest
        .iter()
        .map_while(|at| match at {
            At::Key(key) => Some(key.clone()),
            _ => None,
        })
        .collect();
    let all = elements(collection);
    let single = predicates(chosen, &own, scope);
    let mut ways: Vec<PathStep> = single.iter().map(|p| PathStep::Select(vec![p.clone()])).collect();
    for (i, a) in single.iter().enumerate() {
        for b in &single[i + 1..] {
            if a.field != b.field {
                ways.push(PathStep::Select(vec![a.clone(), b.clone()]));
            }
        }
    }
    *cut |= ways.len() > MOST_BINDINGS;
    ways.truncate(MOST_BINDINGS);
    if all.len() == 1 {
        ways.push(PathStep::Only);
    }
    if let Value::Object(record) = chosen {
        let numeric = record.iter().filter(|(key, v)| v.is_number() && own.first() != Some(*key));
        for (key, number) in numeric {
            let others = all.iter().filter_map(|(_, e)| e.get(key)?.as_f64());
            let number = number.as_f64().unwrap_or_default();
            let (mut least, mut greatest) = (true, all.len() > 1);
            least &= all.len() > 1;
            for other in others {
                least &= number <= other;
                greatest &= number >= other;
            }
            if least {
                ways.push(PathStep::Least(vec![key.clone()]));
            }
            if greatest {
                ways.push(PathStep::Greatest(vec![key.clone()]));
            }
        }
    }
    let position = match at {
        At::Index(i) => Some(*i),
        At::Key(key) => all.iter().position(|(k, _)| *k == Some(key.as_str())),
        At::KeyOf => None,
    };
    ways.extend(position.map(|i| PathStep::Position(i as u32)));
    ways
}

/// Predicates that hold for a record by what the task or an earlier observation says. The field
/// that is asked for (`own`) does not select itself.
fn predicates(record: &Value, own: &[String], scope: &Scope<'_>) -> Vec<Predicate> {
    let mut out: Vec<Predicate> = Vec::new();
    for keys in fields(record) {
        // What explains a whole object says more than what explains a member of it.
        let told = keys.len() > 1 && out.iter().any(|p| p.field == keys[..1]);
        if keys.as_slice() == own || told {
            continue;
        }
        let Some(value) = field(record, &keys) else { continue };
        for equals in operands(value, &keys, scope) {
            out.push(Predicate { field: keys.clone(), equals });
        }
    }
    out
}

/// The fields of a record: its members, and the scalar members of its objects.
fn fields(record: &Value) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let Value::Object(map) = record else {
        return vec![Vec::new()];
    };
    for (key, value) in map {
        out.push(vec![key.clone()]);
        if let Value::Object(inner) = value {
            let scalars = inner.iter().filter(|(_, v)| v.is_string() || v.is_number());
            out.extend(scalars.map(|(name, _)| vec![key.clone(), name.clone()]));
        }
    }
    out
}

/// What in scope equals a record's field: slots and their parts, and for objects *the same but
/// for*: an object at hand with the members that the task changes.
fn operands(value: &Value, keys: &[String], scope: &Scope<'_>) -> Vec<Operand> {
    let whole = |slot: SlotId| Operand::Slot { slot, part: SlotPart::Whole };
    let mut out = Vec::new();
    if value.is_boolean() || value.is_null() {
        return out;
    }
    for (slot, own) in scope.readable() {
        if same_value(own, value) {
            out.push(whole(slot.id));
        } else if keys.len() == 2
            && let Some(part) = own.as_object().and_then(|o| o.get(&keys[1]))
            && same_value(part, value)
        {
            out.push(Operand::Slot { slot: slot.id, part: SlotPart::Field(keys[1].clone()) });
        } else if scope.derives {
            let made = |by| Operand::Made { by, of: vec![whole(slot.id)] };
            out.extend(notations(own, value).into_iter().map(made));
        }
    }
    if !value.is_object() || keys.len() != 1 {
        return out;
    }
    let objects: Vec<SlotId> =
        scope.readable().filter(|(_, v)| v.is_object()).map(|(slot, _)| slot.id).collect();
    let mut bases: Vec<Operand> = objects.iter().map(|id| whole(*id)).collect();
    bases.extend(scope.anchors.iter().map(|anchor| match anchor {
        Operand::Observed { step, path } => {
            let mut path = path.clone();
            path.push(PathStep::Key(keys[0].clone()));
            Operand::Observed { step: *step, path }
        }
        other => other.clone(),
    }));
    let env = scope.env();
    for base in bases {
        for changes in objects.iter().map(|id| whole(*id)).filter(|changes| *changes != base) {
            let before = crate::expr::eval_operand(&base, env);
            let named = crate::expr::eval_operand(&changes, env);
            // A change that names members and changes none of them explains nothing.
            let idle = before.is_ok_and(|b| same_value(&b, value))
                && named.is_ok_and(|c| c.as_object().is_some_and(|c| !c.is_empty()));
            let operand = Operand::Merge { base: Box::new(base.clone()), changes: Box::new(changes) };
            if !idle && crate::expr::eval_operand(&operand, env).is_ok_and(|made| same_value(&made, value)) {
                out.push(operand);
            }
        }
    }
    out
}
