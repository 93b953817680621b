//! Customer service of a retail shop: sixteen tools over users, orders and products in a JSON
//! database.
//!
//! The tools answer, byte for byte, what those of tau-bench's retail domain answer (see
//! `eval/data/retail/README.md` for the origin); no code of it is used. A folder may come with
//! other names for tools and keys (`names.json`): they are translated at this boundary, so that
//! the tools themselves know one set of names only.

mod address;
mod database;
mod delivered;
mod items;
mod lookup;
mod names;
mod pending;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use database::{Database, Table};
pub use names::Names;

use crate::agent::Environment;
use crate::arguments::Arguments;
use crate::arithmetic::evaluate;
use crate::python;

/// What can go wrong when a data folder is read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {why}; give the folder that holds it with --data")]
    Read {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
    /// A file is not what it should be.
    #[error("{path} is not as expected: {why}; compare it with eval/data/retail")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong, with line and column where known.
        why: String,
    },
}

/// What a tool returns when it succeeds.
enum Answer {
    Json(Value),
    Text(String),
}

/// A tool's result; the error is the text after `Error: `.
type ToolResult = Result<Answer, String>;

/// The shop: its tools over one copy of its database.
#[derive(Clone, Debug)]
pub struct Retail {
    database: Database,
    names: Arc<Names>,
}

impl Retail {
    /// Reads `db/users.json`, `db/orders.json`, `db/products.json` and, if present, `names.json`
    /// of a folder. Clones share what no call has changed.
    ///
    /// # Errors
    /// When a file is missing or is not a JSON object.
    pub fn load(data: &Path) -> Result<Self, LoadError> {
        let names = Arc::new(Names::load(&data.join("names.json"))?);
        Ok(Self { database: Database::load(&data.join("db"), &names)?, names })
    }

    /// A shop over this database, with these names.
    pub fn new(database: Database, names: Arc<Names>) -> Self {
        Self { database, names }
    }

    /// The database as the calls so far left it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    fn dispatch(&mut self, tool: &str, arguments: &Arguments<'_>) -> ToolResult {
        let db = &mut self.database;
        match tool {
            "find_user_id_by_email" => lookup::user_by_email(db, arguments),
            "find_user_id_by_name_zip" => lookup::user_by_name_zip(db, arguments),
            "get_user_details" => lookup::details(db, Table::Users, arguments.text("user_id")?),
            "get_order_details" => lookup::details(db, Table::Orders, arguments.text("order_id")?),
            "get_product_details" => lookup::details(db, Table::Products, arguments.text("product_id")?),
            "list_all_product_types" => lookup::product_types(db),
            "calculate" => calculate(arguments.text("expression")?),
            "think" => arguments.text("thought").map(|_| Answer::Text(String::new())),
            "transfer_to_human_agents" => {
                arguments.text("summary").map(|_| Answer::Text("Transfer successful".to_owned()))
            }
            "cancel_pending_order" => pending::cancel(db, arguments),
            "modify_pending_order_payment" => pending::modify_payment(db, arguments),
            "modify_pending_order_items" => items::modify(db, arguments),
            "modify_pending_order_address" => address::of_order(db, arguments),
            "modify_user_address" => address::of_user(db, arguments),
            "exchange_delivered_order_items" => items::exchange(db, arguments),
            "return_delivered_order_items" => delivered::return_items(db, arguments),
            _ => Err(format!("unknown tool {tool}")),
        }
    }
}

/// To two decimals, as upstream rounds.
fn calculate(expression: &str) -> ToolResult {
    Ok(Answer::Text(python::float_text(python::round2(evaluate(expression)?))))
}

impl Environment for Retail {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        let names = self.names.clone();
        let arguments = names.arguments_to_own(arguments);
        match self.dispatch(names.tool_to_own(tool), &Arguments(&arguments)) {
            Ok(Answer::Text(text)) => text,
            Ok(Answer::Json(value)) => python::dumps(&names.value_to_given(value)),
            Err(why) => format!("Error: {why}"),
        }
    }

    fn ends_run(&self, tool: &str) -> bool {
        self.names.tool_to_own(tool) == "transfer_to_human_agents"
    }
}
