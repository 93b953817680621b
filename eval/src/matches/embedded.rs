use std::io::Write;
use std::path::Path;

use plancache::matching::Embedder;

use super::{MatchError, Set};

/// Gives every text of a set its vector.
pub(super) fn embed(set: &mut Set, embedder: &dyn Embedder) -> Result<(), MatchError> {
    let texts: Vec<&str> = set.queries.iter().map(|query| query.text.as_str()).collect();
    let vectors = embedder.embed(&texts).map_err(|e| MatchError::new(embedder.name(), e))?;
    set.queries.iter_mut().zip(vectors).for_each(|(query, vector)| query.vector = vector);
    Ok(())
}

/// Writes a set's vectors one after the other, as 32-bit numbers, lowest byte first.
pub(super) fn export(set: &Set, file: &Path) -> Result<(), MatchError> {
    let wrong = |e: std::io::Error| MatchError::new(file.display().to_string(), e);
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).map_err(wrong)?);
    for number in set.queries.iter().flat_map(|query| &query.vector) {
        out.write_all(&number.to_le_bytes()).map_err(wrong)?;
    }
    out.flush().map_err(wrong)
}
