//! Changing an address, of an order or of a user.

use serde_json::{Map, Value, json};

use super::ToolResult;
use super::database::{Database, Table};
use super::lookup::not_found;
use super::pending::{answer, change, order_with_status};
use crate::arguments::Arguments;

const FIELDS: [&str; 6] = ["address1", "address2", "city", "state", "country", "zip"];

pub(super) fn of_order(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let order_id = arguments.text("order_id")?;
    let address = address(arguments)?;
    order_with_status(db, order_id, "pending", "non-pending order cannot be modified")?;
    replace(db, Table::Orders, order_id, address)
}

pub(super) fn of_user(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let user_id = arguments.text("user_id")?;
    let address = address(arguments)?;
    db.record(Table::Users, user_id).ok_or_else(|| not_found(Table::Users))?;
    replace(db, Table::Users, user_id, address)
}

fn address(arguments: &Arguments<'_>) -> Result<Value, String> {
    let mut address = Map::new();
    for field in FIELDS {
        address.insert(field.to_owned(), json!(arguments.text(field)?));
    }
    Ok(Value::Object(address))
}

fn replace(db: &mut Database, table: Table, id: &str, address: Value) -> ToolResult {
    let record = change(db, table, id)?;
    record.insert("address".to_owned(), address);
    answer(record)
}
