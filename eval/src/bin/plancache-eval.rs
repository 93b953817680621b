//! The verbs of the evaluation suite.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use plancache_eval::verbs::{self, Verb};

#[derive(Parser)]
#[command(name = "plancache-eval", version, about = "The evaluation suite of plancache")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[tokio::main]
async fn main() -> ExitCode {
    match verbs::run(Arguments::parse().verb).await {
        Ok(code) => code,
        // Who reads has read enough.
        Err(error) if broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "plancache-eval: {error}");
            ExitCode::from(2)
        }
    }
}

fn broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
