use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::bench;
use crate::report::{Results, markdown, page};

/// What is reported, and where to.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// The folder that `run --out` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The page [default: report.html in that folder].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write the tables as Markdown; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

pub(super) fn report(options: &ReportOptions) -> Result<(), Box<dyn std::error::Error>> {
    let results = read(&options.folder)?;
    let out = options.out.clone().unwrap_or_else(|| options.folder.join("report.html"));
    write(&out, &page(&results))?;
    if let Some(file) = &options.markdown {
        if file == Path::new("-") {
            write!(io::stdout(), "{}", markdown(&results))?;
            return Ok(());
        }
        write(file, &markdown(&results))?;
    }
    writeln!(io::stdout(), "{}", out.display())?;
    Ok(())
}

/// Results with the definitions of the benchmarks that are known here.
pub(super) fn read(path: &Path) -> Result<Results, Box<dyn std::error::Error>> {
    Ok(Results::read(path, &|name| bench::find(name).ok())?)
}

fn write(path: &Path, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}
