//! Where values come from, and what must hold, in words.

use crate::domain::{Binding, Guard, Operand, PathStep, Predicate, SlotPart, StateValue, Template};

use super::{made, name};

/// A binding in words.
pub(in crate::cli) fn binding(template: &Template, binding: &Binding) -> String {
    match binding {
        Binding::Value(value) => operand(template, value),
        Binding::Context { path } => self::path(template, Source::Context, path),
        Binding::Constant { json: Some(json), seen: 0, .. } => format!("always {json}, as the tool declares"),
        Binding::Constant { json: Some(json), seen, .. } => format!("always {json} (in {seen} tasks)"),
        Binding::Constant { json: None, seen, .. } => {
            format!(
                "a value that was the same in {seen} {}, too few to show it",
                if *seen == 1 { "task" } else { "tasks" }
            )
        }
        Binding::Compute { cel } => format!("computed: {cel}"),
        Binding::Written => "written by the filler".to_owned(),
    }
}

pub(in crate::cli) fn operand(template: &Template, operand: &Operand) -> String {
    match operand {
        Operand::Slot { slot, part } => {
            let slot = format!("[{}]", name(template, *slot));
            match part {
                SlotPart::Whole => slot,
                SlotPart::Word(n) => format!("the {} word of {slot}", ordinal(*n)),
                SlotPart::LastWord => format!("the last word of {slot}"),
                SlotPart::ButLastWord => format!("all but the last word of {slot}"),
                SlotPart::Field(key) => format!("`{key}` of {slot}"),
            }
        }
        Operand::Observed { step, path } => self::path(template, Source::Step(step + 1), path),
        Operand::Merge { base, changes } => {
            format!("{}, but with {}", self::operand(template, base), self::operand(template, changes))
        }
        Operand::Made { by, of } => {
            let of: Vec<String> = of.iter().map(|own| self::operand(template, own)).collect();
            made::made(by, &of)
        }
    }
}

/// What a path begins at.
#[derive(Clone, Copy)]
enum Source {
    Context,
    Step(u32),
}

/// A place in an observation: "`id` of the one of step 1's `items` whose `name` is [name]".
fn path(template: &Template, from: Source, path: &[PathStep]) -> String {
    let keys =
        path.iter().map_while(|step| if let PathStep::Key(key) = step { Some(key.as_str()) } else { None });
    let keys: Vec<&str> = keys.collect();
    let start = match (from, keys.as_slice()) {
        (Source::Step(n), []) => format!("what step {n} returned"),
        (Source::Step(n), keys) => format!("step {n}'s `{}`", keys.join(".")),
        (Source::Context, []) => "the task's context".to_owned(),
        (Source::Context, keys) => format!("`{}` of the task's context", keys.join(".")),
    };
    path[keys.len()..].iter().fold(start, |at, step| match step {
        PathStep::Key(key) => format!("`{key}` of {at}"),
        PathStep::KeyOf => format!("the key of {at}"),
        PathStep::Only => format!("the only one of {at}"),
        PathStep::Position(n) => format!("the {} of {at}", ordinal(*n)),
        PathStep::Least(keys) => format!("the one with the least `{}` of {at}", keys.join(".")),
        PathStep::Greatest(keys) => format!("the one with the greatest `{}` of {at}", keys.join(".")),
        PathStep::Select(predicates) => format!("the one of {at} {}", selected(template, predicates)),
    })
}

fn selected(template: &Template, predicates: &[Predicate]) -> String {
    let one = |p: &Predicate| {
        let equals = operand(template, &p.equals);
        match p.field.as_slice() {
            [] => format!("that is {equals}"),
            field => format!("whose `{}` is {equals}", field.join(".")),
        }
    };
    predicates.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn ordinal(n: u32) -> String {
    let n = n.saturating_add(1);
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// What must hold of a step's observation, each condition once.
pub(in crate::cli) fn guards(guards: &[Guard]) -> Vec<String> {
    let mut present: Vec<String> = Vec::new();
    let mut rest: Vec<String> = Vec::new();
    for guard in guards {
        let Some(cel) = &guard.cel else {
            rest.push(format!(
                "`{}` is as it was in the run learnt from (one task showed it, not kept)",
                guard.field.join(".")
            ));
            continue;
        };
        let conditions: Vec<Option<Condition<'_>>> = cel.split(" && ").map(condition).collect();
        match conditions.into_iter().collect::<Option<Vec<_>>>() {
            None => rest.push(cel.clone()),
            Some(all) => {
                let compared: Vec<&str> = all
                    .iter()
                    .filter_map(|c| if let Condition::Is(key, _) = c { Some(*key) } else { None })
                    .collect();
                for condition in &all {
                    match condition {
                        Condition::Is(key, value) => rest.push(format!("its `{key}` is {value}")),
                        Condition::Has(key) if compared.contains(key) => {}
                        Condition::Has(key) => present.push(format!("`{key}`")),
                    }
                }
            }
        }
    }
    if !present.is_empty() {
        rest.insert(0, format!("it returned {}", present.join(" and ")));
    }
    rest
}

/// When a step is made, in words.
pub(super) fn when(when: &crate::domain::Condition) -> String {
    let shown = |values: &[StateValue]| {
        let known: Vec<&str> = values.iter().filter_map(|value| value.json.as_deref()).collect();
        let more = values.len() - known.len();
        match (known.as_slice(), more) {
            ([], _) => "as it was in runs that did so".to_owned(),
            (known, 0) => known.join(" or "),
            (known, more) => format!("{} or {more} more", known.join(" or ")),
        }
    };
    let (made, left_out) = (shown(&when.made), shown(&when.left_out));
    format!("step {}'s `{}` is {made} (left out if it is {left_out})", when.step + 1, when.field)
}

/// A condition in one of the two forms that learning writes.
enum Condition<'c> {
    Has(&'c str),
    Is(&'c str, &'c str),
}

fn condition(cel: &str) -> Option<Condition<'_>> {
    let plain = |text: &str| !text.contains(['"', '\\']);
    if let Some(key) = cel.strip_prefix('"').and_then(|rest| rest.strip_suffix("\" in obs")) {
        return plain(key).then_some(Condition::Has(key));
    }
    let (key, value) = cel.strip_prefix("obs[\"")?.split_once("\"] == ")?;
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    (plain(key) && plain(inner)).then_some(Condition::Is(key, value))
}
