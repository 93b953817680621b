//! The data flow of a plan as a drawing: what the text gives, on the left, flows into the steps, and
//! what a step returns into later ones.

mod dot;
mod svg;

use crate::cli::words;
use crate::domain::{
    AnswerPart, Argument, Binding, ListId, Operand, PathStep, ProgramPart, SlotId, SlotPart, Space,
    StepTemplate, Template,
};
pub(super) use dot::dot;
pub(super) use svg::{escaped, svg};

/// A plan as boxes and what flows between them.
pub(super) struct Flow {
    pub(super) title: String,
    /// What the task says.
    pub(super) says: String,
    pub(super) slots: Vec<SlotBox>,
    pub(super) steps: Vec<StepBox>,
    /// What the plan answers, if it does.
    pub(super) answer: Option<StepBox>,
}

/// A value that the text gives.
pub(super) struct SlotBox {
    pub(super) id: SlotId,
    pub(super) name: String,
    pub(super) list: Option<ListId>,
    pub(super) idle: bool,
}

/// A call.
pub(super) struct StepBox {
    pub(super) title: String,
    /// What it is repeated for.
    pub(super) each: Option<String>,
    pub(super) rows: Vec<Row>,
    pub(super) guards: Vec<String>,
}

/// An argument, with where its best reading comes from.
pub(super) struct Row {
    pub(super) name: String,
    /// The value that the drawing does not show as a line: a constant, say.
    pub(super) value: String,
    /// Every reading in words.
    pub(super) words: Vec<String>,
    pub(super) from: Vec<From>,
}

/// A source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct From {
    pub(super) source: Source,
    /// It does not give the value, but chooses among what another source gives.
    pub(super) chooses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Slot(SlotId),
    /// By its number, from 0.
    Step(u32),
}

/// The data flow of a template.
pub(super) fn flow(template: &Template) -> Flow {
    let slot = |slot: &crate::domain::SlotSpec| SlotBox {
        id: slot.id,
        name: words::name(template, slot.id),
        list: slot.list,
        idle: slot.idle,
    };
    let steps = template.steps.iter().enumerate().map(|(n, own)| step(template, n, own));
    Flow {
        title: format!("{} ({})", template.name, template.id),
        says: words::pattern(template),
        slots: template.slots.iter().map(slot).collect(),
        steps: steps.collect(),
        answer: answer(template),
    }
}

fn step(template: &Template, number: usize, step: &StepTemplate) -> StepBox {
    let mut rows = Vec::new();
    for (name, argument) in &step.arguments {
        row(template, name, argument, &mut rows);
    }
    StepBox {
        title: format!("{}. {}", number + 1, step.tool),
        each: step.for_each.map(|list| words::for_each(template, step.together, list)),
        rows,
        guards: words::guards(&step.guards),
    }
}

fn row(template: &Template, name: &str, argument: &Argument, rows: &mut Vec<Row>) {
    match argument {
        Argument::One(space) => rows.push(one(template, name, space)),
        Argument::Each { element, .. } => row(template, &format!("{name}[each]"), element, rows),
        Argument::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| row(template, &format!("{name}[{n}]"), item, rows));
        }
        Argument::Object(members) => {
            members.iter().for_each(|(member, item)| row(template, &format!("{name}.{member}"), item, rows));
        }
        Argument::Program(parts) => {
            for part in parts {
                if let ProgramPart::Value { of, space, .. } = part {
                    rows.push(one(template, &format!("{name}.{of}"), space));
                }
            }
        }
    }
}

fn one(template: &Template, name: &str, space: &Space) -> Row {
    let mut from = Vec::new();
    let best: Vec<&Binding> = space.best().collect();
    let mut value = match best.first() {
        None => "?".to_owned(),
        Some(Binding::Value(operand)) => {
            sources(operand, false, &mut from);
            short(operand)
        }
        Some(Binding::Compute { cel }) => {
            named(cel, &mut from);
            cel.clone()
        }
        Some(Binding::Constant { json: Some(json), .. }) => format!("always {json}"),
        Some(Binding::Constant { json: None, .. }) => "the same in every run".to_owned(),
        Some(Binding::Context { .. }) => "from the context".to_owned(),
        Some(Binding::Written) => "written by the filler".to_owned(),
    };
    if best.len() > 1 {
        value.push_str(&format!(" (+{})", best.len() - 1));
    }
    let words = best.iter().map(|reading| words::binding(template, reading)).collect();
    Row { name: name.to_owned(), value: value.trim().to_owned(), words, from }
}

/// What of a source is taken, where it is not all of it.
fn short(operand: &Operand) -> String {
    match operand {
        Operand::Slot { part: SlotPart::Whole, .. } => String::new(),
        Operand::Slot { part: SlotPart::Field(key), .. } => format!(".{key}"),
        Operand::Slot { .. } => "some words".to_owned(),
        Operand::Merge { base, .. } => format!("{} changed", short(base)),
        Operand::Made { of, .. } => {
            let of = of.iter().map(short).filter(|part| !part.is_empty()).collect::<Vec<_>>();
            format!("{} made anew", of.join(", ")).trim().to_owned()
        }
        Operand::Observed { path, .. } => {
            let part = |step: &PathStep| match step {
                PathStep::Key(key) => format!(".{key}"),
                PathStep::KeyOf => " key".to_owned(),
                PathStep::Only => "[only]".to_owned(),
                PathStep::Position(n) => format!("[{}]", n + 1),
                PathStep::Least(keys) => format!("[least {}]", keys.join(".")),
                PathStep::Greatest(keys) => format!("[greatest {}]", keys.join(".")),
                PathStep::Select(predicates) => {
                    let fields = predicates.iter().map(|p| p.field.join(".")).collect::<Vec<_>>();
                    format!("[by {}]", fields.join(", "))
                }
            };
            path.iter().map(part).collect()
        }
    }
}

fn sources(operand: &Operand, chooses: bool, out: &mut Vec<From>) {
    let mut add = |source| {
        if !out.iter().any(|from| from.source == source) {
            out.push(From { source, chooses });
        }
    };
    match operand {
        Operand::Slot { slot, .. } => add(Source::Slot(*slot)),
        Operand::Observed { step, path } => {
            add(Source::Step(*step));
            for step in path {
                if let PathStep::Select(predicates) = step {
                    predicates.iter().for_each(|p| sources(&p.equals, true, out));
                }
            }
        }
        Operand::Merge { base, changes } => {
            sources(base, chooses, out);
            sources(changes, chooses, out);
        }
        Operand::Made { of, .. } => of.iter().for_each(|operand| sources(operand, chooses, out)),
    }
}

/// The slots and steps that an expression names.
fn named(cel: &str, out: &mut Vec<From>) {
    for word in cel.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let number = |prefix: &str| word.strip_prefix(prefix)?.parse::<u32>().ok();
        let source = number("slot_").map(Source::Slot).or_else(|| number("step_").map(Source::Step));
        if let Some(source) = source.filter(|source| !out.iter().any(|from| from.source == *source)) {
            out.push(From { source, chooses: false });
        }
    }
}

fn answer(template: &Template) -> Option<StepBox> {
    let answer = template.answer.as_ref()?;
    let mut from = Vec::new();
    for part in &answer.parts {
        if let AnswerPart::Value(operand) = part {
            sources(operand, false, &mut from);
        }
    }
    let text = words::answer(template)?;
    let row = Row { name: "text".to_owned(), value: text.clone(), words: vec![text], from };
    Some(StepBox { title: "answers".to_owned(), each: None, rows: vec![row], guards: Vec::new() })
}
