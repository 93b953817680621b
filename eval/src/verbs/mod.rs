//! The command line of the suite, one file a verb.

mod compare;
mod list;
mod matches;
mod paraphrase;
mod progress;
mod rank;
mod report;
mod run;
mod show;
mod variants;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;

use crate::curve::{self, CurveOptions};
use crate::paraphrase::ParaphraseOptions;
use crate::record::{self, RecordOptions};
use crate::slots::{self, SlotOptions};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the benchmarks, or say all about one.
    List(list::ListOptions),
    /// Run a benchmark's tasks through the cache and what it is compared with.
    Run(Box<run::RunVerb>),
    /// Show a folder of results as a page with plots, and as Markdown.
    Report(report::ReportOptions),
    /// Compare two folders of results.
    Compare(compare::CompareOptions),
    /// Rank the systems over all benchmarks of a folder.
    Rank(rank::RankOptions),
    /// Compare hit decisions alone: GPTCache, cosine thresholds, vCache's rule, the plan cache.
    Match(matches::MatchVerb),
    /// Hits against wrong plans where a plan is a program in other words, over how near its wording
    /// must be, with and without a second derivation.
    Programs(Box<CurveOptions>),
    /// Make variants of the retail data: other values, other names, another wording.
    Variants(variants::VariantOptions),
    /// Say retail tasks as a model said their sentences, where every value is kept.
    Paraphrase(ParaphraseOptions),
    /// Judge the filler on single arguments of tasks that people wrote, and write a record.
    Filler(SlotOptions),
    /// Run the demo in every order and setting, on the data and its variants, and write records.
    Record(RecordOptions),
}

/// Does it, and says how the program ends.
///
/// # Errors
/// Says what could not be done, and why.
pub async fn run(verb: Verb) -> Result<ExitCode, Box<dyn std::error::Error>> {
    match verb {
        Verb::List(options) => list::list(&options)?,
        Verb::Run(options) => run::run(&options).await?,
        Verb::Report(options) => report::report(&options)?,
        Verb::Compare(options) => return compare::compare(&options),
        Verb::Rank(options) => rank::rank(&options)?,
        Verb::Match(options) => matches::matches(&options).await?,
        Verb::Programs(options) => write!(io::stdout(), "{}", curve::run(&options).await?)?,
        Verb::Variants(options) => variants::write(&options)?,
        Verb::Paraphrase(options) => paraphrase::compose(&options)?,
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
    Ok(ExitCode::SUCCESS)
}
