//! Tools that only read.

use serde_json::{Map, Value};

use super::database::{Database, Table, text};
use super::{Answer, ToolResult};
use crate::arguments::Arguments;

pub(super) fn user_by_email(db: &Database, arguments: &Arguments<'_>) -> ToolResult {
    let email = arguments.text("email")?.to_lowercase();
    first_user(db, |user| text(user, "email").to_lowercase() == email)
}

pub(super) fn user_by_name_zip(db: &Database, arguments: &Arguments<'_>) -> ToolResult {
    let first = arguments.text("first_name")?.to_lowercase();
    let last = arguments.text("last_name")?.to_lowercase();
    let zip = arguments.text("zip")?;
    first_user(db, |user| {
        let name = &user["name"];
        text(name, "first_name").to_lowercase() == first
            && text(name, "last_name").to_lowercase() == last
            && text(&user["address"], "zip") == zip
    })
}

fn first_user(db: &Database, is_it: impl Fn(&Value) -> bool) -> ToolResult {
    let found = db.records(Table::Users).find(|(_, user)| is_it(user));
    found.map(|(id, _)| Answer::Text(id.to_owned())).ok_or_else(|| not_found(Table::Users))
}

pub(super) fn details(db: &Database, table: Table, id: &str) -> ToolResult {
    db.record(table, id).cloned().map(Answer::Json).ok_or_else(|| not_found(table))
}

pub(super) fn product_types(db: &Database) -> ToolResult {
    let mut types: Vec<(String, Value)> = db
        .records(Table::Products)
        .map(|(_, product)| (text(product, "name").to_owned(), product["product_id"].clone()))
        .collect();
    types.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Answer::Json(Value::Object(types.into_iter().collect::<Map<_, _>>())))
}

/// The error text for a record that is not there.
pub(super) fn not_found(table: Table) -> String {
    let what = match table {
        Table::Users => "user",
        Table::Orders => "order",
        Table::Products => "product",
    };
    format!("{what} not found")
}
