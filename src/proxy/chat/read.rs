use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Proxy;
use crate::proxy::content::Content;
use crate::proxy::fields::Fields;
use crate::proxy::planning::{Form, Planning, ToolLists, fields_are_fit, must_call};
use crate::proxy::told::understood;
use crate::proxy::turn::{Item, Unfit, call, turn};

/// Fields that do not matter to a plan, or that are honoured.
const KNOWN: [&str; 27] = [
    "cache",
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
    "verbosity",
    // Checked below: only with the value that says nothing.
    "n",
];

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    function_call: Option<Value>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// The planning call in a request.
pub(in crate::proxy) fn read(
    fields: &Fields<'_>,
    settings: &Proxy,
    lists: &ToolLists,
) -> Result<Planning, Unfit> {
    let tools = lists.read(fields.raw("tools"))?;
    let stops = match fields.get::<Value>("stop") {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop],
        Some(stops) => serde_json::from_value(stops).map_err(|_| Unfit::BODY)?,
    };
    let one = fields.get::<u64>("n").is_none_or(|n| n == 1);
    // Spelled out by some clients although it is the default.
    let quiet = fields.raw("logprobs").is_none_or(|text| text == "false");
    let harmless: Vec<String> =
        settings.harmless_fields.iter().cloned().chain(quiet.then(|| "logprobs".to_owned())).collect();
    if !one || !fields_are_fit(fields, &KNOWN, &harmless) {
        return Err(Unfit::FIELD);
    }
    let must_call = must_call(fields.get("tool_choice"))?;
    let output_format = fields.get::<Value>("response_format").map_or(Ok(None), schema)?;
    let messages: Vec<Message> = fields.get("messages").ok_or(Unfit::BODY)?;
    let mut items = Vec::with_capacity(messages.len());
    for message in messages {
        message.into_items(&mut items)?;
    }
    let options = fields.get::<StreamOptions>("stream_options").unwrap_or_default();
    let form = Form {
        model: fields.get("model").unwrap_or_default(),
        stream: fields.get("stream").unwrap_or(false),
        usage_in_stream: options.include_usage.unwrap_or(false),
    };
    let turn = turn(understood(items), settings.earlier_turns)?;
    Ok(Planning { turn, tools, output_format, form, must_call, stops })
}

fn schema(format: Value) -> Result<Option<Value>, Unfit> {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({"type": "object"}))),
        Some("json_schema") => Ok(format.pointer("/json_schema/schema").cloned()),
        _ => Err(Unfit::FIELD),
    }
}

impl Message {
    fn into_items(self, items: &mut Vec<Item>) -> Result<(), Unfit> {
        let Self { role, content, tool_calls, tool_call_id, function_call } = self;
        if function_call.is_some() {
            return Err(Unfit::MESSAGES);
        }
        let text = content.map_or(Ok(String::new()), Content::text)?;
        match role.as_str() {
            "system" | "developer" => items.push(Item::Instructions(text)),
            "user" => items.push(Item::User(text)),
            "tool" => items.push(Item::Result { id: tool_call_id.ok_or(Unfit::MESSAGES)?, text }),
            "assistant" => {
                let calls = tool_calls.unwrap_or_default();
                if !text.is_empty() || calls.is_empty() {
                    items.push(Item::Said(text));
                }
                for ToolCall { id, function } in calls {
                    let call = call(id, function.name, &function.arguments).ok_or(Unfit::MESSAGES)?;
                    items.push(Item::Call(call));
                }
            }
            _ => return Err(Unfit::MESSAGES),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planning(change: impl FnOnce(&mut Value)) -> Result<Planning, Unfit> {
        let mut body = json!({
            "model": "m", "temperature": 0, "stream": true, "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "Look."}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"k\":1}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": "{\"v\":2}"},
            ],
        });
        change(&mut body);
        let text = body.to_string();
        read(&Fields::read(text.as_bytes()).unwrap(), &Proxy::default(), &ToolLists::default())
    }

    #[test]
    fn a_request_is_a_planning_call() {
        let planning = planning(|_| {}).unwrap();
        assert_eq!(planning.turn.text, "Look.");
        assert_eq!(planning.turn.history[0].observation.as_ref().unwrap().value, json!({"v": 2}));
        let form = Form { model: "m".into(), stream: true, usage_in_stream: true };
        assert_eq!((planning.form, planning.must_call), (form, false));
    }

    #[test]
    fn what_a_plan_cannot_honour_is_unfit() {
        let unfit = |key: &'static str, value: Value| planning(|body| body[key] = value).unwrap_err();
        assert_eq!(unfit("n", json!(2)), Unfit::FIELD);
        assert_eq!(unfit("logprobs", json!(true)), Unfit::FIELD);
        assert_eq!(unfit("a_new_field", json!(0)), Unfit::FIELD);
        assert_eq!(unfit("tools", json!(null)), Unfit::NO_TOOLS);
        assert_eq!(unfit("tool_choice", json!("none")), Unfit::TOOL_CHOICE);
        assert_eq!(unfit("messages", json!("x")), Unfit::BODY);
        let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]);
        assert_eq!(unfit("messages", image), Unfit::CONTENT);
    }

    #[test]
    fn what_says_nothing_does_no_harm() {
        let fit = |key: &'static str, value: Value| planning(|body| body[key] = value).unwrap();
        fit("n", json!(1));
        fit("logprobs", json!(false));
        fit("a_new_field", json!(null));
        assert_eq!(fit("response_format", json!({"type": "text"})).output_format, None);
        let strict = json!({"type": "json_schema", "json_schema": {"schema": {"type": "object"}}});
        assert_eq!(fit("response_format", strict).output_format, Some(json!({"type": "object"})));
        assert!(fit("tool_choice", json!("required")).must_call);
        assert_eq!(fit("stop", json!("x")).stops, ["x"]);
    }
}
