//! What the agents over SQLite databases share.

use rusqlite::types::ValueRef;
use serde_json::Value;

/// What can go wrong when a database is made from files.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {why}; give the folder that holds it with --data")]
    Read {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
    /// A file is not what it should be.
    #[error("{path} is not as expected: {why}; the README of the data folder says what it holds")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong, with the line where known.
        why: String,
    },
    /// The database refused.
    #[error("the database cannot be made: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A value of a row as JSON. Bytes are shown as text as far as they are one.
pub(crate) fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
    }
}
