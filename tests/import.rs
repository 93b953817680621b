//! Recorded runs in every format are the same runs: real ones, written in each by `support/formats.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/formats.rs"]
mod formats;

use std::path::Path;
use std::sync::Arc;

use plancache::domain::{RunOutcome, Usage};
use plancache::import::{BadRecord, Format, Reader, Recorded, Settings, read_tools};
use serde_json::{Value, json};

fn data(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("eval/data");
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn read(file: &str, settings: &Settings) -> Vec<Result<Recorded, BadRecord>> {
    Reader::new(file.as_bytes(), "file", settings.clone()).collect()
}

fn runs(file: &str, settings: &Settings) -> Vec<Recorded> {
    read(file, settings).into_iter().map(|read| read.unwrap_or_else(|bad| panic!("{bad}"))).collect()
}

/// Real runs: their messages and the tools.
fn real() -> (Vec<Vec<Value>>, Value) {
    let all = data("retail/tau_retail_oracle.jsonl");
    let messages = all.lines().take(25).map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut messages = line["messages"].as_array().unwrap().clone();
        // Only with an answer is the last result told to the planner.
        messages.push(json!({"role": "assistant", "content": "Done."}));
        messages
    });
    (messages.collect(), serde_json::from_str(&data("retail/tools.json")).unwrap())
}

#[test]
fn a_run_is_the_same_run_in_every_format() {
    let (all, tools) = real();
    let declared = read_tools(&tools.to_string()).unwrap();
    for (n, messages) in all.iter().enumerate() {
        let expected = runs(&formats::normalised(messages, &tools, "r", true), &Settings::default());
        assert_eq!(expected.len(), 1);
        assert_eq!(expected[0].trace.outcome, RunOutcome::Success);
        assert_eq!(*expected[0].trace.task.tools, declared);
        for (way, write) in formats::ALL.iter().enumerate() {
            let file = write(messages, &tools, "r", n % 2 == 0);
            let found = runs(&file, &Settings::default());
            assert_eq!(found.len(), 1, "format {way}: {file}");
            let (one, other) = (&expected[0].trace, &found[0].trace);
            assert_eq!(one.task, other.task, "format {way}");
            let done = |r: &Recorded| -> Vec<_> {
                let steps = r.trace.steps.iter();
                steps
                    .map(|s| (s.call.tool.clone(), s.call.arguments.clone(), s.observation.clone()))
                    .collect()
            };
            assert_eq!(done(&expected[0]), done(&found[0]), "format {way}");
            assert_eq!(one.answer, other.answer, "format {way}");
            let outcome = if n % 2 == 0 { RunOutcome::Success } else { RunOutcome::Failure };
            assert_eq!(other.outcome, outcome, "format {way}");
        }
    }
}

#[test]
fn runs_that_lie_mixed_are_told_apart() {
    let (all, tools) = real();
    for write in [formats::pairs, formats::chained, formats::spans] {
        let files: Vec<String> =
            all.iter().enumerate().map(|(n, m)| write(m, &tools, &format!("r{n}"), true)).collect();
        let mut lines: Vec<std::str::Lines<'_>> = files.iter().map(|file| file.lines()).collect();
        let mut mixed = String::new();
        while lines
            .iter_mut()
            .map(|own| own.next().map(|l| mixed.push_str(&format!("{l}\n"))))
            .any(|l| l.is_some())
        {}
        let found = runs(&mixed, &Settings::default());
        let texts = |all: &[Recorded]| all.iter().map(|r| r.trace.task.text.clone()).collect::<Vec<_>>();
        let apart: Vec<Recorded> = files.iter().flat_map(|file| runs(file, &Settings::default())).collect();
        assert_eq!(texts(&found), texts(&apart));
        for (one, other) in apart.iter().zip(&found) {
            assert_eq!((&one.trace.steps, &one.replies), (&other.trace.steps, &other.replies));
        }
    }
}

#[test]
fn what_a_planning_call_cost_is_laid_to_it() {
    let (all, tools) = real();
    let found = runs(&formats::pairs(&all[0], &tools, "r", true), &Settings::default());
    let usage = |input: usize| Usage { input: input as u64, output: 7 };
    let at = (0..all[0].len()).filter(|at| all[0][*at]["role"] == "assistant");
    assert_eq!(found[0].replies, at.map(|at| usage(100 + at)).collect::<Vec<_>>());
    assert_eq!(found[0].trace.usage.output, 7 * found[0].replies.len() as u64);
}

#[test]
fn a_result_file_of_a_benchmark_is_an_array_over_many_lines() {
    let (all, tools) = real();
    let settings =
        Settings { tools: Arc::new(read_tools(&tools.to_string()).unwrap()), ..Settings::default() };
    let rewards = [1.0, 0.0, 0.5];
    let results: Vec<_> = all.iter().take(3).cloned().zip(rewards).collect();
    let file = formats::results(&results);
    let found = runs(&file, &settings);
    let outcomes: Vec<_> = found.iter().map(|run| run.trace.outcome).collect();
    assert_eq!(outcomes, [RunOutcome::Success, RunOutcome::Failure, RunOutcome::Unknown]);
    assert!(found.iter().all(|run| *run.trace.task.tools == *settings.tools));
    assert_eq!(found[1].trace.run.as_str(), "1-0");
    // A damaged element is named where it stands, and the others are read.
    let damaged = file.replacen("\"role\": \"tool\"", "\"role\": \"spoon\"", 1);
    let read = read(&damaged, &settings);
    let bad = read[0].as_ref().unwrap_err();
    assert_eq!((read.len(), bad.line), (3, 2));
    assert!(bad.to_string().contains("the role `spoon` is not known"), "{bad}");
}

#[test]
fn real_conversations_are_cut_into_their_turns() {
    let file = data("airline/runs_gpt4o.jsonl");
    let all = runs(&file, &Settings::default());
    let users: usize = file
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["messages"].as_array().unwrap().iter().filter(|m| m["role"] == "user").count()
        })
        .sum();
    assert_eq!(all.len(), users);
    assert!(all.iter().filter(|run| run.turn == 1).count() == file.lines().count());
    assert!(all.iter().any(|run| run.turn > 5 && !run.trace.steps.is_empty()));
}

#[test]
fn what_cannot_be_a_run_says_where_why_and_what_to_do() {
    let user = json!({"role": "user", "content": "x"});
    let bad_call = json!({"role": "assistant", "tool_calls": [{"id": "a", "name": "x", "arguments": "{"}]});
    let call = json!({"role": "assistant", "tool_calls": [{"id": "a", "name": "x"}]});
    let image = json!({"role": "user", "content": [{"type": "image_url"}]});
    for (record, words) in [
        (json!({}).to_string(), "missing field `messages`; is it another format?"),
        (json!({"messages": []}).to_string(), "no user message"),
        (json!({"messages": [user, bad_call]}).to_string(), "message 2: the arguments of the call to `x`"),
        (json!({"messages": [user, call, user]}).to_string(), "before the call to `x` is answered"),
        (json!({"messages": [call]}).to_string(), "no user message stands before the first call"),
        (json!({"messages": [user, {"role": "tool", "content": "1"}]}).to_string(), "none is open"),
        (json!({"messages": [image]}).to_string(), "only text can be learnt from"),
        (json!({"messages": [user], "tools": [{"description": 1}]}).to_string(), "a tool cannot be read"),
        (json!({"input": [{"type": "web_search_call"}]}).to_string(), "`web_search_call`"),
        (
            json!({"request": {"messages": [user]}, "response": {}}).to_string(),
            "neither `choices` nor `output`",
        ),
        (json!({"resourceSpans": 1}).to_string(), "invalid type"),
        ("{\"messages\": [}".to_owned(), "line 3, column 15: expected value"),
        ("[1".to_owned(), "one JSON object"),
    ] {
        let good = json!({"messages": [user]}).to_string();
        let read = read(&format!("{good}\n\n{record}\n{good}\n"), &Settings::default());
        assert_eq!(read.len(), 3, "{record}: {read:?}");
        let bad = read.iter().find_map(|read| read.as_ref().err()).unwrap();
        assert!(bad.line == 3 && bad.to_string().contains(words), "{record}: {bad}");
    }
    let other = Settings { format: Format::Tau, ..Settings::default() };
    let bad = &read(&json!({"messages": [user]}).to_string(), &other)[0];
    assert!(bad.as_ref().unwrap_err().to_string().contains("--format auto"));
}
