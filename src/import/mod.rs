//! Recorded runs from files: message logs, telemetry, results of benchmarks, normalised runs.
//!
//! [`Reader`] reads a file piece by piece and gives a [`Recorded`] for each user turn in it: from
//! what the user says to the planner's answer. A record that is malformed is a [`BadRecord`], and
//! the rest goes on. Of a record only what was said and done is read, the tools, the tokens, and
//! the members that tell the outcome; whatever else stands there (labels, notes, wanted actions)
//! never gets into a trace.
//!
//! The turns of a conversation share its outcome. A later turn is a task of its own: what was said
//! before it is not part of it, so that values which only earlier turns explain keep a plan from
//! being learnt.

mod conversation;
mod items;
mod otel;
mod outcome;
mod records;
mod threads;
mod turns;

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::{Namespace, RunId, RunOutcome, Task, Tool, Trace, Usage};
use conversation::{LastTools, Piece};
use otel::{Groups, Told};
use records::{MOST_BYTES, Record, Records};
use threads::{Thread, Threads};
use turns::Turns;

pub use outcome::OutcomeFrom;

/// How a file tells of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Each record is recognised by its members.
    #[default]
    Auto,
    /// Message logs of the OpenAI endpoints: conversations (`messages`), or requests with their
    /// responses, chat completions or responses.
    Openai,
    /// OpenTelemetry spans of generative AI, OTLP in JSON.
    Otel,
    /// Results of tau-bench: `task_id`, `reward`, `traj`.
    Tau,
    /// Normalised runs: `task_id`, `run_id`, `messages`, perhaps `success` or `reward`.
    Runs,
}

/// What a reader has to know beside the file.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How the file tells of runs.
    pub format: Format,
    /// The tenant of the runs.
    pub namespace: Namespace,
    /// The tools of runs that bring none of their own.
    pub tools: Arc<Vec<Tool>>,
    /// How the outcome of a run is known.
    pub outcome: OutcomeFrom,
}

/// A recorded run: one user turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The run. Its id is the recording's own, else the file's name and the line.
    pub trace: Trace,
    /// The task's id, where the recording names one.
    pub task_id: Option<String>,
    /// The line on which the record begins, from 1.
    pub line: usize,
    /// Which turn of its conversation it is, from 1.
    pub turn: usize,
    /// What the developer told the planner.
    pub instructions: Vec<String>,
    /// What each of the planner's replies cost, in order; zero where nobody says.
    pub replies: Vec<Usage>,
}

/// A record of a file that is no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}; {remedy}")]
pub struct BadRecord {
    /// The line on which the error is, or on which the record begins; from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The reason. Names tools and members, never values.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

/// Why a record is no run.
#[derive(Debug)]
enum Why {
    /// It lacks the member that its format begins with.
    Missing(&'static str),
    /// This is wrong with what it says.
    Content(String),
}

impl Why {
    fn at(self, line: usize) -> BadRecord {
        let (why, remedy) = match self {
            Self::Missing(member) => (
                format!("missing field `{member}`"),
                "is it another format? `--format auto` recognises each record",
            ),
            Self::Content(why) => (why, "correct the record, or take it out of the file"),
        };
        BadRecord { line, column: 1, why, remedy: remedy.to_owned() }
    }
}

/// Reads recorded runs, one after the other.
pub struct Reader<R> {
    name: String,
    settings: Settings,
    records: Records<R>,
    tools: LastTools,
    threads: Threads,
    groups: Groups,
    ready: VecDeque<Result<Recorded, BadRecord>>,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`; `name` is the file's, by which runs without an id are called.
    pub fn new(input: R, name: impl Into<String>, settings: Settings) -> Self {
        Self {
            name: name.into(),
            settings,
            records: Records::new(input),
            tools: LastTools::default(),
            threads: Threads::default(),
            groups: Groups::default(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.records.read()
    }

    /// Reads one record more, or what was held at the end.
    fn advance(&mut self) {
        match self.records.next() {
            Ok(Some(record)) => self.record(record),
            Ok(None) => {
                self.ended = true;
                let threads = self.threads.finish();
                threads.into_iter().for_each(|thread| self.emit(thread));
                let held = self.groups.finish(&mut self.tools);
                held.into_iter().for_each(|held| self.emit_held(held));
            }
            Err(error) => {
                self.ended = true;
                self.ready.push_back(Err(Why::Content(format!("the file cannot be read: {error}")).at(1)));
            }
        }
    }

    fn record(&mut self, Record { line, bytes }: Record) {
        let members = match parse(line, bytes.as_deref()) {
            Ok(members) => members,
            Err(bad) => return self.ready.push_back(Err(bad)),
        };
        if let Err(why) = self.read(line, &members) {
            self.ready.push_back(Err(why.at(line)));
        }
    }

    fn read(&mut self, line: usize, members: &Map<String, Value>) -> Result<(), Why> {
        let format = match self.settings.format {
            Format::Auto => conversation::recognise(members).ok_or(Why::Missing("messages"))?,
            format => format,
        };
        if format == Format::Otel {
            let done = self.groups.push(line, members, &self.settings.outcome, &mut self.tools)?;
            done.into_iter().for_each(|done| self.emit_held(done));
            return Ok(());
        }
        let piece = conversation::read(members, format, &self.settings.outcome, &mut self.tools)?;
        if piece.grows || piece.previous.is_some() {
            if let Some(done) = self.threads.push(line, piece) {
                self.emit(done);
            }
            return Ok(());
        }
        self.turns(line, piece)
    }

    fn emit_held(&mut self, held: Told) {
        match held {
            Ok(thread) => self.emit(thread),
            Err((line, why)) => self.ready.push_back(Err(Why::Content(why).at(line))),
        }
    }

    fn emit(&mut self, thread: Thread) {
        if let Err(why) = self.turns(thread.line, thread.piece) {
            self.ready.push_back(Err(why.at(thread.line)));
        }
    }

    fn turns(&mut self, line: usize, piece: Piece) -> Result<(), Why> {
        let Turns { instructions, turns } = Turns::of(piece.items).map_err(Why::Content)?;
        let tools = piece.tools.unwrap_or_else(|| Arc::clone(&self.settings.tools));
        let name = piece.run.unwrap_or_else(|| format!("{}:{line}", self.name));
        for (n, turn) in turns.into_iter().enumerate() {
            let task = Task {
                namespace: self.settings.namespace.clone(),
                text: turn.text,
                context: Value::Null,
                tools: Arc::clone(&tools),
                output_format: None,
            };
            let mut usage = Usage::default();
            turn.replies.iter().for_each(|reply| usage += *reply);
            let run = RunId::new(if n == 0 { name.clone() } else { format!("{name}#{}", n + 1) });
            let (steps, answer) = (turn.steps, turn.answer);
            let trace = Trace { run, task, steps, answer, outcome: piece.outcome, usage };
            self.ready.push_back(Ok(Recorded {
                trace,
                task_id: piece.task_id.clone(),
                line,
                turn: n + 1,
                instructions: instructions.clone(),
                replies: turn.replies,
            }));
        }
        Ok(())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Recorded, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            self.advance();
        }
        self.ready.pop_front()
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The members of a record.
fn parse(line: usize, bytes: Option<&[u8]>) -> Result<Map<String, Value>, BadRecord> {
    let Some(bytes) = bytes else {
        let why = format!("the record is longer than {} MiB", MOST_BYTES >> 20);
        return Err(Why::Content(why).at(line));
    };
    serde_json::from_slice(bytes).map_err(|error| {
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or(&why).to_owned();
        let remedy = "a record is one JSON object; complete the line, or take it out of the file".to_owned();
        BadRecord { line: line + error.line().saturating_sub(1), column: error.column().max(1), why, remedy }
    })
}

/// Reads tools from a JSON array: each with `name`, `description` and `parameters`, or such an object
/// under `function`, as endpoints take them.
///
/// # Errors
/// Says what is wrong.
pub fn read_tools(text: &str) -> Result<Vec<Tool>, String> {
    let all: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    items::tools(&all)
}

impl Recorded {
    /// Whether every call was answered. A run that broke off says nothing of what its last calls
    /// were for.
    pub fn is_finished(&self) -> bool {
        self.trace.steps.iter().all(|step| step.observation.is_some())
    }

    /// Whether it may be learnt: somebody says that it was a success, and it was finished. A turn of
    /// words alone may be a question back, and teaches nothing.
    pub fn teaches(&self) -> bool {
        self.trace.outcome == RunOutcome::Success && !self.trace.steps.is_empty() && self.is_finished()
    }
}
