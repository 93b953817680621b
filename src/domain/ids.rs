use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an identifier as it was given.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// The hard boundary between tenants: templates, runs and counters are never shared across it.
    Namespace
);
string_id!(
    /// One agent run on one task.
    RunId
);
string_id!(
    /// A template's lineage: it stays the same while merges make new versions.
    TemplateId
);
string_id!(
    /// Hash of a template's canonical content.
    TemplateVersion
);

impl Default for Namespace {
    fn default() -> Self {
        Self::new("default")
    }
}

/// A 256-bit hash (64 hex digits) of a value's canonical JSON form: object keys sorted, so that
/// equal content gives equal hashes whatever the order of insertion.
pub fn canonical_hash(value: &Value) -> String {
    let mut hasher = blake3::Hasher::new();
    feed(&mut hasher, value);
    hasher.finalize().to_hex().to_string()
}

fn feed(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            hasher.update(b"{");
            for key in keys {
                feed_text(hasher, key);
                feed(hasher, &map[key.as_str()]);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                feed(hasher, item);
            }
            hasher.update(b"]");
        }
        Value::String(text) => feed_text(hasher, text),
        other => {
            hasher.update(b"=");
            hasher.update(other.to_string().as_bytes());
        }
    }
}

fn feed_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(b"\"");
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// A tool-call id that was never given before in this process nor, with overwhelming
/// probability, in any other. Clients use these ids as idempotency keys, so one is never repeated.
pub fn fresh_call_id() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    static SEED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let seed = SEED.get_or_init(|| {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    });
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&n.to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    format!("call_{}", &hasher.finalize().to_hex()[..24])
}
