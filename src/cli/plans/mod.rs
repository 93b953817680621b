//! `plancache plans ..`: look into the learnt plans, one file a verb.

mod diff;
mod explain;
mod export;
mod import;
mod list;
mod mine;
mod rm;
mod schema;
mod search;
mod show;

use clap::Subcommand;

use super::output::Output;
use super::{Common, Failure, Status};

#[derive(Debug, Subcommand)]
pub(super) enum Plans {
    /// List the plans
    List,
    /// Show a plan: what the task says, the steps, where each value comes from, the evidence
    Show(show::Show),
    /// Show what further runs changed of a plan, or how two plans differ
    Diff(diff::Diff),
    /// Explain what would be decided for a task, and why
    Explain(explain::Explain),
    /// Say what recorded runs would teach and how many would have been served, before anything is
    Mine(mine::Mine),
    /// Find plans by words
    Search(search::Search),
    /// Write plans as files that can be read, reviewed and edited
    Export(export::Export),
    /// Check plan files and take them into the store
    Import(import::Import),
    /// Remove plans
    Rm(rm::Rm),
    /// Print the JSON Schema of plan files
    Schema,
}

pub(super) fn run(verb: &Plans, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    match verb {
        Plans::List => list::run(common, out),
        Plans::Show(show) => show.run(common, out),
        Plans::Diff(diff) => diff.run(common, out),
        Plans::Explain(explain) => explain.run(common, out),
        Plans::Mine(mine) => mine.run(common, out),
        Plans::Search(search) => search.run(common, out),
        Plans::Export(export) => export.run(common, out),
        Plans::Import(import) => import.run(common, out),
        Plans::Rm(rm) => rm.run(common, out),
        Plans::Schema => schema::run(out),
    }
}
