use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use crate::bench::{self, Definition, Repeats};

/// What is listed.
#[derive(Debug, Args)]
pub struct ListOptions {
    /// Only this one, with all that its definition says.
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn list(options: &ListOptions) -> Result<(), Box<dyn std::error::Error>> {
    let all = bench::names()?;
    let wanted = all.iter().filter(|name| options.name.as_ref().is_none_or(|only| only == *name));
    let mut definitions = wanted.map(|name| bench::find(name)).collect::<Result<Vec<_>, _>>()?;
    if let (Some(name), true) = (&options.name, definitions.is_empty()) {
        definitions.push(bench::find(name)?);
    }
    let mut out = io::stdout();
    if options.json {
        writeln!(out, "{}", json!({"benchmarks": definitions}))?;
        return Ok(());
    }
    let width = definitions.iter().map(|d| d.name.len()).max().unwrap_or_default();
    for definition in &definitions {
        writeln!(out, "{:width$}  {}", definition.name, definition.about)?;
        if options.name.is_some() {
            details(&mut out, definition)?;
        }
    }
    Ok(())
}

fn details(out: &mut impl Write, definition: &Definition) -> io::Result<()> {
    let repeats = match definition.repeats {
        Repeats::Intents => "its intents recur",
        Repeats::Control => "a control: the same words need another plan",
    };
    writeln!(out, "  origin   {}", definition.origin)?;
    writeln!(out, "  kind     {repeats}")?;
    writeln!(out, "  success  {}", definition.success)?;
    writeln!(out, "  tasks    {}", definition.files.task_file().display())?;
    if let Some(runs) = definition.files.run_file() {
        writeln!(out, "  runs     {}", runs.display())?;
    }
    for caveat in &definition.caveats {
        writeln!(out, "  but      {caveat}")?;
    }
    Ok(())
}
