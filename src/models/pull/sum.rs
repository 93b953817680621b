//! Whether a file is the model it should be. A verified sum is written beside the file, so that a
//! start need not read half a gigabyte.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::models::ModelFile;

/// What was true of a file when its sum was computed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    sha256: String,
    size: u64,
    modified_ns: u64,
}

fn stamp_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".verified");
    name.into()
}

fn stamp_of(file: &Path, whole: &ModelFile) -> Option<Stamp> {
    let meta = file.metadata().ok()?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Stamp {
        sha256: whole.sha256.clone(),
        size: meta.len(),
        modified_ns: u64::try_from(modified.as_nanos()).ok()?,
    })
}

/// Whether the file was verified before and has not changed since.
pub(super) fn is_verified(file: &Path, whole: &ModelFile) -> bool {
    let stored = fs::read_to_string(stamp_path(file)).ok();
    let stored = stored.and_then(|text| serde_json::from_str::<Stamp>(&text).ok());
    stored.is_some() && stored == stamp_of(file, whole)
}

/// Notes that the file was verified. A directory that cannot be written only costs time later.
pub(super) fn stamp(file: &Path, whole: &ModelFile) {
    let text = stamp_of(file, whole).and_then(|stamp| serde_json::to_string(&stamp).ok());
    if let Some(text) = text {
        let _ = fs::write(stamp_path(file), text);
    }
}

/// Checks size and sum, or that both were checked before.
pub(super) fn verify(file: &Path, whole: &ModelFile) -> Result<(), String> {
    if !is_verified(file, whole) {
        check(file, whole)?;
        stamp(file, whole);
    }
    Ok(())
}

/// Checks size and sum.
pub(super) fn check(file: &Path, whole: &ModelFile) -> Result<(), String> {
    let size = file.metadata().map_err(|why| format!("{}: {why}", file.display()))?.len();
    if size != whole.size {
        return Err(format!("{} has {size} bytes, not {}", file.display(), whole.size));
    }
    let sum = sha256(file).map_err(|why| format!("{}: {why}", file.display()))?;
    if sum != whole.sha256 {
        return Err(format!("{} has SHA-256 {sum}, not {}", file.display(), whole.sha256));
    }
    Ok(())
}

pub(super) fn sha256(file: &Path) -> std::io::Result<String> {
    let mut file = File::open(file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
