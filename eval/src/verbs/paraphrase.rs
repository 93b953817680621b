use std::io::{self, Write};

use crate::paraphrase::{ParaphraseOptions, paraphrase};

pub(super) fn compose(options: &ParaphraseOptions) -> Result<(), Box<dyn std::error::Error>> {
    let came = paraphrase(options)?;
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&came)?)?;
    Ok(())
}
