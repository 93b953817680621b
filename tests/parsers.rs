//! Whatever the parsers are given, they do not panic and say clearly what is wrong: arbitrary text
//! and bytes, and valid inputs that were damaged. (`fuzz/` looks for more, for as long as one likes.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/checks.rs"]
mod checks;
#[path = "support/few.rs"]
mod few;
#[path = "support/formats.rs"]
mod formats;

use few::few;
use plancache::domain::{Learning, Template};
use plancache::import::{Reader, Settings};
use plancache::validate;
use proptest::prelude::*;
use serde_json::{Value, json};

const TASK: &str = "My name is \"Ada\u{301} B.\" (a@b.org); please send #12, K_3 and {hue: 'dark red', size -> 11} \
                    [a = b | c = d], 1,200.50 or -3% by 10:30,\nthen don't!";
const GUARDS: [&str; 4] = [
    r#""plant" in obs && obs["state"] == "open""#,
    "has(obs.loans) && size(obs.loans) > 0",
    "obs.items.exists(i, i.n < 3 && i.name.startsWith('a')) || !(obs.free ?? true)",
    "obs.a[0].b + 1.5 >= double(obs.c) ? true : obs.d.matches('^x+$')",
];

/// The messages of a run, with the tools as endpoints take them.
fn run() -> (Vec<Value>, Value) {
    let messages = json!([
        {"role": "system", "content": "You help."},
        {"role": "user", "content": [{"type": "text", "text": "Reader R-1 asks to keep \"Emma\" until May."}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "loans_of", "arguments": "{\"reader\": \"R-1\"}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "{\"loans\": [{\"title\": \"Emma\", \"loan\": \"L_7\"}]}"},
        {"role": "assistant", "tool_calls": [{"id": "2", "name": "extend", "arguments": {"loan": "L_7", "until": "May"}}]},
        {"role": "tool", "tool_call_id": "2", "content": "{\"done\": true}"},
        {"role": "assistant", "content": "Done."},
    ]);
    let tools = json!([
        {"type": "function", "function": {"name": "loans_of", "description": "", "parameters":
            {"type": "object", "properties": {"reader": {"type": "string"}}}}},
        {"name": "extend", "parameters": {"type": "object", "properties": {"loan": {"enum": ["a", "b"]}}}},
    ]);
    (messages.as_array().unwrap().clone(), tools)
}

/// The run as a file of each format.
fn recordings() -> Vec<String> {
    let (messages, tools) = run();
    formats::ALL.iter().map(|write| write(&messages, &tools, "r", true)).collect()
}

const PROGRAMS: [&str; 7] = [
    "SELECT a.name, avg(b.x) FROM a JOIN b ON a.id = b.a WHERE a.land = 'Peru' AND b.x > 3 LIMIT 5",
    "INSERT INTO a (name, x) VALUES (\"it's\", 1.5)",
    "grep -n5 --since=2024-01-01 'a b' \"/srv/$X/c\" /var/*.log | tail -n 3 > out.txt && X=foo ssh h1 # done",
    "for f in a b; do echo ${f%.txt} \"$(wc -l < $f)\"; done; cat <<E\nhi $X there\nE\n",
    "import pandas as pd\ndf = pd.read_csv(\"a.csv\", sep=';')\nfor r in df[df['x'] >= -3]:\n    print(f\"At {r.y:.2f} now\", q)",
    "s = 'it\\'s' + r'\\d' + \"\"\"a\nb\"\"\"  # all\nf(lambda x: x ** 2)",
    "const r = await fetch(`/x/${b}/y`, {c: \"L\", n: 3, re: /a+/}); // all\nr.map(x => x.y === 'z' ? 1 : 2)",
];

fn template() -> &'static str {
    include_str!("fixtures/extend-loan.json")
}

/// One way to damage a text: where (in parts of a thousand), how much, and with what.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize, usize),
    Twice(usize, usize),
    Put(usize, String),
    End(usize),
    Swap(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0usize..1000;
    let odd = prop_oneof![
        "[\\[\\]{}()\"',:;|=>\\-\\\\0-9eE.+ \n]{1,4}",
        "\\PC{1,3}",
        Just("null".to_owned()),
        Just("\u{0}".to_owned()),
        Just("1e999".to_owned()),
        Just("-0".to_owned()),
        Just("\\ud800".to_owned()),
        (1usize..400).prop_map(|n| "[".repeat(n)),
        (1usize..400).prop_map(|n| "(".repeat(n)),
    ];
    prop_oneof![
        (at.clone(), 0usize..40).prop_map(|(a, n)| Damage::Cut(a, n)),
        (at.clone(), 0usize..60).prop_map(|(a, n)| Damage::Twice(a, n)),
        (at.clone(), odd).prop_map(|(a, s)| Damage::Put(a, s)),
        at.clone().prop_map(Damage::End),
        (at.clone(), at).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn damaged(text: &str, all: &[Damage]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for damage in all {
        let place = |at: &usize| at * chars.len() / 1000;
        match damage {
            Damage::Cut(at, n) => {
                let from = place(at);
                chars.drain(from..(from + n).min(chars.len()));
            }
            Damage::Twice(at, n) => {
                let from = place(at);
                let copy = chars[from..(from + n).min(chars.len())].to_vec();
                chars.splice(from..from, copy);
            }
            Damage::Put(at, odd) => {
                let from = place(at);
                chars.splice(from..from, odd.chars());
            }
            Damage::End(at) => chars.truncate(place(at)),
            Damage::Swap(a, b) if !chars.is_empty() => {
                let (a, b) = (place(a), place(b));
                chars.swap(a, b);
            }
            Damage::Swap(..) => {}
        }
    }
    chars.into_iter().collect()
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec(damage(), 1..5)
}

/// Any text, or text of the characters that the parsers look at.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,120}",
        "[a-cA-C0-9{}\\[\\]()'\"`:;,.|=>@#$_+/&%!?\\- \n]{0,120}",
        prop::collection::vec(any::<u8>(), 0..120).prop_map(|b| String::from_utf8_lossy(&b).into_owned()),
    ]
}

/// A JSON value of some odd kind.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(0u64), Just(1), Just(9999), Just(u64::from(u32::MAX)), Just(u64::MAX)]
            .prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[[[]]]]])),
        Just(json!({"slot": {"slot": 7, "part": "whole"}})),
        Just(json!({"select": []})),
        Just(json!("key_of")),
    ]
}

/// The places of all values below one, by pointer.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| pointers(item, &format!("{at}/{i}"), out));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            pointers(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
        }),
        _ => {}
    }
}

/// The value with others in some places.
fn replaced(value: &Value, others: &[(usize, Value)]) -> Value {
    let mut value = value.clone();
    for (place, other) in others {
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        if let Some(there) = value.pointer_mut(&all[place % all.len()]) {
            *there = other.clone();
        }
    }
    value
}

fn others() -> impl Strategy<Value = Vec<(usize, Value)>> {
    prop::collection::vec((any::<usize>(), odd_value()), 1..4)
}

proptest! {
    #![proptest_config(few(256))]

    #[test]
    fn texts(text in any_text(), damages in damages()) {
        checks::text(&text);
        checks::text(&damaged(TASK, &damages));
        checks::text(&(text + TASK));
    }

    #[test]
    fn template_files(text in any_text(), damages in damages(), others in others()) {
        checks::template_file(&text);
        checks::template_file(&damaged(template(), &damages));
        let value: Value = serde_json::from_str(template()).unwrap();
        checks::template_file(&replaced(&value, &others).to_string());
    }

    /// Beyond the hash: a template that was edited and given the version of what it says now.
    #[test]
    fn edited_templates(others in others()) {
        let value: Value = serde_json::from_str(template()).unwrap();
        if let Ok(mut edited) = serde_json::from_value::<Template>(replaced(&value, &others)) {
            edited.version = edited.content_version();
            checks::template_file(&serde_json::to_string(&edited).unwrap());
            let record = json!({"template": edited, "evidence": {}, "state": "active"});
            checks::template_file(&record.to_string());
        }
    }

    #[test]
    fn recorded_runs(text in any_text(), which in any::<usize>(), damages in damages(), others in others()) {
        checks::recording(text.as_bytes());
        let all = recordings();
        let whole = &all[which % all.len()];
        checks::recording(damaged(whole, &damages).as_bytes());
        let lines = whole.lines().map(|line| match serde_json::from_str(line) {
            Ok(value) => replaced(&value, &others).to_string(),
            Err(_) => line.to_owned(),
        });
        checks::recording(lines.collect::<Vec<_>>().join("\n").as_bytes());
    }

    #[test]
    fn guards(text in any_text(), which in 0..GUARDS.len(), damages in damages(), others in others()) {
        let observed = json!({"plant": "x", "state": "open", "loans": [1], "items": [{"n": 1, "name": "a"}],
            "a": [{"b": 1.0}], "c": "2", "d": "xx", "free": false});
        let observed = replaced(&observed, &others);
        checks::guard(&text, &observed);
        checks::guard(GUARDS[which], &observed);
        checks::guard(&damaged(GUARDS[which], &damages), &observed);
    }

    /// A value stays a value in whatever program.
    #[test]
    fn programs_stay_the_same_whatever_their_values(
        which in 0..PROGRAMS.len(),
        all in prop::collection::vec(damage(), 0..3),
        value in prop_oneof!["[a-z]{1,3}[$`'\"\\\\;|&(){}<>#*?!~=\\[\\] \n-]{1,4}[a-z]{1,3}", "[1-9][0-9]{0,3}", any_text()],
    ) {
        let text = damaged(PROGRAMS[which], &all);
        checks::program(&text, &value);
        checks::program(&value, "x");
    }
}

/// The inputs that are damaged above are sound as they are.
#[test]
fn the_undamaged_are_taken() {
    for file in recordings() {
        let mut runs = Reader::new(file.as_bytes(), "n", Settings::default());
        let trace = runs.next().unwrap().unwrap().trace;
        assert_eq!((trace.steps.len(), runs.next()), (2, None), "{file}");
        assert_eq!(
            plancache::extract::extract(&trace, &|tool| tool == "loans_of", Learning::default())
                .templates
                .len(),
            1
        );
        checks::recording(file.as_bytes());
    }
    validate::read_template(template()).unwrap();
    for guard in &GUARDS[..2] {
        plancache::expr::Program::compile(guard).unwrap();
    }
}

/// Deep nesting and great length are refused, not followed.
#[test]
fn bombs() {
    for bomb in ["[", "{\"a\":", "(", "{a: {", "'", "\"", "-", "a.", "!", "1+"] {
        for n in [100, 1_000, 20_000] {
            let bomb = bomb.repeat(n);
            checks::text(&bomb);
            checks::template_file(&bomb);
            checks::recording(bomb.as_bytes());
            checks::guard(&bomb, &Value::Null);
        }
    }
    let mut deep = json!({"slot": {"slot": 0, "part": "whole"}});
    for _ in 0..60 {
        deep = json!({"merge": {"base": deep, "changes": {"slot": {"slot": 0, "part": "whole"}}}});
    }
    let mut value: Value = serde_json::from_str(template()).unwrap();
    value["steps"][0]["arguments"][0][1]["one"]["bindings"][0]["value"] = deep;
    checks::template_file(&value.to_string());
}
