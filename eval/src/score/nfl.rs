//! Whether a question for clips, numbers, scores or leaders was answered right: the result of the
//! last call must be what the gold plan gives.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Golds;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Clips,
    Number,
    Score,
    Leader,
}

/// The answer of a question.
#[derive(Clone, Debug, Deserialize)]
pub struct Gold {
    answer_kind: Kind,
    gold_answer: Value,
    gold_plan: Vec<Planned>,
}

#[derive(Clone, Debug, Deserialize)]
struct Planned {
    name: String,
    arguments: Map<String, Value>,
}

/// A call that was made, and what it gave when it was made again.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Its arguments.
    pub arguments: &'a Map<String, Value>,
    /// Its result, as JSON where it is one.
    pub result: Value,
}

/// Knows the answers.
pub type Scorer = Golds<Gold>;

impl Scorer {
    /// What is wrong with these calls as an answer to a task; nothing, if they are right.
    pub fn fault(&self, task_id: &str, calls: &[Done<'_>]) -> Option<String> {
        let gold = match self.of(task_id) {
            Ok(gold) => gold,
            Err(why) => return Some(why),
        };
        let Some(last) = calls.last() else { return Some("no call was made".to_owned()) };
        let fault = match gold.answer_kind {
            Kind::Clips => clips(&gold.gold_answer, &last.result),
            Kind::Number => {
                let given = last.result.get("count").or_else(|| last.result.get("sum"));
                differs("the number", &gold.gold_answer, given)
            }
            Kind::Score => differs("the score", &gold.gold_answer, Some(&last.result)),
            Kind::Leader => {
                let given = |member| last.result.get(member).cloned().unwrap_or_default();
                differs(
                    "the leader",
                    &gold.gold_answer,
                    Some(&Value::from(vec![given("key"), given("value")])),
                )
            }
        }?;
        // Which argument did it is what one wants to know of a wrong plan.
        let cause = first_difference(&gold.gold_plan, calls);
        Some(cause.map_or_else(|| fault.clone(), |cause| format!("{cause}: {fault}")))
    }
}

fn clips(right: &Value, given: &Value) -> Option<String> {
    let ids = |value: &Value| -> Option<BTreeSet<String>> {
        value.as_array()?.iter().map(|id| id.as_str().map(str::to_owned)).collect()
    };
    let Some(right) = ids(right) else { return Some("the gold answer is no list of clips".to_owned()) };
    let Some(given) = ids(given) else { return Some("the last call gave no clips".to_owned()) };
    let (missing, more) = (right.difference(&given).count(), given.difference(&right).count());
    (missing + more > 0).then(|| format!("{missing} clips are missing, {more} are too many"))
}

/// Whether a value, or each member of the right one, is another.
fn differs(what: &str, right: &Value, given: Option<&Value>) -> Option<String> {
    let Some(given) = given else { return Some(format!("the last call did not give {what}")) };
    let same = match (right, given) {
        (Value::Object(right), Value::Object(given)) => {
            right.iter().all(|(key, value)| given.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Array(right), Value::Array(given)) => {
            right.len() == given.len() && right.iter().zip(given).all(|(a, b)| equal(a, b))
        }
        (right, given) => equal(right, given),
    };
    (!same).then(|| format!("{what} should be {right}, is {given}"))
}

/// Numbers as numbers, whether written as whole ones or not.
fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        _ => a == b,
    }
}

/// The first argument that is not the gold plan's; look-ups of teams and references to earlier
/// results are no part of it.
fn first_difference(right: &[Planned], calls: &[Done<'_>]) -> Option<String> {
    let calls: Vec<&Done<'_>> = calls.iter().filter(|call| call.tool != "find_team").collect();
    for (planned, call) in right.iter().zip(&calls) {
        if planned.name != call.tool {
            return Some(format!("{} was called in place of {}", call.tool, planned.name));
        }
        let given = Value::Object(call.arguments.clone());
        if let Some(place) = difference(&Value::Object(planned.arguments.clone()), &given) {
            return Some(format!("{}{place}", planned.name));
        }
    }
    (right.len() != calls.len()).then(|| format!("{} calls in place of {}", calls.len(), right.len()))
}

fn difference(right: &Value, given: &Value) -> Option<String> {
    match (right, given) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| match (a.get(key), b.get(key)) {
                (Some(x), Some(y)) => difference(x, y).map(|rest| format!(".{key}{rest}")),
                (Some(_), None) => Some(format!(".{key} is missing")),
                _ => Some(format!(".{key} is too many")),
            })
        }
        (Value::String(reference), _) if reference.starts_with('$') => None,
        _ => (!equal(right, given)).then(|| format!(" should be {right}, is {given}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(kind: &str, answer: Value, result: Value) -> Option<String> {
        let gold = json!({"task_id": "t", "answer_kind": kind, "gold_answer": answer,
            "gold_plan": [{"name": "look", "arguments": {"filters": {"week": 3}, "plays": "$1"}}]});
        let gold: Gold = serde_json::from_value(gold).unwrap();
        let scorer = Scorer::one("t", gold);
        let arguments = json!({"plays": "plays-1", "filters": {"week": 4}}).as_object().cloned().unwrap();
        scorer.fault("t", &[Done { tool: "look", arguments: &arguments, result }])
    }

    #[test]
    fn clips_are_sets_and_numbers_are_numbers() {
        assert_eq!(fault("clips", json!(["a", "b"]), json!(["b", "a"])), None);
        assert_eq!(fault("number", json!(3), json!({"sum": 3.0})), None);
        assert_eq!(fault("leader", json!(["X", 3]), json!({"key": "X", "value": 3})), None);
        assert_eq!(fault("score", json!({"home": "A"}), json!({"home": "A", "date": "d"})), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_argument_that_did_it() {
        let cause = "look.filters.week should be 3, is 4: ";
        let clips = fault("clips", json!(["a", "b"]), json!(["b", "c", "d"])).unwrap();
        assert_eq!(clips, format!("{cause}1 clips are missing, 2 are too many"));
        let number = fault("number", json!(3), json!({"count": 4})).unwrap();
        assert_eq!(number, format!("{cause}the number should be 3, is 4"));
        let failed = fault("number", json!(3), json!("Error: no")).unwrap();
        assert_eq!(failed, format!("{cause}the last call did not give the number"));
    }
}
