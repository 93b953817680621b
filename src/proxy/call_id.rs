//! Ids of the tool calls that the proxy makes.
//!
//! A framework sends each call's id back with its result, so an id can carry what any replica needs
//! to go on: which run, which step, and a signature (HMAC-SHA-256, cut to 96 bits) that says that a
//! proxy with this secret issued it in this namespace. Each holds a nonce: clients use ids as
//! idempotency keys, so none is ever issued twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::{Namespace, RunId, fresh_call_id};

/// What ids begin with. With 36 characters behind it, an id has 39: some providers allow 40.
const PREFIX: &str = "pc_";
const RUN: usize = 8;
const STEP: usize = 2;
const NONCE: usize = 5;
const SIGNATURE: usize = 12;
const BODY: usize = RUN + STEP + NONCE;

/// Issues and reads ids.
#[derive(Clone)]
pub(super) struct CallIds {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for CallIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallIds")
    }
}

/// What an id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    /// The run, if the proxy named it itself; else a name made of a hash of the caller's.
    pub(super) run: RunId,
    /// Index of the call in the run.
    pub(super) step: u16,
}

impl CallIds {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        // A key shorter than a block is filled up with zeros (RFC 2104).
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(secret);
        Self { mac: Hmac::<Sha256>::new(&block.into()) }
    }

    /// An id that was never issued before.
    pub(super) fn issue(&self, namespace: &Namespace, run: &RunId, step: usize) -> String {
        let mut bytes = [0_u8; BODY + SIGNATURE];
        bytes[..RUN].copy_from_slice(&run_bytes(run));
        bytes[RUN..RUN + STEP].copy_from_slice(&u16::try_from(step).unwrap_or(u16::MAX).to_be_bytes());
        let nonce = blake3::hash(fresh_call_id().as_bytes());
        bytes[RUN + STEP..BODY].copy_from_slice(&nonce.as_bytes()[..NONCE]);
        let signature = self.signed(namespace, &bytes[..BODY]).finalize().into_bytes();
        bytes[BODY..].copy_from_slice(&signature[..SIGNATURE]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What an id says, if a proxy with this secret issued it in this namespace.
    pub(super) fn read(&self, namespace: &Namespace, id: &str) -> Option<Issued> {
        let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX)?).ok()?;
        if bytes.len() != BODY + SIGNATURE {
            return None;
        }
        self.signed(namespace, &bytes[..BODY]).verify_truncated_left(&bytes[BODY..]).ok()?;
        let run = bytes[..RUN].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let step = u16::from_be_bytes([bytes[RUN], bytes[RUN + 1]]);
        Some(Issued { run: RunId::new(format!("{RUN_PREFIX}{run}")), step })
    }

    fn signed(&self, namespace: &Namespace, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(body);
        mac.update(namespace.as_str().as_bytes());
        mac
    }
}

/// What the run ids begin with that the proxy makes; 16 hex digits follow.
const RUN_PREFIX: &str = "run_";

/// A run id of the proxy's own from a hash.
pub(super) fn run_id(hash: &blake3::Hash) -> RunId {
    RunId::new(format!("{RUN_PREFIX}{}", &hash.to_hex()[..2 * RUN]))
}

/// A run id that was never given before.
pub(super) fn fresh_run_id() -> RunId {
    run_id(&blake3::hash(fresh_call_id().as_bytes()))
}

fn run_bytes(run: &RunId) -> [u8; RUN] {
    let own = run.as_str().strip_prefix(RUN_PREFIX).filter(|hex| hex.len() == 2 * RUN);
    match own.and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
        Some(number) => number.to_be_bytes(),
        None => {
            let mut bytes = [0; RUN];
            bytes.copy_from_slice(&blake3::hash(run.as_str().as_bytes()).as_bytes()[..RUN]);
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_fresh_and_say_run_and_step() {
        let ids = CallIds::new(&[7; 32]);
        let (space, run) = (Namespace::new("team"), fresh_run_id());
        let id = ids.issue(&space, &run, 3);
        assert!(id.len() <= 40, "{id}");
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{id}");
        assert_ne!(id, ids.issue(&space, &run, 3));
        assert_eq!(ids.read(&space, &id), Some(Issued { run, step: 3 }));
        let named = ids.issue(&space, &RunId::new("mine"), 70_000);
        assert_eq!(ids.read(&space, &named).map(|issued| issued.step), Some(u16::MAX));
    }

    #[test]
    fn what_was_not_issued_here_is_not_believed() {
        let ids = CallIds::new(&[7; 32]);
        let space = Namespace::new("team");
        let id = ids.issue(&space, &fresh_run_id(), 0);
        assert_eq!(ids.read(&Namespace::new("other"), &id), None);
        assert_eq!(CallIds::new(&[8; 32]).read(&space, &id), None);
        for at in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ids.read(&space, &String::from_utf8(forged).unwrap()), None, "{at}");
        }
        for id in ["", "pc_", "call_abc", "pc_AAAA"] {
            assert_eq!(ids.read(&space, id), None);
        }
    }
}
