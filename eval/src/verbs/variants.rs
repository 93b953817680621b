use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::variants::{self, Kind};

/// Which variants are made.
#[derive(Debug, Args)]
pub struct VariantOptions {
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
}

pub(super) fn write(options: &VariantOptions) -> Result<(), Box<dyn std::error::Error>> {
    for kind in Kind::ALL.into_iter().filter(|k| options.kind.is_none_or(|only| only == *k)) {
        let folder = options.out.join(kind.name());
        variants::write(kind, options.seed, &options.data, &folder)?;
        writeln!(io::stdout(), "{}", folder.display())?;
    }
    Ok(())
}
