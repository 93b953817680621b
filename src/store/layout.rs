//! What a store on disk keeps under which key.
//!
//! Keys are made by [`keys::join`]: a record's of namespace and lineage, a count's of namespace
//! and word, a posting's of namespace, keyword and lineage (its value is empty), and a value's
//! that was set aside of its tree, then its key there and a hash of its bytes.

use serde::{Deserialize, Serialize};

use super::codec::{self, Label};
use super::folder::Trouble;
use super::{WordCount, keys};
use crate::domain::{Namespace, SCHEMA_VERSION, TemplateId, TemplateRecord};

/// Version of the trees and keys. A store of another layout is not opened.
const LAYOUT: u32 = 1;

/// What the trees must hold; written with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) layout: u32,
    pub(super) changes: u64,
    pub(super) templates: u64,
    pub(super) words: u64,
}

/// By how much a change grows the trees.
#[derive(Default)]
pub(super) struct Growth {
    pub(super) templates: i64,
    pub(super) words: i64,
}

impl Default for State {
    fn default() -> Self {
        Self { layout: LAYOUT, changes: 0, templates: 0, words: 0 }
    }
}

impl State {
    pub(super) fn read(bytes: Option<&[u8]>) -> Option<Self> {
        serde_json::from_slice(bytes?).ok()
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        serde_json::json!(self).to_string().into_bytes()
    }

    /// Compares what must be there with what is: how many changes were made durable, and how many
    /// templates and words the trees hold.
    pub(super) fn compare(self, durable: u64, found: (u64, u64)) -> Result<(), Trouble> {
        if self.layout != LAYOUT {
            Err(Trouble::foreign(format!("its layout is {}, this release knows {LAYOUT}", self.layout)))
        } else if self.changes < durable {
            Err(Trouble::corrupt(format!("{durable} changes were made, {} of them are there", self.changes)))
        } else if found != (self.templates, self.words) {
            Err(Trouble::corrupt(format!(
                "{} templates and {} words should be there, {} and {} are",
                self.templates, self.words, found.0, found.1
            )))
        } else {
            Ok(())
        }
    }

    pub(super) fn grown(self, by: Growth) -> Self {
        Self {
            changes: self.changes + 1,
            templates: self.templates.saturating_add_signed(by.templates),
            words: self.words.saturating_add_signed(by.words),
            ..self
        }
    }
}

/// The key of a record.
pub(super) fn record_key(namespace: &Namespace, id: &TemplateId) -> Vec<u8> {
    keys::join(&[namespace.as_str(), id.as_str()])
}

/// A record as it is stored: key and bytes.
pub(super) fn record_entry(record: &TemplateRecord) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (namespace, id) = (&record.template.namespace, &record.template.id);
    let label = Label { kind: "template", namespace: namespace.as_str(), key: id.as_str() };
    Ok((record_key(namespace, id), codec::encode(label, record)?))
}

/// A word count as it is stored: key and bytes.
pub(super) fn count_entry(count: &WordCount) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (namespace, word) = (count.namespace.as_str(), count.word.as_str());
    let bytes = codec::encode(Label { kind: "word", namespace, key: word }, count)?;
    Ok((keys::join(&[namespace, word]), bytes))
}

/// Reads a record; the error says what is wrong with it.
pub(super) fn record_of(key: &[u8], bytes: &[u8]) -> Result<TemplateRecord, String> {
    let (namespace, id) = two_parts(key)?;
    let record: TemplateRecord = codec::decode(Label { kind: "template", namespace, key: id }, bytes)?;
    let template = &record.template;
    if (template.namespace.as_str(), template.id.as_str()) != (namespace, id) {
        return Err(format!("it is template {} of namespace {}", template.id, template.namespace));
    }
    if template.schema_version > SCHEMA_VERSION {
        return Err(format!(
            "its template has schema version {}, this release reads up to {SCHEMA_VERSION}; open the store \
             with a later release",
            template.schema_version
        ));
    }
    Ok(record)
}

/// Reads a word count; the error says what is wrong with it.
pub(super) fn count_of(key: &[u8], bytes: &[u8]) -> Result<WordCount, String> {
    let (namespace, word) = two_parts(key)?;
    let count: WordCount = codec::decode(Label { kind: "word", namespace, key: word }, bytes)?;
    if (count.namespace.as_str(), count.word.as_str()) != (namespace, word) {
        return Err(format!("it counts {:?} of namespace {}", count.word, count.namespace));
    }
    Ok(count)
}

fn two_parts(key: &[u8]) -> Result<(&str, &str), String> {
    match keys::split(key).as_deref() {
        Some(&[namespace, name]) => Ok((namespace, name)),
        _ => Err("its key was not made by this program".to_owned()),
    }
}

/// The keys under which the index lists a record.
pub(super) fn postings_of(record: &TemplateRecord) -> Vec<Vec<u8>> {
    let template = &record.template;
    let key = |word: &String| keys::join(&[template.namespace.as_str(), word, template.id.as_str()]);
    template.keywords.iter().map(key).collect()
}

/// Begins as the key in its tree did, so that a purge finds it. The hash keeps apart several
/// damaged values of one key.
pub(super) fn aside_key(tree: &str, key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut aside = keys::join(&[tree]);
    aside.extend_from_slice(key);
    aside.extend(keys::join(&[&blake3::hash(bytes).to_hex()[..16]]));
    aside
}

/// A line with the reason, then the bytes as they were.
pub(super) fn aside_value(why: &str, bytes: &[u8]) -> Vec<u8> {
    [why.replace('\n', " ").as_bytes(), b"\n", bytes].concat()
}

/// The reason that [`aside_value`] wrote.
pub(super) fn aside_reason(value: &[u8]) -> String {
    let why = value.split(|&byte| byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(why).into_owned()
}

/// The tree, key and bytes of a value that was set aside; `None` if its key was not made by this
/// program.
pub(super) fn aside_parts<'a>(aside: &'a [u8], value: &'a [u8]) -> Option<(&'a str, Vec<u8>, &'a [u8])> {
    let parts = keys::split(aside)?;
    let [tree, key @ .., _] = parts.as_slice() else { return None };
    let line = value.iter().position(|&byte| byte == b'\n')?;
    Some((tree, keys::join(key), &value[line + 1..]))
}
