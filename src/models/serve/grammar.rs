//! What an answer may be: text, JSON, or calls of tools in the form
//! `<tool_call>\n{"name": .., "arguments": ..}\n</tool_call>`.

use serde_json::Value;

use super::reading::Calls;
use super::request::{ToolChoice, ToolEntry};
use crate::models::local::Constraint;

/// What stands before and after a call.
pub(super) type Marks = (&'static str, &'static str);

/// The marks that chat templates show.
pub(super) const MARKS: Marks = ("<tool_call>", "</tool_call>");
/// Those that small models put in their place.
pub(super) const FENCE: Marks = ("```json", "```");

/// How a text begins where tools are offered: with a letter or a digit. Small models forget a call's
/// marks and begin with JSON, code or other marks; that is a call or is nothing.
const FIRST: &str = r"[\p{L}\p{N}]";

/// What a text is: a text that holds a call would be read as one.
fn text(calls: Calls) -> String {
    let marks = match calls {
        Calls::Bare => format!("({}|{})", MARKS.0, FENCE.0),
        Calls::Nowhere | Calls::Marked => MARKS.0.to_owned(),
    };
    format!("TEXT: /{FIRST}(?s:.*)/ & ~/(?s:.*){marks}(?s:.*)/\n")
}

/// The marks that calls may have.
pub(super) fn marks(calls: Calls) -> &'static [Marks] {
    match calls {
        Calls::Nowhere => &[],
        Calls::Marked => &[MARKS],
        Calls::Bare => &[MARKS, FENCE],
    }
}

/// Where calls may stand. Without their marks, or in a fence, only until the conversation shows how they
/// are marked.
pub(super) fn calls(choice: &ToolChoice, shown: bool, answer: Option<&Value>) -> Calls {
    match choice {
        ToolChoice::None => Calls::Nowhere,
        ToolChoice::Auto if !shown && answer.is_none() => Calls::Bare,
        ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named(_) => Calls::Marked,
    }
}

/// What may be answered; `None` is any text. The arguments of a call follow the tool's schema, and
/// text is text until a call begins.
pub(super) fn constraint(
    tools: &[ToolEntry],
    choice: &ToolChoice,
    calls: Calls,
    several: bool,
    answer: Option<Value>,
) -> Option<Constraint> {
    if tools.is_empty() || (*choice == ToolChoice::None && answer.is_some()) {
        return answer.map(Constraint::Schema);
    }
    let named = |tool: &&ToolEntry| !matches!(choice, ToolChoice::Named(name) if *name != tool.function.name);
    let ((begin, end), (fence, fence_end)) = (MARKS, FENCE);
    let mut grammar = match (choice, &answer) {
        (ToolChoice::None, _) => {
            return Some(Constraint::Grammar(format!("start: TEXT\n{}", text(calls))));
        }
        (ToolChoice::Auto, None) => {
            let bare = if calls == Calls::Bare { " | fenced function FENCE_END | bare" } else { "" };
            format!(
                "start: TEXT | marked calls{bare}\n{}marked[lazy]: /({FIRST}(?s:.*))?{begin}/\n",
                text(calls)
            )
        }
        (ToolChoice::Auto, Some(schema)) => {
            format!("start: answer | \"{begin}\" calls\nanswer: {}\n", Constraint::rule(schema))
        }
        (ToolChoice::Required | ToolChoice::Named(_), _) => format!("start: \"{begin}\" calls\n"),
    };
    let more = |next: &str| if several { format!(" ({next})*") } else { String::new() };
    grammar.push_str(&format!("calls: call{}\n", more(&format!("\"\\n{begin}\" call"))));
    grammar.push_str(&format!("call: \"\\n\" function \"\\n{end}\"\n"));
    if calls == Calls::Bare {
        grammar.push_str(&format!("bare: function{}\n", more("\"\\n\" function")));
        grammar.push_str(&format!(
            "fenced[lazy]: /({FIRST}(?s:.*))?{fence}\\n/\nFENCE_END: \"\\n{fence_end}\"\n"
        ));
    }
    let tools: Vec<&ToolEntry> = tools.iter().filter(named).collect();
    let names: Vec<String> = (0..tools.len()).map(|n| format!("tool_{n}")).collect();
    grammar.push_str(&format!("function: \"{{\\\"name\\\": \" ({}) \"}}\"\n", names.join(" | ")));
    for (name, tool) in names.iter().zip(&tools) {
        let head = format!("{}, \"arguments\": ", Value::from(tool.function.name.as_str()));
        let schema = Constraint::rule(&tool.function.parameters());
        grammar.push_str(&format!("{name}: {} {schema}\n", Value::from(head)));
    }
    Some(Constraint::Grammar(grammar))
}
