//! A template in words that a person can read.

use crate::domain::{
    AnswerPart, Argument, Binding, Guard, ListId, Operand, Part, PathStep, Shape, SlotId, SlotPart, SlotSpec,
    Space, StepTemplate, Template, Tier,
};

/// What the task has to say, with `[slot]` for values and `( .. ) repeated` for lists.
pub(super) fn pattern(template: &Template) -> String {
    parts(template, &template.pattern.parts)
}

fn parts(template: &Template, parts: &[Part]) -> String {
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
                let by =
                    if by.is_empty() { "seen once".to_owned() } else { format!("by {}", by.join(" or ")) };
                format!("( {} )* {by}", self::parts(template, &list.unit))
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
        Shape::Phrase => "any words".to_owned(),
        Shape::Member => {
            format!("one of {}", slot.members.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", "))
        }
    };
    let list = slot.list.map(|list| format!(", one for each element of list {list}")).unwrap_or_default();
    let idle = if slot.idle { ", read by nothing" } else { "" };
    let optional = if slot.optional { ", which may be left out" } else { "" };
    format!("[{}] {shape}{list}{optional}{idle}", name(template, slot.id))
}

/// The lines of a step; `all` shows every binding, else only those of the best tier, shortened.
pub(super) fn step(template: &Template, number: usize, step: &StepTemplate, all: bool) -> Vec<String> {
    let each = step.for_each.map(|list| format!(", for each element of list {list}")).unwrap_or_default();
    let mut lines = vec![format!("{number}. {}{each}", step.tool)];
    for (name, value) in &step.arguments {
        argument(template, name, value, all, 1, &mut lines);
    }
    for guard in &step.guards {
        lines.push(format!("   then only if {}", self::guard(guard)));
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

fn argument(
    template: &Template,
    name: &str,
    value: &Argument,
    all: bool,
    depth: usize,
    lines: &mut Vec<String>,
) {
    let indent = "   ".repeat(depth);
    match value {
        Argument::One(space) => {
            let mut words = self::space(template, space, all).into_iter();
            lines.push(format!("{indent}{name} = {}", words.next().unwrap_or_default()));
            lines.extend(words.map(|other| format!("{indent}   or {other}")));
        }
        Argument::Each { list, element } => {
            argument(
                template,
                &format!("{name}, for each element of list {list},"),
                element,
                all,
                depth,
                lines,
            );
        }
        Argument::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                argument(template, &format!("{name}[{n}]"), item, all, depth, lines);
            }
        }
        Argument::Object(members) => {
            for (member, item) in members {
                argument(template, &format!("{name}.{member}"), item, all, depth, lines);
            }
        }
    }
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

/// A binding in words.
pub(super) fn binding(template: &Template, binding: &Binding) -> String {
    match binding {
        Binding::Value(value) => operand(template, value),
        Binding::Context { path } => self::path(template, "the task's context".to_owned(), path),
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

fn operand(template: &Template, operand: &Operand) -> String {
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
        Operand::Observed { step, path } => {
            self::path(template, format!("what step {} returned", step + 1), path)
        }
        Operand::Merge { base, changes } => {
            format!("{}, but for {}", self::operand(template, base), self::operand(template, changes))
        }
    }
}

fn path(template: &Template, from: String, path: &[PathStep]) -> String {
    path.iter().fold(from, |at, step| match step {
        PathStep::Key(key) => format!("`{key}` of {at}"),
        PathStep::KeyOf => format!("the key of {at}"),
        PathStep::Only => format!("the only entry of {at}"),
        PathStep::Position(n) => format!("the {} entry of {at}", ordinal(*n)),
        PathStep::Least(keys) => format!("the entry with the least `{}` of {at}", keys.join(".")),
        PathStep::Greatest(keys) => format!("the entry with the greatest `{}` of {at}", keys.join(".")),
        PathStep::Select(predicates) => {
            let all: Vec<String> = predicates
                .iter()
                .map(|p| {
                    let field =
                        if p.field.is_empty() { "it".to_owned() } else { format!("`{}`", p.field.join(".")) };
                    format!("{field} is {}", operand(template, &p.equals))
                })
                .collect();
            format!("the entry (where {}) of {at}", all.join(" and "))
        }
    })
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

fn guard(guard: &Guard) -> String {
    match &guard.cel {
        Some(cel) => cel.clone(),
        None => format!(
            "`{}` is as it was in the run learnt from (one task showed it, not kept)",
            guard.field.join(".")
        ),
    }
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

/// The lists of a template's pattern, each with the slots that its elements hold.
pub(super) fn lists(template: &Template) -> Vec<(ListId, Vec<String>)> {
    let list = |part: &Part| if let Part::List(list) = part { Some(list.id) } else { None };
    let slots = |id: ListId| {
        let of = template.slots.iter().filter(|slot| slot.list == Some(id));
        of.map(|slot| name(template, slot.id)).collect()
    };
    template.pattern.parts.iter().filter_map(list).map(|id| (id, slots(id))).collect()
}

/// How far the weakest argument of a template is anchored in task and observations.
pub(super) fn weakest(template: &Template) -> Option<Tier> {
    let mut weakest = None;
    for (_, argument) in template.steps.iter().flat_map(|step| &step.arguments) {
        argument.spaces(&mut |space| weakest = weakest.max(space.bindings.iter().map(Binding::tier).min()));
    }
    weakest
}
