use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{LoadError, Names};

/// A table of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Customers by user id.
    Users,
    /// Orders by order id.
    Orders,
    /// Products, with their variants, by product id.
    Products,
}

#[derive(Debug, Default)]
struct Tables {
    users: Map<String, Value>,
    orders: Map<String, Value>,
    products: Map<String, Value>,
}

/// The shop's records. A copy costs nothing: copies share the records that neither has changed.
#[derive(Clone, Debug, Default)]
pub struct Database {
    base: Arc<Tables>,
    changed: BTreeMap<(Table, String), Value>,
}

impl Database {
    /// Reads `users.json`, `orders.json` and `products.json` of a folder, under given names.
    ///
    /// # Errors
    /// When a file is missing or is not a JSON object.
    pub fn load(folder: &Path, names: &Names) -> Result<Self, LoadError> {
        let table = |file: &str| -> Result<Map<String, Value>, LoadError> {
            let path = folder.join(file);
            let wrong = |why: String| LoadError::Format { path: path.display().to_string(), why };
            let value: Value = serde_json::from_str(&read(&path)?).map_err(|e| wrong(e.to_string()))?;
            match names.value_to_own(value) {
                Value::Object(map) => Ok(map),
                _ => Err(wrong("it must hold one JSON object, from ids to records".to_owned())),
            }
        };
        Ok(Self::of(table("users.json")?, table("orders.json")?, table("products.json")?))
    }

    /// A database of these tables, whose keys may be under given names.
    pub fn new(users: Value, orders: Value, products: Value, names: &Names) -> Self {
        let table = |value: Value| match names.value_to_own(value) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self::of(table(users), table(orders), table(products))
    }

    fn of(users: Map<String, Value>, orders: Map<String, Value>, products: Map<String, Value>) -> Self {
        Self { base: Arc::new(Tables { users, orders, products }), changed: BTreeMap::new() }
    }

    /// The record of that id as it is now.
    pub fn record(&self, table: Table, id: &str) -> Option<&Value> {
        self.changed.get(&(table, id.to_owned())).or_else(|| self.table(table).get(id))
    }

    /// The record of that id as it was when the database was read.
    pub fn original(&self, table: Table, id: &str) -> Option<&Value> {
        self.table(table).get(id)
    }

    /// The records that were changed since the database was read.
    pub fn changed(&self) -> impl Iterator<Item = (Table, &str, &Value)> {
        self.changed.iter().map(|((table, id), value)| (*table, id.as_str(), value))
    }

    /// All records of a table, in the order of the file.
    pub(super) fn records(&self, table: Table) -> impl Iterator<Item = (&str, &Value)> {
        self.table(table).keys().filter_map(move |id| Some((id.as_str(), self.record(table, id)?)))
    }

    /// The record of that id, to be changed. Tools check everything before they ask for it, since
    /// a tool that fails must leave no trace.
    pub(super) fn record_mut(&mut self, table: Table, id: &str) -> Option<&mut Map<String, Value>> {
        let key = (table, id.to_owned());
        if !self.changed.contains_key(&key) {
            let original = self.table(table).get(id)?.clone();
            self.changed.insert(key.clone(), original);
        }
        self.changed.get_mut(&key)?.as_object_mut()
    }

    fn table(&self, table: Table) -> &Map<String, Value> {
        match table {
            Table::Users => &self.base.users,
            Table::Orders => &self.base.orders,
            Table::Products => &self.base.products,
        }
    }
}

pub(super) fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path)
        .map_err(|e| LoadError::Read { path: path.display().to_string(), why: e.to_string() })
}

/// A member of a record as text, empty where there is none.
pub(super) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A member of a record as a list, empty where there is none.
pub(super) fn list<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    record.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member of a record as a number, zero where there is none.
pub(super) fn number(record: &Value, key: &str) -> f64 {
    record.get(key).and_then(Value::as_f64).unwrap_or_default()
}
