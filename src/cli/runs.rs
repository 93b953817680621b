use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::json;

use super::files::{Found, Notes, Recordings, counted, unnumbered};
use super::output::Output;
use super::session::{Access, Session};
use super::teaching::{LeftOut, unknown};
use super::{Common, Failure, Status};
use crate::domain::RunOutcome;

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// Learn from recorded runs: message logs, OpenTelemetry spans, results of benchmarks
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    recordings: Recordings,
    /// Say what would be learnt, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(verb: &Runs, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    match verb {
        Runs::Import(import) => import.run(common, out),
    }
}

/// What an import did.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    learnt_from: usize,
    left_out: LeftOut,
    unknown_outcomes: usize,
    without_tools: usize,
    new_plans: usize,
    merged_plans: usize,
    not_learnt: BTreeMap<String, usize>,
    first_not_learnt: Notes,
}

impl Import {
    fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let access = if self.dry_run { Access::Copy } else { Access::Write };
        let session = Session::open(common, access)?;
        let mut tally = Tally::default();
        let malformed = self.recordings.each(&session.config, |found| tally.take(&found, &session))?;
        if out.json() {
            out.value(&self.json(&tally, &malformed))?;
        } else {
            self.say(&tally, &malformed, out)?;
        }
        Ok(if malformed.count == 0 { Status::Done } else { Status::Findings })
    }

    fn json(&self, tally: &Tally, malformed: &Notes) -> serde_json::Value {
        json!({
            "dry_run": self.dry_run, "runs": tally.runs, "learnt_from": tally.learnt_from,
            "left_out": tally.left_out, "unknown_outcomes": tally.unknown_outcomes,
            "without_tools": tally.without_tools,
            "new_plans": tally.new_plans, "merged_plans": tally.merged_plans,
            "not_learnt": tally.not_learnt, "not_learnt_notes": tally.first_not_learnt.first,
            "malformed_records": malformed.count, "malformed": malformed.first,
        })
    }

    fn say(&self, tally: &Tally, malformed: &Notes, out: &mut Output<'_>) -> std::io::Result<()> {
        malformed.lines("malformed").iter().try_for_each(|line| out.line(line))?;
        if tally.first_not_learnt.count > 0 {
            out.line("Not learnt, by reason:")?;
            for (why, n) in counted(&tally.not_learnt).into_iter().take(20) {
                out.line(format!("  {n:>6}  {why}"))?;
            }
        }
        let would = if self.dry_run { "would be " } else { "" };
        out.line(format!(
            "{} runs read, {would}learnt from {}: {} new plans, {} confirmed or generalised",
            tally.runs, tally.learnt_from, tally.new_plans, tally.merged_plans
        ))?;
        tally.left_out.words().iter().try_for_each(|line| out.line(line))?;
        unknown(tally.unknown_outcomes).iter().try_for_each(|line| out.line(line))?;
        if tally.without_tools > 0 {
            out.line(format!(
                "{} runs do not say which tools there were, which a plan has to know: give their descriptions \
                 with --tools FILE",
                tally.without_tools
            ))?;
        }
        if malformed.count > 0 {
            out.line(format!("{} records were malformed and left out", malformed.count))?;
        }
        Ok(())
    }
}

impl Tally {
    fn take(&mut self, found: &Found<'_>, session: &Session) -> Result<(), Failure> {
        self.runs += 1;
        let recorded = &found.recorded;
        if self.left_out.takes(recorded, &session.config) {
            return Ok(());
        }
        if recorded.trace.outcome == RunOutcome::Unknown {
            self.unknown_outcomes += 1;
            return Ok(());
        }
        if recorded.trace.task.tools.is_empty() {
            self.without_tools += 1;
            return Ok(());
        }
        if session.engine.sliced(&recorded.trace).is_empty() {
            self.left_out.needless += 1;
            return Ok(());
        }
        let admission = session.wait(session.engine.admit(&recorded.trace))?;
        self.new_plans += admission.learnt.len();
        self.merged_plans += admission.merged.len();
        self.learnt_from += usize::from(!admission.learnt.is_empty() || !admission.merged.is_empty());
        for why in admission.rejected {
            *self.not_learnt.entry(unnumbered(&why)).or_default() += 1;
            self.first_not_learnt.push(found.note(why));
        }
        Ok(())
    }
}
