use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::{Call, Tool, Usage};

/// One thing said or done in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// The developer's words to the model.
    Instructions(String),
    /// The user's.
    User(String),
    /// What the planner answered to one request.
    Reply(Reply),
    /// What a call returned; without an id, the oldest that is open.
    Result { id: Option<String>, text: String },
}

/// What the planner answered to one request: words, calls, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) usage: Usage,
}

impl Item {
    /// What makes two items the same, however they were written down. Ids of calls do not count,
    /// nor what a reply cost.
    pub(super) fn key(&self) -> Value {
        match self {
            Self::Instructions(text) => serde_json::json!(["instructions", text]),
            Self::User(text) => serde_json::json!(["user", text]),
            Self::Result { text, .. } => serde_json::json!(["result", text]),
            Self::Reply(reply) => {
                let calls: Vec<_> = reply.calls.iter().map(|call| (&call.tool, &call.arguments)).collect();
                serde_json::json!(["reply", reply.text, calls])
            }
        }
    }
}

/// A message of a chat, in any of the forms in which recordings have it, or an item of a response.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    parts: Option<Vec<Part>>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    output: Value,
}

/// A part of a message: of its content, or of a telemetry message.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    response: Option<Value>,
    #[serde(default)]
    result: Option<Value>,
}

/// `{id, name, arguments}`, or the same under `function`.
#[derive(Deserialize)]
struct WireCall {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Option<Value>,
}

/// Reads the messages of a conversation in order. An error names the message, from 1.
pub(super) fn read_all(messages: &[Value]) -> Result<Vec<Item>, String> {
    let mut items: Vec<Item> = Vec::with_capacity(messages.len());
    let mut calls = 0;
    for (n, message) in messages.iter().enumerate() {
        let read = read(message, calls).map_err(|why| format!("message {}: {why}", n + 1))?;
        for item in read {
            if let Item::Reply(reply) = &item {
                calls += reply.calls.len();
            }
            join(&mut items, item, message.get("type").is_some());
        }
    }
    Ok(items)
}

/// A response of the Responses API comes in several items, which are one reply.
fn join(items: &mut Vec<Item>, item: Item, of_response: bool) {
    match (items.last_mut(), item) {
        (Some(Item::Reply(last)), Item::Reply(next)) if of_response => {
            last.text.push_str(&next.text);
            last.calls.extend(next.calls);
        }
        (_, item) => items.push(item),
    }
}

fn read(message: &Value, calls_before: usize) -> Result<Vec<Item>, String> {
    let message: Message = Message::deserialize(message).map_err(|error| error.to_string())?;
    match message.r#type.as_deref() {
        None | Some("message") => message.said(calls_before),
        Some("function_call") => {
            let tool = message.name.ok_or("a function call has no name")?;
            let id = message.call_id.unwrap_or_else(|| format!("call-{calls_before}"));
            let call = Call { id, arguments: arguments(&tool, message.arguments)?, tool };
            Ok(vec![Item::Reply(Reply { calls: vec![call], ..Reply::default() })])
        }
        Some("function_call_output") => {
            let text = text(message.output, false)?;
            Ok(vec![Item::Result { id: message.call_id, text }])
        }
        Some("reasoning") => Ok(Vec::new()),
        Some(other) => Err(format!("an item of type `{other}` is none that can be learnt from")),
    }
}

impl Message {
    fn said(self, calls_before: usize) -> Result<Vec<Item>, String> {
        let role = self.role.ok_or("it has no role")?;
        if let Some(parts) = self.parts {
            return from_parts(&role, parts, calls_before);
        }
        let text = text(self.content, role == "user")?;
        let item = match role.as_str() {
            "system" | "developer" => Item::Instructions(text),
            "user" => Item::User(text),
            "tool" | "function" => Item::Result { id: self.tool_call_id, text },
            "assistant" => {
                let calls = self.tool_calls.unwrap_or_default().into_iter().enumerate();
                let calls = calls.map(|(n, call)| call.read(calls_before + n)).collect::<Result<_, _>>()?;
                Item::Reply(Reply { text, calls, usage: Usage::default() })
            }
            other => return Err(format!("the role `{other}` is not known")),
        };
        Ok(vec![item])
    }
}

/// A telemetry message: results may stand beside words, whatever its role.
fn from_parts(role: &str, parts: Vec<Part>, calls_before: usize) -> Result<Vec<Item>, String> {
    let (mut items, mut words, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part.r#type.as_deref() {
            Some("text") | None => words.extend(part.text.or_else(|| plain(part.content))),
            Some("reasoning" | "thinking") => {}
            Some("tool_call") => {
                let tool = part.name.ok_or("a tool call has no name")?;
                let id = part.id.unwrap_or_else(|| format!("call-{}", calls_before + calls.len()));
                calls.push(Call { id, arguments: arguments(&tool, part.arguments)?, tool });
            }
            Some("tool_call_response") => {
                let text = part.response.or(part.result).or(Some(part.content)).and_then(plain);
                items.push(Item::Result { id: part.id, text: text.unwrap_or_default() });
            }
            Some(other) if role == "user" => return Err(not_text(other)),
            Some(_) => {}
        }
    }
    let text = words.join("\n");
    match role {
        "system" | "developer" => items.push(Item::Instructions(text)),
        "user" if !text.is_empty() || items.is_empty() => items.push(Item::User(text)),
        "user" | "tool" => {}
        "assistant" => items.push(Item::Reply(Reply { text, calls, usage: Usage::default() })),
        other => return Err(format!("the role `{other}` is not known")),
    }
    Ok(items)
}

impl WireCall {
    fn read(self, n: usize) -> Result<Call, String> {
        let (name, given) = match self.function {
            Some(function) => (Some(function.name), function.arguments),
            None => (self.name, self.arguments),
        };
        let tool = name.ok_or("a tool call has no name")?;
        let arguments = arguments(&tool, given)?;
        Ok(Call { id: self.id.unwrap_or_else(|| format!("call-{n}")), tool, arguments })
    }
}

/// Arguments as an object, or as JSON in a string; none at all are no arguments.
pub(super) fn arguments(tool: &str, given: Option<Value>) -> Result<Map<String, Value>, String> {
    match given {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Map::new()),
        Some(Value::String(text)) => serde_json::from_str(&text)
            .map_err(|error| format!("the arguments of the call to `{tool}` are not a JSON object: {error}")),
        Some(_) => Err(format!("the arguments of the call to `{tool}` are not a JSON object")),
    }
}

/// A content as text. What a user says has to be text alone, since a plan knows nothing else.
fn text(content: Value, of_user: bool) -> Result<String, String> {
    let Value::Array(parts) = content else { return Ok(plain(content).unwrap_or_default()) };
    if !parts.iter().all(|part| part.get("type").is_some() || part.get("text").is_some()) {
        return Ok(Value::Array(parts).to_string());
    }
    let mut words = Vec::new();
    for part in parts {
        let part: Part = Part::deserialize(&part).map_err(|error| error.to_string())?;
        match (part.text, part.r#type) {
            (Some(text), _) => words.push(text),
            (None, Some(other)) if of_user => return Err(not_text(&other)),
            (None, _) => {}
        }
    }
    Ok(words.join("\n"))
}

fn not_text(kind: &str) -> String {
    format!("the user's message holds a part of type `{kind}`; only text can be learnt from")
}

/// A value as the text that a model reads.
pub(super) fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Reads tools: each with `name`, `description` and `parameters`, or such an object under
/// `function`. What is no function (a hosted search) is left out.
pub(super) fn tools(all: &[Value]) -> Result<Vec<Tool>, String> {
    let is_function =
        |value: &&Value| value.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "function");
    let read = |value: &Value| {
        let value = value.get("function").unwrap_or(value);
        Tool::deserialize(value).map_err(|error| format!("a tool cannot be read: {error}"))
    };
    all.iter().filter(is_function).map(read).collect()
}
