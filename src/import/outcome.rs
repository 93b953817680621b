use std::convert::Infallible;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::domain::RunOutcome;

/// Members by which recordings say how a run went.
const SAID: [&str; 3] = ["success", "reward", "outcome"];

/// How the outcome of a run is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OutcomeFrom {
    /// The recording says it, in a member `success`, `reward` or `outcome`. A run of which one says
    /// failure failed, whatever the others say.
    #[default]
    Said,
    /// All runs went so: the user says it.
    Always(RunOutcome),
    /// This member says it, and no other.
    Field(String),
}

impl FromStr for OutcomeFrom {
    type Err = Infallible;

    /// `success`, `failure` and `unknown` are said of all runs; anything else names a member.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "success" => Self::Always(RunOutcome::Success),
            "failure" => Self::Always(RunOutcome::Failure),
            "unknown" => Self::Always(RunOutcome::Unknown),
            field => Self::Field(field.to_owned()),
        })
    }
}

impl OutcomeFrom {
    /// The outcome that a record's members tell.
    pub(super) fn read(&self, members: &Map<String, Value>) -> RunOutcome {
        match self {
            Self::Always(outcome) => *outcome,
            Self::Field(field) => members.get(field).map_or(RunOutcome::Unknown, outcome),
            Self::Said => SAID
                .iter()
                .filter_map(|name| members.get(*name))
                .map(outcome)
                .fold(RunOutcome::Unknown, worst),
        }
    }
}

/// Of two things said of a run, the one that counts: a failure before a success before silence.
pub(super) fn worst(one: RunOutcome, other: RunOutcome) -> RunOutcome {
    match (one, other) {
        (RunOutcome::Failure, _) | (_, RunOutcome::Failure) => RunOutcome::Failure,
        (RunOutcome::Success, _) | (_, RunOutcome::Success) => RunOutcome::Success,
        _ => RunOutcome::Unknown,
    }
}

/// A success said as `true`, `1` or "success" (and what means the same); a failure likewise. What
/// lies between, a reward of 0.5, is neither.
pub(super) fn outcome(value: &Value) -> RunOutcome {
    let said = match value {
        Value::Bool(success) => Some(*success),
        Value::Number(n) => match n.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.to_lowercase().as_str() {
            "success" | "succeeded" | "pass" | "passed" | "true" | "ok" => Some(true),
            "failure" | "failed" | "fail" | "false" | "error" => Some(false),
            _ => None,
        },
        _ => None,
    };
    match said {
        Some(true) => RunOutcome::Success,
        Some(false) => RunOutcome::Failure,
        None => RunOutcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_said_counts() {
        for (value, expected) in [
            (json!("passed"), RunOutcome::Success),
            (json!(1.0), RunOutcome::Success),
            (json!(0), RunOutcome::Failure),
            (json!("maybe"), RunOutcome::Unknown),
            (json!(0.5), RunOutcome::Unknown),
            (json!(null), RunOutcome::Unknown),
        ] {
            assert_eq!(outcome(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_failure_outweighs_a_success_and_a_named_member_is_the_only_one() {
        let read = |from: &str, members: Value| {
            from.parse::<OutcomeFrom>().unwrap().read(members.as_object().unwrap())
        };
        let said = |members: Value| OutcomeFrom::Said.read(members.as_object().unwrap());
        assert_eq!(said(json!({"success": true, "reward": 1})), RunOutcome::Success);
        assert_eq!(said(json!({"success": true, "reward": 0})), RunOutcome::Failure);
        assert_eq!(said(json!({"success": true, "reward": 0.4})), RunOutcome::Success);
        assert_eq!(said(json!({"score": 1})), RunOutcome::Unknown);
        assert_eq!(read("score", json!({"success": false, "score": 1})), RunOutcome::Success);
        assert_eq!(read("score", json!({"success": true})), RunOutcome::Unknown);
        assert_eq!(read("success", json!({"success": false})), RunOutcome::Success);
        assert_eq!(read("unknown", json!({"success": true})), RunOutcome::Unknown);
    }
}
