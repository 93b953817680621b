//! A template as lines that a person can compare.

use plancache::domain::{
    AnswerPart, Argument, Binding, Operand, Part, PathStep, Predicate, ProgramPart, SlotPart, Space, Template,
};

/// The pattern, the slots, and every step with its guards and all bindings of its arguments, those
/// of the best tier marked with a star.
pub(crate) fn readable(template: &Template) -> String {
    let mut out = format!("{}: {}\n", template.name, parts(&template.pattern.parts));
    for slot in &template.slots {
        let list = slot.list.map_or(String::new(), |l| format!(" of list {l}"));
        let members = if slot.members.is_empty() { String::new() } else { format!(" {:?}", slot.members) };
        let idle = if slot.idle { ", idle" } else { "" };
        out += &format!("  slot {} {:?}: {:?}{members}{list}{idle}\n", slot.id, slot.name, slot.shape);
    }
    for (n, step) in template.steps.iter().enumerate() {
        let each = step.for_each.map_or(String::new(), |l| format!(" for each of list {l}"));
        out += &format!("  step {n} {}{each}\n", step.tool);
        for (name, argument) in &step.arguments {
            out += &format!("    {name}:");
            write(argument, 6, &mut out);
        }
        for guard in &step.guards {
            out += &format!("    guard {}\n", guard.cel.as_deref().unwrap_or("(not shown yet)"));
        }
    }
    if let Some(answer) = &template.answer {
        let said = answer.parts.iter().map(|part| match part {
            AnswerPart::Text(words) => words.clone(),
            AnswerPart::Value(value) => format!("<{}>", operand(value)),
        });
        out += &format!("  answer {}\n", said.collect::<String>());
    }
    out
}

fn parts(parts: &[Part]) -> String {
    let one = |part: &Part| match part {
        Part::Literal(word) => word.replace('\n', "\\n"),
        Part::Slot(id) => format!("<{id}>"),
        Part::Words => "<words>".to_owned(),
        Part::List(list) => {
            let between: Vec<String> = list.separators.iter().map(|s| s.join(" ")).collect();
            format!("<list {}: {} | {}>", list.id, self::parts(&list.unit), between.join(" or "))
        }
    };
    parts.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn write(argument: &Argument, indent: usize, out: &mut String) {
    let blank = " ".repeat(indent);
    match argument {
        Argument::One(space) => write_space(space, indent, out),
        Argument::Each { list, element } => {
            *out += &format!(" each of list {list}");
            write(element, indent, out);
        }
        Argument::Array(items) => {
            *out += "\n";
            for item in items {
                *out += &format!("{blank}-");
                write(item, indent + 2, out);
            }
        }
        Argument::Object(members) => {
            *out += "\n";
            for (name, item) in members {
                *out += &format!("{blank}{name}:");
                write(item, indent + 2, out);
            }
        }
        Argument::Program(parts) => {
            *out += "\n";
            for part in parts {
                match part {
                    ProgramPart::Text(text) => *out += &format!("{blank}text {text:?}\n"),
                    ProgramPart::Name(name) => *out += &format!("{blank}name {name:?}\n"),
                    ProgramPart::Value { of, before, after, space, .. } => {
                        *out += &format!("{blank}value {of} {before:?} {after:?}");
                        write_space(space, indent + 2, out);
                    }
                }
            }
        }
    }
}

fn write_space(space: &Space, indent: usize, out: &mut String) {
    *out += if space.overflow { " (more were found)\n" } else { "\n" };
    let best: Vec<&Binding> = space.best().collect();
    for own in &space.bindings {
        let star = if best.contains(&own) { '*' } else { '-' };
        *out += &format!("{}{star} {}\n", " ".repeat(indent), binding(own));
    }
}

fn binding(binding: &Binding) -> String {
    match binding {
        Binding::Value(value) => operand(value),
        Binding::Context { path: steps } => format!("context{}", path(steps)),
        Binding::Constant { json, seen, .. } => {
            format!("constant {} seen in {seen}", json.as_deref().unwrap_or("(not shown yet)"))
        }
        Binding::Compute { cel } => format!("compute {cel}"),
        Binding::Written => "written".to_owned(),
    }
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Slot { slot, part } => match part {
            SlotPart::Whole => format!("slot {slot}"),
            part => format!("slot {slot} {part:?}"),
        },
        Operand::Observed { step, path: steps } => format!("step {step}{}", path(steps)),
        Operand::Merge { base, changes } => {
            format!("({} but for {})", self::operand(base), self::operand(changes))
        }
        Operand::Made { by, of } => {
            format!("{by:?} of {}", of.iter().map(self::operand).collect::<Vec<_>>().join(", "))
        }
    }
}

fn path(steps: &[PathStep]) -> String {
    let all = |predicates: &[Predicate]| {
        let one = |p: &Predicate| format!("{} is {}", p.field.join("."), operand(&p.equals));
        predicates.iter().map(one).collect::<Vec<_>>().join(" and ")
    };
    let one = |step: &PathStep| match step {
        PathStep::Key(key) => format!(".{key}"),
        PathStep::Select(predicates) => format!("[{}]", all(predicates)),
        PathStep::KeyOf => "(its key)".to_owned(),
        PathStep::Only => "[only]".to_owned(),
        PathStep::Least(field) => format!("[least {}]", field.join(".")),
        PathStep::Greatest(field) => format!("[greatest {}]", field.join(".")),
        PathStep::Position(n) => format!("[{n}]"),
    };
    steps.iter().map(one).collect()
}
