//! What an answer may be: text, JSON, or calls of tools in the form
//! `<tool_call>\n{"name": .., "arguments": ..}\n</tool_call>`.

use serde_json::Value;

use super::reading::Calls;
use super::request::{ToolChoice, ToolEntry};
use crate::models::local::Constraint;

/// Begins a call.
pub(super) const CALL: &str = "<tool_call>";
/// Ends a call.
pub(super) const END: &str = "</tool_call>";

/// How a text begins where tools are offered: with a letter or a digit. Small models forget a call's
/// marks and begin with JSON, code or other marks; that is a call or is nothing.
const FIRST: &str = r"[\p{L}\p{N}]";

/// What a text is: a text that holds a call would be read as one.
fn text() -> String {
    format!("TEXT: /{FIRST}(?s:.*)/ & ~/(?s:.*){CALL}(?s:.*)/\n")
}

/// Where calls may stand. Without marks only until the conversation shows how they are marked.
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
    let mut grammar = match (choice, &answer) {
        (ToolChoice::None, _) => return Some(Constraint::Grammar(format!("start: TEXT\n{}", text()))),
        (ToolChoice::Auto, None) => {
            let bare = if calls == Calls::Bare { " | bare" } else { "" };
            let marked = format!("marked[lazy]: /({FIRST}(?s:.*))?{CALL}/\n");
            format!("start: TEXT | marked calls{bare}\n{}{marked}", text())
        }
        (ToolChoice::Auto, Some(schema)) => {
            format!("start: answer | \"{CALL}\" calls\nanswer: {}\n", Constraint::rule(schema))
        }
        (ToolChoice::Required | ToolChoice::Named(_), _) => format!("start: \"{CALL}\" calls\n"),
    };
    let more = |next: &str| if several { format!(" ({next})*") } else { String::new() };
    grammar.push_str(&format!("calls: call{}\n", more(&format!("\"\\n{CALL}\" call"))));
    grammar.push_str(&format!("call: \"\\n\" function \"\\n{END}\"\n"));
    if calls == Calls::Bare {
        grammar.push_str(&format!("bare: function{}\n", more("\"\\n\" function")));
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
