//! Nothing of a benchmark is known to the library: no name of a tool, an argument or a field, no
//! phrase of an instruction, no value and no form of a value that is in `eval/data` occurs in
//! `src/`.
//!
//! Names and values are compared as whole words, without case. A name of several words is never
//! allowed. A single word that is plain English, or that Rust and its libraries use, may be in
//! [`PROSE`]; a name or value that is only digits or shorter than three letters says nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

/// Words of the benchmarks' data that are also words of this program or of English prose.
const PROSE: &[&str] = &[
    // Names of arguments and fields.
    "address",
    "automatic",
    "available",
    "capacity",
    "count",
    // A kind of place that texts name.
    "country",
    "date",
    "amount",
    "display",
    "expression",
    "field",
    // An attribute of drawings.
    "height",
    "items",
    "length",
    "name",
    "options",
    "order",
    "orders",
    "output",
    "pieces",
    "plays",
    "price",
    "query",
    "reason",
    "size",
    "sole",
    "source",
    "state",
    "status",
    "storage",
    "style",
    "sum",
    "team",
    // A method of the HTTP server's builder.
    "timer",
    "top",
    "type",
    "value",
    "week",
    "zip",
    // Words of SQL, and the ends of a range in its syntax tree.
    "asc",
    "desc",
    "high",
    "low",
    // Values of options and states.
    "blue",
    "fresh",
    "green",
    "cancelled",
    "dark",
    "fixed",
    "full",
    "half",
    "large",
    "none",
    "pending",
    "plain",
    // A method of HTTP.
    "post",
    // The end of a channel.
    "receiver",
    "red",
    "small",
    "yes",
];

/// Further words, kept apart since they name a thing that the library does know: the shape of an
/// e-mail address, and what standards are.
const KNOWN_SHAPES: [&str; 2] = ["email", "standard"];

/// Words that a provider's wire format prescribes, and the one folder that speaks it.
const WIRE: (&str, [&str; 2]) = ("src/proxy/responses", ["item_id", "summary"]);

/// Forms of ids and addresses in the benchmarks' data.
const FORMS: [&str; 5] = [
    r"#W\d+",
    r"(?i)\b(?:gift|credit)[_ ]card",
    r"(?i)\bpaypal",
    r"(?i)@example\.com",
    r"\b[a-z]+_[a-z]+_\d{4}\b",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, keep: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, keep, found);
        } else if keep(&path) {
            found.push(path);
        }
    }
}

fn below(folder: &str, keep: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join(folder), keep, &mut found);
    found.sort();
    found
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| wanted.contains(&e))
}

/// The sources, by path.
fn sources() -> BTreeMap<PathBuf, String> {
    below("src", &|path| has_extension(path, &["rs", "toml", "json", "txt"]))
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root()).unwrap().to_owned(), text)
        })
        .collect()
}

/// All JSON values in the data: whole files and lines.
fn data() -> Vec<(PathBuf, Vec<Value>)> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let values = match serde_json::from_str(&text) {
            Ok(value) => vec![value],
            Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        (path, values)
    };
    below("eval/data", &|path| has_extension(path, &["json", "jsonl"])).into_iter().map(read).collect()
}

/// The part of a tool's description that holds its name: OpenAI's form wraps it.
fn named(tool: &Value) -> &Value {
    tool.get("function").unwrap_or(tool)
}

/// The arguments of a tool, by name, each with the members of its enumeration. Where many unrelated
/// APIs are described, a single word says nothing of them (`query`, `any`): only names and members
/// of several words are kept.
fn arguments(tool: &Value) -> Vec<(String, Vec<String>)> {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if let Some(function) = tool.get("function") {
        let own = members(&function["parameters"]["properties"]).into_iter();
        return own.map(|(name, argument)| (name, texts(&argument["enum"]))).collect();
    }
    let several = |text: &String| text.contains(['_', ' ']) && text != RUSTS_OWN;
    ["query_parameters", "path_parameters", "parameters", "arguments"]
        .iter()
        .flat_map(|key| members(&tool[key]))
        .filter(|(name, _)| several(name))
        .map(|(name, argument)| {
            let members = ["enum", "allowed_values", "possible_values"].map(|key| texts(&argument[key]));
            (name, members.concat().into_iter().filter(several).collect())
        })
        .collect()
}

/// An API's argument that is also a method of Rust's slices.
const RUSTS_OWN: &str = "sort_by";

/// Visits every key and every string of a value.
fn visit(value: &Value, see: &mut dyn FnMut(&str, bool)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                see(key, true);
                visit(member, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        Value::String(text) => see(text, false),
        _ => {}
    }
}

/// Whether a word says nothing: digits alone, or fewer than three letters.
fn says_nothing(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() < 3
}

/// Every word of the sources, and every pair and more of words that an underscore, a hyphen or
/// blanks join, in lower case: what a name or a value could be.
fn spoken(text: &str) -> BTreeSet<String> {
    let words: Vec<(usize, usize)> =
        Regex::new(r"[A-Za-z0-9]+").unwrap().find_iter(text).map(|m| (m.start(), m.end())).collect();
    let mut found = BTreeSet::new();
    for (i, (start, _)) in words.iter().enumerate() {
        for (_, end) in words.iter().skip(i).take(6) {
            found.insert(text[*start..*end].to_lowercase());
        }
    }
    found
}

fn check(what: &str, benchmark: &BTreeSet<String>, allowed: &[&str]) {
    assert!(benchmark.len() > 10, "{what}: the data was not found");
    let mut found = Vec::new();
    for (path, text) in sources() {
        let spoken = spoken(&text);
        let on_the_wire = |word: &str| path.starts_with(WIRE.0) && WIRE.1.contains(&word);
        let hits = benchmark.iter().filter(|word| spoken.contains(*word) && !on_the_wire(word));
        found.extend(
            hits.filter(|word| !allowed.contains(&word.as_str()))
                .map(|word| format!("{}: {word:?}", path.display())),
        );
    }
    assert!(found.is_empty(), "{what} of a benchmark in the library:\n{}", found.join("\n"));
}

#[test]
fn no_name_of_a_tool_an_argument_or_a_field() {
    let mut names = BTreeSet::new();
    for (path, values) in data() {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let in_db = path.parent().unwrap().ends_with("db");
        for value in &values {
            if file.starts_with("tools") {
                for tool in value.as_array().unwrap() {
                    names.insert(named(tool)["name"].as_str().unwrap().to_owned());
                    names.extend(arguments(tool).into_iter().map(|(name, _)| name));
                }
            } else if in_db {
                let mut see = |text: &str, key: bool| {
                    if key && !text.chars().any(|c| c.is_ascii_digit()) {
                        names.insert(text.to_owned());
                    }
                };
                visit(value, &mut see);
            }
        }
    }
    let names = names.iter().map(|name| name.to_lowercase()).filter(|name| !says_nothing(name)).collect();
    check("names", &names, &[PROSE, &KNOWN_SHAPES].concat());
}

#[test]
fn no_value() {
    let mut found = BTreeSet::new();
    for (path, values) in data() {
        let in_db = path.parent().unwrap().ends_with("db");
        let is_tools = path.file_name().unwrap().to_string_lossy().starts_with("tools");
        for value in &values {
            if in_db {
                visit(value, &mut |text, key| {
                    if !key || text.chars().any(|c| c.is_ascii_digit()) {
                        found.insert(text.to_lowercase());
                    }
                });
            } else if is_tools {
                let members = value.as_array().unwrap().iter().flat_map(arguments).flat_map(|(_, m)| m);
                found.extend(members.map(|member| member.to_lowercase()));
            }
        }
    }
    let found = found.into_iter().filter(|value| !says_nothing(value)).collect();
    check("values", &found, &[PROSE, &KNOWN_SHAPES].concat());
}

#[test]
fn no_form_of_a_value() {
    for form in FORMS {
        let form = Regex::new(form).unwrap();
        for (path, text) in sources() {
            let found = form.find(&text).map(|m| m.as_str().to_owned());
            assert_eq!(found, None, "{}: a benchmark's form of a value", path.display());
        }
    }
}

/// Three words in a row that several instructions have are a phrase of their grammar.
#[test]
fn no_phrase_of_an_instruction() {
    let literal = Regex::new(r"\{[^}]*\}|[^A-Za-z' ]+").unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (path, values) in data() {
        if !path.file_name().unwrap().to_string_lossy().starts_with("tasks") {
            continue;
        }
        for text in values.iter().filter_map(|task| task["instruction"].as_str()) {
            let mut own = BTreeSet::new();
            for part in literal.split(text) {
                let words: Vec<String> = part.split_whitespace().map(str::to_lowercase).collect();
                own.extend(words.windows(3).map(|three| three.join(" ")));
            }
            for phrase in own {
                *counts.entry(phrase).or_default() += 1;
            }
        }
    }
    let phrases: BTreeSet<String> =
        counts.into_iter().filter(|(_, count)| *count >= 4).map(|(phrase, _)| phrase).collect();
    check("phrases", &phrases, &[]);
}
