//! The rules of the repository that a program can check: which room may know which, how long a
//! file may be, and that the library names nothing that belongs to a benchmark.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may know, from the top down. A room that is missing here is an error, so
/// that a new one gets its line. Tests inside the rooms count too.
const ALLOWED: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["config", "domain", "engine", "layer", "models", "policy", "store", "telemetry", "validate"]),
    ("config", &["domain", "layer", "models", "policy"]),
    ("layer", &["domain", "engine", "fill", "policy", "store", "telemetry"]),
    ("engine", &["domain", "expr", "extract", "fill", "matching", "policy", "spans", "store", "validate"]),
    ("models", &["domain", "fill", "matching"]),
    ("extract", &["domain", "expr", "spans"]),
    ("matching", &["domain", "expr", "spans"]),
    ("fill", &["domain", "expr", "spans"]),
    ("validate", &["domain", "expr", "spans"]),
    ("policy", &["domain"]),
    ("store", &["domain"]),
    ("telemetry", &["domain"]),
    ("expr", &["domain", "spans"]),
    ("spans", &["domain"]),
    ("domain", &[]),
];

/// The longest file, without its tests.
const MOST_LINES: usize = 400;

/// Files that may be longer, each with the reason. Empty, and better so.
const LONGER: &[(&str, &str)] = &[];

/// Words that belong to a benchmark or to the examples of one. None may occur in the library.
const FOREIGN: &[&str] = &[
    "retail",
    "airline",
    "tau-bench",
    "taubench",
    "tau_bench",
    "tabmwp",
    "financebench",
    "webarena",
    "nestful",
    "bfcl",
    "intercode",
    "dbbench",
    "planbench",
    "restbench",
    "gsm8k",
    "nfl",
    "order_id",
    "item_id",
    "user_id",
    "product_id",
    "payment_method",
    "credit_card",
    "gift_card",
    "paypal",
    "zip code",
    "zip_code",
    "pending order",
    "delivered order",
    "no longer needed",
    "ordered by mistake",
    "get_order_details",
    "get_user_details",
    "get_product_details",
    "find_user_id",
    "cancel_pending_order",
    "return_delivered",
    "exchange_delivered",
    "modify_pending",
    "transfer_to_human",
    "reservation",
    "touchdown",
    "quarterback",
    "punt",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Every file below `src/` with its path there and its text.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The room of a file: the first part of its path.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// A text without comments and string literals, so that neither counts as code. Good enough for
/// code that rustfmt has been over.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut in_string = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if in_string => {
                    chars.next();
                }
                '"' => in_string = !in_string,
                '/' if !in_string && chars.peek() == Some(&'/') => break,
                c if !in_string => out.push(c),
                _ => {}
            }
        }
        out.push('\n');
    }
    out
}

/// The rooms that a text names as `crate::room`, alone or in a group: `crate::{a::X, b}`.
fn named(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut rooms = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let group = rest.strip_prefix('{');
        match group {
            None => rooms.extend(ident(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut fresh = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => fresh = true,
                        c if fresh && (c.is_alphanumeric() || c == '_') => {
                            rooms.extend(ident(&group[i..]));
                            fresh = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms
}

fn ident(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn rooms_know_only_those_below_them() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(room, below)| (*room, below.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let room = room(&file);
        if room == "lib" {
            continue;
        }
        let Some(below) = allowed.get(room) else {
            wrong.push(format!("src/{file}: the room `{room}` is not in the table of allowed edges"));
            continue;
        };
        // The binary sees the library under its name.
        let text = if room == "main" { text.replace("plancache::", "crate::") } else { text };
        for other in named(&text) {
            let known = allowed.contains_key(other.as_str());
            if known && other != room && !below.contains(other.as_str()) {
                wrong.push(format!("src/{file}: `{room}` must not know `{other}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle_and_no_room_that_is_gone() {
    let places: BTreeMap<&str, usize> = ALLOWED.iter().enumerate().map(|(n, (room, _))| (*room, n)).collect();
    for (room, below) in ALLOWED {
        for other in *below {
            assert!(
                places[other] > places[room],
                "`{room}` stands above `{other}`, or the table has a cycle"
            );
        }
    }
    let there: BTreeSet<String> = sources().iter().map(|(file, _)| room(file).to_owned()).collect();
    for (room, _) in ALLOWED {
        assert!(there.contains(*room), "the room `{room}` is gone; remove its line");
    }
}

/// The lines of a file without those of its tests, which stand last.
fn length(text: &str) -> usize {
    let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..tests].lines().count()
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for folder in ["src", "agents/src", "eval/src"] {
        let mut files = Vec::new();
        rust_files(&root().join(folder), &mut files);
        for path in files {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            let of_tests = name.ends_with("/tests.rs") || name.contains("/tests/");
            let lines = length(&std::fs::read_to_string(&path).unwrap());
            if !of_tests && lines > MOST_LINES && !LONGER.iter().any(|(file, _)| *file == name) {
                long.push(format!("{name}: {lines} lines without tests, at most {MOST_LINES} are allowed"));
            }
        }
    }
    assert!(long.is_empty(), "{}\nsplit them, or state the reason in LONGER", long.join("\n"));
    for (file, reason) in LONGER {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(length(&text) > MOST_LINES, "{file} is short enough ({reason}); remove its line");
    }
}

#[test]
fn the_library_names_nothing_of_a_benchmark() {
    let mut found = Vec::new();
    for (file, text) in sources() {
        for (n, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            for foreign in FOREIGN {
                let hit = if foreign.contains([' ', '-', '_']) {
                    lower.contains(foreign)
                } else {
                    words.contains(foreign)
                };
                if hit {
                    found.push(format!("src/{file}:{}: `{foreign}`", n + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every tool, argument and enumeration member of the data at hand, found in the data itself, so
/// that a new benchmark is covered without anyone thinking of it.
#[test]
fn the_library_names_no_tool_or_field_of_the_data() {
    let mut names = BTreeSet::new();
    let mut folders = vec![root().join("eval/data")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "tools.json") {
                let text = std::fs::read_to_string(&path).unwrap();
                collect(&serde_json::from_str(&text).unwrap(), &mut names);
            }
        }
    }
    assert!(names.len() > 20, "the tools of the data are read: {names:?}");
    // Short or common words say nothing: a library may have a `name` and a `count`.
    names.retain(|name: &String| name.contains(['_', ' ']) && name.len() > 7);
    let mut found = Vec::new();
    for (file, text) in sources() {
        let lower = text.to_lowercase();
        found.extend(
            names.iter().filter(|n| lower.contains(n.as_str())).map(|n| format!("src/{file}: `{n}`")),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Names of tools and of their arguments, and members of enumerations.
fn collect(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    use serde_json::Value;
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(map) => {
            for (key, below) in map {
                match (key.as_str(), below) {
                    ("name", Value::String(name)) => {
                        names.insert(name.to_lowercase());
                    }
                    ("properties", Value::Object(properties)) => {
                        names.extend(properties.keys().map(|key| key.to_lowercase()));
                    }
                    ("enum", Value::Array(members)) => {
                        names.extend(members.iter().filter_map(Value::as_str).map(str::to_lowercase));
                    }
                    _ => {}
                }
                collect(below, names);
            }
        }
        _ => {}
    }
}

#[test]
fn edges_are_found_in_all_their_forms() {
    let text = "use crate::domain::{A, B};\nuse crate::{expr, spans::lex, fill::{self, X}};\n\
                // crate::store is a comment\nlet s = \"crate::engine\"; let x = crate::policy::Mode::On;\n\
                pub(crate) fn f() {}\npub(in crate::layer) struct S;";
    let rooms: Vec<String> = named(text).into_iter().collect();
    assert_eq!(rooms, ["domain", "expr", "fill", "layer", "policy", "spans"]);
    assert_eq!(length("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
}
