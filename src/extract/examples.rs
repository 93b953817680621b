//! Runs of an invented harbour for the tests of this room, in few words.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::domain::{
    Call, Namespace, Observation, RunId, RunOutcome, SlotSpec, Task, Template, Tool, Trace, TraceStep, Usage,
};
use crate::expr::{Read, Values};

/// The one tool that changes nothing.
pub(super) fn is_read(tool: &str) -> bool {
    tool == "berths"
}

/// A run with these calls, each with its arguments and what it observed; an observation with a
/// member `error` failed. Tools take any arguments but for `how`, which is an enumeration.
pub(super) fn run(text: &str, calls: &[(&str, Value, Value)]) -> Trace {
    let mut tools: Vec<Tool> = Vec::new();
    for (tool, ..) in calls {
        if !tools.iter().any(|t| t.name == *tool) {
            tools.push(Tool {
                name: (*tool).to_owned(),
                description: String::new(),
                parameters: json!({"type": "object", "properties": {"how": {"enum": ["slowly", "at once"]}}}),
            });
        }
    }
    let step = |(tool, arguments, observed): &(&str, Value, Value)| TraceStep {
        call: Call { id: String::new(), tool: (*tool).to_owned(), arguments: map(arguments) },
        observation: Some(Observation { value: observed.clone(), failed: observed.get("error").is_some() }),
    };
    Trace {
        run: RunId::new("r"),
        task: Task {
            namespace: Namespace::new("harbour"),
            text: text.to_owned(),
            context: Value::Null,
            tools: Arc::new(tools),
            output_format: None,
        },
        steps: calls.iter().map(step).collect(),
        answer: None,
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    }
}

/// The only template of a run.
pub(super) fn template(trace: &Trace) -> Template {
    let mut found = super::extract(trace, &is_read, crate::domain::Learning::default());
    assert_eq!(found.templates.len(), 1, "{:?}", found.rejected);
    found.templates.remove(0)
}

pub(super) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A slot of this shape.
pub(super) fn slot(id: u32, shape: &str) -> SlotSpec {
    serde_json::from_value(json!({"id": id, "name": format!("s{id}"), "shape": shape})).unwrap()
}

/// The values of slots outside lists, from 0.
pub(super) fn values(values: &[Value]) -> Values {
    let read = |value: &Value| Read { value: value.clone(), span: None, open: false };
    Values {
        slots: values.iter().enumerate().map(|(id, value)| (id as u32, read(value))).collect(),
        ..Values::default()
    }
}
