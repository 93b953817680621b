//! A planner behind any OpenAI-compatible endpoint: a hosted model, or one that Ollama, vLLM and
//! the like serve.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use plancache::domain::{Call, NextStep, PlanRequest, PlanResponse, TraceStep, Usage, fresh_call_id};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::Service;

use crate::tokens::{asked_text, observation_text};

/// Which endpoint, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Where the API is, such as `http://localhost:11434/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The API key; empty where none is asked for.
    pub key: String,
    /// The system prompt.
    pub system: String,
    /// The longest reply, in tokens; without, the endpoint decides.
    pub max_tokens: Option<u32>,
}

/// Why the planner gave no step.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The endpoint could not be reached, or refused.
    #[error("the planner's endpoint failed: {0}; check its base URL, model and key")]
    Failed(String),
    /// What it answered is no step.
    #[error("the planner's answer is no step: {0}")]
    Answer(String),
}

/// The planner. Clones share one HTTP client.
#[derive(Clone, Debug)]
pub struct EndpointPlanner {
    client: Client<OpenAIConfig>,
    settings: Arc<EndpointSettings>,
}

impl EndpointPlanner {
    /// A planner that sends nothing yet. Only what the settings say is sent: keys in the
    /// environment that are meant for other endpoints are not.
    pub fn new(settings: EndpointSettings) -> Self {
        let config = OpenAIConfig::new()
            .with_api_base(settings.base_url.trim_end_matches('/'))
            .with_api_key(&settings.key)
            .with_org_id("")
            .with_project_id("");
        Self { client: Client::with_config(config), settings: Arc::new(settings) }
    }
}

impl Service<PlanRequest> for EndpointPlanner {
    type Response = PlanResponse;
    type Error = EndpointError;
    type Future = Pin<Box<dyn Future<Output = Result<PlanResponse, EndpointError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EndpointError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let body = body(&this.settings, &request);
            let reply: Value = this
                .client
                .chat()
                .create_byot(body)
                .await
                .map_err(|error| EndpointError::Failed(error.to_string()))?;
            step(reply)
        })
    }
}

/// The request on the wire.
fn body(settings: &EndpointSettings, request: &PlanRequest) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": settings.system}),
        json!({"role": "user", "content": asked_text(&request.task, request)}),
    ];
    for step in &request.history {
        messages.extend(said(step));
    }
    let tools: Vec<Value> = request
        .task
        .tools
        .iter()
        .map(|tool| {
            let function = json!({
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            });
            json!({"type": "function", "function": function})
        })
        .collect();
    let mut body = json!({"model": settings.model, "messages": messages, "temperature": 0.0});
    if let Some(most) = settings.max_tokens {
        body["max_tokens"] = most.into();
    }
    // An empty list of tools is refused by most endpoints.
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    body
}

/// A step of the history as the conversation that it was.
fn said(step: &TraceStep) -> [Value; 2] {
    let Call { id, tool, arguments } = &step.call;
    let text = step.observation.as_ref().map(observation_text).unwrap_or_default();
    let function = json!({"name": tool, "arguments": Value::Object(arguments.clone()).to_string()});
    [
        json!({
            "role": "assistant", "content": null,
            "tool_calls": [{"id": id, "type": "function", "function": function}],
        }),
        json!({"role": "tool", "tool_call_id": id, "content": text}),
    ]
}

#[derive(Deserialize)]
struct Reply {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// The step that a reply on the wire means.
fn step(reply: Value) -> Result<PlanResponse, EndpointError> {
    let wrong = |why: String| EndpointError::Answer(why);
    let reply: Reply = serde_json::from_value(reply).map_err(|error| wrong(error.to_string()))?;
    let usage = reply
        .usage
        .map_or(Usage::default(), |t| Usage { input: t.prompt_tokens, output: t.completion_tokens });
    let message =
        reply.choices.into_iter().next().ok_or_else(|| wrong("it has no choices".to_owned()))?.message;
    let made = message.tool_calls.unwrap_or_default();
    if made.is_empty() {
        return Ok(PlanResponse { step: NextStep::Answer(message.content.unwrap_or_default()), usage });
    }
    let calls = made
        .into_iter()
        .map(|call| {
            let text = Some(call.function.arguments.trim()).filter(|text| !text.is_empty()).unwrap_or("{}");
            let arguments: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
                wrong(format!("the arguments of {} are no JSON object ({error})", call.function.name))
            })?;
            let id = if call.id.is_empty() { fresh_call_id() } else { call.id };
            Ok(Call { id, tool: call.function.name, arguments })
        })
        .collect::<Result<_, EndpointError>>()?;
    Ok(PlanResponse { step: NextStep::Calls(calls), usage })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use plancache::domain::{Observation, RunId, TaskPart, Tool};
    use tower::ServiceExt;

    use super::*;

    /// Answers one request with this JSON, and returns the body that was sent.
    fn serve_once(listener: &TcpListener, reply: &Value) -> Value {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let text = reply.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{text}", text.len()).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn request() -> PlanRequest {
        let tool =
            Tool { name: "look".into(), description: "Looks.".into(), parameters: json!({"type": "object"}) };
        let task = crate::import::task("Look it up.".into(), Arc::new(vec![tool]));
        let arguments = json!({"a": 1}).as_object().cloned().unwrap();
        let call = Call { id: "c1".into(), tool: "look".into(), arguments };
        let history = vec![TraceStep { call, observation: Some(Observation::from_text("{\"b\": 2}")) }];
        PlanRequest::new(RunId::new("r"), Arc::new(task), history)
    }

    #[tokio::test]
    async fn the_conversation_is_sent_and_the_calls_come_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = EndpointSettings {
            base_url: format!("http://{}/v1/", listener.local_addr().unwrap()),
            model: "m".into(),
            key: String::new(),
            system: "Be brief.".into(),
            max_tokens: Some(300),
        };
        let function = json!({"name": "look", "arguments": "{\"a\": 3}"});
        let message = json!({"role": "assistant", "content": null,
            "tool_calls": [{"id": "c2", "type": "function", "function": function}]});
        let reply = json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}});
        let server = std::thread::spawn(move || serve_once(&listener, &reply));

        let answer = EndpointPlanner::new(settings).oneshot(request()).await.unwrap();
        let sent = server.join().unwrap();
        assert_eq!(answer.usage, Usage { input: 50, output: 7 });
        let NextStep::Calls(calls) = answer.step else { panic!("calls were answered") };
        assert_eq!((calls[0].id.as_str(), &calls[0].arguments["a"]), ("c2", &json!(3)));
        let roles: Vec<&str> =
            sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool"]);
        assert_eq!(sent["messages"][3]["content"], "{\"b\": 2}");
        assert_eq!(sent["max_tokens"], 300);
        assert_eq!(sent["tools"][0]["function"]["name"], "look");
    }

    #[test]
    fn what_is_no_step_is_an_error_and_words_are_an_answer() {
        let answer = step(json!({"choices": [{"message": {"content": "Done."}}]})).unwrap();
        assert_eq!(answer.step, NextStep::Answer("Done.".into()));
        let broken = json!({"function": {"name": "x", "arguments": "[1"}});
        let reply = json!({"choices": [{"message": {"tool_calls": [broken]}}]});
        assert!(step(reply).unwrap_err().to_string().contains("arguments of x are no JSON object"));
        assert!(step(json!({"choices": []})).unwrap_err().to_string().contains("no choices"));
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_an_error() {
        let settings = EndpointSettings {
            base_url: "http://127.0.0.1:1/v1".into(),
            model: "m".into(),
            key: String::new(),
            system: String::new(),
            max_tokens: None,
        };
        let error = EndpointPlanner::new(settings).oneshot(request()).await.unwrap_err();
        assert!(matches!(error, EndpointError::Failed(_)), "{error}");
    }

    #[test]
    fn a_part_is_asked_for_below_the_task() {
        let task = crate::import::task("Do a. Do b.".into(), Arc::default());
        let request = PlanRequest::new(RunId::new("r"), Arc::new(task), Vec::new());
        let asked = |request: &PlanRequest| asked_text(&request.task, request).into_owned();
        assert_eq!(asked(&request), "Do a. Do b.");
        let text = asked(&PlanRequest { part: Some(TaskPart { from: 6, to: 11, calls: 0 }), ..request });
        assert!(text.starts_with("Do a. Do b.\n\n") && text.contains("\"Do b.\""), "{text}");
    }
}
