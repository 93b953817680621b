//! Cancelling a pending order, and changing how it is paid.

use serde_json::{Map, Number, Value, json};

use super::database::{Database, Table, list, number, text};
use super::lookup::not_found;
use super::{Answer, ToolResult};
use crate::arguments::Arguments;
use crate::python::round2;

const REASONS: [&str; 2] = ["no longer needed", "ordered by mistake"];

pub(super) fn cancel(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let (order_id, reason) = (arguments.text("order_id")?, arguments.text("reason")?);
    let order = order_with_status(db, order_id, "pending", "non-pending order cannot be cancelled")?;
    if !REASONS.contains(&reason) {
        return Err("invalid reason".to_owned());
    }
    let user_id = text(order, "user_id").to_owned();
    let mut history = list(order, "payment_history").to_vec();
    let refunds: Vec<(String, Value)> = history
        .iter()
        .map(|payment| (text(payment, "payment_method_id").to_owned(), payment["amount"].clone()))
        .collect();
    for (method, amount) in refunds {
        if is_gift_card(&method) {
            add_to_balance(db, &user_id, &method, amount.as_f64().unwrap_or_default());
        }
        history.push(transaction("refund", amount, &method));
    }
    let order = change(db, Table::Orders, order_id)?;
    order.insert("status".to_owned(), json!("cancelled"));
    order.insert("cancel_reason".to_owned(), json!(reason));
    order.insert("payment_history".to_owned(), Value::Array(history));
    answer(order)
}

pub(super) fn modify_payment(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let (order_id, method) = (arguments.text("order_id")?, arguments.text("payment_method_id")?);
    let order = order_with_status(db, order_id, "pending", "non-pending order cannot be modified")?;
    let user_id = text(order, "user_id").to_owned();
    let balance = payment_method(db, &user_id, method)?;
    let history = list(order, "payment_history");
    let [payment] = history else {
        return Err("there should be exactly one payment for a pending order".to_owned());
    };
    if text(payment, "transaction_type") != "payment" {
        return Err("there should be exactly one payment for a pending order".to_owned());
    }
    let old = text(payment, "payment_method_id").to_owned();
    if old == method {
        return Err("the new payment method should be different from the current one".to_owned());
    }
    let (value, amount) = (payment["amount"].clone(), number(payment, "amount"));
    if balance.is_some_and(|balance| balance < amount) {
        return Err("insufficient gift card balance to pay for the order".to_owned());
    }
    if balance.is_some() {
        add_to_balance(db, &user_id, method, -amount);
    }
    if is_gift_card(&old) {
        add_to_balance(db, &user_id, &old, amount);
    }
    let order = change(db, Table::Orders, order_id)?;
    push_payment(order, transaction("payment", value.clone(), method));
    push_payment(order, transaction("refund", value, &old));
    answer(order)
}

/// The order, if it has exactly this status.
pub(super) fn order_with_status<'a>(
    db: &'a Database,
    order_id: &str,
    status: &str,
    otherwise: &str,
) -> Result<&'a Value, String> {
    let order = db.record(Table::Orders, order_id).ok_or_else(|| not_found(Table::Orders))?;
    if text(order, "status") == status { Ok(order) } else { Err(otherwise.to_owned()) }
}

/// The balance of a user's payment method: `None` where it is no gift card, an error where the
/// user has no such method.
pub(super) fn payment_method(db: &Database, user_id: &str, method: &str) -> Result<Option<f64>, String> {
    let user = db.record(Table::Users, user_id).ok_or_else(|| not_found(Table::Users))?;
    let found = user["payment_methods"].get(method).ok_or_else(|| "payment method not found".to_owned())?;
    Ok((text(found, "source") == "gift_card").then(|| number(found, "balance")))
}

pub(super) fn is_gift_card(method: &str) -> bool {
    method.contains("gift_card")
}

pub(super) fn add_to_balance(db: &mut Database, user_id: &str, method: &str, amount: f64) {
    let card = db
        .record_mut(Table::Users, user_id)
        .and_then(|user| user.get_mut("payment_methods")?.get_mut(method)?.as_object_mut());
    if let Some(card) = card {
        let balance = card.get("balance").and_then(Value::as_f64).unwrap_or_default();
        card.insert("balance".to_owned(), float(round2(balance + amount)));
    }
}

pub(super) fn transaction(kind: &str, amount: Value, method: &str) -> Value {
    json!({"transaction_type": kind, "amount": amount, "payment_method_id": method})
}

pub(super) fn push_payment(order: &mut Map<String, Value>, payment: Value) {
    if let Some(Value::Array(history)) = order.get_mut("payment_history") {
        history.push(payment);
    }
}

/// The record, to be changed.
pub(super) fn change<'a>(
    db: &'a mut Database,
    table: Table,
    id: &str,
) -> Result<&'a mut Map<String, Value>, String> {
    db.record_mut(table, id).ok_or_else(|| not_found(table))
}

/// The whole record, as every tool that changes one returns it.
pub(super) fn answer(record: &Map<String, Value>) -> ToolResult {
    Ok(Answer::Json(Value::Object(record.clone())))
}

pub(super) fn float(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
