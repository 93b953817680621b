use serde_json::Value;

use super::compute::{computed, counted_days};
use super::notations::notations;
use super::paths::paths;
use crate::domain::{
    Binding, ListId, Operand, Pair, PathStep, Shape, SlotPart, SlotSpec, Space, Tier, Transform,
    canonical_hash,
};
use crate::expr::{Env, Seen, Values, eval};
use crate::spans::{full_day, same_value, text_of};

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
    /// Values are also recognised in other notations, and as calculated.
    pub(super) derives: bool,
}

impl<'a> Scope<'a> {
    /// The environment to evaluate bindings of this scope in.
    pub(super) fn env(&self) -> Env<'a> {
        Env { values: self.values, seen: self.seen, context: self.context, unit: self.unit }
    }

    /// The slots that can be read here, with their values.
    pub(super) fn readable(&self) -> impl Iterator<Item = (&'a SlotSpec, &'a Value)> {
        let (values, unit) = (self.values, self.unit);
        let read = move |slot: &'a SlotSpec| {
            values.get(slot.id, unit).filter(|r| !r.is_absent()).map(|r| (slot, &r.value))
        };
        self.slots.iter().filter_map(read)
    }

    pub(super) fn observations(&self) -> impl Iterator<Item = (u32, &'a Value)> {
        let (values, unit) = (self.values, self.unit);
        self.seen.iter().enumerate().filter_map(move |(step, seen)| match seen {
            Seen::One(value) => Some((step as u32, *value)),
            seen => unit.and_then(|unit| seen.of(unit, values)).map(|value| (step as u32, value)),
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
        if scope.derives {
            found.extend(derived(slot.id, own, value, scope));
        }
    }
    let mut cut = false;
    for (step, observation) in scope.observations() {
        for path in paths(observation, value, scope, &mut cut) {
            found.push(Binding::Value(Operand::Observed { step, path }));
        }
    }
    for path in paths(scope.context, value, scope, &mut cut) {
        found.push(Binding::Context { path });
    }
    // Generated freely, kept only if it really yields the value.
    let env = scope.env();
    found.retain(|binding| eval(binding, env).is_ok_and(|made| same_value(&made, value)));
    // What the text or a record says is not calculated, and what the schema declares not either.
    let said = found.iter().any(|binding| binding.tier() == Tier::Anchored) || declared(value, schema);
    if scope.derives && !said {
        found.extend(computed(value, scope));
    }
    // Simplest first within a tier: what is cut off is the most roundabout.
    found.sort_by_cached_key(|binding| {
        (binding.tier(), serde_json::to_string(binding).map_or(0, |s| s.len()))
    });
    dedup(&mut found);
    let overflow = cut || found.len() > MOST_BINDINGS;
    found.truncate(MOST_BINDINGS);
    if found.iter().all(|binding| binding.tier() >= Tier::Computed) {
        // It may come out by chance: the value may as well be always the same, or a table's.
        let nothing = found.is_empty();
        found.extend(unexplained(value, schema).bindings);
        if scope.derives && !declared(value, schema) {
            found.extend(tables(value, scope));
        }
        if nothing {
            return Space { bindings: found, overflow };
        }
    }
    if declared(value, schema) {
        // What explains it may be a coincidence, which another run will show.
        found.extend(Space::schema_constant(value).bindings);
    }
    Space { bindings: found, overflow }
}

/// What a slot's value is in the wanted one's notation, or counted from another day.
fn derived(slot: u32, own: &Value, wanted: &Value, scope: &Scope<'_>) -> Vec<Binding> {
    let whole = Operand::Slot { slot, part: SlotPart::Whole };
    let made = |by| Binding::Value(Operand::Made { by, of: vec![whole.clone()] });
    let mut out: Vec<Binding> = notations(own, wanted).into_iter().map(made).collect();
    if own.as_str().is_some_and(|text| full_day(text).is_none()) {
        out.extend(counted_days(&whole, wanted, scope));
    }
    out
}

fn dedup(bindings: &mut Vec<Binding>) {
    let mut seen = std::collections::HashSet::new();
    bindings.retain(|binding| seen.insert(binding.clone()));
}

/// Whether a value is one of the schema's own: its constant, its default, a member of its
/// enumeration, true or false.
fn declared(value: &Value, schema: Option<&Value>) -> bool {
    let own = |key: &str| schema.and_then(|s| s.get(key));
    own("const").is_some_and(|v| v == value)
        || own("default").is_some_and(|v| v == value)
        || own("enum").and_then(Value::as_array).is_some_and(|members| members.contains(value))
        || (value.is_boolean() && own("type").is_some_and(|t| t == "boolean"))
}

/// What may stand for a value that nothing explains: one of the schema's own, since the same words
/// ask for it; a constant, once enough tasks showed it; free text or a choice, which the filler can
/// make.
fn unexplained(value: &Value, schema: Option<&Value>) -> Space {
    if declared(value, schema) {
        return Space::schema_constant(value);
    }
    let constant = Binding::Constant { hash: canonical_hash(value), json: Some(value.to_string()), seen: 1 };
    let prose = text_of(value).is_some_and(|text| value.is_string() && text.split_whitespace().count() >= 3);
    let mut bindings = vec![constant];
    if prose {
        bindings.push(Binding::Written);
    }
    Space { bindings, overflow: false }
}

/// The tables of one line in which words of the text stand for a value: of names and phrases, for what
/// may be a code.
fn tables(value: &Value, scope: &Scope<'_>) -> Vec<Binding> {
    let code = value.as_str().is_some_and(|text| text.len() <= 32 && text.split_whitespace().count() <= 3);
    let named = |slot: &SlotSpec| matches!(slot.shape, Shape::Name | Shape::Phrase | Shape::Quoted);
    if !code || scope.unit.is_some() {
        return Vec::new();
    }
    let line = |own: &Value| Pair {
        said: SlotSpec::only_hash(own),
        hash: canonical_hash(value),
        json: Some(value.to_string()),
        seen: 1,
    };
    let all = scope.readable().filter(|(slot, own)| named(slot) && own.is_string());
    all.map(|(slot, own)| {
        let of = vec![Operand::Slot { slot: slot.id, part: SlotPart::Whole }];
        Binding::Value(Operand::Made { by: Transform::Table(vec![line(own)]), of })
    })
    .collect()
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

#[cfg(test)]
mod tests {
    use super::super::examples::{slot, values};
    use super::*;
    use crate::domain::{Predicate, SlotId, Tier};
    use serde_json::json;

    /// Explains a value by slots (shape and value) and by observations.
    fn space(value: &Value, slots: &[(&str, Value)], seen: &[Value]) -> Space {
        let specs: Vec<SlotSpec> =
            slots.iter().enumerate().map(|(id, (shape, _))| slot(id as u32, shape)).collect();
        let own = values(&slots.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>());
        let seen: Vec<Seen<'_>> = seen.iter().map(Seen::One).collect();
        let nothing = Value::Null;
        let scope = Scope {
            slots: &specs,
            values: &own,
            seen: &seen,
            context: &nothing,
            unit: None,
            anchors: &[],
            derives: true,
        };
        explain(value, None, &scope)
    }

    fn whole(slot: SlotId) -> Operand {
        Operand::Slot { slot, part: SlotPart::Whole }
    }

    fn key(name: &str) -> PathStep {
        PathStep::Key(name.into())
    }

    fn is(field: &str, slot: SlotId) -> Predicate {
        Predicate { field: vec![field.into()], equals: whole(slot) }
    }

    fn observed(path: Vec<PathStep>) -> Binding {
        Binding::Value(Operand::Observed { step: 0, path })
    }

    #[test]
    fn a_record_is_selected_by_what_the_task_says_of_it_and_last_by_its_place() {
        let boats = json!({"boats": [
            {"name": "Gull", "pier": 3, "boat": "K_1"},
            {"name": "Tern", "pier": 1, "boat": "K_2"},
            {"name": "Skua", "pier": 2, "boat": "K_3"},
        ]});
        let found = space(&json!("K_2"), &[("name", json!("tern"))], &[boats]);
        let by = |way: PathStep| observed(vec![key("boats"), way, key("boat")]);
        let wanted = [
            by(PathStep::Select(vec![is("name", 0)])),
            by(PathStep::Least(vec!["pier".into()])),
            by(PathStep::Position(1)),
        ];
        assert_eq!(found.bindings, wanted);
        assert_eq!(found.best().count(), 1);
        assert!(!found.overflow);
    }

    #[test]
    fn two_fields_select_together() {
        let boats = json!([
            {"name": "Gull", "mast": "oak", "boat": "K_1"},
            {"name": "Gull", "mast": "ash", "boat": "K_2"},
        ]);
        let slots = [("name", json!("Gull")), ("phrase", json!("ash"))];
        let found = space(&json!("K_2"), &slots, &[boats]);
        let best: Vec<&Binding> = found.best().collect();
        let both = observed(vec![PathStep::Select(vec![is("name", 0), is("mast", 1)]), key("boat")]);
        assert!(best.contains(&&both), "{best:?}");
        // One name for two boats would be a tie: that binding does not yield the value.
        let name = observed(vec![PathStep::Select(vec![is("name", 0)]), key("boat")]);
        assert!(!found.bindings.contains(&name));
    }

    #[test]
    fn parts_of_a_name_and_members_of_an_object() {
        let name = [("name", json!("Ada Mae Byron"))];
        let part = |value: &str| match space(&json!(value), &name, &[]).bindings.as_slice() {
            [Binding::Value(Operand::Slot { part, .. })] => Some(part.clone()),
            _ => None,
        };
        assert_eq!(part("ada"), Some(SlotPart::Word(0)));
        assert_eq!(part("Mae"), Some(SlotPart::Word(1)));
        assert_eq!(part("Byron"), Some(SlotPart::LastWord));
        assert_eq!(part("Ada Mae"), Some(SlotPart::ButLastWord));
        let object = [("object", json!({"mast": "ash", "keel": "oak"}))];
        let found = space(&json!("oak"), &object, &[]);
        assert_eq!(
            found.bindings,
            [Binding::Value(Operand::Slot { slot: 0, part: SlotPart::Field("keel".into()) })]
        );
    }

    /// The boat rigged as this one but for its mast.
    #[test]
    fn the_same_but_for_what_the_task_changes() {
        let rigs = json!({"rigs": [
            {"rig": "R_1", "has": {"mast": "oak", "keel": "elm"}},
            {"rig": "R_2", "has": {"mast": "ash", "keel": "elm"}},
            {"rig": "R_3", "has": {"mast": "ash", "keel": "lead"}},
        ]});
        let rig = |base: Value, changes: Value| {
            let found =
                space(&json!("R_2"), &[("object", base), ("object", changes)], std::slice::from_ref(&rigs));
            let merge = |base, changes| Operand::Merge {
                base: Box::new(whole(base)),
                changes: Box::new(whole(changes)),
            };
            let by = |base, changes| {
                let field = vec!["has".to_owned()];
                let predicate = Predicate { field, equals: merge(base, changes) };
                observed(vec![key("rigs"), PathStep::Select(vec![predicate]), key("rig")])
            };
            found.bindings.contains(&by(0, 1))
        };
        assert!(rig(json!({"mast": "oak", "keel": "elm"}), json!({"mast": "ash"})));
        // It is that rig already, so the change explains nothing.
        assert!(!rig(json!({"mast": "ash", "keel": "elm"}), json!({"mast": "ash"})));
        // A change of what the object does not have is none.
        assert!(!rig(json!({"mast": "oak", "keel": "elm"}), json!({"sail": "ash"})));
    }

    #[test]
    fn a_collection_by_key_gives_the_key_and_the_only_element() {
        let found = space(&json!("K_7"), &[], &[json!({"boats": {"K_7": {"pier": 4}}})]);
        // An object with one record in it may be a collection itself, or a member meant by its name.
        let only = observed(vec![PathStep::Only, PathStep::Only, PathStep::KeyOf]);
        let named = observed(vec![key("boats"), PathStep::Only, PathStep::KeyOf]);
        assert_eq!(found.best().collect::<Vec<_>>(), [&only, &named]);
        assert_eq!(only.tier(), Tier::Path);
    }

    #[test]
    fn what_nothing_explains_is_a_constant_that_one_task_showed() {
        let nothing = Value::Null;
        let own = values(&[]);
        let scope = Scope {
            slots: &[],
            values: &own,
            seen: &[],
            context: &nothing,
            unit: None,
            anchors: &[],
            derives: true,
        };
        let explained = |value: Value, schema: Value| explain(&value, Some(&schema), &scope).bindings;
        let seen = |bindings: &[Binding]| match &bindings[0] {
            Binding::Constant { seen, json, .. } => (*seen, json.clone().unwrap(), bindings.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(seen(&explained(json!(4), json!({"type": "integer"}))), (1, "4".into(), 1));
        // The schema's own: a member, a constant, a default, true or false.
        assert_eq!(seen(&explained(json!("a"), json!({"enum": ["a"]}))), (0, "\"a\"".into(), 1));
        assert_eq!(seen(&explained(json!(2), json!({"default": 2}))), (0, "2".into(), 1));
        assert_eq!(seen(&explained(json!(3), json!({"enum": [2, 3]}))), (0, "3".into(), 1));
        assert_eq!(seen(&explained(json!(true), json!({"type": "boolean"}))), (0, "true".into(), 1));
        assert_eq!(seen(&explained(json!("c"), json!({"enum": ["a", "b"]}))), (1, "\"c\"".into(), 1));
        // Prose may also be the filler's.
        assert_eq!(seen(&explained(json!("all is well"), json!({}))).2, 2);
        assert_eq!(seen(&explained(json!("well"), json!({}))).2, 1);
    }

    #[test]
    fn more_bindings_than_are_kept_are_marked() {
        let record: serde_json::Map<String, Value> = (0..20)
            .map(|n| (format!("f{n}"), json!("Gull")))
            .chain([("boat".into(), json!("K_1"))])
            .collect();
        let boats = json!([record, {"boat": "K_2"}]);
        let found = space(&json!("K_1"), &[("name", json!("Gull"))], &[boats]);
        assert_eq!((found.bindings.len(), found.overflow), (MOST_BINDINGS, true));
        assert!(found.bindings.iter().all(|b| b.tier() == Tier::Anchored));
    }

    #[test]
    fn records_at_hand_are_those_that_one_plain_value_selects() {
        let select = |predicates| vec![key("boats"), PathStep::Select(predicates), key("boat")];
        let plain = observed(select(vec![is("name", 0)]));
        let record = vec![key("boats"), PathStep::Select(vec![is("name", 0)])];
        assert_eq!(anchor(&plain), Some(Operand::Observed { step: 0, path: record }));
        assert_eq!(anchor(&observed(select(vec![is("name", 0), is("mast", 1)]))), None);
        assert_eq!(anchor(&observed(vec![key("boat")])), None);
        assert_eq!(anchor(&Binding::Value(whole(0))), None);
    }
}
