//! OpenTelemetry spans of generative AI, as a collector's file exporter writes them (OTLP in JSON).
//!
//! What is read: `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions` and
//! `gen_ai.tool.definitions`, as attributes of a span or of its events, structured or as JSON in a
//! string; the events `gen_ai.content.prompt` and `gen_ai.content.completion` of older
//! instrumentations; spans `execute_tool`. Spans belong together by their conversation, else by
//! their trace.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Why;
use super::conversation::{LastTools, Piece};
use super::items::{self, Item, Reply};
use super::outcome::{OutcomeFrom, outcome, worst};
use super::threads::{Thread, Threads};
use crate::domain::{Call, RunOutcome, Usage};

/// Traces that are held while spans of them may still come; the one that began first is taken to
/// be complete.
const MOST_OPEN: usize = 1_024;
/// The status of a span that failed.
const FAILED: [&str; 2] = ["2", "STATUS_CODE_ERROR"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<WireSpan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpan {
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "startTimeUnixNano")]
    started: Value,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    status: Map<String, Value>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

/// A span as far as it matters here.
#[derive(Debug)]
struct Span {
    line: usize,
    start: u128,
    kind: Kind,
    attributes: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A planning call.
    Call,
    /// The agent around planning calls and tools.
    Agent,
    Tool,
}

/// What a group told: a conversation, or the line on which something is wrong, and what.
pub(super) type Told = Result<Thread, (usize, String)>;

/// Spans by the run that they are of.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// By order of beginning.
    open: BTreeMap<usize, Group>,
    numbers: BTreeMap<String, usize>,
    begun: usize,
}

#[derive(Debug, Default)]
struct Group {
    name: String,
    spans: Vec<Span>,
    outcome: RunOutcome,
}

impl Groups {
    /// Takes a record of spans; gives back the conversations of groups that had to make room.
    pub(super) fn push(
        &mut self,
        line: usize,
        record: &Map<String, Value>,
        from: &OutcomeFrom,
        tools: &mut LastTools,
    ) -> Result<Vec<Told>, Why> {
        if !record.contains_key("resourceSpans") {
            return Err(Why::Missing("resourceSpans"));
        }
        let export = Export::deserialize(record).map_err(|error| Why::Content(error.to_string()))?;
        let spans = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        for span in spans.flat_map(|scope| scope.spans) {
            self.span(line, span, from);
        }
        let mut done = Vec::new();
        while self.open.len() > MOST_OPEN {
            if let Some((_, group)) = self.open.pop_first() {
                self.numbers.remove(&group.name);
                done.extend(group.finish(tools));
            }
        }
        Ok(done)
    }

    /// All that are left, by their beginnings.
    pub(super) fn finish(&mut self, tools: &mut LastTools) -> Vec<Told> {
        self.numbers.clear();
        std::mem::take(&mut self.open).into_values().flat_map(|group| group.finish(tools)).collect()
    }

    fn span(&mut self, line: usize, span: WireSpan, from: &OutcomeFrom) {
        let attributes = attributes(&span);
        let named = |key: &str| attributes.get(key).and_then(Value::as_str);
        let name = named("gen_ai.conversation.id").unwrap_or(&span.trace_id).to_owned();
        let kind = match named("gen_ai.operation.name").or(span.name.split(' ').next()) {
            Some("execute_tool") => Some(Kind::Tool),
            Some("invoke_agent" | "create_agent" | "invoke_workflow") => Some(Kind::Agent),
            _ => attributes.keys().any(|key| key.starts_with("gen_ai.")).then_some(Kind::Call),
        };
        let number = *self.numbers.entry(name.clone()).or_insert_with(|| {
            self.begun += 1;
            self.begun
        });
        let group = self.open.entry(number).or_insert_with(|| Group { name, ..Group::default() });
        group.outcome = worst(group.outcome, said(&span, &attributes, from));
        if let Some(kind) = kind {
            let start = items::plain(span.started).and_then(|text| text.parse().ok());
            group.spans.push(Span { line, start: start.unwrap_or_default(), kind, attributes });
        }
    }
}

/// What a span says of how the run went: the members that tell an outcome; where the user names
/// one, also an evaluation of that name; and a whole trace that failed is a failure.
fn said(span: &WireSpan, attributes: &Map<String, Value>, from: &OutcomeFrom) -> RunOutcome {
    let mut said = from.read(attributes);
    if let OutcomeFrom::Field(name) = from {
        for event in span.events.iter().filter(|event| event.name == "gen_ai.evaluation.result") {
            let told: Map<String, Value> = event.attributes.iter().map(pair).collect();
            if told.get("gen_ai.evaluation.name").and_then(Value::as_str) == Some(name) {
                let score = ["gen_ai.evaluation.score.label", "gen_ai.evaluation.score.value"];
                said = score.iter().filter_map(|key| told.get(*key)).map(outcome).fold(said, worst);
            }
        }
    }
    let code = span.status.get("code").cloned().and_then(items::plain);
    let failed = span.parent_span_id.is_empty() && code.is_some_and(|code| FAILED.contains(&code.as_str()));
    match from {
        OutcomeFrom::Said if failed => RunOutcome::Failure,
        _ => said,
    }
}

/// The attributes of a span and of its events, the span's own first.
fn attributes(span: &WireSpan) -> Map<String, Value> {
    let mut all: Map<String, Value> = span.attributes.iter().map(pair).collect();
    for event in &span.events {
        for (key, value) in event.attributes.iter().map(pair) {
            let key = match key.as_str() {
                "gen_ai.prompt" => "gen_ai.input.messages".to_owned(),
                "gen_ai.completion" => "gen_ai.output.messages".to_owned(),
                _ => key,
            };
            all.entry(key).or_insert(value);
        }
    }
    all
}

fn pair(attribute: &Attribute) -> (String, Value) {
    (attribute.key.clone(), plain(&attribute.value, 0))
}

/// Deepest nesting of a value that is read.
const DEEPEST: usize = 64;

/// An OTLP value as the JSON that it stands for.
fn plain(value: &Value, depth: usize) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|map| map.iter().next()) else { return Value::Null };
    match kind.as_str() {
        _ if depth > DEEPEST => Value::Null,
        "stringValue" | "boolValue" | "doubleValue" | "bytesValue" => value.clone(),
        // 64-bit numbers are strings in OTLP's JSON.
        "intValue" => {
            let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
            number.map_or_else(|| value.clone(), Value::from)
        }
        "arrayValue" => {
            let items = value.get("values").and_then(Value::as_array);
            items.into_iter().flatten().map(|item| plain(item, depth + 1)).collect()
        }
        "kvlistValue" => {
            let members = value.get("values").and_then(Value::as_array).into_iter().flatten();
            let member = |member: &Value| {
                let key = member.get("key")?.as_str()?.to_owned();
                Some((key, plain(member.get("value")?, depth + 1)))
            };
            members.filter_map(member).collect::<Map<String, Value>>().into()
        }
        _ => Value::Null,
    }
}

impl Span {
    /// An attribute that is structured, or JSON in a string.
    fn structured(&self, key: &str) -> Option<Value> {
        match self.attributes.get(key)? {
            Value::String(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
            Value::Null => None,
            other => Some(other.clone()),
        }
    }

    /// The messages of an attribute; words alone are a message of this role.
    fn messages(&self, key: &str, role: &str) -> Result<Vec<Item>, String> {
        let messages = match self.structured(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(messages)) => messages,
            Some(Value::String(text)) => vec![json!({"role": role, "content": text})],
            Some(other) => vec![other],
        };
        items::read_all(&messages).map_err(|why| format!("in `{key}`, {why}"))
    }

    /// What was said in a planning call.
    fn piece(&self, tools: &mut LastTools) -> Result<Piece, String> {
        let mut all = Vec::new();
        if let Some(Value::Array(parts)) = self.structured("gen_ai.system_instructions") {
            all.extend(items::read_all(&[json!({"role": "system", "parts": parts})])?);
        }
        all.extend(self.messages("gen_ai.input.messages", "user")?);
        let mut answered = self.messages("gen_ai.output.messages", "assistant")?;
        answered.truncate(1);
        let told = |keys: [&str; 2]| {
            keys.iter().find_map(|key| self.attributes.get(*key)?.as_u64()).unwrap_or_default()
        };
        let usage = Usage {
            input: told(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]),
            output: told(["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]),
        };
        super::conversation::spend(&mut answered, usage);
        all.extend(answered);
        let own = self.structured("gen_ai.tool.definitions").unwrap_or_default();
        Ok(Piece { items: all, tools: tools.read(&own)?, ..Piece::default() })
    }

    /// The call that a tool's span tells of, with what it returned.
    fn executed(&self, n: usize) -> Option<(Call, Option<String>)> {
        let text = |key: &str| self.attributes.get(key).cloned().and_then(items::plain);
        let tool = text("gen_ai.tool.name")?;
        let arguments = self.structured("gen_ai.tool.call.arguments");
        let arguments = items::arguments(&tool, arguments).ok()?;
        let id = text("gen_ai.tool.call.id").unwrap_or_else(|| format!("call-{n}"));
        Some((Call { id, tool, arguments }, text("gen_ai.tool.call.result")))
    }
}

impl Group {
    /// The conversations of the group, each as one thread.
    fn finish(mut self, tools: &mut LastTools) -> Vec<Told> {
        self.spans.sort_by_key(|span| span.start);
        let mut threads = Threads::default();
        let mut wrong = Vec::new();
        for span in self.spans.iter().filter(|span| span.kind == Kind::Call) {
            match span.piece(tools) {
                Ok(piece) if piece.items.is_empty() => {}
                // A request that begins with a result tells only what is new.
                Ok(piece) if matches!(piece.items[0], Item::Result { .. }) && threads.last().is_some() => {
                    threads.append(piece);
                }
                Ok(piece) => {
                    threads.push(span.line, piece);
                }
                Err(why) => wrong.push(Err((span.line, why))),
            }
        }
        let mut all = threads.finish();
        if all.is_empty() && wrong.is_empty() {
            match self.by_agent(tools) {
                Ok(agent) => all.extend(agent),
                Err(why) => wrong.push(Err(why)),
            }
        }
        let several = all.len() > 1;
        for (n, thread) in all.iter_mut().enumerate() {
            self.observe(&mut thread.piece.items);
            let name = if several { format!("{}/{}", self.name, n + 1) } else { self.name.clone() };
            thread.piece.run = Some(name);
            thread.piece.outcome = self.outcome;
        }
        all.into_iter().map(Ok).chain(wrong).collect()
    }

    /// Without what was said to the planner, an agent's span tells the task and the answer, and
    /// tools' spans what was done.
    fn by_agent(&self, tools: &mut LastTools) -> Result<Option<Thread>, (usize, String)> {
        let Some(agent) = self.spans.iter().find(|span| span.kind == Kind::Agent) else { return Ok(None) };
        let mut piece = agent.piece(tools).map_err(|why| (agent.line, why))?;
        let at = piece.items.iter().rposition(|item| matches!(item, Item::User(_)));
        let Some(at) = at else { return Ok(None) };
        let answer = piece.items.split_off(at + 1);
        let done = self.spans.iter().filter(|span| span.kind == Kind::Tool);
        for (call, result) in done.enumerate().filter_map(|(n, span)| span.executed(n)) {
            let id = Some(call.id.clone());
            piece.items.push(Item::Reply(Reply { calls: vec![call], ..Reply::default() }));
            piece.items.extend(result.map(|text| Item::Result { id, text }));
        }
        piece.items.extend(answer);
        let mut threads = Threads::default();
        threads.push(agent.line, piece);
        Ok(threads.finish().pop())
    }

    /// Calls whose results no message tells, as the last ones', get what the tools' spans say.
    fn observe(&self, items: &mut Vec<Item>) {
        let told: Vec<String> = items
            .iter()
            .filter_map(|item| if let Item::Result { id, .. } = item { id.clone() } else { None })
            .collect();
        let done = self.spans.iter().filter(|span| span.kind == Kind::Tool);
        for (call, result) in done.enumerate().filter_map(|(n, span)| span.executed(n)) {
            let makes = |item: &Item| matches!(item, Item::Reply(reply) if reply.calls.iter().any(|own| own.id == call.id));
            let at = items.iter().position(makes).filter(|_| !told.contains(&call.id));
            if let (Some(at), Some(text)) = (at, result) {
                items.insert(at + 1, Item::Result { id: Some(call.id), text });
            }
        }
    }
}
