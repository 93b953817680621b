//! Whether a question to a database was answered right: the last query that ran must give the rows
//! of the gold query.

use plancache_agents::sql::{Answer, Sql};
use serde::Deserialize;
use serde_json::Value;

use super::Golds;

/// The gold query of a question.
#[derive(Clone, Debug, Deserialize)]
pub struct Gold {
    gold_sql: String,
    ordered: bool,
}

/// Knows the gold queries.
pub type Scorer = Golds<Gold>;

impl Scorer {
    /// What is wrong with these statements as an answer to a task, run one after the other on
    /// `database`; nothing, if they are right. The database can only be read, so that the gold
    /// query finds it as it was.
    pub fn fault<'a>(
        &self,
        task_id: &str,
        statements: impl Iterator<Item = &'a str>,
        database: &mut Sql,
    ) -> Option<String> {
        let gold = match self.of(task_id) {
            Ok(gold) => gold,
            Err(why) => return Some(why),
        };
        let mut last = None;
        for statement in statements {
            if let Ok(Answer::Rows { rows, .. }) = database.run(statement) {
                last = Some((statement, rows));
            }
        }
        let right = match database.run(&gold.gold_sql) {
            Ok(Answer::Rows { rows, .. }) => rows,
            Ok(_) => return Some("the gold statement is no query".to_owned()),
            Err(why) => return Some(format!("the gold query fails: {why}")),
        };
        let Some((query, given)) = last else { return Some("no query ran".to_owned()) };
        let difference = difference(&right, &given, gold.ordered)?;
        Some(format!("{difference}; the query was {query:?}"))
    }
}

/// How rows differ, as lists if they are `ordered`, else as multisets.
pub(super) fn difference(right: &[Vec<Value>], given: &[Vec<Value>], ordered: bool) -> Option<String> {
    if right.len() != given.len() {
        return Some(format!("{} rows should be {}", given.len(), right.len()));
    }
    let normal = |rows: &[Vec<Value>]| -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        if !ordered {
            rows.sort();
        }
        rows
    };
    let (right, given) = (normal(right), normal(given));
    let (a, b) = right.iter().zip(&given).find(|(a, b)| a != b)?;
    Some(format!("row ({}) should be ({})", b.join(", "), a.join(", ")))
}

/// A value as it is compared: numbers to four digits, texts without case and outer blanks.
fn cell(value: &Value) -> String {
    match (value, value.as_f64()) {
        (_, Some(number)) => {
            let rounded = (number * 10_000.0).round() / 10_000.0;
            // No negative zero.
            format!("{:.4}", rounded + 0.0)
        }
        (Value::String(text), _) => format!("\"{}\"", text.trim().to_lowercase()),
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache_agents::sql::Image;
    use serde_json::json;

    fn rows(value: Value) -> Vec<Vec<Value>> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rows_are_multisets_unless_they_are_ordered() {
        let (a, b) = (rows(json!([["x", 1], ["Y ", 2.00001]])), rows(json!([["y", 2], ["X", 1.0]])));
        assert_eq!(difference(&a, &b, false), None);
        assert!(difference(&a, &b, true).unwrap().starts_with("row "));
        assert_eq!(difference(&a, &b[..1], false).unwrap(), "1 rows should be 2");
        let (twice, once) = (rows(json!([[1], [1], [2]])), rows(json!([[1], [2], [2]])));
        assert!(difference(&twice, &once, false).is_some());
        assert!(difference(&rows(json!([[1]])), &rows(json!([["1"]])), false).is_some());
        assert!(difference(&rows(json!([[null]])), &rows(json!([["null"]])), false).is_some());
    }

    #[test]
    fn the_last_query_that_ran_counts() {
        let image = Image::from_script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").unwrap();
        let gold = Gold { gold_sql: "SELECT max(a) FROM t".into(), ordered: false };
        let scorer = Scorer::one("t", gold);
        let fault = |statements: &[&str]| {
            scorer.fault("t", statements.iter().copied(), &mut Sql::read_only(image.clone()))
        };
        let right = "SELECT a FROM t ORDER BY a DESC LIMIT 1";
        assert_eq!(fault(&["SELECT a FROM t", right, "SELECT b FROM t", "SHOW TABLES"]), None);
        assert_eq!(
            fault(&[right, "SELECT min(a) FROM t"]).unwrap(),
            "row (1.0000) should be (2.0000); the query was \"SELECT min(a) FROM t\""
        );
        assert_eq!(fault(&["SHOW TABLES"]).unwrap(), "no query ran");
    }
}
