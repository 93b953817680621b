//! `plancache plans mine`: a stream of recorded runs as it would have gone. Each run is decided
//! before it is learnt, in a store in memory.

mod html;
mod pages;
mod tally;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::cli::files::{Found, Recordings};
use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status};
use crate::domain::{RunId, RunOutcome, Tool, Trace};
use crate::layer::replay;
use tally::Tally;

#[derive(Debug, Args)]
pub(in crate::cli) struct Mine {
    #[command(flatten)]
    recordings: Recordings,
    /// Also write a report: a page (`.html`) or Markdown (`.md`)
    #[arg(long, value_name = "FILE", value_parser = report_file)]
    report: Option<PathBuf>,
    /// Ask the filler of the settings for what exact binding cannot fill
    #[arg(long)]
    filler: bool,
}

fn report_file(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "md") => Ok(path),
        _ => Err("a report's name ends in .html or .md".to_owned()),
    }
}

impl Mine {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = match self.filler {
            true => Session::open_with_models(common, Access::Fresh)?,
            false => Session::open(common, Access::Fresh)?,
        };
        let mut stream = Stream { session: &session, tally: Tally::default(), assumed: Assumed::default() };
        let malformed = self.recordings.each(&session.config, |found| stream.take(found))?;
        let Stream { mut tally, .. } = stream;
        tally.learnt(&session);
        tally.malformed = malformed;
        if let Some(path) = &self.report {
            let page = match path.extension().and_then(|ending| ending.to_str()) {
                Some("html") => html::page(&tally),
                _ => pages::markdown(&tally),
            };
            let why = |error| format!("the report {} cannot be written: {error}", path.display());
            std::fs::write(path, page).map_err(why)?;
        }
        if out.json() {
            out.value(&json!(tally))?;
        } else {
            pages::terminal(&tally).iter().try_for_each(|line| out.line(line))?;
            if let Some(path) = &self.report {
                out.line(format!("The report is in {}", path.display()))?;
            }
        }
        Ok(if tally.malformed.count == 0 { Status::Done } else { Status::Findings })
    }
}

/// The runs as they come.
struct Stream<'s> {
    session: &'s Session,
    tally: Tally,
    assumed: Assumed,
}

impl Stream<'_> {
    fn take(&mut self, found: Found<'_>) -> Result<(), Failure> {
        let trace = &found.recorded.trace;
        self.tally.runs += 1;
        if self.tally.left_out.takes(&found.recorded, &self.session.config) {
            return Ok(());
        }
        self.tally.unknown_outcomes += usize::from(trace.outcome == RunOutcome::Unknown);
        let assumed = trace.task.tools.is_empty().then(|| self.assumed.offer(trace));
        self.tally.assumed_tools |= assumed.is_some();
        let trace = assumed.as_ref().unwrap_or(trace);
        let engine = &self.session.engine;
        // Recordings may use one id for several runs.
        let run = RunId::new(format!("mined-{}", self.tally.runs));
        let replayed = self.session.wait(replay(engine, trace, run));
        let plan = engine.sliced(trace);
        self.tally.decided(&found, &plan, replayed);
        if plan.is_empty() {
            self.tally.left_out.needless += 1;
        } else if trace.outcome == RunOutcome::Success {
            let admission = self.session.wait(engine.admit(trace))?;
            admission.rejected.iter().for_each(|why| self.tally.rejected(why));
        }
        Ok(())
    }
}

/// The tools of runs that bring none: those that the runs so far have called. As nothing is served,
/// their schemas do not matter.
#[derive(Default)]
struct Assumed {
    names: BTreeSet<String>,
    tools: Arc<Vec<Tool>>,
}

impl Assumed {
    fn offer(&mut self, trace: &Trace) -> Trace {
        for step in &trace.steps {
            if self.names.insert(step.call.tool.clone()) {
                let parameters = json!({"type": "object"});
                Arc::make_mut(&mut self.tools).push(Tool {
                    name: step.call.tool.clone(),
                    description: String::new(),
                    parameters,
                });
            }
        }
        let mut trace = trace.clone();
        trace.task.tools = Arc::clone(&self.tools);
        trace
    }
}
