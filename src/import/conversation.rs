//! Records of conversations: whole ones, and planning calls with what was answered.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::items::{self, Item};
use super::outcome::OutcomeFrom;
use super::{Format, Why};
use crate::domain::{RunOutcome, Tool, Usage};

/// A conversation as far as one record tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Piece {
    pub(super) items: Vec<Item>,
    /// The tools, where the record names them.
    pub(super) tools: Option<Arc<Vec<Tool>>>,
    pub(super) outcome: RunOutcome,
    pub(super) run: Option<String>,
    pub(super) task_id: Option<String>,
    /// Whether it is one planning call, which others may go on from.
    pub(super) grows: bool,
    /// The id of the response, by which the next request may name what went before.
    pub(super) response: Option<String>,
    pub(super) previous: Option<String>,
}

/// Tools that were read last: records of one log mostly bring the same.
#[derive(Debug, Default)]
pub(super) struct LastTools(Option<(Value, Arc<Vec<Tool>>)>);

impl LastTools {
    pub(super) fn read(&mut self, all: &Value) -> Result<Option<Arc<Vec<Tool>>>, String> {
        let Value::Array(list) = all else { return Ok(None) };
        match &self.0 {
            Some((last, tools)) if last == all => Ok(Some(Arc::clone(tools))),
            _ => {
                let tools = Arc::new(items::tools(list)?);
                self.0 = Some((all.clone(), Arc::clone(&tools)));
                Ok(Some(tools))
            }
        }
    }
}

/// Which format a record has.
pub(super) fn recognise(record: &Map<String, Value>) -> Option<Format> {
    let has = |name: &str| record.contains_key(name);
    if has("resourceSpans") {
        Some(Format::Otel)
    } else if has("traj") {
        Some(Format::Tau)
    } else if has("task_id") && has("messages") {
        Some(Format::Runs)
    } else if ["messages", "input", "request", "body"].into_iter().any(has) {
        Some(Format::Openai)
    } else {
        None
    }
}

/// Reads a record of a conversation.
pub(super) fn read(
    record: &Map<String, Value>,
    format: Format,
    outcome: &OutcomeFrom,
    tools: &mut LastTools,
) -> Result<Piece, Why> {
    let text = |name: &str| record.get(name).cloned().and_then(items::plain);
    let (task_id, trial) = (text("task_id"), text("trial"));
    let outcome = outcome.read(record);
    let whole = |name: &'static str| match record.get(name) {
        Some(Value::Array(messages)) => items::read_all(messages).map_err(Why::Content),
        Some(_) => Err(Why::Content(format!("`{name}` is no array of messages"))),
        None => Err(Why::Missing(name)),
    };
    match format {
        Format::Tau => {
            let run = task_id.as_ref().map(|id| format!("{id}-{}", trial.as_deref().unwrap_or("0")));
            let items = whole("traj")?;
            Ok(Piece { items, outcome, run, task_id, ..Piece::default() })
        }
        Format::Runs => {
            if task_id.is_none() {
                return Err(Why::Missing("task_id"));
            }
            let run = text("run_id").or_else(|| task_id.clone());
            let mut items = whole("messages")?;
            spend(&mut items, usage(record.get("usage")));
            let tools = own_tools(record, tools)?;
            Ok(Piece { items, tools, outcome, run, task_id, ..Piece::default() })
        }
        Format::Openai | Format::Otel | Format::Auto => {
            let mut piece = planning_call(record, tools)?;
            piece.outcome = outcome;
            piece.run = text("run_id");
            piece.task_id = task_id;
            Ok(piece)
        }
    }
}

fn own_tools(record: &Map<String, Value>, tools: &mut LastTools) -> Result<Option<Arc<Vec<Tool>>>, Why> {
    record.get("tools").map_or(Ok(None), |own| tools.read(own)).map_err(Why::Content)
}

/// A request with its response, or a conversation without one. The request is the record itself, or
/// its member `request`; where logs wrap bodies in a member `body`, they are unwrapped.
fn planning_call(record: &Map<String, Value>, tools: &mut LastTools) -> Result<Piece, Why> {
    let object = |value: &'_ Value| value.as_object().cloned();
    let unwrapped = |map: Map<String, Value>| map.get("body").and_then(object).unwrap_or(map);
    let request = match record.get("request").or_else(|| record.get("body")) {
        Some(Value::Object(request)) => unwrapped(request.clone()),
        Some(_) => return Err(Why::Content("`request` is no object".to_owned())),
        None => record.clone(),
    };
    let mut all = Vec::new();
    if let Some(Value::String(text)) = request.get("instructions") {
        all.push(Item::Instructions(text.clone()));
    }
    let told = request.get("messages").or_else(|| request.get("input"));
    match told {
        Some(Value::String(text)) => all.push(Item::User(text.clone())),
        Some(Value::Array(messages)) => all.extend(items::read_all(messages).map_err(Why::Content)?),
        Some(_) => return Err(Why::Content("`messages` is no array of messages".to_owned())),
        None => return Err(Why::Missing("messages")),
    }
    let mut piece = Piece { tools: own_tools(&request, tools)?, ..Piece::default() };
    let named =
        |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    piece.previous = named(&request, "previous_response_id");
    let response = record.get("response").and_then(object).map(unwrapped);
    // Without a member for it, a response may stand beside the request's members.
    let response = response.or_else(|| record.get("choices").is_some().then(|| record.clone()));
    match response {
        None => spend(&mut all, usage(record.get("usage"))),
        Some(response) => {
            piece.grows = true;
            piece.response = named(&response, "id");
            let mut answered = match (response.get("choices"), response.get("output")) {
                (Some(Value::Array(choices)), _) => {
                    let message = choices.first().and_then(|choice| choice.get("message"));
                    let message =
                        message.ok_or_else(|| Why::Content("the response has no message".into()))?;
                    items::read_all(std::slice::from_ref(message))
                }
                (_, Some(Value::Array(output))) => items::read_all(output),
                _ => Err("the response has neither `choices` nor `output`".to_owned()),
            }
            .map_err(|why| Why::Content(format!("in the response, {why}")))?;
            spend(&mut answered, usage(response.get("usage")));
            all.extend(answered);
        }
    }
    piece.items = all;
    Ok(piece)
}

/// Tokens, by either endpoint's names.
pub(super) fn usage(told: Option<&Value>) -> Usage {
    let count = |names: [&str; 2]| names.iter().find_map(|name| told?.get(*name)?.as_u64()).unwrap_or(0);
    Usage {
        input: count(["prompt_tokens", "input_tokens"]),
        output: count(["completion_tokens", "output_tokens"]),
    }
}

/// Lays what was spent to the last reply.
pub(super) fn spend(items: &mut [Item], usage: Usage) {
    let last = items.iter_mut().rev().find_map(|item| match item {
        Item::Reply(reply) => Some(reply),
        _ => None,
    });
    if let Some(reply) = last {
        reply.usage = usage;
    }
}
