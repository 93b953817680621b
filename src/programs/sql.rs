//! Cuts a statement of SQL into fixed parts, names and values.

use std::collections::HashSet;

use serde_json::Value;
use sqlparser::ast::Statement;
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::piece::{LONGEST, Literal, Piece, Reading, plain, push_text};
use crate::domain::Quoting;

/// How deep a statement may be nested.
const DEEPEST: usize = 48;

/// The dialects in which a text is tried, in this order.
fn dialects() -> [Box<dyn Dialect>; 3] {
    [Box::new(MySqlDialect {}), Box::new(SQLiteDialect {}), Box::new(GenericDialect {})]
}

/// Parses a text as one statement, with the dialect that understood it.
pub(super) fn parsed(text: &str) -> Option<(Statement, Box<dyn Dialect>)> {
    if text.len() > LONGEST {
        return None;
    }
    dialects().into_iter().find_map(|dialect| {
        let parser = Parser::new(&*dialect).with_recursion_limit(DEEPEST).try_with_sql(text).ok()?;
        let mut statements = { parser }.parse_statements().ok()?;
        let statement = statements.pop().filter(|_| statements.is_empty())?;
        Some((statement, dialect))
    })
}

/// Reads a text as a statement; `None` if it is none, or one that could not be written again.
pub fn read(text: &str) -> Option<Reading> {
    let (statement, dialect) = parsed(text)?;
    let is_sure = match &statement {
        Statement::Query(_) => takes(&statement),
        Statement::Insert(_) | Statement::Update { .. } | Statement::Delete(_) => true,
        _ => false,
    };
    let (asks, orders) = match &statement {
        Statement::Query(query) => (is_sure && !changes(&statement), query.order_by.is_some()),
        _ => (false, false),
    };
    let mut names = Names::default();
    names.walk(&serde_json::to_value(&statement).ok()?);
    let tokens = Tokenizer::new(&*dialect, text).with_unescape(true).tokenize_with_location().ok()?;
    let places = Places::of(text);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut of = String::new();
    let mut done = 0;
    for token in &tokens {
        let (start, end) = (places.byte(token.span.start)?, places.byte(token.span.end)?);
        if start < done || end > text.len() || !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            return None;
        }
        push_text(&mut pieces, text.get(done..start)?);
        let written = text.get(start..end)?;
        match &token.token {
            Token::Word(word) => {
                let is_name = names.found.contains(&(token.span.start.line, token.span.start.column))
                    && !names.own.contains(&word.value.to_lowercase());
                if !PASSED_BY.contains(&word.value.to_lowercase().as_str()) {
                    of = word.value.to_lowercase();
                }
                if is_name {
                    pieces.push(Piece::Name(written.to_owned()));
                } else {
                    push_text(&mut pieces, written);
                }
            }
            Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => {
                pieces.push(Piece::Value(literal(&token.token, written, &of)?));
            }
            Token::Whitespace(sqlparser::tokenizer::Whitespace::SingleLineComment { .. })
            | Token::Whitespace(sqlparser::tokenizer::Whitespace::MultiLineComment(_))
            | Token::Placeholder(_)
            | Token::Char(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::HexStringLiteral(_) => return None,
            _ => push_text(&mut pieces, written),
        }
        done = end;
    }
    push_text(&mut pieces, text.get(done..)?);
    Reading { pieces, is_sure, asks, orders }.that_writes(text)
}

/// Words between a literal and what it is compared with.
const PASSED_BY: [&str; 9] = ["in", "like", "not", "between", "and", "or", "is", "as", "values"];

/// Whether a query changes something all the same: with a statement inside that does, into a new table, or
/// by locking rows.
fn changes(statement: &Statement) -> bool {
    fn inside(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.iter().any(|(key, below)| {
                let says = match key.as_str() {
                    "Insert" | "Update" | "Delete" | "Merge" => true,
                    "into" => !below.is_null(),
                    "locks" => below.as_array().is_some_and(|locks| !locks.is_empty()),
                    _ => false,
                };
                says || inside(below)
            }),
            Value::Array(items) => items.iter().any(inside),
            _ => false,
        }
    }
    inside(&serde_json::to_value(statement).unwrap_or_default())
}

/// A query that reads from something.
fn takes(statement: &Statement) -> bool {
    let json = serde_json::to_value(statement).unwrap_or_default();
    fn from(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.iter().any(|(key, below)| {
                (key == "from" && below.as_array().is_some_and(|from| !from.is_empty())) || from(below)
            }),
            Value::Array(items) => items.iter().any(from),
            _ => false,
        }
    }
    from(&json)
}

fn literal(token: &Token, written: &str, of: &str) -> Option<Literal> {
    let of = of.to_owned();
    let (text, quote) = match token {
        Token::Number(..) => {
            let value = plain(written);
            return Some(Literal { value, of, ..Literal::default() });
        }
        Token::SingleQuotedString(text) => (text, '\''),
        Token::DoubleQuotedString(text) => (text, '"'),
        _ => return None,
    };
    let core = text.trim_matches('%');
    let (head, tail) = match core.is_empty() {
        true => ("", ""),
        false => {
            let at = text.len() - text.trim_start_matches('%').len();
            (text.get(..at)?, text.get(at + core.len()..)?)
        }
    };
    let core = if core.is_empty() { text.as_str() } else { core };
    Some(Literal {
        value: Value::from(core),
        of,
        before: format!("{quote}{head}"),
        after: format!("{tail}{quote}"),
        quoting: Quoting::Sql,
    })
}

/// Where identifiers stand in a statement's tree, by line and column, and those that it gives itself.
#[derive(Default)]
struct Names {
    found: HashSet<(u64, u64)>,
    own: HashSet<String>,
}

impl Names {
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                let is_identifier = map.contains_key("quote_style") && map.contains_key("span");
                if let Some(name) = map.get("value").and_then(Value::as_str).filter(|_| is_identifier) {
                    let start = &map["span"]["start"];
                    if let (Some(line), Some(column)) = (start["line"].as_u64(), start["column"].as_u64())
                        && !name.is_empty()
                    {
                        self.found.insert((line, column));
                    }
                    return;
                }
                for (key, below) in map {
                    match key.as_str() {
                        "alias" => self.give(below),
                        // What a function is called is no name of anything that was observed.
                        "Function" => {
                            for (key, below) in below.as_object().into_iter().flatten() {
                                if key != "name" {
                                    self.walk(below);
                                }
                            }
                        }
                        _ => self.walk(below),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            _ => {}
        }
    }

    /// An alias: the statement's own name for something.
    fn give(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(name) = map.get("value").and_then(Value::as_str) {
                    self.own.insert(name.to_lowercase());
                }
                map.values().for_each(|below| self.give(below));
            }
            Value::Array(items) => items.iter().for_each(|item| self.give(item)),
            _ => {}
        }
    }
}

/// Where the lines of a text begin, to turn line and column into bytes.
struct Places<'t> {
    lines: Vec<&'t str>,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let starts = lines
            .iter()
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len();
                Some(start)
            })
            .collect();
        Self { lines, starts }
    }

    fn byte(&self, at: Location) -> Option<usize> {
        let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let Some(text) = self.lines.get(line) else {
            // The place after a last line's end.
            let last = self.lines.len().checked_sub(1)?;
            return (column == 0).then(|| self.starts[last] + self.lines[last].len());
        };
        let within = text.char_indices().nth(column).map_or(text.len(), |(byte, _)| byte);
        Some(self.starts.get(line)? + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        super::super::piece::tests::shown(read(text))
    }

    #[test]
    fn a_statement_is_cut_into_fixed_parts_names_and_values() {
        let cases = [
            (
                "SELECT avg(depth), COUNT(*) FROM lake WHERE land = 'Peru' AND name LIKE '%ca%' LIMIT 3",
                "SELECT avg(<depth>), COUNT(*) FROM <lake> WHERE <land> = '{land=\"Peru\"}' AND <name> \
                 LIKE '%{name=\"ca\"}%' LIMIT {limit=3}",
            ),
            (
                "SELECT T1.name, sum(T2.x) AS all_x FROM lake AS T1 JOIN `big fish` T2 ON T1.id = T2.lake \
                 GROUP BY T1.name ORDER BY all_x DESC",
                "SELECT T1.<name>, sum(T2.<x>) AS all_x FROM <lake> AS T1 JOIN <`big fish`> T2 ON T1.<id> \
                 = T2.<lake> GROUP BY T1.<name> ORDER BY all_x DESC",
            ),
            ("DESCRIBE lake", "DESCRIBE <lake>"),
            ("SHOW TABLES", "SHOW TABLES"),
            ("SHOW COLUMNS FROM lake", "SHOW COLUMNS FROM <lake>"),
            (
                "INSERT INTO lake (name, depth) VALUES (\"Titi's\", 281.50)",
                "INSERT INTO <lake> (<name>, <depth>) VALUES (\"{depth=\"Titi's\"}\", {depth=\"281.50\"})",
            ),
            ("SELECT 1; SELECT 2", "none"),
            ("Where is the lake?", "none"),
            ("SELECT a FROM b -- all of it", "none"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn words_that_happen_to_be_a_statement_are_none_for_sure() {
        let is_sure = |text: &str| read(text).map(|reading| reading.is_sure);
        assert_eq!(is_sure("SELECT a FROM b"), Some(true));
        assert_eq!(is_sure("DELETE FROM b WHERE a = 1"), Some(true));
        assert_eq!(is_sure("show lakes"), Some(false));
        assert_eq!(is_sure("SELECT 1"), Some(false));
    }

    #[test]
    fn a_text_of_several_lines_is_cut_at_the_same_places() {
        let text = "SELECT name\nFROM lake\n  WHERE land = 'Perú' AND depth > 2";
        assert!(shown(text).ends_with("AND <depth> > {depth=2}"), "{}", shown(text));
    }
}
