use serde::Deserialize;
use serde_json::Value;

use crate::config::Proxy;
use crate::proxy::content::Content;
use crate::proxy::fields::Fields;
use crate::proxy::planning::{Form, Planning, ToolLists, fields_are_fit, must_call};
use crate::proxy::turn::{Item, Unfit, call, turn};

/// Fields that do not matter to a plan, or that are honoured.
const KNOWN: [&str; 24] = [
    "cache",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<InputItem>),
}

#[derive(Deserialize)]
struct InputItem {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default)]
    output: Option<Content>,
}

/// The planning call in a request.
pub(in crate::proxy) fn read(
    fields: &Fields<'_>,
    settings: &Proxy,
    lists: &ToolLists,
) -> Result<Planning, Unfit> {
    if ["previous_response_id", "conversation"].iter().any(|name| fields.raw(name).is_some()) {
        return Err(Unfit::PROVIDER_STATE);
    }
    let tools = lists.read(fields.raw("tools"))?;
    // Spelled out by some clients although they are the defaults.
    let quiet = [("background", "false"), ("top_logprobs", "0")]
        .into_iter()
        .filter(|(name, default)| fields.raw(name) == Some(default))
        .map(|(name, _)| name.to_owned());
    let harmless: Vec<String> = settings.harmless_fields.iter().cloned().chain(quiet).collect();
    if !fields_are_fit(fields, &KNOWN, &harmless) {
        return Err(Unfit::FIELD);
    }
    let must_call = must_call(fields.get("tool_choice"))?;
    let output_format = format(fields.get("text"))?;
    let mut items: Vec<Item> =
        fields.get::<String>("instructions").map(Item::Instructions).into_iter().collect();
    match fields.get::<Input>("input").ok_or(Unfit::BODY)? {
        Input::Text(text) => items.push(Item::User(text)),
        Input::Items(all) => {
            for item in all {
                items.extend(item.read()?);
            }
        }
    }
    let form = Form {
        model: fields.get("model").unwrap_or_default(),
        stream: fields.get("stream").unwrap_or(false),
        usage_in_stream: true,
    };
    let turn = turn(items, settings.earlier_turns)?;
    Ok(Planning { turn, tools, output_format, form, must_call, stops: Vec::new() })
}

fn format(text: Option<Value>) -> Result<Option<Value>, Unfit> {
    let format = text.as_ref().and_then(|text| text.get("format")).filter(|format| !format.is_null());
    match format.map(|format| (format.get("type").and_then(Value::as_str), format)) {
        None | Some((Some("text"), _)) => Ok(None),
        Some((Some("json_object"), _)) => Ok(Some(serde_json::json!({"type": "object"}))),
        Some((Some("json_schema"), format)) => Ok(format.get("schema").cloned()),
        Some(_) => Err(Unfit::FIELD),
    }
}

impl InputItem {
    /// What the item says; `None` for the model's own reasoning.
    fn read(self) -> Result<Option<Item>, Unfit> {
        let Self { r#type, role, content, call_id, name, arguments, output } = self;
        match (r#type.as_deref(), role.as_deref()) {
            (None | Some("message"), Some(role)) => {
                let text = content.map_or(Ok(String::new()), Content::text)?;
                match role {
                    "system" | "developer" => Ok(Some(Item::Instructions(text))),
                    "user" => Ok(Some(Item::User(text))),
                    "assistant" => Ok(Some(Item::Said(text))),
                    _ => Err(Unfit::MESSAGES),
                }
            }
            (Some("function_call"), _) => {
                let (Some(id), Some(name)) = (call_id, name) else { return Err(Unfit::MESSAGES) };
                let call = call(id, name, arguments.as_deref().unwrap_or_default());
                Ok(Some(Item::Call(call.ok_or(Unfit::MESSAGES)?)))
            }
            (Some("function_call_output"), _) => {
                let id = call_id.ok_or(Unfit::MESSAGES)?;
                let text = output.map_or(Ok(String::new()), Content::text)?;
                Ok(Some(Item::Result { id, text }))
            }
            (Some("reasoning"), _) => Ok(None),
            (Some("item_reference"), _) => Err(Unfit::PROVIDER_STATE),
            _ => Err(Unfit::MESSAGES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planning(change: impl FnOnce(&mut Value)) -> Result<Planning, Unfit> {
        let mut body = json!({
            "model": "m", "instructions": "s", "background": false,
            "tools": [{"type": "function", "name": "look", "parameters": {}, "strict": true}],
            "input": [
                {"role": "user", "content": "Look."},
                {"type": "reasoning", "id": "r", "summary": []},
                {"type": "function_call", "id": "fc", "call_id": "a", "name": "look", "arguments": "{\"k\":1}"},
                {"type": "function_call_output", "call_id": "a", "output": "{\"v\":2}"},
            ],
        });
        change(&mut body);
        let text = body.to_string();
        read(&Fields::read(text.as_bytes()).unwrap(), &Proxy::default(), &ToolLists::default())
    }

    #[test]
    fn a_request_is_a_planning_call() {
        let whole = planning(|_| {}).unwrap();
        assert_eq!((whole.turn.text.as_str(), whole.turn.instructions[0].as_str()), ("Look.", "s"));
        assert_eq!(whole.turn.history[0].observation.as_ref().unwrap().value, json!({"v": 2}));
        let short = planning(|body| body["input"] = json!("Look.")).unwrap();
        assert_eq!((short.turn.text.as_str(), short.turn.history.len()), ("Look.", 0));
    }

    #[test]
    fn what_the_provider_keeps_cannot_be_read() {
        let unfit = |key: &'static str, value: Value| planning(|body| body[key] = value).unwrap_err();
        assert_eq!(unfit("previous_response_id", json!("resp_1")), Unfit::PROVIDER_STATE);
        assert_eq!(unfit("conversation", json!("c")), Unfit::PROVIDER_STATE);
        assert_eq!(unfit("input", json!([{"type": "item_reference", "id": "x"}])), Unfit::PROVIDER_STATE);
        assert_eq!(unfit("background", json!(true)), Unfit::FIELD);
        assert_eq!(unfit("tools", json!([{"type": "web_search"}])), Unfit::TOOL_KIND);
    }
}
