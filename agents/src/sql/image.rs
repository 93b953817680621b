//! A database before anything is done in it.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, params_from_iter};

use super::mysql;
use crate::sqlite::DataError;

/// The database itself, under the name that SQLite gives it.
const MAIN: &str = "main";

/// A small database as its file would be. Clones share it; each connection has a copy of its own.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Arc<Vec<u8>>,
}

impl Image {
    /// A database without tables.
    pub fn empty() -> Self {
        Self { bytes: Arc::default() }
    }

    /// What an SQL script makes.
    ///
    /// # Errors
    /// When the script is no SQL that SQLite knows.
    pub fn from_script(script: &str) -> Result<Self, DataError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(script)?;
        Self::of(connection)
    }

    /// One table of texts that are compared without case.
    ///
    /// # Errors
    /// When a row has another length than the header, or a name is not to be had.
    pub fn from_table(name: &str, columns: &[String], rows: &[Vec<String>]) -> Result<Self, DataError> {
        let connection = Connection::open_in_memory()?;
        let declared: Vec<String> =
            columns.iter().map(|column| format!("{} TEXT COLLATE NOCASE", quoted(column))).collect();
        connection.execute_batch(&format!("CREATE TABLE {} ({})", quoted(name), declared.join(", ")))?;
        let marks = vec!["?"; columns.len()].join(", ");
        let mut insert = connection.prepare(&format!("INSERT INTO {} VALUES ({marks})", quoted(name)))?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
        }
        drop(insert);
        Self::of(connection)
    }

    fn of(mut connection: Connection) -> Result<Self, DataError> {
        let bytes = connection.serialize(MAIN)?.to_vec();
        Ok(Self { bytes: Arc::new(bytes) })
    }

    /// A connection to a fresh copy.
    pub(super) fn open(&self, read_only: bool) -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        if !self.bytes.is_empty() {
            connection.deserialize_read_exact(MAIN, self.bytes.as_slice(), self.bytes.len(), read_only)?;
        }
        // A text in double quotes is a text where there is no column of that name, as in MySQL.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        mysql::add_functions(&connection)?;
        Ok(connection)
    }

    /// The tables that a query reads, each once, in the order in which SQLite comes to them.
    ///
    /// # Errors
    /// When the query cannot be prepared.
    pub fn tables_of(&self, query: &str) -> Result<Vec<String>, DataError> {
        let mut connection = self.open(true)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = seen.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if let AuthAction::Read { table_name, .. } = context.action {
                let mut seen = told.lock().unwrap_or_else(PoisonError::into_inner);
                if !seen.iter().any(|table| table == table_name) {
                    seen.push(table_name.to_owned());
                }
            }
            Authorization::Allow
        }))?;
        connection.prepare(query)?;
        drop(connection);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(seen.clone())
    }
}

/// A name as SQL writes it, whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
