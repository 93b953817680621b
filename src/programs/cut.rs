//! Cuts a statement into fixed parts, names and values.

use std::collections::HashSet;

use serde_json::Value;
use sqlparser::ast::Statement;
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, Tokenizer};

/// The longest text that is read, in bytes.
const LONGEST: usize = 8_192;
/// How deep a statement may be nested.
const DEEPEST: usize = 48;

/// One part of a statement; its parts one after the other are its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Keywords, signs, functions, and names that the statement itself gives.
    Text(String),
    /// A name of something that has to exist, as it is written.
    Name(String),
    /// A value.
    Value(Literal),
}

/// A literal of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it is: a text without its quotes and wild cards, or a number.
    pub value: Value,
    /// What it stands for: the name or keyword that it is compared with, in lower case.
    pub of: String,
    /// The signs before it: a quotation mark, a wild card.
    pub before: String,
    /// The signs after it.
    pub after: String,
}

/// A statement that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its parts, in order.
    pub pieces: Vec<Piece>,
    /// It asks for data or changes them, so that it is no words that happen to be a statement.
    pub is_sure: bool,
    /// It asks for data and changes none.
    pub asks: bool,
    /// It asks for an order of what it returns.
    pub orders: bool,
}

impl Reading {
    /// The names, as they are written, without quotation marks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(bare(name)),
            _ => None,
        })
    }

    /// The literals.
    pub fn literals(&self) -> impl Iterator<Item = &Literal> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(literal) => Some(literal),
            _ => None,
        })
    }
}

/// A name without its quotation marks.
pub(super) fn bare(name: &str) -> &str {
    name.trim_matches(['`', '"', '[', ']'])
}

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
    let reading = Reading { pieces, is_sure, asks, orders };
    let again: Option<String> = reading.pieces.iter().map(written).collect();
    (again.as_deref() == Some(text)).then_some(reading)
}

/// Words between a literal and what it is compared with.
const PASSED_BY: [&str; 9] = ["in", "like", "not", "between", "and", "or", "is", "as", "values"];

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(own)) => own.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

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
            let number = serde_json::from_str::<serde_json::Number>(written).ok();
            let same = number.filter(|number| number.to_string() == written);
            let value = same.map_or_else(|| Value::from(written), Value::Number);
            return Some(Literal { value, of, before: String::new(), after: String::new() });
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
    })
}

/// A literal's value between its signs; `None` for one that is no scalar.
pub fn render(value: &Value, before: &str, after: &str) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => return None,
    };
    match before.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let doubled = text.replace(quote, &format!("{quote}{quote}"));
            Some(format!("{before}{doubled}{after}"))
        }
        // Without quotation marks it is a number, or another statement would be made of it.
        None => {
            let plain = text.trim_start_matches(['$', '€', '£']).replace(',', "");
            serde_json::from_str::<serde_json::Number>(&plain).ok().map(|_| plain)
        }
        Some(_) => None,
    }
}

fn written(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Text(text) | Piece::Name(text) => Some(text.clone()),
        Piece::Value(Literal { value, before, after, .. }) => render(value, before, after),
    }
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
    use serde_json::json;

    fn shown(text: &str) -> String {
        let Some(reading) = read(text) else { return "none".to_owned() };
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(name) => format!("<{name}>"),
            Piece::Value(literal) => {
                format!("{}{{{}={}}}{}", literal.before, literal.of, literal.value, literal.after)
            }
        };
        reading.pieces.iter().map(piece).collect()
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
    fn a_value_is_written_between_its_signs_and_cannot_leave_them() {
        assert_eq!(render(&json!("O'Hara"), "'", "'").unwrap(), "'O''Hara'");
        assert_eq!(render(&json!("ca"), "'%", "%'").unwrap(), "'%ca%'");
        assert_eq!(render(&json!("1,200"), "", "").unwrap(), "1200");
        assert_eq!(render(&json!("1 OR 1"), "", ""), None);
        assert_eq!(render(&json!(["a"]), "'", "'"), None);
    }

    #[test]
    fn a_text_of_several_lines_is_cut_at_the_same_places() {
        let text = "SELECT name\nFROM lake\n  WHERE land = 'Perú' AND depth > 2";
        assert!(shown(text).ends_with("AND <depth> > {depth=2}"), "{}", shown(text));
    }
}
