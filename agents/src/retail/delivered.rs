//! Returning items of a delivered order.

use serde_json::json;

use super::ToolResult;
use super::database::{Database, Table, list, text};
use super::items::{first_short, sorted};
use super::pending::{answer, change, is_gift_card, order_with_status, payment_method};
use crate::arguments::Arguments;

pub(super) fn return_items(db: &mut Database, arguments: &Arguments<'_>) -> ToolResult {
    let order_id = arguments.text("order_id")?;
    let ids = arguments.list("item_ids")?;
    let method = arguments.text("payment_method_id")?;
    let order = order_with_status(db, order_id, "delivered", "non-delivered order cannot be returned")?;
    payment_method(db, text(order, "user_id"), method)?;
    let paid_with = list(order, "payment_history").first().map_or("", |p| text(p, "payment_method_id"));
    if !is_gift_card(method) && method != paid_with {
        let why = "payment method should be either the original payment method or a gift card";
        return Err(why.to_owned());
    }
    if first_short(order, &ids).is_some() {
        return Err("some item not found".to_owned());
    }
    let order = change(db, Table::Orders, order_id)?;
    order.insert("status".to_owned(), json!("return requested"));
    order.insert("return_items".to_owned(), sorted(&ids));
    order.insert("return_payment_method_id".to_owned(), json!(method));
    answer(order)
}
