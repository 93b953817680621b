use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::matches::{MatchOptions, compare};

/// What is compared, and how it is shown.
#[derive(Debug, Args)]
pub struct MatchVerb {
    #[command(flatten)]
    options: MatchOptions,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write `matches.json` and `summary.md` to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) async fn matches(verb: &MatchVerb) -> Result<(), Box<dyn std::error::Error>> {
    let report = compare(&verb.options, |set| {
        // Progress only: what counts is in the report.
        let _ = writeln!(io::stderr(), "{}: {} policies and settings", set.set, set.rows.len());
    })
    .await?;
    let json = serde_json::to_string_pretty(&report)? + "\n";
    if let Some(folder) = &verb.out {
        std::fs::create_dir_all(folder).map_err(|e| wrong(folder, &e))?;
        let title = "# Hit decisions\n\nWhat the words mean and what the figures hide: `eval/METHODOLOGY.md`, \
                     `eval/BIAS.md`. Every threshold of the sweeps and every order: `matches.json`.\n\n";
        for (name, text) in
            [("matches.json", &json), ("summary.md", &(title.to_owned() + &report.text(true)))]
        {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|e| wrong(&path, &e))?;
        }
    }
    let shown = if verb.json { json } else { report.text(false) };
    write!(io::stdout(), "{shown}")?;
    Ok(())
}

fn wrong(path: &Path, e: &io::Error) -> String {
    format!("{} cannot be written: {e}", path.display())
}
