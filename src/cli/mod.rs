//! The command line: one file a verb.
//!
//! Exit codes: 0 done; 1 done, but something was found that should be looked at (nothing matched, a
//! line was malformed, the doctor has a remedy); 2 not done, or wrong usage. A reader that closes
//! the pipe early is no error.

mod demo;
mod doctor;
mod draw;
mod files;
#[cfg(all(feature = "local-model", feature = "proxy"))]
mod model_server;
mod models;
mod output;
mod plans;
mod runs;
#[cfg(feature = "proxy")]
mod serve;
mod session;
#[cfg(feature = "proxy")]
mod stop;
mod teaching;
mod words;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Overrides;
use output::Output;

/// Learns plans from the runs of LLM agents and serves them in the planner's place.
#[derive(Debug, Parser)]
#[command(name = "plancache", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
struct Common {
    /// Settings file [default: plancache.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "PLANCACHE_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of the store
    #[arg(long, global = true, value_name = "DIR", env = "PLANCACHE_STORE")]
    store: Option<PathBuf>,
    /// The tenant whose plans are meant
    #[arg(long, global = true, value_name = "NAME", env = "PLANCACHE_NAMESPACE")]
    namespace: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    fn overrides(&self) -> Overrides {
        Overrides { store: self.store.clone(), namespace: self.namespace.clone(), mode: None }
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Look into the learnt plans
    #[command(subcommand)]
    Plans(plans::Plans),
    /// Learn from recorded runs
    #[command(subcommand)]
    Runs(runs::Runs),
    /// The local models that fill what exact binding cannot
    #[command(subcommand)]
    Models(models::Models),
    /// Answer agents in any language: an OpenAI-compatible proxy in front of their planner
    #[cfg(feature = "proxy")]
    Serve(serve::Serve),
    /// Check settings, store, templates and model, and say what to do
    Doctor(doctor::Doctor),
    /// Run the demo (all that follows is passed on to it)
    #[command(disable_help_flag = true)]
    Demo {
        /// Options of the demo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Done,
    /// Done, but something should be looked at.
    Findings,
}

type Failure = Box<dyn Error + Send + Sync>;

/// Reads the arguments of the process, does what they say, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log(&cli.verb);
    quiet_panics();
    let stdout = io::stdout().lock();
    let mut out = Output::new(Box::new(stdout), cli.common.json);
    let ended = catch_unwind(AssertUnwindSafe(|| run(&cli, &mut out))).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        Err(format!("this is a fault of the program: {what}; please report it with what you called").into())
    });
    let ended = ended.and_then(|status| {
        out.flush()?;
        Ok(status)
    });
    match ended {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Findings) => ExitCode::from(1),
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed too, there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{}", chain(error.as_ref()));
            ExitCode::from(2)
        }
    }
}

/// A panic of a library underneath (a store's, on damaged files) is caught and reported as the error
/// that it is; where it came from is for the log.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::debug!(%panic, "a panic")));
}

/// A server's log is read by programs; that of the other verbs by a person.
fn log(verb: &Verb) {
    match verb {
        #[cfg(feature = "proxy")]
        Verb::Serve(_) => crate::telemetry::log_to_stderr("info", true),
        #[cfg(all(feature = "local-model", feature = "proxy"))]
        Verb::Models(models::Models::Serve(_)) => crate::telemetry::log_to_stderr("info", true),
        _ => crate::telemetry::log_to_stderr("warn", false),
    }
}

fn run(cli: &Cli, out: &mut Output<'_>) -> Result<Status, Failure> {
    let common = &cli.common;
    match &cli.verb {
        Verb::Plans(verb) => plans::run(verb, common, out),
        Verb::Runs(verb) => runs::run(verb, common, out),
        Verb::Models(verb) => models::run(verb, common, out),
        #[cfg(feature = "proxy")]
        Verb::Serve(verb) => serve::run(verb, common, out),
        Verb::Doctor(verb) => doctor::run(verb, common, out),
        Verb::Demo { arguments } => demo::run(arguments, common.json),
    }
}

/// The error with its causes, one a line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("plancache: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n  because: {cause}"));
        source = cause.source();
    }
    text
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}
