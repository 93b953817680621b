//! Whether one request to one table was done right: a change must leave the rows that the gold
//! statement leaves, a question must be answered by the gold values and change nothing.

use std::collections::BTreeSet;

use plancache_agents::sql::{Answer, Image, Sql};
use serde::Deserialize;
use serde_json::Value;

use super::Golds;
use super::sql::difference;

/// What is right for a request.
#[derive(Clone, Debug, Deserialize)]
pub struct Gold {
    /// Absent where none was shipped.
    gold_sql: Option<String>,
    /// The values of the answer, where the task is a question.
    gold_answer: Option<Vec<String>>,
    table: Table,
}

#[derive(Clone, Debug, Deserialize)]
struct Table {
    name: String,
}

/// Knows the gold statements and answers.
pub type Scorer = Golds<Gold>;

impl Scorer {
    /// What is wrong with these statements as an answer to a task, run one after the other on a
    /// fresh copy of its table; nothing, if they are right.
    pub fn fault<'a>(
        &self,
        task_id: &str,
        statements: impl Iterator<Item = &'a str>,
        image: &Image,
    ) -> Option<String> {
        let gold = match self.of(task_id) {
            Ok(gold) => gold,
            Err(why) => return Some(why),
        };
        let (mut left, mut right) = (Sql::new(image.clone()), Sql::new(image.clone()));
        let mut said = None;
        let mut failed = None;
        for statement in statements {
            match left.run(statement) {
                Ok(Answer::Rows { rows, .. }) => said = Some(rows),
                Ok(_) => {}
                Err(why) => failed = Some(why),
            }
        }
        if gold.gold_answer.is_none() {
            let Some(statement) = &gold.gold_sql else {
                return Some("the task has neither a gold statement nor an answer".to_owned());
            };
            if let Err(why) = right.run(statement) {
                return Some(format!("the gold statement fails: {why}"));
            }
        }
        let all = format!("SELECT * FROM \"{}\"", gold.table.name.replace('"', "\"\""));
        match (right.run(&all), left.run(&all)) {
            (Ok(Answer::Rows { rows: right, .. }), Ok(Answer::Rows { rows: left, .. })) => {
                if let Some(difference) = changed(&right, &left) {
                    return Some(failed.map_or(difference.clone(), |why| format!("{difference}; {why}")));
                }
            }
            _ => return Some("the table is gone".to_owned()),
        }
        let values = gold.gold_answer.as_ref()?;
        let right: BTreeSet<String> = values.iter().map(|value| plain(value)).collect();
        let Some(rows) = said else {
            return Some(failed.map_or("no query ran".to_owned(), |why| format!("no query ran: {why}")));
        };
        let given: BTreeSet<String> = rows.iter().flatten().map(shown).collect();
        (right != given).then(|| format!("the answer should be {right:?}, is {given:?}"))
    }
}

/// How two states of the table differ, to the letter.
fn changed(right: &[Vec<Value>], left: &[Vec<Value>]) -> Option<String> {
    let exact = |rows: &[Vec<Value>]| {
        let mut rows: Vec<String> = rows.iter().map(|row| Value::from(row.clone()).to_string()).collect();
        rows.sort();
        rows
    };
    if exact(right) == exact(left) {
        return None;
    }
    // What differs in case only is not found by the looser comparison.
    Some(difference(right, left, false).unwrap_or_else(|| "a row differs in its letters' case".to_owned()))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// A value as it is compared: a number, with or without commas, as a number; a text as it is.
fn plain(text: &str) -> String {
    let text = text.trim();
    match text.replace(',', "").parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{number:.6}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(gold_sql: &str, answer: Option<&[&str]>, statements: &[&str]) -> Option<String> {
        let columns = ["Lead Actor".to_owned(), "Crowd".to_owned()];
        let rows = [vec!["Ann".to_owned(), "1,020".to_owned()], vec!["Bob".to_owned(), "7".to_owned()]];
        let image = Image::from_table("The Films", &columns, &rows).unwrap();
        let gold = Gold {
            gold_sql: Some(gold_sql.into()),
            gold_answer: answer.map(|values| values.iter().map(|v| (*v).to_owned()).collect()),
            table: Table { name: "The Films".into() },
        };
        let scorer = Scorer::one("t", gold);
        scorer.fault("t", statements.iter().copied(), &image)
    }

    #[test]
    fn a_change_is_judged_by_the_rows_it_leaves() {
        let gold = "UPDATE `The Films` SET Crowd = '8' WHERE `Lead Actor` = 'Bob'";
        assert_eq!(fault(gold, None, &["UPDATE [The Films] SET Crowd = 8 WHERE Crowd = '7'"]), None);
        let cased =
            fault("UPDATE `The Films` SET Crowd = 'x'", None, &["UPDATE `The Films` SET Crowd = 'X'"]);
        assert_eq!(cased.unwrap(), "a row differs in its letters' case");
        assert!(fault(gold, None, &[]).unwrap().starts_with("row "));
        let failed = fault(gold, None, &["UPDATE Films SET Crowd = 8"]).unwrap();
        assert!(failed.ends_with("no such table: Films"), "{failed}");
        let more = fault(gold, None, &[gold, "INSERT INTO `The Films` VALUES ('C', '1')"]);
        assert_eq!(more.unwrap(), "3 rows should be 2");
    }

    #[test]
    fn a_question_is_judged_by_its_values_and_changes_nothing() {
        let query = "SELECT Crowd FROM `The Films` WHERE `Lead Actor` = 'ann'";
        assert_eq!(fault("broken", Some(&["1020.0"]), &[query]), None);
        let other = fault("broken", Some(&["7"]), &[query]).unwrap();
        assert_eq!(other, "the answer should be {\"7.000000\"}, is {\"1020.000000\"}");
        assert!(fault("broken", Some(&["1020"]), &["DELETE FROM `The Films`", query]).is_some());
        assert_eq!(fault("broken", Some(&["1020"]), &["SELECT"]).unwrap(), "no query ran: incomplete input");
    }
}
