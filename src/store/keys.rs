//! Keys of parts that each carry their length, so that no namespace's keys can begin with
//! another namespace's: `(a, bc)` and `(ab, c)` differ from the first byte on.

/// The parts one after another, each behind its length (4 bytes, most significant first).
pub(super) fn join(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        key.extend_from_slice(&(part.len() as u32).to_be_bytes());
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// The parts of a key; `None` if it was not made by [`join`].
pub(super) fn split(mut key: &[u8]) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    while !key.is_empty() {
        let (length, rest) = key.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        parts.push(std::str::from_utf8(part).ok()?);
        key = rest;
    }
    Some(parts)
}

/// A key as a person reads it: its parts with slashes between, or hexadecimal digits.
pub(super) fn readable(key: &[u8]) -> String {
    match split(key) {
        Some(parts) => parts.join("/"),
        None => key.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn split_undoes_join(parts in proptest::collection::vec(".{0,6}", 0..4)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let key = join(&parts);
            prop_assert_eq!(split(&key), Some(parts));
        }

        #[test]
        fn no_namespace_begins_with_another(a in ".{0,6}", b in ".{0,6}", rest in ".{0,6}") {
            prop_assume!(a != b);
            prop_assert!(!join(&[&a, &rest]).starts_with(&join(&[&b])));
        }
    }

    #[test]
    fn a_foreign_key_is_no_list_of_parts() {
        assert_eq!(split(b"\0\0\0\x09short"), None);
        assert_eq!(split(b"\0\0"), None);
        assert_eq!(readable(b"\0\0"), "0000");
    }
}
