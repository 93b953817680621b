//! Other names for tools, arguments and keys.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::literal::{Piece, pieces, python};
use super::scramble::Scrambler;
use super::values::is_data;
use super::{Dataset, VariantError};

/// Keys that appear only in what the tools return.
const RETURNED: [&str; 7] = [
    "cancel_reason",
    "exchange_items",
    "exchange_new_items",
    "exchange_payment_method_id",
    "exchange_price_difference",
    "return_items",
    "return_payment_method_id",
];

pub(super) fn rename(mut data: Dataset, seed: u64) -> Result<Dataset, VariantError> {
    let texts: Vec<String> = data.texts().chain(data.tools.iter().map(Value::to_string)).collect();
    let mut scrambler = Scrambler::new(seed, texts.iter().map(String::as_str));
    let mut new_name = |old: &String| (old.clone(), letters(&mut scrambler, old));
    let tools: BTreeSet<String> = data.effects.keys().cloned().collect();
    data.tool_names = tools.iter().map(&mut new_name).collect();
    data.key_names = keys(&data).iter().map(&mut new_name).collect();

    let (tools, keys) = (data.tool_names.clone(), data.key_names.clone());
    data.tools = data.tools.iter().map(|tool| described(tool, &tools, &keys)).collect();
    data.effects = data.effects.iter().map(|(tool, class)| (given(&tools, tool), *class)).collect();
    for (_, table) in &mut data.tables {
        *table = renamed(&keys, std::mem::take(table));
    }
    data.each_call(|call| {
        if let Some(name) = call.get("name").and_then(Value::as_str).map(|name| given(&tools, name)) {
            call.insert("name".to_owned(), json!(name));
        }
        if let Some(arguments) = call.get_mut("arguments") {
            *arguments = renamed(&keys, std::mem::take(arguments));
        }
    });
    for message in data.runs.iter_mut().filter_map(|run| run.get_mut("messages")?.as_array_mut()).flatten() {
        if let Some(name) = message.get("name").and_then(Value::as_str).map(|name| given(&tools, name)) {
            message["name"] = json!(name);
        }
    }
    data.reword(|_, text| Ok(instruction(&keys, text)))?;
    data.observe_again();
    Ok(data)
}

/// A name with its words replaced and its digits kept.
fn letters(scrambler: &mut Scrambler, old: &str) -> String {
    let mut out = String::new();
    for part in old.split_inclusive(|c: char| c.is_ascii_digit()) {
        let (word, digit) = part.split_at(part.trim_end_matches(|c: char| c.is_ascii_digit()).len());
        out.push_str(&scrambler.text(word));
        out.push_str(digit);
    }
    out
}

/// Every name of an argument or a field.
fn keys(data: &Dataset) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = RETURNED.iter().map(|key| (*key).to_owned()).collect();
    for tool in &data.tools {
        let arguments = tool["function"]["parameters"]["properties"].as_object();
        found.extend(arguments.into_iter().flat_map(Map::keys).cloned());
    }
    for (_, table) in &data.tables {
        collect(table, &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.keys().filter(|key| !is_data(key)).cloned());
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn given(names: &HashMap<String, String>, own: &str) -> String {
    names.get(own).cloned().unwrap_or_else(|| own.to_owned())
}

fn renamed(keys: &HashMap<String, String>, value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(key, member)| (given(keys, &key), renamed(keys, member))).collect(),
        ),
        Value::Array(items) => items.into_iter().map(|item| renamed(keys, item)).collect(),
        scalar => scalar,
    }
}

/// A tool's description under its new name, with its arguments under theirs. The keywords of
/// JSON Schema are no names.
fn described(tool: &Value, tools: &HashMap<String, String>, keys: &HashMap<String, String>) -> Value {
    let mut tool = tool.clone();
    let function = &mut tool["function"];
    function["name"] = json!(given(tools, function["name"].as_str().unwrap_or_default()));
    let parameters = &mut function["parameters"];
    if let Some(members) = parameters["properties"].as_object() {
        let members: Map<String, Value> =
            members.iter().map(|(key, schema)| (given(keys, key), schema.clone())).collect();
        parameters["properties"] = Value::Object(members);
    }
    if let Some(required) = parameters["required"].as_array() {
        let required: Vec<String> =
            required.iter().filter_map(Value::as_str).map(|key| given(keys, key)).collect();
        parameters["required"] = json!(required);
    }
    tool
}

/// The instruction with the keys of its dict literals renamed: they are the keys of the records.
fn instruction(keys: &HashMap<String, String>, text: &str) -> String {
    let piece = |piece: Piece<'_>| match piece {
        Piece::Words(words) => words.to_owned(),
        Piece::Dict(members) => {
            python(&members.into_iter().map(|(key, value)| (given(keys, &key), value)).collect::<Vec<_>>())
        }
    };
    pieces(text).into_iter().map(piece).collect()
}
