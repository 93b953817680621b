//! The verbs of the evaluation suite.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use plancache_eval::record::{self, RecordOptions};
use plancache_eval::slots::{self, SlotOptions};
use plancache_eval::variants::{self, Kind};

#[derive(Parser)]
#[command(name = "plancache-eval", version, about = "The evaluation suite of plancache")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make variants of the retail data: other values, other names, another wording.
    Variants {
        /// The seed that they are made by.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The folder to write to; each kind gets a folder below it.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Only this kind.
        #[arg(long)]
        kind: Option<Kind>,
        /// The data to vary.
        #[arg(long, value_name = "DIR", default_value = "eval/data/retail")]
        data: PathBuf,
    },
    /// Judge the filler on single arguments of tasks that people wrote, and write a record.
    Filler(SlotOptions),
    /// Run the demo in every order and setting, on the data and its variants, and write records.
    Record(RecordOptions),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().verb).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "plancache-eval: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(verb: Verb) -> Result<(), Box<dyn std::error::Error>> {
    match verb {
        Verb::Variants { seed, out, kind, data } => {
            for kind in Kind::ALL.into_iter().filter(|k| kind.is_none_or(|only| only == *k)) {
                let folder = out.join(kind.name());
                variants::write(kind, seed, &data, &folder)?;
                writeln!(io::stdout(), "{}", folder.display())?;
            }
        }
        Verb::Filler(options) => write!(io::stdout(), "{}", slots::evaluate(&options).await?)?,
        Verb::Record(options) => {
            record::record(&options, |name, report| {
                let rate = 100.0 * report.hit_rate_after_50.unwrap_or_default();
                let (hits, wrong) = (report.hits, report.wrong_plans);
                // Progress only: what counts is in the records.
                let _ = writeln!(io::stdout(), "{name}: {rate:.1}% after 50, {hits} hits, {wrong} wrong");
            })
            .await?;
        }
    }
    Ok(())
}
