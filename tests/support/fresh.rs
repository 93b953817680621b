//! The program in directories of its own, and recorded runs for it to learn from.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with nothing in it but what a test puts there.
pub(crate) struct Fresh {
    dir: TempDir,
}

impl Fresh {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("plancache").unwrap();
        command.current_dir(self.dir.path()).env_clear().env("PLANCACHE_STORE", self.path("store"));
        command.env("HOME", self.dir.path()).args(arguments);
        command
    }

    /// Runs the program; returns exit code, standard output and standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.run(&[arguments, &["--json"]].concat());
        (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}")))
    }
}

pub(crate) fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "loans_of", "description": "", "parameters":
            {"type": "object", "properties": {"reader": {"type": "string"}}}}},
        {"name": "extend", "description": "", "parameters":
            {"type": "object", "properties": {"loan": {"type": "string"}, "until": {"type": "string"}}}},
    ])
}

pub(crate) fn said(reader: &str, title: &str, until: &str) -> String {
    format!("Reader {reader} asks to keep the book \"{title}\" until {until}.")
}

/// A recorded run: a reader's loan is looked up and extended.
pub(crate) fn run_of(reader: &str, title: &str, until: &str, outcome: &str) -> Value {
    let loans = json!({"loans": [{"title": "Other", "loan": format!("{reader}-A")}, {"title": title, "loan": format!("{reader}-B")}]});
    json!({"messages": [
        {"role": "user", "content": said(reader, title, until)},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "loans_of", "arguments": json!({"reader": reader}).to_string()}}]},
        {"role": "tool", "tool_call_id": "1", "content": loans.to_string()},
        {"role": "assistant", "tool_calls": [
            {"id": "2", "name": "extend", "arguments": {"loan": format!("{reader}-B"), "until": until}}]},
        {"role": "tool", "tool_call_id": "2", "content": "{\"done\": true}"},
        {"role": "assistant", "content": "Done."},
    ], "tools": tools(), "outcome": outcome})
}

pub(crate) fn two_runs() -> String {
    let runs = [("R-1001", "Emma", "2026-03-01"), ("R-2002", "Ulysses", "2026-04-15")];
    runs.map(|(reader, title, until)| run_of(reader, title, until, "success").to_string()).join("\n")
}

/// A directory whose store learnt two runs.
pub(crate) fn taught() -> Fresh {
    let fresh = Fresh::new();
    fresh.write("runs.jsonl", &two_runs());
    let (code, out, err) = fresh.run(&["runs", "import", "runs.jsonl"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("2 runs read, learnt from 2"), "{out}");
    fresh
}

pub(crate) fn only_id(fresh: &Fresh) -> String {
    let (_, plans) = fresh.json(&["plans", "list"]);
    let acting: Vec<&Value> = plans.as_array().unwrap().iter().filter(|p| p["steps"] != json!([])).collect();
    assert_eq!(acting.len(), 1, "{plans}");
    acting[0]["id"].as_str().unwrap().to_owned()
}
