use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::report::{Report, TaskResult};
use crate::systems::Kind;

/// Shows the stream: a line per task on standard output, progress on standard error if that is a
/// terminal. In quiet mode (one JSON object is wanted) only the progress is shown.
#[derive(Debug)]
pub struct Screen {
    bar: ProgressBar,
    quiet: bool,
    tasks: usize,
    shown: usize,
    hits: usize,
}

impl Screen {
    /// A screen for so many tasks.
    pub fn new(tasks: usize, quiet: bool) -> Self {
        let bar =
            if io::stderr().is_terminal() { ProgressBar::new(tasks as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks, {msg}") {
            bar.set_style(style);
        }
        Self { bar, quiet, tasks, shown: 0, hits: 0 }
    }

    /// Shows one task.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn task(&mut self, result: &TaskResult) -> io::Result<()> {
        self.shown += 1;
        self.hits += usize::from(result.kind == Kind::Hit);
        self.bar.set_message(format!("{} hits", self.hits));
        self.bar.inc(1);
        if self.quiet {
            return Ok(());
        }
        let width = self.tasks.to_string().len();
        let verified = if result.succeeded { "verified" } else { "NOT VERIFIED" };
        let (kind, how) = match result.kind {
            Kind::Hit => ("hit     ", served(result)),
            Kind::Miss => ("miss    ", planned(result)),
            Kind::Part | Kind::Diverged => {
                ("diverged", format!("{}, then {}", served(result), planned(result)))
            }
        };
        let line = format!("{:>width$}  {}  {kind}  {how}  {verified}", self.shown, result.task_id);
        self.bar.suspend(|| writeln!(io::stdout(), "{line}"))
    }

    /// Shows the summary.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn summary(&self, report: &Report) -> io::Result<()> {
        self.bar.finish_and_clear();
        let mut out = io::stdout();
        if self.quiet {
            let text = serde_json::to_string(report).map_err(io::Error::other)?;
            return writeln!(out, "{text}");
        }
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        writeln!(out)?;
        writeln!(
            out,
            "{} tasks: {} hits ({:.1}%), {} misses, {} diverged; {} verified, {} off script",
            report.tasks,
            report.hits,
            percent(report.hits, report.tasks),
            report.misses,
            report.diverged,
            report.succeeded,
            report.off_script
        )?;
        if let Some(rate) = report.hit_rate_after_50 {
            writeln!(out, "hit rate after the first 50 tasks: {:.1}%", 100.0 * rate)?;
        }
        writeln!(out, "wrong plans: {}", report.wrong_plans)?;
        for wrong in &report.wrong {
            writeln!(out, "  {}: {}; templates: {}", wrong.task, wrong.why, wrong.templates.join(" + "))?;
        }
        let saved = |with: u64, without: u64| percent(without.saturating_sub(with), without);
        writeln!(
            out,
            "planner: {} calls instead of {} ({:.1}% saved), {} tokens instead of {} ({:.1}% saved, {})",
            report.planner_calls,
            report.planner_calls_without_cache,
            saved(report.planner_calls, report.planner_calls_without_cache),
            report.planner_tokens,
            report.planner_tokens_without_cache,
            saved(report.planner_tokens, report.planner_tokens_without_cache),
            report.settings.tokenizer
        )?;
        writeln!(
            out,
            "slots: {} by the binder, {} by the model ({} model calls)",
            report.slots_by_binder, report.slots_by_filler, report.filler_calls
        )?;
        if let (Some(hit), Some(decision)) = (report.hit_ms_p50, report.decision_us_p50) {
            writeln!(out, "time: {hit:.2} ms per hit, {decision:.0} us per decision (medians)")?;
        }
        if let Some(others) = &report.other_words {
            writeln!(
                out,
                "in other words: {} tasks again, {} hits, {} wrong; what was meant was chosen by the model ({} calls):",
                others.tasks, others.hits, others.wrong_plans, others.filler_calls
            )?;
            for other in &others.each {
                let chosen = other.chosen.as_deref().map_or("the planner was asked", |chosen| chosen);
                writeln!(out, "  \"{}\" -> {chosen}", other.phrase)?;
            }
        }
        writeln!(out, "templates learnt: {}", report.templates)?;
        for (reason, count) in &report.miss_reasons {
            writeln!(out, "  not served, {reason}: {count}")?;
        }
        writeln!(
            out,
            "settings: plans that write are served after {} distinct successes",
            report.settings.min_evidence
        )
    }

    /// What to try after the demo.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn next_steps(&self, store: Option<&std::path::Path>) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let mut out = io::stdout();
        writeln!(out, "\nwhat to try next:")?;
        match store {
            Some(folder) => {
                let folder = folder.display();
                writeln!(out, "  plancache plans list --store {folder}      the templates that were learnt")?;
                writeln!(out, "  plancache plans show ID --store {folder}   one of them, to read")?;
            }
            None => {
                writeln!(out, "  plancache demo --store /tmp/plans          keep what is learnt, then:")?;
                writeln!(out, "  plancache plans list --store /tmp/plans    the templates")?;
            }
        }
        writeln!(out, "  plancache demo --shuffle 1                 another order of tasks")?;
        writeln!(out, "  plancache demo --min-evidence 1            serve after a single success")?;
        writeln!(out, "  plancache demo --no-filler                 without the local model")
    }
}

fn served(result: &TaskResult) -> String {
    let (binder, filler) = result.slots();
    let names = if result.names.is_empty() { "template".to_owned() } else { result.names.join(" + ") };
    format!("{names} (slots: {binder} binder, {filler} model; {})", millis(result.planning_time()))
}

fn planned(result: &TaskResult) -> String {
    let reason = result.reason().unwrap_or_default();
    format!("planner: {} calls, {} tokens ({reason})", result.account.calls, result.account.usage.total())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
