//! `plancache models serve` on a real model, as a client sees it. Needs the default model, like
//! `local_model.rs`; `PLANCACHE_SKIP_MODEL=1` skips these tests, and says so.
#![cfg(all(feature = "local-model", feature = "proxy"))]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "support/model_file.rs"]
mod model_file;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `None` if these tests are skipped.
    fn start(arguments: &[&str]) -> Option<Self> {
        let file = model_file::model_file()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_plancache"));
        command.args(["models", "serve", "--listen", "127.0.0.1:0"]).arg(file).args(arguments);
        command.env("OMP_WAIT_POLICY", "passive");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Some(Self { address: address.trim_end_matches("/v1").to_owned(), child })
    }

    /// The status and the body.
    fn send(&self, request: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.contains("transfer-encoding: chunked");
        (status, if chunked { joined(body) } else { body.to_owned() })
    }

    fn ask(&self, body: &Value) -> Value {
        let (status, body) = self.send("POST /v1/chat/completions", &body.to_string());
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn refusal(&self, body: &Value) -> (u16, Value) {
        let (status, body) = self.send("POST /v1/chat/completions", &body.to_string());
        (status, serde_json::from_str::<Value>(&body).unwrap()["error"].clone())
    }

    /// The data of the events.
    fn events(&self, body: &Value) -> Vec<String> {
        let (status, body) = self.send("POST /v1/chat/completions", &body.to_string());
        assert_eq!(status, 200, "{body}");
        body.split("\n\n")
            .filter(|event| !event.is_empty())
            .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }
}

/// A chunked body without its lengths.
fn joined(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        out.push_str(&rest[..length]);
        body = rest[length..].trim_start_matches("\r\n");
    }
    out
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn tools() -> Value {
    let tool = |name: &str, about: &str, properties: Value, required: &[&str]| {
        json!({"type": "function", "function": {"name": name, "description": about, "parameters": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        }}})
    };
    json!([
        tool(
            "get_weather",
            "Get the weather of a city",
            json!({"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}}),
            &["city", "unit"]
        ),
        tool("send_mail", "Send an e-mail", json!({"to": {"type": "string"}}), &["to"]),
    ])
}

/// The calls of an answer: name and arguments.
fn calls(message: &Value) -> Vec<(String, Value)> {
    let call = |call: &Value| {
        let function = &call["function"];
        let arguments = function["arguments"].as_str().unwrap();
        (function["name"].as_str().unwrap().to_owned(), serde_json::from_str(arguments).unwrap())
    };
    message["tool_calls"].as_array().map(|calls| calls.iter().map(call).collect()).unwrap_or_default()
}

/// One server for all, since loading the model takes longest.
#[test]
fn a_client_without_a_key_gets_what_it_asks_for() {
    let Some(server) = Server::start(&["--context", "2048"]) else { return };
    models_are_listed(&server);
    text_is_answered_and_what_was_read_before_is_not_read_again(&server);
    an_answer_follows_its_schema(&server);
    a_tool_is_called_and_its_result_is_read(&server);
    a_choice_of_tools_is_kept_to(&server);
    a_stream_says_the_same(&server);
    what_cannot_be_answered_is_said(&server);
}

fn models_are_listed(server: &Server) {
    let (status, body) = server.send("GET /v1/models", "");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert!(body["data"][0]["id"].as_str().unwrap().starts_with("qwen2.5"), "{body}");
}

fn text_is_answered_and_what_was_read_before_is_not_read_again(server: &Server) {
    let system = json!({"role": "system", "content": "You answer in one word. ".repeat(10)});
    let of = |country: &str| {
        let question = format!("What is the capital of {country}?");
        server.ask(&json!({"messages": [system, user(&question)]}))
    };
    let first = of("France");
    let second = of("Spain");
    for (answer, capital) in [(&first, "Paris"), (&second, "Madrid")] {
        let choice = &answer["choices"][0];
        assert!(choice["message"]["content"].as_str().unwrap().contains(capital), "{answer}");
        assert_eq!(choice["finish_reason"], "stop");
    }
    let usage = |answer: &Value, pointer: &str| answer["usage"].pointer(pointer).unwrap().as_u64().unwrap();
    let prompt = usage(&second, "/prompt_tokens");
    assert!(prompt > 60, "{second}");
    assert!(usage(&first, "/prompt_tokens_details/cached_tokens") < 10, "{first}");
    assert!(usage(&second, "/prompt_tokens_details/cached_tokens") > prompt - 20, "{second}");
    assert_eq!(usage(&second, "/total_tokens"), prompt + usage(&second, "/completion_tokens"));
    let short = server.ask(&json!({"messages": [user("Count to fifty.")], "max_tokens": 3}));
    assert_eq!(short["choices"][0]["finish_reason"], "length", "{short}");
    assert_eq!(short["usage"]["completion_tokens"], 3);
    let stopped = server.ask(&json!({"messages": [user("Write: one, two, three")], "stop": ["two"]}));
    let text = stopped["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("one") && !text.contains("two"), "{stopped}");
}

fn an_answer_follows_its_schema(server: &Server) {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "pet": {"enum": ["cat", "dog"]}},
        "required": ["name", "age", "pet"],
        "additionalProperties": false,
    });
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema}});
    let said = user("Ana is 31 and has a dog.");
    let answer = server.ask(&json!({"messages": [said], "response_format": format}));
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert!(jsonschema::is_valid(&schema, &value), "{value}");
    assert_eq!(value["age"], 31);
    let object =
        json!({"messages": [user("Three colours, as JSON.")], "response_format": {"type": "json_object"}});
    let answer = server.ask(&object);
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(text).unwrap().is_object(), "{text}");
}

fn a_tool_is_called_and_its_result_is_read(server: &Server) {
    let system = "You are a helpful assistant. Call tools to find out what you need. When their results are there, \
                  answer the user in a sentence.";
    let mut messages =
        vec![json!({"role": "system", "content": system}), user("What is the weather in Paris, in celsius?")];
    let answer = server.ask(&json!({"messages": messages, "tools": tools()}));
    let message = &answer["choices"][0]["message"];
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls", "{answer}");
    assert_eq!(calls(message)[0], ("get_weather".into(), json!({"city": "Paris", "unit": "celsius"})));
    let result = json!({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "{\"degrees\": 18}"});
    messages.extend([message.clone(), result]);
    let answer = server.ask(&json!({"messages": messages, "tools": tools()}));
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("18"), "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

fn a_choice_of_tools_is_kept_to(server: &Server) {
    let ask = |choice: Value, text: &str| {
        let body = json!({"messages": [user(text)], "tools": tools(), "tool_choice": choice,
            "parallel_tool_calls": false, "max_tokens": 80});
        calls(&server.ask(&body)["choices"][0]["message"])
    };
    let required = ask(json!("required"), "Hello!");
    assert_eq!(required.len(), 1, "{required:?}");
    let named = ask(json!({"type": "function", "function": {"name": "send_mail"}}), "Tell kim@example.org");
    assert_eq!(named, [("send_mail".to_owned(), json!({"to": "kim@example.org"}))]);
    assert!(ask(json!("none"), "What is the weather in Paris?").is_empty());
}

fn a_stream_says_the_same(server: &Server) {
    let body = |choice: &str, stream: bool| {
        json!({"messages": [user("What is the weather in Paris, in celsius?")], "tools": tools(),
            "tool_choice": choice, "stream": stream, "stream_options": {"include_usage": true}})
    };
    for choice in ["none", "required"] {
        let whole = server.ask(&body(choice, false));
        let events = server.events(&body(choice, true));
        assert_eq!(events.last().unwrap(), "[DONE]");
        let chunks: Vec<Value> =
            events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        let deltas =
            || chunks.iter().filter_map(|chunk| chunk["choices"].get(0)).map(|choice| &choice["delta"]);
        let text: String = deltas().filter_map(|delta| delta["content"].as_str()).collect();
        let message = &whole["choices"][0]["message"];
        assert_eq!(text, message["content"].as_str().unwrap_or_default());
        let streamed: Vec<_> = deltas().flat_map(calls).collect();
        assert_eq!(streamed, calls(message));
        let usage = &chunks.last().unwrap()["usage"];
        assert_eq!(usage["completion_tokens"], whole["usage"]["completion_tokens"]);
    }
}

fn what_cannot_be_answered_is_said(server: &Server) {
    let (status, error) = server.refusal(&json!({"messages": [user(&"word ".repeat(3000))]}));
    assert_eq!((status, &error["code"]), (400, &json!("context_length_exceeded")), "{error}");
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strin"}}});
    let (status, error) = server.refusal(&json!({"messages": [user("Hi")], "response_format": format}));
    assert_eq!((status, &error["code"]), (400, &json!("invalid_schema")), "{error}");
    let (status, error) = server.refusal(&json!({"messages": [user("Hi")], "n": 2}));
    assert_eq!(
        (status, &error["type"], &error["param"]),
        (400, &json!("invalid_request_error"), &json!("n"))
    );
    assert_eq!(server.send("GET /v1/nothing", "").0, 404);
    // One is answered, eight wait, the others find no room.
    let long = json!({"messages": [user(&"word ".repeat(1500))], "max_tokens": 1});
    let statuses: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..14).map(|_| scope.spawn(|| server.refusal(&long))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let busy = statuses.iter().filter(|(status, error)| *status == 503 && error["code"] == "busy").count();
    assert!((4..=6).contains(&busy), "{statuses:?}");
}

#[test]
fn what_cannot_be_served_is_said() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plancache"));
        let output = command.args(["models", "serve"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["no-such-model"]).contains("there is no model `no-such-model`"));
    let Some(file) = model_file::model_file() else { return };
    let said = run(&[file.to_str().unwrap(), "--listen", "0.0.0.0:0"]);
    assert!(said.contains("loopback addresses only"), "{said}");
}
