//! A template in words that a person can read.

mod made;
mod values;

use crate::domain::{
    AnswerPart, Argument, Binding, ListId, Part, ProgramPart, Shape, SlotId, SlotSpec, Space, StepTemplate,
    Template, Tier,
};
pub(super) use values::{binding, guards};
use values::{operand, when};

/// What the task has to say, with `[slot]` for values and `( .. ) repeated` for lists.
pub(super) fn pattern(template: &Template) -> String {
    parts(template, &template.pattern.parts)
}

/// Parts of a pattern in words.
pub(super) fn parts(template: &Template, parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        let piece = match part {
            Part::Literal(word) if word == "\n" => "\n".to_owned(),
            Part::Literal(word) => word.clone(),
            Part::Slot(id) => {
                let optional = template.slot(*id).is_some_and(|slot| slot.optional);
                format!("[{}]{}", name(template, *id), if optional { "?" } else { "" })
            }
            Part::Words => "(words)".to_owned(),
            Part::List(list) => {
                let by: Vec<String> = list.separators.iter().map(|s| format!("`{}`", s.join(" "))).collect();
                let by = if by.is_empty() {
                    "a list, of which only one element was seen".to_owned()
                } else {
                    format!("a list, divided by {}", by.join(" or "))
                };
                format!("( {} )* {{{by}}}", self::parts(template, &list.unit))
            }
        };
        let glued = matches!(piece.as_str(), "." | "," | ";" | ":" | "!" | "?" | ")" | "\n");
        if !text.is_empty() && !text.ends_with('\n') && !glued {
            text.push(' ');
        }
        text.push_str(&piece);
    }
    text
}

/// A slot's name, numbered where several have the same.
pub(super) fn name(template: &Template, id: SlotId) -> String {
    let Some(slot) = template.slot(id) else { return format!("slot {id}") };
    let same = template.slots.iter().filter(|other| other.name == slot.name);
    match same.clone().count() {
        0 | 1 => slot.name.clone(),
        _ => {
            let at = same.clone().position(|other| other.id == id).unwrap_or(0);
            format!("{} #{}", slot.name, at + 1)
        }
    }
}

/// What a slot holds.
pub(super) fn slot(template: &Template, slot: &SlotSpec) -> String {
    let shape = match slot.shape {
        Shape::Email => "an e-mail address".to_owned(),
        Shape::Identifier => "an identifier".to_owned(),
        Shape::Number => "a number".to_owned(),
        Shape::Quoted => "text in quotation marks".to_owned(),
        Shape::Object if slot.keys.is_empty() => "an object literal".to_owned(),
        Shape::Object => {
            let keys: Vec<String> = slot.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("an object literal with {}", keys.join(" and "))
        }
        Shape::Name => "a name".to_owned(),
        Shape::Day => "a day".to_owned(),
        Shape::Phrase => "any words".to_owned(),
        Shape::Member => {
            format!("one of {}", slot.members.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", "))
        }
    };
    let list = if slot.list.is_some() { ", one for each element of the list" } else { "" };
    let idle = match (slot.idle, &slot.only) {
        (true, Some(_)) => ", read by nothing, but always the same so far",
        (true, None) => ", read by nothing",
        (false, _) => "",
    };
    let optional = if slot.optional { ", which may be left out" } else { "" };
    format!("[{}] {shape}{list}{optional}{idle}", name(template, slot.id))
}

/// The lines of a step; `all` shows every binding, else only those of the best tier, shortened.
pub(super) fn step(template: &Template, number: usize, step: &StepTemplate, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let indent = match step.for_each {
        None => {
            lines.push(format!("{number}. {}", step.tool));
            "   "
        }
        Some(list) => {
            lines.push(format!("{number}. {}", for_each(template, step.together, list)));
            lines.push(format!("      {}", step.tool));
            "         "
        }
    };
    let mut rows = Vec::new();
    for (name, value) in &step.arguments {
        argument(template, name, value, all, &mut rows);
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, readings) in rows {
        let mut readings = readings.into_iter();
        let blank = width - name.chars().count();
        let first = readings.next().unwrap_or_default();
        lines.push(format!("{indent}{name}{} = {first}", " ".repeat(blank)));
        lines.extend(readings.map(|other| format!("{indent}{} or {other}", " ".repeat(width))));
    }
    if !step.when.is_empty() {
        lines.push(format!("   made only if {}", conditions(step)));
    }
    let guards = guards(&step.guards);
    if !guards.is_empty() {
        lines.push(format!("   and goes on only if {}", guards.join(", and ")));
    }
    for state in step.states.iter().filter(|s| s.values.iter().any(|v| v.wrong > 0 && v.right == 0)) {
        lines.push(format!("   but not with a `{}` with which the plan was wrong", state.field));
    }
    for failure in &step.failures {
        let tasks = if failure.seen == 1 { "task" } else { "tasks" };
        lines.push(format!("   or if it fails as in {} {tasks}, in which the run went on", failure.seen));
    }
    lines
}

/// The conditions under which a step is made.
pub(super) fn conditions(step: &StepTemplate) -> String {
    step.when.iter().map(when).collect::<Vec<_>>().join(", and ")
}

/// Over what a step repeats: in one loop with the step before, or in one of its own.
pub(super) fn for_each(template: &Template, together: bool, list: ListId) -> String {
    let over = each(template, list);
    let outer = template.pattern.outer(list).map(|outer| each(template, outer));
    match (together, outer) {
        (false, None) => format!("for each {over}"),
        (false, Some(outer)) => format!("for each {over} of each {outer}"),
        (true, None) => format!("and then, for the same {over}"),
        (true, Some(outer)) => format!("and then, for each {over} of the same {outer}"),
    }
}

/// What a loop goes over: the slots of an element, in the text's order.
pub(super) fn each(template: &Template, list: ListId) -> String {
    let of = template.slots.iter().filter(|slot| slot.list == Some(list));
    let names: Vec<String> = of.map(|slot| format!("[{}]", name(template, slot.id))).collect();
    match names.as_slice() {
        [] => format!("element of list {list}"),
        names => names.join(" "),
    }
}

/// The rows of an argument: its name, and how its value can be had.
fn argument(
    template: &Template,
    name: &str,
    value: &Argument,
    all: bool,
    rows: &mut Vec<(String, Vec<String>)>,
) {
    match value {
        Argument::One(space) => rows.push((name.to_owned(), self::space(template, space, all))),
        Argument::Each { list, element } => {
            let before = rows.len();
            argument(template, name, element, all, rows);
            let each = each(template, *list);
            for (_, readings) in &mut rows[before..] {
                if let Some(first) = readings.first_mut() {
                    *first = format!("a list, for each {each}: {first}");
                }
            }
        }
        Argument::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                argument(template, &format!("{name}[{n}]"), item, all, rows);
            }
        }
        Argument::Object(members) => {
            for (member, item) in members {
                argument(template, &format!("{name}.{member}"), item, all, rows);
            }
        }
        Argument::Program(parts) => {
            rows.push((name.to_owned(), vec![program(parts)]));
            for part in parts {
                if let ProgramPart::Value { of, space, .. } = part {
                    rows.push((format!("  {{{of}}}"), self::space(template, space, all)));
                }
            }
        }
    }
}

/// A program with its values as `{value}`.
fn program(parts: &[ProgramPart]) -> String {
    let piece = |part: &ProgramPart| match part {
        ProgramPart::Text(text) | ProgramPart::Name(text) => text.clone(),
        ProgramPart::Value { of, before, after, .. } => format!("{before}{{{of}}}{after}"),
    };
    parts.iter().map(piece).collect()
}

/// How a value can be had. Shortened: the simplest, and how many others of its tier must agree.
fn space(template: &Template, space: &Space, all: bool) -> Vec<String> {
    if all {
        return space.bindings.iter().map(|b| binding(template, b)).collect();
    }
    let best: Vec<&Binding> = space.best().collect();
    let Some(first) = best.first() else { return vec!["(nothing explains it)".to_owned()] };
    let more = match best.len() - 1 {
        0 => String::new(),
        1 => " (1 other reading must agree)".to_owned(),
        n => format!(" ({n} other readings must agree)"),
    };
    vec![format!("{}{more}", binding(template, first))]
}

/// The final answer in words.
pub(super) fn answer(template: &Template) -> Option<String> {
    let answer = template.answer.as_ref().filter(|answer| !answer.parts.is_empty())?;
    let piece = |part: &AnswerPart| match part {
        AnswerPart::Text(text) => text.clone(),
        AnswerPart::Value(value) => format!("[{}]", operand(template, value).trim_matches(['[', ']'])),
    };
    Some(answer.parts.iter().map(piece).collect())
}

/// How far the weakest argument of a template is anchored in task and observations.
pub(super) fn weakest(template: &Template) -> Option<Tier> {
    let mut weakest = None;
    for (_, argument) in template.steps.iter().flat_map(|step| &step.arguments) {
        argument.spaces(&mut |space| weakest = weakest.max(space.bindings.iter().map(Binding::tier).min()));
    }
    weakest
}
