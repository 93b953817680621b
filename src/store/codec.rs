//! How a record is kept: one line of JSON that says what follows and carries a checksum, then the
//! record itself as JSON. Both can be read without this program.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::SCHEMA_VERSION;

/// The oldest stored format that can still be read. A change of format that raises
/// [`SCHEMA_VERSION`] either converts older records in [`decode`] or raises this.
const OLDEST_READABLE: u32 = 1;

/// What a stored value is, and to whom it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label<'a> {
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) key: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Header {
    schema_version: u32,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    checksum: String,
}

/// The bytes to store.
pub(super) fn encode<T: Serialize>(label: Label<'_>, body: &T) -> Result<Vec<u8>, String> {
    let body =
        serde_json::to_vec(body).map_err(|e| format!("{} cannot be written as JSON: {e}", label.key))?;
    let header = Header {
        schema_version: SCHEMA_VERSION,
        kind: label.kind.to_owned(),
        namespace: label.namespace.to_owned(),
        key: label.key.to_owned(),
        checksum: checksum(SCHEMA_VERSION, label, &body),
    };
    let mut bytes = serde_json::to_vec(&header).map_err(|e| e.to_string())?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads what [`encode`] wrote for the same label. The error says what is wrong with the bytes
/// and what to do.
pub(super) fn decode<T: DeserializeOwned>(label: Label<'_>, bytes: &[u8]) -> Result<T, String> {
    let end = bytes.iter().position(|&byte| byte == b'\n').ok_or("it is cut off: no header line")?;
    let (header, body) = (&bytes[..end], &bytes[end + 1..]);
    let header: Header =
        serde_json::from_slice(header).map_err(|e| format!("its header is not readable: {e}"))?;
    let version = header.schema_version;
    if version > SCHEMA_VERSION {
        return Err(format!(
            "it was written by a newer release (schema version {version}, this release reads up to \
             {SCHEMA_VERSION}); open the store with that release or a later one"
        ));
    }
    if version < OLDEST_READABLE {
        return Err(format!(
            "its format is too old (schema version {version}, this release reads {OLDEST_READABLE} and \
             later); export it with a release that still reads it, then import it here"
        ));
    }
    let found = Label { kind: &header.kind, namespace: &header.namespace, key: &header.key };
    if checksum(version, found, body) != header.checksum {
        return Err("its checksum does not match: the bytes were damaged".to_owned());
    }
    if found != label {
        return Err(format!(
            "it lies in the wrong place: it is the {} {:?} of namespace {:?}",
            found.kind, found.key, found.namespace
        ));
    }
    serde_json::from_slice(body).map_err(|e| format!("its content is not what this release expects: {e}"))
}

fn checksum(version: u32, label: Label<'_>, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&version.to_le_bytes());
    for part in [label.kind.as_bytes(), label.namespace.as_bytes(), label.key.as_bytes(), body] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label<'static> = Label { kind: "template", namespace: "acme", key: "t1" };

    fn stored() -> Vec<u8> {
        encode(LABEL, &vec!["one", "two"]).unwrap()
    }

    fn why(bytes: &[u8]) -> String {
        decode::<Vec<String>>(LABEL, bytes).unwrap_err()
    }

    /// The stored bytes with a piece of text exchanged.
    fn with(from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(stored()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to).into_bytes()
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(decode::<Vec<String>>(LABEL, &stored()).unwrap(), ["one", "two"]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = stored();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(decode::<Vec<String>>(LABEL, &bad).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let good = stored();
        for end in 0..good.len() {
            assert!(decode::<Vec<String>>(LABEL, &good[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn the_reason_says_what_to_do() {
        assert!(why(&with("\"schema_version\":1", "\"schema_version\":2")).contains("newer release"));
        assert!(why(&with("\"schema_version\":1", "\"schema_version\":0")).contains("too old"));
        assert!(why(&with("two", "six")).contains("checksum"));
        assert!(why(&with("acme", "acne")).contains("checksum"));
        assert!(why(b"no header").contains("cut off"));
    }

    #[test]
    fn a_record_of_another_place_is_not_taken() {
        let other = Label { namespace: "rival", ..LABEL };
        let reason = decode::<Vec<String>>(other, &stored()).unwrap_err();
        assert!(reason.contains("wrong place") && reason.contains("acme"), "{reason}");
    }

    #[test]
    fn a_body_of_another_type_is_not_taken() {
        assert!(decode::<u32>(LABEL, &stored()).unwrap_err().contains("not what this release expects"));
    }
}
