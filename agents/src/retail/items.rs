//! Changing the items of a pending order, and exchanging those of a delivered one.

use serde_json::{Map, Value, json};

use super::ToolResult;
use super::database::{Database, Table, list, number, text};
use super::pending::{
    add_to_balance, answer, change, float, order_with_status, payment_method, push_payment, transaction,
};
use crate::arguments::Arguments;
use crate::python::round2;

pub(super) fn modify(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let order_id = arguments.text("order_id")?;
    let (old, new) = (arguments.list("item_ids")?, arguments.list("new_item_ids")?);
    let method = arguments.text("payment_method_id")?;
    let order = order_with_status(db, order_id, "pending", "non-pending order cannot be modified")?;
    let variants = replacements(db, order, &old, &new)?;
    let difference = price_difference(order, &old, &variants);
    let user_id = text(order, "user_id").to_owned();
    let balance = payment_method(db, &user_id, method)?;
    if balance.is_some_and(|balance| balance < difference) {
        return Err("insufficient gift card balance to pay for the new item".to_owned());
    }
    if balance.is_some() {
        add_to_balance(db, &user_id, method, -difference);
    }
    let order = change(db, Table::Orders, order_id)?;
    // The amount is stored as it was computed, without rounding.
    let kind = if difference > 0.0 { "payment" } else { "refund" };
    push_payment(order, transaction(kind, amount(difference.abs(), &old), method));
    if let Some(Value::Array(items)) = order.get_mut("items") {
        for (id, (new_id, variant)) in old.iter().zip(new.iter().zip(&variants)) {
            let first = items.iter_mut().find(|item| text(item, "item_id") == *id);
            if let Some(item) = first.and_then(Value::as_object_mut) {
                replace(item, new_id, variant);
            }
        }
    }
    order.insert("status".to_owned(), json!("pending (item modified)"));
    answer(order)
}

pub(super) fn exchange(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let order_id = arguments.text("order_id")?;
    let (old, new) = (arguments.list("item_ids")?, arguments.list("new_item_ids")?);
    let method = arguments.text("payment_method_id")?;
    let order = order_with_status(db, order_id, "delivered", "non-delivered order cannot be exchanged")?;
    let variants = replacements(db, order, &old, &new)?;
    let difference = round2(price_difference(order, &old, &variants));
    let balance = payment_method(db, text(order, "user_id"), method)?;
    if balance.is_some_and(|balance| balance < difference) {
        return Err("insufficient gift card balance to pay for the price difference".to_owned());
    }
    let order = change(db, Table::Orders, order_id)?;
    order.insert("status".to_owned(), json!("exchange requested"));
    order.insert("exchange_items".to_owned(), sorted(&old));
    order.insert("exchange_new_items".to_owned(), sorted(&new));
    order.insert("exchange_payment_method_id".to_owned(), json!(method));
    order.insert("exchange_price_difference".to_owned(), amount(difference, &old));
    answer(order)
}

/// The variants that replace the items, one for each, after every check of the two tools.
fn replacements(db: &Database, order: &Value, old: &[&str], new: &[&str]) -> Result<Vec<Value>, String> {
    if let Some(id) = first_short(order, old) {
        return Err(format!("{id} not found"));
    }
    if old.len() != new.len() {
        return Err("the number of items to be exchanged should match".to_owned());
    }
    let variant = |id: &str, new_id: &str| {
        let product = db.record(Table::Products, text(first_item(order, id)?, "product_id"))?;
        let variant = product["variants"].get(new_id)?;
        (variant["available"] == true).then(|| variant.clone())
    };
    old.iter()
        .zip(new)
        .map(|(id, new_id)| {
            variant(id, new_id).ok_or_else(|| format!("new item {new_id} not found or available"))
        })
        .collect()
}

/// The first id that is asked for more often than the order holds it.
pub(super) fn first_short<'a>(order: &Value, ids: &[&'a str]) -> Option<&'a str> {
    let asked = |id: &str| ids.iter().filter(|other| **other == id).count();
    let held = |id: &str| list(order, "items").iter().filter(|item| text(item, "item_id") == id).count();
    ids.iter().copied().find(|id| asked(id) > held(id))
}

fn first_item<'a>(order: &'a Value, id: &str) -> Option<&'a Value> {
    list(order, "items").iter().find(|item| text(item, "item_id") == id)
}

fn price_difference(order: &Value, old: &[&str], variants: &[Value]) -> f64 {
    let pairs = old.iter().zip(variants);
    pairs.fold(0.0, |sum, (id, variant)| {
        let price = first_item(order, id).map_or(0.0, |item| number(item, "price"));
        sum + (number(variant, "price") - price)
    })
}

/// A price difference as a number; without items it is the integer that the sum began with.
fn amount(difference: f64, items: &[&str]) -> Value {
    if items.is_empty() { json!(0) } else { float(difference) }
}

fn replace(item: &mut Map<String, Value>, new_id: &str, variant: &Value) {
    item.insert("item_id".to_owned(), json!(new_id));
    item.insert("price".to_owned(), variant["price"].clone());
    item.insert("options".to_owned(), variant["options"].clone());
}

/// Ids in order, as a JSON list.
pub(super) fn sorted(ids: &[&str]) -> Value {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    json!(ids)
}
