//! An agent that speaks to a proxy as frameworks do: it sends the whole conversation each time,
//! executes the calls of the answer, and appends the results.

use std::net::SocketAddr;

use plancache_agents::Environment;
use plancache_agents::retail::Retail;
use plancache_eval::tasks::TaskInput;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::world::{World, data};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Chat,
    Responses,
}

#[derive(Clone, Debug)]
pub struct Agent {
    pub api: Api,
    pub stream: bool,
    pub headers: Vec<(String, String)>,
    pub system: String,
    /// Proxies to ask in turn.
    pub addresses: Vec<SocketAddr>,
    /// Takes a stream that broke for an answer without words.
    pub tolerant: bool,
    /// Asks again, once, where an error was answered.
    pub patient: bool,
}

#[derive(Debug)]
pub struct Ended {
    /// What the cache did with each request.
    pub did: Vec<String>,
    pub run: String,
    pub tools: Vec<String>,
    pub ids: Vec<String>,
    pub answer: String,
    pub shop: Retail,
}

impl Ended {
    pub fn is_hit(&self) -> bool {
        self.did.iter().all(|did| did == "HIT")
    }
}

impl Agent {
    pub fn new(world: &World, api: Api, stream: bool) -> Self {
        let system = "You help the customers of a shop.".to_owned();
        let (headers, addresses) = (Vec::new(), vec![world.address]);
        Self { api, stream, headers, system, addresses, tolerant: false, patient: false }
    }

    pub fn saying(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Runs a task to its end.
    pub async fn run(&self, world: &World, task: &TaskInput) -> Ended {
        let mut conversation = match self.api {
            Api::Chat => vec![
                json!({"role": "system", "content": self.system}),
                json!({"role": "user", "content": task.instruction}),
            ],
            Api::Responses => vec![json!({"role": "user", "content": task.instruction})],
        };
        let mut ended = Ended {
            did: Vec::new(),
            run: String::new(),
            tools: Vec::new(),
            ids: Vec::new(),
            answer: String::new(),
            shop: data().shop.clone(),
        };
        for nth in 0..40 {
            let address = self.addresses[nth % self.addresses.len()];
            let (head, message) = self.ask(world, address, &conversation).await;
            let header =
                |name: &str| head.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
            ended.did.push(header("x-plancache"));
            ended.run = header("x-plancache-run-id");
            conversation.extend(message.items.clone());
            if message.calls.is_empty() {
                ended.answer = message.text;
                return ended;
            }
            for (id, tool, arguments) in message.calls {
                let arguments: Map<String, Value> = serde_json::from_str(&arguments).unwrap();
                let text = ended.shop.call(&tool, &arguments);
                conversation.push(match self.api {
                    Api::Chat => json!({"role": "tool", "tool_call_id": id, "content": text}),
                    Api::Responses => json!({"type": "function_call_output", "call_id": id, "output": text}),
                });
                ended.tools.push(tool);
                ended.ids.push(id);
            }
        }
        panic!("the run does not end: {:?}", ended.did);
    }

    pub fn body(&self, conversation: &[Value]) -> Value {
        match self.api {
            Api::Chat => json!({
                "model": "recorded", "messages": conversation, "tools": data().tools, "stream": self.stream,
            }),
            Api::Responses => {
                let flat: Vec<Value> = data().tools.as_array().unwrap().iter().map(flat).collect();
                json!({
                    "model": "recorded", "instructions": self.system, "input": conversation, "tools": flat,
                    "stream": self.stream,
                })
            }
        }
    }

    async fn ask(&self, world: &World, address: SocketAddr, conversation: &[Value]) -> (HeaderMap, Message) {
        let path = match self.api {
            Api::Chat => "/v1/chat/completions",
            Api::Responses => "/v1/responses",
        };
        let send = || {
            let mut request = world.http.post(format!("http://{address}{path}"));
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            let body = self.body(conversation).to_string();
            request.header("content-type", "application/json").body(body).send()
        };
        let mut response = send().await.unwrap();
        if self.patient && !response.status().is_success() {
            response = send().await.unwrap();
        }
        let (status, head) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        if self.tolerant && is_broken(&text) {
            return (head, Message::default());
        }
        (head, Message::read(self.api, self.stream, &text))
    }
}

/// Whether a stream of chunks broke off, or holds what is no chunk.
fn is_broken(text: &str) -> bool {
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    !text.ends_with("data: [DONE]\n\n")
        || data.any(|data| data != "[DONE]" && serde_json::from_str::<Value>(data).is_err())
}

fn flat(tool: &Value) -> Value {
    let mut flat = tool["function"].clone();
    flat["type"] = json!("function");
    flat
}

/// What was answered: the items for the conversation, the calls, the text.
#[derive(Debug, Default)]
pub struct Message {
    pub items: Vec<Value>,
    pub calls: Vec<(String, String, String)>,
    pub text: String,
}

impl Message {
    pub fn read(api: Api, stream: bool, text: &str) -> Self {
        let whole = match (api, stream) {
            (_, false) => serde_json::from_str(text).unwrap(),
            (Api::Chat, true) => chat_of(text),
            (Api::Responses, true) => {
                let last = events(text).pop().unwrap();
                assert_eq!(last["type"], "response.completed", "{last}");
                last["response"].clone()
            }
        };
        match api {
            Api::Chat => Self::chat(&whole),
            Api::Responses => Self::response(&whole),
        }
    }

    fn chat(whole: &Value) -> Self {
        let message = &whole["choices"][0]["message"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        Self {
            items: vec![message.clone()],
            calls: calls
                .map(|call| {
                    let function = &call["function"];
                    (text(&call["id"]), text(&function["name"]), text(&function["arguments"]))
                })
                .collect(),
            text: message["content"].as_str().unwrap_or_default().to_owned(),
        }
    }

    fn response(whole: &Value) -> Self {
        assert_eq!(whole["status"], "completed");
        let items = whole["output"].as_array().unwrap().clone();
        let mut message = Self { items: items.clone(), ..Self::default() };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for item in items {
            match item["type"].as_str().unwrap() {
                "function_call" => {
                    message.calls.push((
                        text(&item["call_id"]),
                        text(&item["name"]),
                        text(&item["arguments"]),
                    ));
                }
                "message" => message.text.push_str(item["content"][0]["text"].as_str().unwrap()),
                _ => {}
            }
        }
        message
    }
}

pub fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// A completion from its chunks.
fn chat_of(text: &str) -> Value {
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    let mut message = json!({"role": "assistant", "content": null});
    let mut calls: Vec<Value> = Vec::new();
    let mut finish = Value::Null;
    for chunk in events(text) {
        let Some(choice) = chunk["choices"].get(0) else { continue };
        let delta = &choice["delta"];
        if let Some(more) = delta["content"].as_str() {
            let so_far = message["content"].as_str().unwrap_or_default();
            message["content"] = json!(format!("{so_far}{more}"));
        }
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            let at = piece["index"].as_u64().unwrap() as usize;
            if at == calls.len() {
                calls.push(json!({"id": piece["id"], "type": "function",
                    "function": {"name": piece["function"]["name"], "arguments": ""}}));
            }
            let so_far = calls[at]["function"]["arguments"].as_str().unwrap().to_owned();
            let more = piece["function"]["arguments"].as_str().unwrap_or_default();
            calls[at]["function"]["arguments"] = json!(so_far + more);
        }
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
    }
    assert!(!finish.is_null(), "{text}");
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({"choices": [{"message": message, "finish_reason": finish}]})
}
