//! Plain SQL: one tool, `execute_sql{query}`, over one database.
//!
//! The database is SQLite; the statements about a schema that MySQL has (`SHOW TABLES`, `DESCRIBE`)
//! and a few of its functions work too. What a query gives is JSON: `{"columns": [..], "rows":
//! [[..], ..]}`, `{"rows_changed": n}`, the names of the tables, or the columns of one.

mod image;
mod mysql;

use rusqlite::Connection;
use serde_json::{Map, Value, json};

pub use image::Image;

use crate::agent::Environment;
use crate::arguments::Arguments;
use crate::python;
use crate::sqlite;
use mysql::Schema;

/// The most rows that are shown.
const MOST_SHOWN: usize = 100;

/// The most rows that a query may give.
const MOST_ROWS: usize = 100_000;

/// How often a statement's steps may be counted before it is stopped.
const MOST_COUNTS: u32 = 100;

/// How many steps of SQLite's machine are taken between two counts.
const STEPS: i32 = 1_000_000;

/// What a statement gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The rows of a query.
    Rows {
        /// The names of the columns.
        columns: Vec<String>,
        /// The values of each row.
        rows: Vec<Vec<Value>>,
    },
    /// How many rows were changed.
    Changed(usize),
    /// What the schema is.
    Schema(Value),
}

impl Answer {
    fn shown(self) -> Value {
        match self {
            Self::Rows { columns, mut rows } => {
                let left_out = rows.len().saturating_sub(MOST_SHOWN);
                rows.truncate(MOST_SHOWN);
                let mut shown = json!({"columns": columns, "rows": rows});
                if left_out > 0 {
                    shown["rows_left_out"] = left_out.into();
                }
                shown
            }
            Self::Changed(rows) => json!({"rows_changed": rows}),
            Self::Schema(schema) => schema,
        }
    }
}

/// The tool over one copy of a database.
#[derive(Debug)]
pub struct Sql {
    image: Image,
    read_only: bool,
    connection: Option<Connection>,
}

impl Sql {
    /// The tool over a fresh copy that statements may change.
    pub fn new(image: Image) -> Self {
        Self { image, read_only: false, connection: None }
    }

    /// The tool over a fresh copy that statements can only read.
    pub fn read_only(image: Image) -> Self {
        Self { image, read_only: true, connection: None }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What the database says is wrong with it.
    pub fn run(&mut self, statement: &str) -> Result<Answer, String> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.image.open(self.read_only).map_err(|e| e.to_string())?,
        };
        let connection = self.connection.insert(connection);
        match mysql::read(statement) {
            Some(Schema::Tables) => tables(connection),
            Some(Schema::Columns(table)) => columns(connection, &table),
            None => bounded(connection, statement),
        }
    }
}

impl Environment for Sql {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        let done = match tool {
            "execute_sql" => Arguments(arguments).text("query").and_then(|query| self.run(query)),
            _ => Err(format!("unknown tool {tool}")),
        };
        done.map_or_else(|why| format!("Error: {why}"), |answer| python::dumps(&answer.shown()))
    }
}

fn said(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        other => other.to_string(),
    }
}

fn tables(connection: &Connection) -> Result<Answer, String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name";
    let Answer::Rows { rows, .. } = query(connection, sql)? else { return Ok(Answer::Changed(0)) };
    Ok(Answer::Schema(rows.into_iter().flatten().collect()))
}

fn columns(connection: &Connection, table: &str) -> Result<Answer, String> {
    let mut statement = connection
        .prepare(
            "SELECT name, lower(type), \"notnull\" OR pk, pk, EXISTS (SELECT 1 FROM \
             pragma_foreign_key_list(?1) AS key WHERE key.\"from\" = info.name) \
             FROM pragma_table_info(?1) AS info",
        )
        .map_err(said)?;
    let read = |row: &rusqlite::Row<'_>| {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let key = match (row.get::<_, i64>(3)? > 0, row.get(4)?) {
            (true, _) => "PRI",
            (false, true) => "MUL",
            (false, false) => "",
        };
        let nullable = if row.get(2)? { "NO" } else { "YES" };
        Ok(json!({"field": name, "type": kind, "null": nullable, "key": key}))
    };
    let columns: Vec<Value> =
        statement.query_map([table], read).map_err(said)?.collect::<Result<_, _>>().map_err(said)?;
    if columns.is_empty() {
        return Err(format!("no such table: {table}"));
    }
    Ok(Answer::Schema(columns.into()))
}

/// Runs a statement that is stopped when it takes too long, always at the same step.
fn bounded(connection: &mut Connection, statement: &str) -> Result<Answer, String> {
    let mut counts = 0;
    let stop = move || {
        counts += 1;
        counts > MOST_COUNTS
    };
    connection.progress_handler(STEPS, Some(stop)).map_err(said)?;
    query(connection, statement)
}

fn query(connection: &Connection, statement: &str) -> Result<Answer, String> {
    let mut prepared = connection.prepare(statement).map_err(said)?;
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    if columns.is_empty() {
        return prepared.execute([]).map(Answer::Changed).map_err(said);
    }
    let mut found = prepared.query([]).map_err(said)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(said)? {
        if rows.len() == MOST_ROWS {
            return Err(format!("the query gives more than {MOST_ROWS} rows"));
        }
        let values = (0..columns.len()).map(|at| row.get_ref(at).map(sqlite::json));
        rows.push(values.collect::<Result<_, _>>().map_err(said)?);
    }
    Ok(Answer::Rows { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, born TEXT);
        CREATE TABLE pets (owner INTEGER NOT NULL, name TEXT, FOREIGN KEY (owner) REFERENCES people (id));
        INSERT INTO people VALUES (1, 'Ann', '1990-02-03'), (2, 'Bob', NULL);";

    fn told(sql: &mut Sql, query: &str) -> String {
        sql.call("execute_sql", json!({"query": query}).as_object().unwrap())
    }

    #[test]
    fn the_schema_is_shown_and_rows_are_json() {
        let mut sql = Sql::read_only(Image::from_script(SCRIPT).unwrap());
        let cases = [
            ("SHOW TABLES", "[\"people\", \"pets\"]"),
            (
                "DESCRIBE pets",
                "[{\"field\": \"owner\", \"type\": \"integer\", \"null\": \"NO\", \"key\": \"MUL\"}, \
                 {\"field\": \"name\", \"type\": \"text\", \"null\": \"YES\", \"key\": \"\"}]",
            ),
            (
                "SELECT id, name FROM people WHERE name = \"ann\";",
                "{\"columns\": [\"id\", \"name\"], \"rows\": [[1, \"Ann\"]]}",
            ),
            (
                "SELECT CONCAT(name, born) AS x FROM people",
                "{\"columns\": [\"x\"], \"rows\": [[\"Ann1990-02-03\"], [null]]}",
            ),
            (
                "SELECT YEAR(born) AS x FROM people WHERE name REGEXP '^a'",
                "{\"columns\": [\"x\"], \"rows\": [[1990]]}",
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(told(&mut sql, query), expected, "{query}");
        }
    }

    #[test]
    fn errors_are_texts_and_reads_cannot_write() {
        let mut sql = Sql::read_only(Image::from_script(SCRIPT).unwrap());
        let cases = [
            ("SELECT nick FROM people", "Error: no such column: nick"),
            ("DESCRIBE cats", "Error: no such table: cats"),
            ("DELETE FROM people", "Error: attempt to write a readonly database"),
            ("Output: [(1,)]", "Error: near \"Output\": syntax error"),
        ];
        for (query, expected) in cases {
            let answer = told(&mut sql, query);
            assert!(answer.starts_with(expected), "{query}: {answer}");
        }
        assert_eq!(sql.call("drop", &Map::new()), "Error: unknown tool drop");
    }

    #[test]
    fn what_takes_too_long_is_stopped_and_what_is_long_is_cut() {
        let mut sql = Sql::read_only(Image::from_script(SCRIPT).unwrap());
        let endless =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        assert_eq!(told(&mut sql, endless), "Error: interrupted");
        let long =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 130) SELECT i FROM n";
        assert!(told(&mut sql, long).ends_with("[100]], \"rows_left_out\": 30}"));
    }

    #[test]
    fn each_copy_is_its_own() {
        let columns = ["Lead Actor".to_owned(), "Note \"x\"".to_owned()];
        let image = Image::from_table("The Films", &columns, &[vec!["A".into(), "b".into()]]).unwrap();
        let mut one = Sql::new(image.clone());
        let insert = "INSERT INTO `The Films` (`Lead Actor`) VALUES ('C')";
        assert_eq!(told(&mut one, insert), "{\"rows_changed\": 1}");
        let count = "SELECT count(*) AS n FROM [The Films]";
        assert_eq!(told(&mut one, count), "{\"columns\": [\"n\"], \"rows\": [[2]]}");
        assert_eq!(told(&mut Sql::new(image), count), "{\"columns\": [\"n\"], \"rows\": [[1]]}");
    }

    #[test]
    fn the_tables_of_a_query_are_those_that_it_reads() {
        let image = Image::from_script(SCRIPT).unwrap();
        let query =
            "SELECT count(*) FROM people AS p WHERE p.id IN (SELECT owner FROM pets) AND p.name <> 'x'";
        let mut tables = image.tables_of(query).unwrap();
        tables.sort();
        assert_eq!(tables, ["people", "pets"]);
    }
}
