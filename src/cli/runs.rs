use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::messages::{self, OutcomeFrom};
use super::output::Output;
use super::session::{Access, Session};
use super::{Common, Failure, Status};
use crate::domain::{RunOutcome, Tool};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// Learn from recorded runs: OpenAI-style messages, one JSON object a line
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files of JSON Lines: `{"messages": [..], "tools": [..]}`
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The tools of the runs that bring none of their own, as JSON
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// The member of a line that says whether the run was a success
    #[arg(long, value_name = "NAME", conflicts_with = "assume_success")]
    outcome_field: Option<String>,
    /// Take every run for a success; without a word on it a run is not learnt
    #[arg(long)]
    assume_success: bool,
}

pub(super) fn run(verb: &Runs, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    match verb {
        Runs::Import(import) => import.run(common, out),
    }
}

/// What an import did.
#[derive(Debug, Default, serde::Serialize)]
struct Tally {
    runs: usize,
    learnt_from: usize,
    failures: usize,
    unknown_outcomes: usize,
    new_plans: usize,
    merged_plans: usize,
    not_learnt: Vec<Note>,
    malformed: Vec<Note>,
}

/// Something to say about a line.
#[derive(Debug, serde::Serialize)]
struct Note {
    file: String,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    why: String,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl Import {
    fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let tools = self.tools.as_deref().map(messages::read_tools).transpose()?.unwrap_or_default();
        let tools = Arc::new(tools);
        // Every file is read before anything is learnt: a mistyped name changes nothing.
        let texts = self.files.iter().map(|file| messages::read_file(file)).collect::<Result<Vec<_>, _>>()?;
        let session = Session::open(common, Access::Write)?;
        let mut tally = Tally::default();
        for (file, text) in self.files.iter().zip(&texts) {
            self.file(&file.display().to_string(), text, &tools, &session, &mut tally)?;
        }
        if out.json() {
            out.value(&json!(tally))?;
        } else {
            say(&tally, out)?;
        }
        Ok(if tally.malformed.is_empty() { Status::Done } else { Status::Findings })
    }

    fn outcome(&self) -> OutcomeFrom {
        match &self.outcome_field {
            Some(field) => OutcomeFrom::Field(field.clone()),
            None if self.assume_success => OutcomeFrom::AssumedSuccess,
            None => OutcomeFrom::Unknown,
        }
    }

    fn file(
        &self,
        file: &str,
        text: &str,
        tools: &Arc<Vec<Tool>>,
        session: &Session,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let outcome = self.outcome();
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let note = |column, why| Note { file: file.to_owned(), line: n + 1, column, why };
            let name = format!("{file}:{}", n + 1);
            let trace = match messages::read_run(line, &name, &session.config.namespace, tools, &outcome) {
                Ok(trace) => trace,
                Err(bad) => {
                    tally.malformed.push(note(Some(bad.column), bad.why));
                    continue;
                }
            };
            tally.runs += 1;
            match trace.outcome {
                RunOutcome::Success => {}
                RunOutcome::Failure => {
                    tally.failures += 1;
                    continue;
                }
                RunOutcome::Unknown => {
                    tally.unknown_outcomes += 1;
                    continue;
                }
            }
            let admission = session.wait(session.engine.admit(&trace))?;
            tally.new_plans += admission.learnt.len();
            tally.merged_plans += admission.merged.len();
            tally.learnt_from += usize::from(!admission.learnt.is_empty() || !admission.merged.is_empty());
            tally.not_learnt.extend(admission.rejected.into_iter().map(|why| note(None, why)));
        }
        Ok(())
    }
}

fn say(tally: &Tally, out: &mut Output<'_>) -> std::io::Result<()> {
    for note in &tally.malformed {
        out.line(format!("malformed: {note}"))?;
    }
    for note in &tally.not_learnt {
        out.line(format!("not learnt: {note}"))?;
    }
    out.line(format!(
        "{} runs read, learnt from {}: {} new plans, {} confirmed or generalised",
        tally.runs, tally.learnt_from, tally.new_plans, tally.merged_plans
    ))?;
    if tally.failures > 0 {
        out.line(format!("{} runs were failures and were not learnt", tally.failures))?;
    }
    if tally.unknown_outcomes > 0 {
        out.line(format!(
            "{} runs were not learnt, since nobody says that they succeeded: name the member that does with \
             --outcome-field, or say --assume-success",
            tally.unknown_outcomes
        ))?;
    }
    if !tally.malformed.is_empty() {
        out.line(format!("{} lines were malformed and left out", tally.malformed.len()))?;
    }
    Ok(())
}
