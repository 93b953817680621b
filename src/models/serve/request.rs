//! What a request asks for.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::Refusal;

/// A request, as far as it is understood. Members that are not named here change nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    tools: Option<Vec<ToolEntry>>,
    #[serde(default)]
    tool_choice: Option<Value>,
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    #[serde(default)]
    response_format: Option<ResponseFormat>,
    #[serde(default)]
    pub(super) temperature: Option<f32>,
    #[serde(default)]
    pub(super) top_p: Option<f32>,
    #[serde(default)]
    pub(super) seed: Option<i64>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    stop: Option<Stop>,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    logprobs: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<CallEntry>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Deserialize)]
struct ContentPart {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CallEntry {
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
struct CalledFunction {
    name: String,
    arguments: String,
}

/// A tool as it is offered.
#[derive(Debug, Deserialize)]
pub(super) struct ToolEntry {
    pub(super) function: Function,
}

#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Value>,
}

impl Function {
    /// The schema of the arguments.
    pub(super) fn parameters(&self) -> Value {
        self.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}))
    }

    /// As templates print it.
    pub(super) fn shown(&self) -> Value {
        let mut function = Map::new();
        function.insert("name".to_owned(), json!(self.name));
        if let Some(description) = &self.description {
            function.insert("description".to_owned(), json!(description));
        }
        function.insert("parameters".to_owned(), self.parameters());
        json!({"type": "function", "function": function})
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Value,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// Which tools may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToolChoice {
    /// None of them.
    None,
    /// Any, or none.
    Auto,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

impl Request {
    /// Reads a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| Refusal::of("messages", format!("the request is not understood: {error}")))?;
        if request.messages.is_empty() {
            return Err(Refusal::of("messages", "there is no message"));
        }
        if request.n.is_some_and(|n| n != 1) {
            return Err(Refusal::of("n", "this endpoint gives one choice; leave `n` out"));
        }
        if request.logprobs == Some(true) {
            return Err(Refusal::of(
                "logprobs",
                "this endpoint gives no log-probabilities; leave `logprobs` out",
            ));
        }
        let in_range =
            |value: Option<f32>, most: f32| value.is_none_or(|value| (0.0..=most).contains(&value));
        if !in_range(request.temperature, 2.0) {
            return Err(Refusal::of("temperature", "`temperature` goes from 0 to 2"));
        }
        if !in_range(request.top_p, 1.0) {
            return Err(Refusal::of("top_p", "`top_p` goes from 0 to 1"));
        }
        Ok(request)
    }

    /// The messages as chat templates take them: text for content, objects for arguments.
    pub(super) fn conversation(&self) -> Result<Vec<Value>, Refusal> {
        self.messages.iter().map(Message::shown).collect()
    }

    /// Whether there was a call before.
    pub(super) fn shows_a_call(&self) -> bool {
        self.messages.iter().any(|message| message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty()))
    }

    pub(super) fn tools(&self) -> &[ToolEntry] {
        self.tools.as_deref().unwrap_or_default()
    }

    /// Which tools may be called. Without tools, none.
    pub(super) fn tool_choice(&self) -> Result<ToolChoice, Refusal> {
        let choice = match &self.tool_choice {
            None | Some(Value::Null) if self.tools().is_empty() => ToolChoice::None,
            None | Some(Value::Null) => ToolChoice::Auto,
            Some(Value::String(word)) => match word.as_str() {
                "none" => ToolChoice::None,
                "auto" if self.tools().is_empty() => ToolChoice::None,
                "auto" => ToolChoice::Auto,
                "required" => ToolChoice::Required,
                _ => {
                    return Err(Refusal::of(
                        "tool_choice",
                        "`tool_choice` is none, auto, required or a function",
                    ));
                }
            },
            Some(other) => match other.pointer("/function/name").and_then(Value::as_str) {
                Some(name) => ToolChoice::Named(name.to_owned()),
                None => return Err(Refusal::of("tool_choice", "`tool_choice` names no function")),
            },
        };
        let there = match &choice {
            ToolChoice::Named(name) => self.tools().iter().any(|tool| tool.function.name == *name),
            ToolChoice::Required => !self.tools().is_empty(),
            ToolChoice::None | ToolChoice::Auto => true,
        };
        if there {
            Ok(choice)
        } else {
            Err(Refusal::of("tool_choice", "the function is not among the tools"))
        }
    }

    /// Whether one answer may hold several calls.
    pub(super) fn several_calls(&self) -> bool {
        self.parallel_tool_calls.unwrap_or(true)
    }

    /// The schema of the answer; `None` for text.
    pub(super) fn answer_schema(&self) -> Option<Value> {
        match &self.response_format {
            None | Some(ResponseFormat::Text) => None,
            Some(ResponseFormat::JsonObject) => Some(json!({"type": "object"})),
            Some(ResponseFormat::JsonSchema { json_schema }) => Some(json_schema.schema.clone()),
        }
    }

    pub(super) fn max_tokens(&self) -> Option<usize> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// Texts at which the answer ends.
    pub(super) fn stops(&self) -> Vec<String> {
        let stops = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(stop)) => vec![stop.clone()],
            Some(Stop::Several(stops)) => stops.clone(),
        };
        stops.into_iter().filter(|stop| !stop.is_empty()).collect()
    }

    pub(super) fn usage_in_stream(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }
}

impl Message {
    fn shown(&self) -> Result<Value, Refusal> {
        let role = match self.role.as_str() {
            // Newer models of OpenAI's call the system's messages so.
            "developer" => "system",
            role @ ("system" | "user" | "assistant" | "tool") => role,
            other => return Err(Refusal::of("messages", format!("there is no role `{other}`"))),
        };
        let mut message = Map::new();
        message.insert("role".to_owned(), json!(role));
        message.insert("content".to_owned(), json!(self.text()?));
        if let Some(name) = &self.name {
            message.insert("name".to_owned(), json!(name));
        }
        if let Some(id) = &self.tool_call_id {
            message.insert("tool_call_id".to_owned(), json!(id));
        }
        if let Some(calls) = self.tool_calls.as_ref().filter(|calls| !calls.is_empty()) {
            message.insert("tool_calls".to_owned(), calls.iter().map(CallEntry::shown).collect());
        }
        Ok(Value::Object(message))
    }

    fn text(&self) -> Result<String, Refusal> {
        match &self.content {
            None => Ok(String::new()),
            Some(Content::Text(text)) => Ok(text.clone()),
            Some(Content::Parts(parts)) => parts
                .iter()
                .map(|part| match (part.kind.as_str(), &part.text) {
                    ("text", Some(text)) => Ok(text.as_str()),
                    (kind, _) => {
                        Err(Refusal::of("messages", format!("the model reads text only, no `{kind}`")))
                    }
                })
                .collect(),
        }
    }
}

impl CallEntry {
    fn shown(&self) -> Value {
        let CalledFunction { name, arguments } = &self.function;
        let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
        json!({"id": self.id, "type": "function", "function": {"name": name, "arguments": arguments}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Request, Refusal> {
        Request::read(body.to_string().as_bytes())
    }

    #[test]
    fn a_conversation_is_put_as_templates_take_it() {
        let request = read(json!({"model": "m", "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":[1]}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "seen"},
        ]}))
        .unwrap();
        let calls =
            json!([{"id": "1", "type": "function", "function": {"name": "look", "arguments": {"at": [1]}}}]);
        assert_eq!(
            request.conversation().unwrap(),
            [
                json!({"role": "system", "content": "Be brief."}),
                json!({"role": "user", "content": "ab"}),
                json!({"role": "assistant", "content": "", "tool_calls": calls}),
                json!({"role": "tool", "content": "seen", "tool_call_id": "1"}),
            ]
        );
        assert_eq!(request.tool_choice().unwrap(), ToolChoice::None);
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_the_member() {
        let user = json!([{"role": "user", "content": "Hi"}]);
        let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]);
        for (body, param) in [
            (json!({"messages": []}), "messages"),
            (json!({"messages": 1}), "messages"),
            (json!({"messages": image}), "messages"),
            (json!({"messages": [{"role": "king", "content": ""}]}), "messages"),
            (json!({"messages": user, "n": 2}), "n"),
            (json!({"messages": user, "logprobs": true}), "logprobs"),
            (json!({"messages": user, "temperature": 3}), "temperature"),
            (json!({"messages": user, "tool_choice": "required"}), "tool_choice"),
            (json!({"messages": user, "tool_choice": {"function": {"name": "x"}}}), "tool_choice"),
        ] {
            let refused = read(body.clone())
                .and_then(|request| request.conversation().and_then(|_| request.tool_choice()))
                .unwrap_err();
            assert_eq!(refused.body()["error"]["param"], param, "{body}");
        }
    }
}
