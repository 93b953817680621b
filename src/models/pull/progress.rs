//! Showing how far a download is.

use std::fmt;
use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Is told what a pull does.
pub trait Progress: Sync {
    /// A source is tried.
    fn trying(&self, source: &str);
    /// So many bytes of the file are here.
    fn bytes(&self, done: u64, total: u64);
    /// A source did not have the file; the next one is tried.
    fn failed(&self, source: &str, why: &str);
    /// The file is here.
    fn done(&self) {}
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn trying(&self, _: &str) {}
    fn bytes(&self, _: u64, _: u64) {}
    fn failed(&self, _: &str, _: &str) {}
}

/// A bar on a terminal's stderr; elsewhere one line for each source.
pub struct TerminalProgress {
    bar: ProgressBar,
    terminal: bool,
}

impl fmt::Debug for TerminalProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalProgress").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl TerminalProgress {
    /// Shows on stderr what is done.
    pub fn stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = "  {bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        // The template is a constant; were it wrong, indicatif's own bar would serve.
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, terminal: std::io::stderr().is_terminal() }
    }

    fn line(&self, text: &str) {
        if self.terminal {
            self.bar.println(text);
        } else {
            // Nobody to tell when stderr is closed.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

impl Progress for TerminalProgress {
    fn trying(&self, source: &str) {
        self.line(&format!("from {source}"));
        self.bar.reset();
    }

    fn bytes(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn failed(&self, _: &str, why: &str) {
        self.line(&format!("  not there: {why}"));
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
