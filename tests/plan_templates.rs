//! The folder of plan templates: its schema is fresh, its format is described, its files are valid.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plancache::domain::Template;
use plancache::validate;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plan_templates")
}

fn generated() -> Value {
    schemars::schema_for!(Template).to_value()
}

/// Every template file, `<category>/<id>.json`.
fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for category in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        files.extend(std::fs::read_dir(category).unwrap().map(|e| e.unwrap().path()));
    }
    files.sort();
    files
}

#[test]
fn the_schema_is_that_of_the_types() {
    let path = folder().join("schema.json");
    let text = serde_json::to_string_pretty(&schemars::schema_for!(Template)).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "plan_templates/schema.json is stale; write it anew with `UPDATE=1 cargo test --test plan_templates`"
    );
}

#[test]
fn the_format_describes_every_field() {
    let text = std::fs::read_to_string(folder().join("FORMAT.md")).unwrap();
    let mut fields = BTreeSet::new();
    collect(&generated(), &mut fields);
    let missing: Vec<&String> = fields
        .iter()
        .filter(|field| !text.contains(&format!("`{field}`")) && !text.contains(&format!("\"{field}\"")))
        .collect();
    assert!(missing.is_empty(), "plan_templates/FORMAT.md says nothing of {missing:?}");
}

/// Names of properties and of enumeration members, at any depth.
fn collect(schema: &Value, fields: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, below) in map {
                match (key.as_str(), below) {
                    ("properties", Value::Object(properties)) => fields.extend(properties.keys().cloned()),
                    ("const", Value::String(member)) => {
                        fields.insert(member.clone());
                    }
                    ("enum", Value::Array(members)) => {
                        fields.extend(members.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
                collect(below, fields);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, fields)),
        _ => {}
    }
}

#[test]
fn the_templates_are_valid_readable_and_named_by_their_id() {
    let files = files();
    assert!(files.len() >= 3, "a few real templates are kept as examples");
    let schema = jsonschema::validator_for(&generated()).unwrap();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let template = validate::read_template(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), template.id.as_str());
        let value: Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = schema.validate(&value) {
            panic!("{}: {error}", path.display());
        }
        assert_eq!(serde_json::to_value(&template).unwrap(), value, "{}", path.display());
    }
}
