//! Keys and secrets: from the environment or from files, never from the settings themselves.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read or made.
    #[error("the file {path} cannot be used")]
    File {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// It cannot stand in a header.
    #[error("it holds characters that cannot be in a header")]
    NotText,
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A key from an environment variable or a file; `None` if neither is named.
pub(super) fn secret(env: Option<&str>, file: Option<&Path>) -> Result<Option<String>, SecretError> {
    let text = match (env, file) {
        (Some(name), _) => std::env::var(name).map_err(|_| SecretError::NotSet(name.to_owned()))?,
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|source| SecretError::File { path: path.to_owned(), source })?,
        (None, None) => return Ok(None),
    };
    match text.trim() {
        "" => Err(SecretError::Empty),
        text => Ok(Some(text.to_owned())),
    }
}

/// The secret that signs tool-call ids, of any text.
pub(super) fn key_of(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// A secret kept in a file, made if the file is not there, so that runs under way outlive a restart.
///
/// # Errors
/// When the file can be neither read nor made.
pub fn kept(path: &Path) -> Result<[u8; 32], SecretError> {
    let wrong = |source| SecretError::File { path: path.to_owned(), source };
    if let Some(text) = existing(path).map_err(wrong)? {
        return Ok(key_of(text.trim()));
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| SecretError::Random)?;
    let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    match options.open(path).and_then(|mut file| writeln!(file, "{text}")) {
        Ok(()) => Ok(key_of(&text)),
        // Another replica was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path).map(|text| key_of(text.trim())).map_err(wrong)
        }
        Err(error) => Err(wrong(error)),
    }
}

fn existing(path: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/secret");
        let first = kept(&path).unwrap();
        assert_eq!(kept(&path).unwrap(), first);
        assert_eq!(secret(None, Some(&path)).unwrap().map(|text| key_of(&text)), Some(first));
        assert_ne!(kept(&folder.path().join("other")).unwrap(), first);
    }

    #[test]
    fn a_key_that_is_not_there_is_said() {
        assert_eq!(secret(None, None).unwrap(), None);
        let error = secret(Some("PLANCACHE_NO_SUCH_VARIABLE"), None).unwrap_err().to_string();
        assert!(error.contains("PLANCACHE_NO_SUCH_VARIABLE"));
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, " \n").unwrap();
        assert!(matches!(secret(None, Some(&empty)), Err(SecretError::Empty)));
    }
}
