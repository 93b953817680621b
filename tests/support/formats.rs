//! One run in every format in which recordings come, written from its messages in the form of chat
//! completions or of normalised runs.
#![allow(dead_code, reason = "each test uses what it needs")]

use serde_json::{Map, Value, json};

/// A writer: messages, tools, the run's id and whether it was a success, to a file's text.
pub(crate) type Write = fn(&[Value], &Value, &str, bool) -> String;

pub(crate) const ALL: [Write; 9] =
    [normalised, conversation, pairs, batch, responses, chained, spans, events, agent_spans];

fn said(success: bool) -> &'static str {
    if success { "success" } else { "failure" }
}

fn lines(all: Vec<Value>) -> String {
    all.iter().map(|line| format!("{line}\n")).collect()
}

/// A call's id, name and arguments.
fn parts(call: &Value) -> (Value, Value, Value) {
    let function = call.get("function").unwrap_or(call);
    let arguments = match &function["arguments"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    };
    (call["id"].clone(), function["name"].clone(), arguments)
}

fn calls(message: &Value) -> Vec<(Value, Value, Value)> {
    message["tool_calls"].as_array().into_iter().flatten().map(parts).collect()
}

/// The content of a message as words.
fn words(message: &Value) -> String {
    match &message["content"] {
        Value::Array(parts) => parts.iter().filter_map(|p| p["text"].as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// A message as the endpoint takes it.
fn wire(message: &Value) -> Value {
    let mut wire = message.clone();
    if message["role"] == "assistant" && !calls(message).is_empty() {
        let calls = calls(message).into_iter().map(|(id, name, arguments)| {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
        });
        wire["tool_calls"] = calls.collect();
    }
    wire
}

/// Where the planner replied, in order.
fn replies(messages: &[Value]) -> impl Iterator<Item = usize> + '_ {
    (0..messages.len()).filter(|at| messages[*at]["role"] == "assistant")
}

pub(crate) fn normalised(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let line =
        json!({"task_id": run, "run_id": run, "success": success, "messages": messages, "tools": tools});
    lines(vec![line])
}

pub(crate) fn conversation(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let messages: Vec<Value> = messages.iter().map(wire).collect();
    lines(vec![json!({"messages": messages, "tools": tools, "run_id": run, "outcome": said(success)})])
}

/// Each planning call with what was answered.
pub(crate) fn pairs(messages: &[Value], tools: &Value, _: &str, success: bool) -> String {
    let pair = |at: usize| {
        let before: Vec<Value> = messages[..at].iter().map(wire).collect();
        json!({
            "request": {"model": "m", "messages": before, "tools": tools},
            "response": {"id": format!("c{at}"), "choices": [{"index": 0, "message": wire(&messages[at])}],
                "usage": {"prompt_tokens": 100 + at, "completion_tokens": 7}},
            "success": success,
        })
    };
    lines(replies(messages).map(pair).collect())
}

/// The same with bodies in wrappers.
pub(crate) fn batch(messages: &[Value], tools: &Value, _: &str, success: bool) -> String {
    let pair = |at: usize| {
        let before: Vec<Value> = messages[..at].iter().map(wire).collect();
        json!({
            "body": {"model": "m", "messages": before, "tools": tools},
            "response": {"status_code": 200, "body": {"choices": [{"message": wire(&messages[at])}]}},
            "outcome": said(success),
        })
    };
    lines(replies(messages).map(pair).collect())
}

/// A message as items of the endpoint for responses.
fn items(message: &Value) -> Vec<Value> {
    let text = words(message);
    match message["role"].as_str().unwrap() {
        "tool" => {
            vec![json!({"type": "function_call_output", "call_id": message["tool_call_id"], "output": text})]
        }
        "assistant" => {
            let mut all = vec![json!({"type": "reasoning", "id": "rs", "summary": []})];
            if !text.is_empty() {
                let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
                all.push(json!({"type": "message", "role": "assistant", "content": content}));
            }
            all.extend(calls(message).into_iter().map(|(id, name, arguments)| {
                json!({"type": "function_call", "id": "fc", "call_id": id, "name": name, "arguments": arguments.to_string()})
            }));
            all
        }
        role => vec![json!({"role": role, "content": text})],
    }
}

fn flat(tools: &Value) -> Value {
    let one = |tool: &Value| {
        let mut tool = tool.get("function").unwrap_or(tool).clone();
        tool["type"] = json!("function");
        tool
    };
    tools.as_array().unwrap().iter().map(one).collect()
}

pub(crate) fn responses(messages: &[Value], tools: &Value, _: &str, success: bool) -> String {
    let pair = |at: usize| {
        let input: Vec<Value> = messages[..at].iter().flat_map(items).collect();
        json!({
            "request": {"input": input, "tools": flat(tools)},
            "response": {"id": format!("resp_{at}"), "output": items(&messages[at]), "usage": {"input_tokens": 9, "output_tokens": 2}},
            "success": success,
        })
    };
    lines(replies(messages).map(pair).collect())
}

/// The same where the provider keeps what was said.
pub(crate) fn chained(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let mut from = 0;
    let mut previous = Value::Null;
    let mut all = Vec::new();
    for at in replies(messages) {
        let input: Vec<Value> = messages[from..at].iter().flat_map(items).collect();
        let id = json!(format!("resp_{run}_{at}"));
        all.push(json!({
            "request": {"input": input, "tools": flat(tools), "previous_response_id": previous},
            "response": {"id": id, "output": items(&messages[at])},
            "success": success,
        }));
        previous = id;
        from = at + 1;
    }
    lines(all)
}

/// A message of telemetry.
fn told(message: &Value) -> Value {
    let text = words(message);
    let mut parts = Vec::new();
    if message["role"] == "tool" {
        parts.push(json!({"type": "tool_call_response", "id": message["tool_call_id"], "response": text}));
    } else if !text.is_empty() {
        parts.push(json!({"type": "text", "content": text}));
    }
    parts.extend(calls(message).into_iter().map(
        |(id, name, arguments)| json!({"type": "tool_call", "id": id, "name": name, "arguments": arguments}),
    ));
    json!({"role": message["role"], "parts": parts})
}

/// A value as OTLP has it, structured to the last.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(b) => json!({"boolValue": b}),
        Value::Number(n) if n.is_i64() => json!({"intValue": n.to_string()}),
        Value::Number(n) => json!({"doubleValue": n}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}}),
        Value::Object(map) => json!({"kvlistValue": {"values": attributes(map)}}),
    }
}

fn attributes(map: &Map<String, Value>) -> Value {
    map.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

fn span(run: &str, at: usize, name: &str, own: Value, events: Value) -> Value {
    json!({
        "traceId": run, "spanId": format!("s{at}"), "parentSpanId": "root", "name": name, "kind": 3,
        "startTimeUnixNano": format!("{}", 1_700_000_000_000_000_000_u64 + at as u64),
        "attributes": attributes(own.as_object().unwrap()), "events": events, "status": {},
    })
}

fn export(spans: Vec<Value>) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]})
}

fn root(run: &str, success: bool, more: Value) -> Value {
    let mut root = span(run, 0, "invoke_agent helper", more, json!([]));
    root["parentSpanId"] = json!("");
    let own = json!({"gen_ai.operation.name": "invoke_agent", "success": success});
    let all = attributes(own.as_object().unwrap());
    root["attributes"].as_array_mut().unwrap().extend(all.as_array().unwrap().iter().cloned());
    root
}

fn asked(messages: &[Value], tools: &Value, at: usize) -> (Value, Value, Value) {
    let before: Value = messages[..at].iter().map(told).collect();
    (before, json!([told(&messages[at])]), flat(tools))
}

/// One export a planning call, as JSON in attributes, the last call first.
pub(crate) fn spans(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let call = |at: usize| {
        let (before, after, tools) = asked(messages, tools, at);
        let own = json!({
            "gen_ai.operation.name": "chat", "gen_ai.input.messages": before.to_string(),
            "gen_ai.output.messages": after.to_string(), "gen_ai.tool.definitions": tools.to_string(),
            "gen_ai.usage.input_tokens": 50, "gen_ai.usage.output_tokens": 5,
        });
        export(vec![span(run, at, "chat m", own, json!([]))])
    };
    let mut all: Vec<Value> = replies(messages).map(call).collect();
    all.reverse();
    all.push(export(vec![root(run, success, json!({}))]));
    lines(all)
}

/// One export for all, structured, in events of the spans.
pub(crate) fn events(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let mut all = vec![root(run, success, json!({}))];
    for at in replies(messages) {
        let (before, after, tools) = asked(messages, tools, at);
        let own = json!({"gen_ai.input.messages": before, "gen_ai.output.messages": after, "gen_ai.tool.definitions": tools});
        let event = json!([{"name": "gen_ai.client.inference.operation.details", "attributes": attributes(own.as_object().unwrap())}]);
        all.push(span(run, at, "chat m", json!({"gen_ai.operation.name": "chat"}), event));
    }
    lines(vec![export(all)])
}

/// The task and the answer on the agent's span, what was done on the tools'.
pub(crate) fn agent_spans(messages: &[Value], tools: &Value, run: &str, success: bool) -> String {
    let task: Value = messages.iter().filter(|m| m["role"] == "user").map(told).collect();
    let last = messages.last().filter(|m| m["role"] == "assistant" && calls(m).is_empty());
    let answer: Value = last.map(told).into_iter().collect();
    let own = json!({"gen_ai.input.messages": task, "gen_ai.output.messages": answer, "gen_ai.tool.definitions": flat(tools)});
    let mut all = vec![root(run, success, own)];
    for (at, message) in messages.iter().enumerate() {
        for (id, name, arguments) in calls(message) {
            let result = messages.iter().find(|m| m["tool_call_id"] == id).map(words);
            let own = json!({
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": id,
                "gen_ai.tool.call.arguments": arguments.to_string(), "gen_ai.tool.call.result": result,
            });
            all.push(span(run, at + 1, "execute_tool x", own, json!([])));
        }
    }
    lines(vec![export(all)])
}

/// The result file of a benchmark: an array, indented.
pub(crate) fn results(runs: &[(Vec<Value>, f64)]) -> String {
    let one = |(n, (messages, reward)): (usize, &(Vec<Value>, f64))| {
        let traj: Vec<Value> = messages.iter().map(wire).collect();
        json!({"task_id": n, "reward": reward, "info": {"task": {}}, "traj": traj, "trial": 0})
    };
    serde_json::to_string_pretty(&runs.iter().enumerate().map(one).collect::<Vec<_>>()).unwrap()
}
