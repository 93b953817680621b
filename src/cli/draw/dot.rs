use std::fmt::Write;

use super::{Flow, Source, StepBox};

/// The data flow in Graphviz's language: `dot -Tsvg`.
pub(in crate::cli) fn dot(flow: &Flow) -> String {
    let mut out =
        String::from("digraph plan {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n");
    let _ = writeln!(out, "  label={};\n  labelloc=t;", quoted(&format!("{}\n{}", flow.title, flow.says)));
    for slot in &flow.slots {
        let style = if slot.idle { "rounded,dashed" } else { "rounded" };
        let list = if slot.list.is_some() { ", peripheries=2" } else { "" };
        let label = quoted(&format!("[{}]", slot.name));
        let _ = writeln!(out, "  slot_{} [shape=box, style=\"{style}\"{list}, label={label}];", slot.id);
    }
    for (n, step) in flow.steps.iter().enumerate() {
        node(&format!("step_{n}"), step, &mut out);
    }
    if let Some(answer) = &flow.answer {
        node("answer", answer, &mut out);
    }
    out.push_str("}\n");
    out
}

fn node(name: &str, step: &StepBox, out: &mut String) {
    let mut label = format!("<out> {}", field(&step.title));
    if let Some(each) = &step.each {
        label.push_str(&format!("\\n{}", field(each)));
    }
    for (n, row) in step.rows.iter().enumerate() {
        label.push_str(&format!("|<a{n}> {}", field(format!("{}  {}", row.name, row.value).trim())));
    }
    if !step.guards.is_empty() {
        label.push_str(&format!("|only if {}", field(&step.guards.join(" and "))));
    }
    let _ = writeln!(out, "  {name} [shape=record, label=\"{label}\"];");
    for (n, row) in step.rows.iter().enumerate() {
        for from in &row.from {
            let source = match from.source {
                Source::Slot(slot) => format!("slot_{slot}"),
                Source::Step(step) => format!("step_{step}:out"),
            };
            let style = if from.chooses { " [style=dashed]" } else { "" };
            let _ = writeln!(out, "  {source} -> {name}:a{n}{style};");
        }
    }
}

/// A string of Graphviz's language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A field of a record: what divides fields is escaped.
fn field(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '{' | '}' | '|' | '<' | '>' | '"' | '\\') {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}
