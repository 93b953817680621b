//! The columns of a play, and what a search may ask of them.

use std::collections::BTreeMap;

use rusqlite::types::Value as Bound;
use serde_json::{Map, Value};

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number; it may be bounded by `min_` and `max_`.
    Number,
    /// A text, found by equality.
    Text,
    /// One of a few texts.
    Member,
    /// Several names in one text, each of which finds it.
    Names,
}

/// What stands between names in a column of several.
const BETWEEN: &str = "; ";

use Kind::{Member, Names, Number, Text};

/// The columns, in the order of the file.
pub(super) const COLUMNS: [(&str, Kind); 31] = [
    ("game_id", Text),
    ("week", Number),
    ("play_id", Number),
    ("drive", Number),
    ("qtr", Number),
    ("clock", Text),
    ("down", Number),
    ("ydstogo", Number),
    ("yards_to_goal", Number),
    ("posteam", Member),
    ("defteam", Member),
    ("play_type", Member),
    ("yards", Number),
    ("passer", Text),
    ("rusher", Text),
    ("receiver", Text),
    ("kicker", Text),
    ("returner", Text),
    ("sacker", Names),
    ("interceptor", Text),
    ("touchdown", Number),
    ("td_team", Member),
    ("first_down", Number),
    ("complete", Number),
    ("interception", Number),
    ("fumble_lost", Number),
    ("penalty", Number),
    ("penalty_yards", Number),
    ("field_goal_result", Member),
    ("two_point_result", Member),
    ("desc", Text),
];

/// The columns that most searches begin with: each gets an index.
pub(super) const INDEXED: [&str; 11] = [
    "passer",
    "rusher",
    "receiver",
    "kicker",
    "returner",
    "sacker",
    "interceptor",
    "posteam",
    "defteam",
    "td_team",
    "game_id",
];

/// A column by its name, as the database is asked for it.
pub(super) fn column(name: &str) -> Result<(&'static str, Kind), String> {
    let known = COLUMNS.iter().find(|(column, _)| *column == name);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).collect();
        format!("plays have no column '{name}'; they have {}", names.join(", "))
    })
}

/// A column of numbers by its name.
pub(super) fn number(name: &str) -> Result<&'static str, String> {
    match column(name)? {
        (column, Number) => Ok(column),
        _ => Err(format!("column '{name}' holds no numbers")),
    }
}

/// What a search asks: a condition in SQL, and the values of its parameters in their order.
pub(super) fn condition(
    filters: &Map<String, Value>,
    members: &BTreeMap<&'static str, Vec<String>>,
) -> Result<(String, Vec<Bound>), String> {
    if filters.is_empty() {
        return Err("argument 'filters' is empty; name at least one column".to_owned());
    }
    let mut parts = Vec::new();
    let mut values = Vec::new();
    for (filter, value) in filters {
        let bound = ["min_", "max_"].into_iter().find(|bound| filter.starts_with(bound));
        let (name, kind) = match bound {
            Some(bound) => (number(&filter[bound.len()..])?, Number),
            None => column(filter)?,
        };
        parts.push(match (kind, bound) {
            (_, Some("min_")) => format!("\"{name}\" >= ?"),
            (_, Some(_)) => format!("\"{name}\" <= ?"),
            (Names, None) => format!(
                "\"{name}\" IS NOT NULL AND instr('{BETWEEN}' || \"{name}\" || '{BETWEEN}', \
                 '{BETWEEN}' || ? || '{BETWEEN}') > 0"
            ),
            (_, None) => format!("\"{name}\" = ?"),
        });
        values.push(match kind {
            Number => Bound::Integer(
                value.as_i64().ok_or_else(|| format!("filter '{filter}' must be a whole number"))?,
            ),
            _ => {
                let text = value.as_str().ok_or_else(|| format!("filter '{filter}' must be a string"))?;
                if let Some(members) = members.get(name)
                    && !members.iter().any(|member| member == text)
                {
                    return Err(format!("filter '{filter}' must be one of {}", members.join(", ")));
                }
                Bound::Text(text.to_owned())
            }
        });
    }
    Ok((parts.join(" AND "), values))
}
