//! What MySQL says otherwise than SQLite: statements that look at the schema, and functions.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A statement about the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// `SHOW TABLES`.
    Tables,
    /// `DESCRIBE x`, `SHOW COLUMNS FROM x`.
    Columns(String),
}

/// Reads a statement about the schema; anything else is none.
pub(super) fn read(statement: &str) -> Option<Schema> {
    let statement = statement.trim().trim_end_matches(';');
    let words: Vec<&str> = statement.split_whitespace().collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let columns = |at: usize| Some(Schema::Columns(plain(words.get(at)?)));
    match lower.as_slice() {
        ["show", "tables"] | ["show", "full", "tables"] => Some(Schema::Tables),
        ["describe" | "desc", _] => columns(1),
        ["show", "columns" | "fields", "from" | "in", _, ..] => columns(3),
        ["show", "full", "columns" | "fields", "from" | "in", _, ..] => columns(4),
        _ => None,
    }
}

/// A table's name without quotes and without the database before it.
fn plain(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    name.trim_matches(['`', '"', '\'', '[', ']']).to_owned()
}

/// Adds the functions that MySQL has and SQLite has not, or has otherwise.
pub(super) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // SQLite's own leaves out what is null.
    connection.create_scalar_function("concat", -1, flags, |given| {
        let mut text = String::new();
        for at in 0..given.len() {
            match shown(given.get_raw(at)) {
                Some(part) => text.push_str(&part),
                None => return Ok(None),
            }
        }
        Ok(Some(text))
    })?;
    connection.create_scalar_function("year", 1, flags, |given| {
        let date = shown(given.get_raw(0));
        Ok(date.and_then(|date| date.get(..4)?.parse::<i64>().ok()).map_or(Value::Null, Value::Integer))
    })?;
    // `x REGEXP y` is `regexp(y, x)`.
    connection.create_scalar_function("regexp", 2, flags, |given| {
        let pattern = given.get_or_create_aux(0, |pattern| -> Result<_, AnyError> {
            Ok(regex::RegexBuilder::new(pattern.as_str()?).case_insensitive(true).build()?)
        })?;
        Ok(shown(given.get_raw(1)).map(|text| pattern.is_match(&text)))
    })
}

fn shown(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_about_the_schema_are_told_from_queries() {
        let columns = |name: &str| Some(Schema::Columns(name.to_owned()));
        let cases = [
            ("SHOW TABLES", Some(Schema::Tables)),
            ("show tables;", Some(Schema::Tables)),
            ("DESCRIBE people", columns("people")),
            ("desc `shop`.`people`;", columns("people")),
            ("SHOW COLUMNS FROM people", columns("people")),
            ("SHOW FULL COLUMNS FROM people FROM shop", columns("people")),
            ("SELECT 1", None),
            ("SHOW DATABASES", None),
            ("DESCRIBE", None),
        ];
        for (statement, expected) in cases {
            assert_eq!(read(statement), expected, "{statement}");
        }
    }
}
