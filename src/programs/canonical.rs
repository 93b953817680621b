//! Statements that ask for the same, in the same form.
//!
//! What does not change what is asked is taken away: case, quotation marks, aliases, brackets, the
//! order of conditions and of inner joins, the side on which a comparison's operands stand, which of
//! two columns that are joined as equal is named. What might change it is kept, so that two forms
//! that are equal ask for the same, and two that differ may do so all the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::piece::bare;
use super::rewrite::Normal;
use super::sql::parsed;

/// What is known of the names of a database: the names that were observed for each relation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    relations: BTreeMap<String, BTreeSet<String>>,
}

impl Schema {
    /// Adds a relation with names that stand in what was observed of it.
    pub fn add(&mut self, relation: &str, names: impl IntoIterator<Item = String>) {
        let own = self.relations.entry(bare(relation).to_lowercase()).or_default();
        own.extend(names.into_iter().map(|name| bare(&name).to_lowercase()));
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// Whether a relation, or a name of one, is called so.
    pub fn holds(&self, name: &str) -> bool {
        let name = bare(name).to_lowercase();
        self.relations.contains_key(&name) || self.relations.values().any(|names| names.contains(&name))
    }

    /// Whether a relation is known to have a name.
    pub(super) fn has(&self, relation: &str, name: &str) -> bool {
        self.relations.get(relation).is_some_and(|names| names.contains(name))
    }

    /// The relations with their names, in lower case.
    pub fn relations(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.relations.iter().map(|(name, names)| (name.as_str(), names))
    }
}

/// A statement's form. Forms that are equal ask for the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form(String);

impl Form {
    /// The form taken apart.
    pub fn shape(&self) -> Shape {
        let form = serde_json::from_str(&self.0).unwrap_or_default();
        let mut shape = Shape::default();
        shape.skeleton = shape.masked(&form).to_string();
        shape
    }
}

/// A form taken apart: what statements with other columns and values have in common, and those.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// The form with numbers in place of names, by their first place, and without values.
    pub skeleton: String,
    /// The names (`@relation`, `@relation.column`), each once, in the order of their first places.
    pub names: Vec<String>,
    /// The values, in order.
    pub values: Vec<Value>,
}

impl Shape {
    fn masked(&mut self, form: &Value) -> Value {
        match form {
            Value::String(name) if name.starts_with('@') => {
                let known = self.names.iter().position(|own| own == name);
                let at = known.unwrap_or_else(|| {
                    self.names.push(name.clone());
                    self.names.len() - 1
                });
                json!(format!("@{at}"))
            }
            Value::Object(map) if map.len() == 1 && map.contains_key("number") => {
                let written = map["number"].as_str().unwrap_or_default();
                self.values.push(serde_json::from_str(written).unwrap_or_else(|_| json!(written)));
                json!("value")
            }
            Value::Object(map) if map.len() == 1 && map.contains_key("text") => {
                self.values.push(map["text"].clone());
                json!("value")
            }
            Value::Object(map) => {
                let members = map.iter().map(|(key, below)| (key.clone(), self.masked(below)));
                Value::Object(members.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            other => other.clone(),
        }
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The form of a statement; `None` for a text that is none. Columns that a statement does not say the
/// relation of are looked for in the schema.
pub fn canonical(text: &str, schema: &Schema) -> Option<Form> {
    let (statement, _) = parsed(text)?;
    let tree = serde_json::to_value(&statement).ok()?;
    let mut normal = Normal::new(schema);
    Some(Form(normal.any(&tree).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let mut schema = Schema::default();
        let names = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        schema.add("lake", names("id name land depth"));
        schema.add("fish", names("id lake kind weight"));
        schema
    }

    fn form(text: &str) -> String {
        canonical(text, &schema()).map(|form| form.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_asks_for_the_same_has_the_same_form() {
        let same = [
            [
                "SELECT name FROM lake WHERE land = 'Peru' AND depth > 10",
                "select T1.`name` AS n from Lake as T1 where (10 < T1.depth) and (T1.land = \"Peru\")",
            ],
            [
                "SELECT l.name, count(*) FROM lake l JOIN fish f ON l.id = f.lake GROUP BY f.lake ORDER BY count(*) DESC LIMIT 1",
                "SELECT lake.name, COUNT(fish.lake) AS many FROM fish INNER JOIN lake ON fish.lake = lake.id GROUP BY lake.id ORDER BY many DESC LIMIT 1",
            ],
            ["SELECT depth FROM lake WHERE id = '3'", "SELECT depth FROM lake WHERE id = 3"],
            ["SELECT depth FROM lake ORDER BY depth ASC", "SELECT depth FROM lake ORDER BY 1"],
            [
                "SELECT kind FROM fish WHERE weight BETWEEN 1 AND 2",
                "SELECT kind FROM fish WHERE weight >= 1 AND weight <= 2",
            ],
            [
                "SELECT kind FROM fish WHERE kind IN ('b', 'a')",
                "SELECT kind FROM fish WHERE kind IN ('a', 'b')",
            ],
            [
                "SELECT l.name FROM lake l, fish f WHERE l.id = f.lake AND weight > 3",
                "SELECT name FROM lake JOIN fish ON lake.id = fish.lake WHERE fish.weight > 3",
            ],
            [
                "SELECT id FROM lake UNION SELECT lake FROM fish",
                "SELECT lake FROM fish UNION SELECT lake.id FROM lake",
            ],
        ];
        for [a, b] in same {
            assert!(!form(a).is_empty());
            assert_eq!(form(a), form(b), "{a}");
        }
    }

    #[test]
    fn what_may_ask_for_another_thing_has_another_form() {
        let apart = [
            ["SELECT name FROM lake", "SELECT DISTINCT name FROM lake"],
            ["SELECT name, land FROM lake", "SELECT land, name FROM lake"],
            ["SELECT count(*) FROM lake", "SELECT count(land) FROM lake"],
            ["SELECT name FROM lake ORDER BY depth", "SELECT name FROM lake ORDER BY depth DESC"],
            ["SELECT name FROM lake WHERE depth > 3", "SELECT name FROM lake WHERE depth < 3"],
            ["SELECT name FROM lake WHERE depth > 3", "SELECT name FROM lake WHERE depth >= 3"],
            ["SELECT name FROM lake WHERE land = 'Peru'", "SELECT name FROM lake WHERE land = 'Chad'"],
            [
                "SELECT name FROM lake l LEFT JOIN fish f ON l.id = f.lake",
                "SELECT name FROM lake l JOIN fish f ON l.id = f.lake",
            ],
            [
                "SELECT l.id FROM lake l LEFT JOIN fish f ON l.id = f.lake",
                "SELECT f.lake FROM lake l LEFT JOIN fish f ON l.id = f.lake",
            ],
            [
                "SELECT id FROM lake EXCEPT SELECT lake FROM fish",
                "SELECT lake FROM fish EXCEPT SELECT id FROM lake",
            ],
            [
                "SELECT name FROM lake WHERE depth > 3 AND id < 9",
                "SELECT name FROM lake WHERE depth > 3 OR id < 9",
            ],
            [
                "SELECT name FROM lake WHERE depth NOT BETWEEN 1 AND 2",
                "SELECT name FROM lake WHERE depth BETWEEN 1 AND 2",
            ],
            ["SELECT name FROM lake WHERE id NOT IN (1)", "SELECT name FROM lake WHERE id IN (1)"],
            [
                "SELECT a.id FROM lake a JOIN lake b ON a.id = b.land",
                "SELECT a.id FROM lake a JOIN lake b ON a.land = b.id",
            ],
        ];
        for [a, b] in apart {
            assert!(!form(a).is_empty() && !form(b).is_empty(), "{a}");
            assert_ne!(form(a), form(b), "{a}");
        }
    }

    #[test]
    fn other_columns_and_values_have_the_same_skeleton() {
        let skeleton = |text: &str| canonical(text, &schema()).unwrap().shape().skeleton;
        let a = skeleton("SELECT avg(depth) FROM lake WHERE land = 'Peru'");
        assert_eq!(a, skeleton("select AVG(weight) from fish where kind = 'carp'"));
        assert_ne!(a, skeleton("select AVG(weight) from fish where weight = 'carp'"));
        assert_eq!(a, skeleton("select AVG(weight) from fish where kind = 3"));
        assert_ne!(a, skeleton("select AVG(weight) from fish where kind > 3"));
    }
}
