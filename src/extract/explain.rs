use serde_json::Value;

use super::occurrences::{At, is_collection, places};
use crate::domain::{
    Binding, ListId, Operand, PathStep, Predicate, Shape, SlotId, SlotPart, SlotSpec, Space, canonical_hash,
};
use crate::expr::{Env, Seen, Values, elements, eval, field};
use crate::spans::{same_value, text_of};

/// Most bindings kept for one argument.
pub(super) const MOST_BINDINGS: usize = 64;

/// What may explain a value at a point of a block.
pub(super) struct Scope<'a> {
    /// The block's slots.
    pub(super) slots: &'a [SlotSpec],
    /// Their values in this run.
    pub(super) values: &'a Values,
    /// What the steps so far observed.
    pub(super) seen: &'a [Seen<'a>],
    /// The task's context.
    pub(super) context: &'a Value,
    /// The list element at hand.
    pub(super) unit: Option<(ListId, usize)>,
    /// Records that earlier arguments were taken from: what "the item at hand" can mean.
    pub(super) anchors: &'a [Operand],
}

impl<'a> Scope<'a> {
    /// The environment to evaluate bindings of this scope in.
    pub(super) fn env(&self) -> Env<'a> {
        Env { values: self.values, seen: self.seen, context: self.context, unit: self.unit }
    }

    /// The slots that can be read here, with their values.
    fn readable(&self) -> impl Iterator<Item = (&'a SlotSpec, &'a Value)> {
        let (values, unit) = (self.values, self.unit);
        self.slots.iter().filter_map(move |slot| values.get(slot.id, unit).map(|read| (slot, &read.value)))
    }

    fn observations(&self) -> impl Iterator<Item = (u32, &'a Value)> {
        let unit = self.unit;
        self.seen.iter().enumerate().filter_map(move |(step, seen)| match (seen, unit) {
            (Seen::One(value), _) => Some((step as u32, *value)),
            (Seen::Each(list, each), Some((own, index))) if *list == own => {
                each.get(index).map(|value| (step as u32, *value))
            }
            _ => None,
        })
    }
}

/// All bindings that yield `value` here, simplest first; without any, what is left is a constant
/// not yet believed, or something that the filler writes.
pub(super) fn explain(value: &Value, schema: Option<&Value>, scope: &Scope<'_>) -> Space {
    let mut found: Vec<Binding> = Vec::new();
    for (slot, own) in scope.readable() {
        let parts = parts(slot.shape, own, value).into_iter();
        found.extend(parts.map(|part| Binding::Value(Operand::Slot { slot: slot.id, part })));
    }
    for (step, observation) in scope.observations() {
        for place in places(observation, value) {
            let paths = generalise(observation, &place, scope).into_iter();
            found.extend(paths.map(|path| Binding::Value(Operand::Observed { step, path })));
        }
    }
    for place in places(scope.context, value) {
        let paths = generalise(scope.context, &place, scope).into_iter();
        found.extend(paths.map(|path| Binding::Context { path }));
    }
    // Generated freely, kept only if it really yields the value.
    let env = scope.env();
    found.retain(|binding| eval(binding, env).is_ok_and(|made| same_value(&made, value)));
    // Simplest first within a tier: what is cut off is the most roundabout.
    found.sort_by_cached_key(|binding| {
        (binding.tier(), serde_json::to_string(binding).map_or(0, |s| s.len()))
    });
    dedup(&mut found);
    let overflow = found.len() > MOST_BINDINGS;
    found.truncate(MOST_BINDINGS);
    if found.is_empty() {
        return unexplained(value, schema);
    }
    Space { bindings: found, overflow }
}

fn dedup(bindings: &mut Vec<Binding>) {
    let mut seen = std::collections::HashSet::new();
    bindings.retain(|binding| seen.insert(binding.clone()));
}

/// What may stand for a value that nothing explains: the schema's only or default value; a
/// constant, once enough tasks showed it; free text or a choice, which the filler can make.
fn unexplained(value: &Value, schema: Option<&Value>) -> Space {
    let declared = |key: &str| schema.and_then(|s| s.get(key)).is_some_and(|own| own == value);
    let members = schema.and_then(|s| s.get("enum")).and_then(Value::as_array);
    if declared("const") || declared("default") || members.is_some_and(|m| m.len() == 1 && m[0] == *value) {
        return Space::schema_constant(value);
    }
    let constant = Binding::Constant { hash: canonical_hash(value), json: Some(value.to_string()), seen: 1 };
    let prose = text_of(value).is_some_and(|text| value.is_string() && text.split_whitespace().count() >= 3);
    let mut bindings = vec![constant];
    if members.is_some() || prose {
        bindings.push(Binding::Written);
    }
    Space { bindings, overflow: false }
}

/// The parts of a slot's value that equal the wanted one.
fn parts(shape: Shape, own: &Value, wanted: &Value) -> Vec<SlotPart> {
    let mut out = Vec::new();
    if same_value(own, wanted) {
        out.push(SlotPart::Whole);
        return out;
    }
    if let Value::Object(map) = own {
        let fields = map.iter().filter(|(_, v)| same_value(v, wanted));
        out.extend(fields.map(|(key, _)| SlotPart::Field(key.clone())));
    }
    let (Some(text), Some(wanted)) = (text_of(own), text_of(wanted)) else { return out };
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 1 && matches!(shape, Shape::Name | Shape::Phrase | Shape::Quoted) {
        let same = |word: &str| crate::spans::same_text(word, &wanted);
        for (i, word) in words.iter().enumerate() {
            if same(word) {
                // The middle word of one name is not the middle word of another.
                match i {
                    0 => out.push(SlotPart::Word(0)),
                    i if i + 1 == words.len() => out.push(SlotPart::LastWord),
                    i => out.push(SlotPart::Word(i as u32)),
                }
            }
        }
        if let Some((_, head)) = words.split_last()
            && head.len() > 1
            && same(&head.join(" "))
        {
            out.push(SlotPart::ButLastWord);
        }
    }
    out
}

/// All ways to say which place is meant: array positions and keys of collections become
/// predicates over sibling fields, conjunctions of two, the only element, the least or greatest,
/// and last the position.
fn generalise(root: &Value, place: &[At], scope: &Scope<'_>) -> Vec<Vec<PathStep>> {
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
            At::Key(_) | At::Index(_) => select(value, next, &place[depth + 1..], at, scope),
        };
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
fn select(collection: &Value, chosen: &Value, rest: &[At], at: &At, scope: &Scope<'_>) -> Vec<PathStep> {
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

/// The records that a binding selects on its way, for use as anchors.
pub(super) fn anchor(binding: &Binding) -> Option<Operand> {
    let Binding::Value(Operand::Observed { step, path }) = binding else { return None };
    let record = path.iter().rposition(|p| matches!(p, PathStep::Select(_) | PathStep::Only))?;
    // A record found by one plain value of the text is the one at hand; one found by more is the
    // same record said at length.
    let plain = path.iter().all(|p| match p {
        PathStep::Select(predicates) => {
            predicates.len() == 1 && matches!(predicates[0].equals, Operand::Slot { .. })
        }
        _ => true,
    });
    if !plain {
        return None;
    }
    Some(Operand::Observed { step: *step, path: path[..=record].to_vec() })
}
