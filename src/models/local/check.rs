//! Looks at a model file before llama.cpp does, which says little of what is wrong with one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use llama_cpp_2::gguf::GgufContext;

use super::ModelError;
use crate::models::Catalogue;

/// The first four bytes of every GGUF file.
const MAGIC: &[u8] = b"GGUF";
/// Versions of the format that llama.cpp reads.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;

/// Checks that the file is a whole GGUF file, as far as its beginning and its size tell.
pub(super) fn check(path: &Path) -> Result<(), ModelError> {
    let catalogue = Catalogue::builtin().ok();
    let listed = catalogue.as_ref().and_then(|catalogue| catalogue.by_file(path));
    let remedy = match listed {
        Some((model, _)) => format!("fetch it with `plancache models pull {}`", model.name),
        None => "replace it, or take one of `plancache models list`".to_owned(),
    };
    let fail = |why: String| Err(ModelError::File { path: path.to_owned(), why, remedy: remedy.clone() });
    let mut head = Vec::new();
    let opened = File::open(path).and_then(|file| {
        let size = file.metadata()?.len();
        file.take(8).read_to_end(&mut head)?;
        Ok(size)
    });
    let size = match opened {
        Ok(size) => size,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return fail("is missing".to_owned()),
        Err(error) => return fail(format!("cannot be read ({error})")),
    };
    let (magic, version) = head.split_at_checked(MAGIC.len()).unwrap_or((&head, &[]));
    if magic != MAGIC {
        return fail(format!(
            "is not a GGUF file (it begins with \"{}\" in place of \"GGUF\")",
            magic.escape_ascii()
        ));
    }
    let version = <[u8; 4]>::try_from(version).map(u32::from_le_bytes).unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return fail(format!("has version {version} of the GGUF format, not 2 or 3"));
    }
    if let Some((_, whole)) = listed
        && size != whole.size
    {
        let what = if size < whole.size { "is cut off" } else { "is too long" };
        return fail(format!("{what}: it has {size} bytes, the model has {}", whole.size));
    }
    // Whatever llama.cpp says of the file, it must not say on stderr.
    if let Err(why) = super::worker::backend() {
        return Err(ModelError::Engine { path: path.to_owned(), why });
    }
    match GgufContext::from_file(path) {
        Some(header) if header.n_tensors() > 0 => Ok(()),
        Some(_) => fail("holds no weights".to_owned()),
        None => fail(format!("is cut off or damaged: its header cannot be read ({size} bytes)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, content: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let message = check(&path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        message
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_the_remedy() {
        let listed = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
        let whole_header = b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0";
        let text = message(listed, whole_header);
        assert!(text.contains("is cut off: it has 16 bytes, the model has 491400064"), "{text}");
        assert!(text.contains("plancache models pull qwen2.5-coder-0.5b-instruct-q4_k_m"), "{text}");
        let text = message("other.gguf", whole_header);
        assert!(text.contains("header cannot be read") && text.contains("models list"), "{text}");
        let text = message("other.gguf", b"<html>nothing here</html>");
        assert!(text.contains("not a GGUF file (it begins with \"<htm\""), "{text}");
        assert!(message("other.gguf", b"").contains("begins with \"\""));
        assert!(message("other.gguf", b"GGUF\x09\0\0\0").contains("version 9"));
        assert!(message("other.gguf", b"GGUF").contains("version 0"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let text = check(Path::new("/nowhere/m.gguf")).unwrap_err().to_string();
        assert!(text.contains("/nowhere/m.gguf is missing"), "{text}");
    }
}
