use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical_hash;

/// Most values that a state has; a member with more says nothing of what to do.
const MOST_VALUES: usize = 4;
/// Most states of one observation.
const MOST_STATES: usize = 16;
/// Distinct runs are counted up to here: more say no more.
const ENOUGH: u32 = 2;

/// A member of an observation that holds a state: a few words, of which the same few come again. By
/// it plans for the same words are told apart, and a plan from where it went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The member.
    pub field: String,
    /// The values that runs showed, by hash. None: it varies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<StateValue>,
}

/// One value of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateValue {
    /// Canonical hash of the value.
    pub hash: String,
    /// The value as JSON text, once several tasks showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// Successful runs that showed it (counted to 2).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub right: u32,
    /// Runs that showed it and in which the plan was wrong (counted to 2).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wrong: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What is known of the value that a state has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The member says nothing: it varies or is not there.
    Nothing,
    /// Successful runs showed the value.
    Right,
    /// The plan was wrong with it, and never right.
    Wrong,
    /// No run showed it, and every other value of the state came again.
    Unseen,
}

impl State {
    /// The states that an observation shows in a successful run, by name.
    pub fn shown(observed: &Value) -> Vec<Self> {
        let mut out = Vec::new();
        for (field, value) in observed.as_object().into_iter().flatten() {
            match value {
                // The members of a collection are its data.
                Value::Object(map) if !map.keys().any(|key| key.chars().any(|c| c.is_ascii_digit())) => {
                    out.extend(map.iter().filter_map(|(inner, v)| Self::of(&format!("{field}.{inner}"), v)));
                }
                value => out.extend(Self::of(field, value)),
            }
        }
        out.sort_by(|a, b| a.field.cmp(&b.field));
        out.truncate(MOST_STATES);
        out
    }

    /// The state that a member with this value is, if it is one.
    fn of(field: &str, value: &Value) -> Option<Self> {
        let is = value.is_boolean() || value.as_str().is_some_and(is_state);
        let (hash, json) = (canonical_hash(value), Some(value.to_string()));
        let values = vec![StateValue { hash, json, right: 1, wrong: 0 }];
        is.then(|| Self { field: field.to_owned(), values })
    }

    /// What is known of the value that an observation shows.
    pub fn at(&self, observed: &Value) -> Known {
        let now = member(observed, &self.field).filter(|now| now.is_string() || now.is_boolean());
        let (Some(now), false) = (now, self.values.is_empty()) else { return Known::Nothing };
        let hash = canonical_hash(now);
        match self.values.iter().find(|value| value.hash == hash) {
            Some(value) if value.right > 0 => Known::Right,
            Some(_) => Known::Wrong,
            None if self.values.iter().all(|v| v.right >= ENOUGH || v.wrong > 0) => Known::Unseen,
            None => Known::Nothing,
        }
    }

    /// What two templates know together. `distinct` says that `new` tells of another task.
    pub fn join(old: &[Self], new: &[Self], distinct: bool) -> Vec<Self> {
        let mut all = old.to_vec();
        for state in new {
            match all.iter_mut().find(|known| known.field == state.field) {
                Some(known) if known.values.is_empty() || state.values.is_empty() => known.values.clear(),
                Some(known) => state.values.iter().for_each(|value| known.add(value, distinct)),
                None => all.push(state.clone()),
            }
        }
        all.sort_by(|a, b| a.field.cmp(&b.field));
        all
    }

    /// Takes note that a plan was wrong with what an observation shows.
    pub fn went_wrong(all: &[Self], observed: &Value) -> Vec<Self> {
        let mut shown = Self::shown(observed);
        let known = |field: &str| all.iter().any(|state| state.field == field);
        shown.retain(|state| known(&state.field));
        shown.iter_mut().flat_map(|s| &mut s.values).for_each(|v| (v.json, v.right, v.wrong) = (None, 0, 1));
        Self::join(all, &shown, true)
    }

    fn add(&mut self, new: &StateValue, distinct: bool) {
        match self.values.iter_mut().find(|value| value.hash == new.hash) {
            Some(value) if distinct => {
                value.json = value.json.take().or_else(|| new.json.clone());
                value.right = (value.right + new.right).min(ENOUGH);
                value.wrong = (value.wrong + new.wrong).min(ENOUGH);
            }
            Some(_) => {}
            None => self.values.push(new.clone()),
        }
        if self.values.len() > MOST_VALUES {
            self.values.clear();
        }
        self.values.sort_by(|a, b| a.hash.cmp(&b.hash));
    }
}

/// The member of this name, which may be one of a member (`owner.rank`).
fn member<'a>(observed: &'a Value, field: &str) -> Option<&'a Value> {
    observed.get(field).or_else(|| {
        let (outer, inner) = field.split_once('.')?;
        observed.get(outer)?.get(inner)
    })
}

/// What tells the runs that made a call from those that left it out: a state that an earlier step
/// observed, with other values in the ones than in the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// The step, from 0.
    pub step: u32,
    /// The member of its observation, as of a [`State`].
    pub field: String,
    /// The values with which the call was made.
    pub made: Vec<StateValue>,
    /// The values with which it was left out.
    pub left_out: Vec<StateValue>,
}

impl Condition {
    /// The condition that two states of a step come to, if no value stands in both and each is
    /// shown by at least `least` runs (counted to 2).
    pub fn between(step: u32, made: &State, left_out: &State, least: u32) -> Option<Self> {
        let shown = |state: &State| state.values.iter().map(|v| v.right).sum::<u32>() >= least.min(ENOUGH);
        let wrong = |state: &State| state.values.iter().any(|v| v.wrong > 0);
        let both = made.values.iter().any(|a| left_out.values.iter().any(|b| a.hash == b.hash));
        let tells = shown(made) && shown(left_out) && !wrong(made) && !wrong(left_out) && !both;
        (made.field == left_out.field && tells).then(|| Self {
            step,
            field: made.field.clone(),
            made: made.values.clone(),
            left_out: left_out.values.clone(),
        })
    }

    /// The same question the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { made: self.left_out.clone(), left_out: self.made.clone(), ..self.clone() }
    }

    /// Whether the call is made after this observation; `None` if no run showed its value.
    pub fn says(&self, observed: &Value) -> Option<bool> {
        let hash = canonical_hash(member(observed, &self.field)?);
        let known = |values: &[StateValue]| values.iter().any(|value| value.hash == hash);
        match (known(&self.made), known(&self.left_out)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    /// Takes note of a run that made the call, or left it out, with these states at the step. `None`
    /// if the condition does not tell it from the others.
    pub fn noted(&self, states: &[State], made: bool, distinct: bool) -> Option<Self> {
        let shown = states.iter().find(|state| state.field == self.field)?;
        let mut own = self.clone();
        let (to, others) =
            if made { (&mut own.made, &self.left_out) } else { (&mut own.left_out, &self.made) };
        let mut state = State { field: self.field.clone(), values: std::mem::take(to) };
        for value in &shown.values {
            if others.iter().any(|other| other.hash == value.hash) {
                return None;
            }
            state.add(value, distinct);
        }
        *to = state.values;
        (!to.is_empty()).then_some(own)
    }
}

/// Hides the values that only one task showed.
pub fn hide_states<'a>(values: impl Iterator<Item = &'a mut StateValue>) {
    values.filter(|value| value.right < ENOUGH).for_each(|value| value.json = None);
}

/// Whether a text may be a state: at most four words in lower case, or one word of four letters and
/// more in capitals, without digits.
pub fn is_state(text: &str) -> bool {
    !text.is_empty()
        && text.split_whitespace().count() <= 4
        && (text.chars().all(|c| c.is_lowercase() || " _-()".contains(c))
            || text.len() >= 4 && text.chars().all(|c| c.is_uppercase() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(runs: &[&str]) -> Vec<State> {
        let shown = |is: &str| State::shown(&json!({"is": is, "at": "P_4", "name": "Gull"}));
        runs.iter().fold(Vec::new(), |all, is| State::join(&all, &shown(is), true))
    }

    #[test]
    fn a_state_is_known_by_what_runs_showed() {
        // A value that came but once may be anything.
        assert_eq!(of(&["moored", "adrift"])[0].at(&json!({"is": "aground"})), Known::Nothing);
        let states = of(&["moored", "adrift", "moored", "adrift", "moored"]);
        assert_eq!(states.len(), 1);
        let now = |is: Value| states[0].at(&json!({"is": is}));
        assert_eq!((now(json!("moored")), now(json!("adrift"))), (Known::Right, Known::Right));
        assert_eq!((now(json!("aground")), now(json!(3))), (Known::Unseen, Known::Nothing));
        assert_eq!(states, of(&["adrift", "moored", "moored", "adrift"]));
    }

    #[test]
    fn what_has_many_values_is_no_state() {
        let states = of(&["a", "b", "c", "d", "e", "a"]);
        assert!(states[0].values.is_empty());
        assert_eq!(states[0].at(&json!({"is": "f"})), Known::Nothing);
    }

    #[test]
    fn where_a_plan_went_wrong_is_known_until_it_goes_well() {
        let wrong = State::went_wrong(&of(&["moored"]), &json!({"is": "aground", "hue": "red"}));
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].at(&json!({"is": "aground"})), Known::Wrong);
        assert_eq!(wrong[0].at(&json!({"is": "moored"})), Known::Right);
        let well = State::join(&wrong, &of(&["aground"]), true);
        assert_eq!(well[0].at(&json!({"is": "aground"})), Known::Right);
        assert_eq!(State::join(&wrong, &wrong, false), wrong);
    }
}
