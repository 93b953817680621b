//! A request that asks for the next step of a run, whichever endpoint it came through.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde::Deserialize;
use serde_json::Value;

use super::fields::Fields;
use super::turn::{Turn, Unfit};
use crate::domain::{Call, NextStep, Tool, Usage};

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) struct Planning {
    pub(super) turn: Turn,
    pub(super) tools: Arc<Vec<Tool>>,
    /// JSON Schema of the answer, if one is asked for.
    pub(super) output_format: Option<Value>,
    /// How the answer is to look.
    pub(super) form: Form,
    /// An answer without a call is not allowed.
    pub(super) must_call: bool,
    /// Texts at which an answer would be cut off.
    pub(super) stops: Vec<String>,
}

impl Planning {
    /// Whether there are answers that the request does not allow.
    pub(super) fn is_strict(&self) -> bool {
        self.must_call || !self.stops.is_empty()
    }
}

/// How a response is to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Streams end with a chunk that says the usage.
    pub(super) usage_in_stream: bool,
}

/// What a planner answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) step: NextStep,
    pub(super) usage: Usage,
}

/// Whether the fields of a request are all known not to matter to a plan.
pub(super) fn fields_are_fit(fields: &Fields<'_>, known: &[&str], harmless: &[String]) -> bool {
    fields.names().all(|name| known.contains(&name) || harmless.iter().any(|own| own == name))
}

/// Tool lists that were seen lately, so that one is read once and its address stays the same.
#[derive(Debug)]
pub(super) struct ToolLists(Mutex<LruCache<[u8; 32], Arc<Vec<Tool>>>>);

/// The most tool lists that are kept.
const MOST_LISTS: usize = 64;

impl Default for ToolLists {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NonZeroUsize::new(MOST_LISTS).unwrap_or(NonZeroUsize::MIN))))
    }
}

/// A tool as one of the endpoints describes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Described {
    Nested { r#type: String, function: Tool },
    Flat(FlatTool),
}

#[derive(Deserialize)]
struct FlatTool {
    r#type: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Value,
}

impl ToolLists {
    /// Reads the `tools` of a request.
    pub(super) fn read(&self, text: Option<&str>) -> Result<Arc<Vec<Tool>>, Unfit> {
        let text = text.ok_or(Unfit::NO_TOOLS)?;
        let key = *blake3::hash(text.as_bytes()).as_bytes();
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = lists.get(&key) {
            return Ok(Arc::clone(list));
        }
        let all: Vec<Described> = serde_json::from_str(text).map_err(|_| Unfit::TOOL_KIND)?;
        let tools = all.into_iter().map(Described::function).collect::<Result<Vec<Tool>, Unfit>>()?;
        if tools.is_empty() {
            return Err(Unfit::NO_TOOLS);
        }
        let list = Arc::new(tools);
        lists.put(key, Arc::clone(&list));
        Ok(list)
    }
}

impl Described {
    fn function(self) -> Result<Tool, Unfit> {
        let (kind, tool) = match self {
            Self::Nested { r#type, function } => (r#type, function),
            Self::Flat(FlatTool { r#type, name, description, parameters }) => {
                (r#type, Tool { name, description: description.unwrap_or_default(), parameters })
            }
        };
        if kind == "function" { Ok(tool) } else { Err(Unfit::TOOL_KIND) }
    }
}

/// What a request says about the choice of tools: whether a call is a must.
pub(super) fn must_call(choice: Option<Value>) -> Result<bool, Unfit> {
    match choice {
        None => Ok(false),
        Some(Value::String(word)) if word == "auto" => Ok(false),
        Some(Value::String(word)) if word == "required" => Ok(true),
        Some(_) => Err(Unfit::TOOL_CHOICE),
    }
}

/// The step that calls mean: a call of a tool by which the framework gives the final answer is an
/// answer, not a step.
pub(super) fn step(calls: Vec<Call>, text: String, final_tools: &[String]) -> NextStep {
    match calls.as_slice() {
        [] => NextStep::Answer(text),
        [only] if final_tools.contains(&only.tool) => NextStep::Answer(answer_of(only)),
        _ => NextStep::Calls(calls),
    }
}

/// The text of an answer given by a call: its only text, or the arguments as JSON.
fn answer_of(call: &Call) -> String {
    let mut values = call.arguments.values();
    match (values.next(), values.next()) {
        (Some(Value::String(text)), None) => text.clone(),
        _ => Value::Object(call.arguments.clone()).to_string(),
    }
}

/// The answer as the framework wants it: a call, if it offers a tool for it.
pub(super) fn as_final_call(answer: &str, tools: &[Tool], final_tools: &[String]) -> Option<Call> {
    let tool = tools.iter().find(|tool| final_tools.contains(&tool.name))?;
    let properties = tool.parameters.get("properties")?.as_object()?;
    let mut names = properties.keys();
    let arguments = match (names.next(), names.next(), serde_json::from_str(answer)) {
        (_, _, Ok(Value::Object(arguments))) => arguments,
        (Some(only), None, _) => [(only.clone(), Value::from(answer))].into_iter().collect(),
        _ => return None,
    };
    Some(Call { id: String::new(), tool: tool.name.clone(), arguments })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tools_are_read_in_both_forms_and_once() {
        let lists = ToolLists::default();
        let nested = r#"[{"type":"function","function":{"name":"a","parameters":{"type":"object"}}}]"#;
        let flat = r#"[{"type":"function","name":"a","parameters":{"type":"object"},"strict":true}]"#;
        let one = lists.read(Some(nested)).unwrap();
        assert!(Arc::ptr_eq(&one, &lists.read(Some(nested)).unwrap()));
        assert_eq!(one, lists.read(Some(flat)).unwrap());
        assert_eq!(lists.read(None), Err(Unfit::NO_TOOLS));
        assert_eq!(lists.read(Some("[]")), Err(Unfit::NO_TOOLS));
        assert_eq!(lists.read(Some(r#"[{"type":"web_search"}]"#)), Err(Unfit::TOOL_KIND));
        let other = r#"[{"type":"grammar","name":"a"}]"#;
        assert_eq!(lists.read(Some(other)), Err(Unfit::TOOL_KIND));
    }

    #[test]
    fn a_final_call_is_an_answer_and_back() {
        let finals = ["finish".to_owned()];
        let call = |arguments: Value| Call {
            id: "1".into(),
            tool: "finish".into(),
            arguments: arguments.as_object().unwrap().clone(),
        };
        let tool = |properties: Value| Tool {
            name: "finish".into(),
            description: String::new(),
            parameters: json!({"properties": properties}),
        };
        for (arguments, properties) in [
            (json!({"answer": "Done."}), json!({"answer": {}})),
            (json!({"a": 1, "b": "x"}), json!({"a": {}, "b": {}})),
        ] {
            let NextStep::Answer(text) = step(vec![call(arguments.clone())], String::new(), &finals) else {
                panic!("an answer")
            };
            let back = as_final_call(&text, &[tool(properties)], &finals).unwrap();
            assert_eq!(Value::Object(back.arguments), arguments);
        }
        assert_eq!(as_final_call("Done.", &[tool(json!({"a": {}, "b": {}}))], &finals), None);
        let other = Call { tool: "other".into(), ..call(json!({})) };
        assert!(matches!(step(vec![other], String::new(), &finals), NextStep::Calls(_)));
    }

    #[test]
    fn forced_tools_are_unfit() {
        assert_eq!(must_call(Some(json!("required"))), Ok(true));
        assert_eq!(must_call(Some(json!("none"))), Err(Unfit::TOOL_CHOICE));
        assert_eq!(must_call(Some(json!({"type": "function"}))), Err(Unfit::TOOL_CHOICE));
    }
}
