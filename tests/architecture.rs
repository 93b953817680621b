//! The rules of the repository that a program can check: which room may know which, and how long a
//! file may be. (That the library names nothing of a benchmark: `no_benchmark_words.rs`.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may know, from the top down. A room that is missing here is an error, so
/// that a new one gets its line. Tests inside the rooms count too.
const ALLOWED: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "config",
            "domain",
            "engine",
            "import",
            "layer",
            "models",
            "policy",
            "proxy",
            "store",
            "telemetry",
            "validate",
        ],
    ),
    ("proxy", &["config", "domain", "engine", "layer", "policy", "telemetry"]),
    ("config", &["domain", "layer", "models", "policy"]),
    ("layer", &["domain", "engine", "fill", "policy", "store", "telemetry"]),
    (
        "engine",
        &[
            "domain", "expr", "extract", "fill", "matching", "policy", "programs", "spans", "store",
            "validate",
        ],
    ),
    ("models", &["domain", "fill", "matching"]),
    ("import", &["domain"]),
    ("extract", &["domain", "expr", "programs", "spans"]),
    ("matching", &["domain", "expr", "spans"]),
    ("fill", &["domain", "expr", "programs", "spans"]),
    ("validate", &["domain", "expr", "programs", "spans"]),
    ("policy", &["domain"]),
    ("store", &["domain"]),
    ("telemetry", &["domain"]),
    ("expr", &["domain", "spans"]),
    ("programs", &["domain"]),
    ("spans", &["domain"]),
    ("domain", &[]),
];

/// The longest file, without its tests.
const MOST_LINES: usize = 400;

/// Files that may be longer, each with the reason. Empty, and better so.
const LONGER: &[(&str, &str)] = &[];

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
fn edges_are_found_in_all_their_forms() {
    let text = "use crate::domain::{A, B};\nuse crate::{expr, spans::lex, fill::{self, X}};\n\
                // crate::store is a comment\nlet s = \"crate::engine\"; let x = crate::policy::Mode::On;\n\
                pub(crate) fn f() {}\npub(in crate::layer) struct S;";
    let rooms: Vec<String> = named(text).into_iter().collect();
    assert_eq!(rooms, ["domain", "expr", "fill", "layer", "policy", "spans"]);
    assert_eq!(length("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
}
