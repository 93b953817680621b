use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Asked, Found, MatchError, Matcher};
use crate::bench::root;

/// GPTCache's own package in a process of its own (`eval/peers/gptcache_process.py`).
pub(super) struct Process {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
    /// Versions of the packages, and the threshold that it has by default.
    pub(super) about: Value,
}

impl Process {
    /// Starts it with this Python, which has the packages of `eval/peers/requirements.txt`, on the
    /// vectors of this file.
    pub(super) fn start(python: &Path, vectors: &Path, dimensions: usize) -> Result<Self, MatchError> {
        let lost = || failed(format!("{} gave no pipe", python.display()));
        let mut child = Command::new(python)
            .arg(root().join("peers/gptcache_process.py"))
            .arg(vectors)
            .arg(dimensions.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| failed(format!("{} cannot be started: {e}", python.display())))?;
        let asks = child.stdin.take().ok_or_else(lost)?;
        let says = BufReader::new(child.stdout.take().ok_or_else(lost)?);
        let mut process = Self { child, asks, says, about: Value::Null };
        process.about = process.said()?;
        Ok(process)
    }

    /// Tells it one thing, and hears what it says to it.
    pub(super) fn tell(&mut self, what: &Value) -> Result<Value, MatchError> {
        writeln!(self.asks, "{what}").map_err(failed)?;
        self.said()
    }

    fn said(&mut self) -> Result<Value, MatchError> {
        let mut line = String::new();
        if self.says.read_line(&mut line).map_err(failed)? == 0 {
            return Err(failed("it ended; what it wrote above says why"));
        }
        serde_json::from_str(&line).map_err(|e| failed(format!("it said {line:?}: {e}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(why: impl ToString) -> MatchError {
    MatchError::new("GPTCache", why)
}

/// An empty GPTCache.
pub(super) struct GptCache<'a> {
    process: &'a mut Process,
}

impl<'a> GptCache<'a> {
    /// With this similarity threshold, or with its default.
    pub(super) fn open(process: &'a mut Process, threshold: Option<f64>) -> Result<Self, MatchError> {
        process.tell(&json!({"open": threshold}))?;
        Ok(Self { process })
    }
}

#[async_trait]
impl Matcher for GptCache<'_> {
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError> {
        let said = self.process.tell(&json!({"ask": asked.at, "scope": asked.scope}))?;
        let entry = |answer: &str| answer.parse().map_err(|_| failed(format!("it answered {answer:?}")));
        match said["answer"].as_str() {
            Some(answer) => Ok(Some(Found::Entries(vec![entry(answer)?]))),
            None => Ok(None),
        }
    }

    /// What is answered from an entry is its number: whether that was right is none of its business.
    async fn learn(&mut self, asked: &Asked<'_>, _: &str) -> Result<(), MatchError> {
        let at = asked.at;
        let put = json!({"put": at, "scope": asked.scope, "answer": at.to_string()});
        self.process.tell(&put).map(|_| ())
    }
}
