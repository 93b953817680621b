//! Rewrites a statement's tree, as its parser serialises it, to a normal form.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::canonical::Schema;
use super::forms::{
    all, columns_of, conjuncts, equal_columns, even, kind_of, literal, on_of, sort, text, united,
};

/// Members of the tree that say nothing of what is asked.
const SAYS_NOTHING: [&str; 4] = ["span", "quote_style", "explicit", "flavor"];

/// What names mean in a query.
#[derive(Clone, Debug, Default)]
struct Scope {
    /// Each relation under the name that the query gives it, with its label and its own name.
    relations: Vec<(String, String, String)>,
    /// What the query calls its columns.
    outputs: HashMap<String, Value>,
    /// Columns that inner joins make equal, each with the one that stands for all.
    same: BTreeMap<String, String>,
    /// The query's own columns may be named: after what it selects.
    is_late: bool,
}

/// The rewriting of one statement.
pub(super) struct Normal<'s> {
    schema: &'s Schema,
    scopes: Vec<Scope>,
}

impl<'s> Normal<'s> {
    pub(super) fn new(schema: &'s Schema) -> Self {
        Self { schema, scopes: Vec::new() }
    }

    /// The normal form of any part of a tree.
    pub(super) fn any(&mut self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.any(item)).collect(),
            Value::Object(map) if map.contains_key("body") => self.query(map),
            Value::Object(map) if map.contains_key("quote_style") => {
                json!(text(map.get("value")).to_lowercase())
            }
            Value::Object(map) if map.len() == 1 => match map.iter().next() {
                Some((key, below)) => self.tagged(key, below),
                None => Value::Null,
            },
            Value::Object(map) => self.members(map),
            other => other.clone(),
        }
    }

    /// An object's members that say something.
    fn members(&mut self, map: &Map<String, Value>) -> Value {
        let mut out = Map::new();
        for (key, below) in map {
            let nothing = below.is_null() || *below == json!(false) || *below == json!([]);
            if !nothing && !SAYS_NOTHING.contains(&key.as_str()) && !key.ends_with("_token") {
                out.insert(key.clone(), self.any(below));
            }
        }
        out.into()
    }

    /// A part of the tree by its kind.
    fn tagged(&mut self, kind: &str, below: &Value) -> Value {
        let get = |key: &str| below.get(key).unwrap_or(&Value::Null);
        match kind {
            "Identifier" if below.get("value").is_some() => self.column(None, &text(below.get("value"))),
            "CompoundIdentifier" => {
                let names: Vec<String> =
                    below.as_array().into_iter().flatten().map(|part| text(part.get("value"))).collect();
                match names.as_slice() {
                    [.., relation, column] => self.column(Some(relation), column),
                    _ => self.any(below),
                }
            }
            "Nested" => self.any(below),
            "Value" => literal(get("value")),
            "UnaryOp" if get("op") == "Not" => {
                json!({"not": self.any(get("expr"))})
            }
            "BinaryOp" => self.operation(get("op"), get("left"), get("right")),
            "Between" => {
                let (of, low, high) = (self.any(get("expr")), self.any(get("low")), self.any(get("high")));
                let both = all("and", vec![json!({"<=": [low, of]}), json!({"<=": [of, high]})]);
                if get("negated") == &json!(true) { json!({"not": both}) } else { both }
            }
            "In" => {
                let of = self.any(get("expr"));
                let target = get("target");
                let among = match target.get("List").and_then(Value::as_array) {
                    Some(items) => {
                        let mut items: Vec<Value> = items.iter().map(|item| self.any(item)).collect();
                        sort(&mut items);
                        match items.as_slice() {
                            [only] => even("==", of, only.clone()),
                            _ => json!({"in": [of, items]}),
                        }
                    }
                    None => json!({"in": [of, self.any(target)]}),
                };
                if get("negated") == &json!(true) { json!({"not": among}) } else { among }
            }
            "Function" => self.function(below),
            "Subquery" => self.any(below),
            _ => {
                let own = self.any(below);
                json!({kind: own})
            }
        }
    }

    fn operation(&mut self, op: &Value, left: &Value, right: &Value) -> Value {
        let (left, right) = (self.any(left), self.any(right));
        match op.as_str() {
            Some("And") => all("and", vec![left, right]),
            Some("Or") => all("or", vec![left, right]),
            Some("Eq") => even("==", left, right),
            Some("NotEq") => even("!=", left, right),
            Some("Plus") => even("+", left, right),
            Some("Multiply") => even("*", left, right),
            Some("Gt") => json!({"<": [right, left]}),
            Some("GtEq") => json!({"<=": [right, left]}),
            Some("Lt") => json!({"<": [left, right]}),
            Some("LtEq") => json!({"<=": [left, right]}),
            _ => json!({"op": [op, left, right]}),
        }
    }

    fn function(&mut self, below: &Value) -> Value {
        let mut rest = below.as_object().cloned().unwrap_or_default();
        let name = rest.remove("name").unwrap_or_default();
        let last = name.as_array().and_then(|names| names.last()?.get("Identifier")?.get("value"));
        let name = last.map_or(name.clone(), |last| json!(text(Some(last)).to_lowercase()));
        let list = rest.get("args").and_then(|args| args.get("List")).cloned();
        let simple = list.as_ref().and_then(|list| {
            let plain = list.get("clauses").is_none_or(|clauses| *clauses == json!([]));
            let args = list.get("args")?.as_array()?;
            let named = args.iter().map(|arg| arg.get("Unnamed")).collect::<Option<Vec<_>>>()?;
            plain.then_some((named, list.get("duplicate_treatment").is_some_and(|d| d == "Distinct")))
        });
        let Some((args, distinct)) = simple else {
            let rest = self.members(&rest);
            return json!({"call": [name, rest]});
        };
        let args: Vec<Value> = args
            .into_iter()
            .map(|arg| match arg.get("Expr") {
                Some(expr) => self.any(expr),
                None => json!("*"),
            })
            .collect();
        rest.remove("args");
        let rest = self.members(&rest);
        // To count a number is to count rows.
        let counts_rows =
            name == "count" && !distinct && args.first().is_some_and(|a| a.get("number").is_some());
        let args = if counts_rows { vec![json!("*")] } else { args };
        json!({"call": [name, distinct, args, rest]})
    }

    /// A column by its relation's label. One that says no relation is looked for in the schema; where
    /// it cannot be told, it stays as it is.
    fn column(&self, relation: Option<&str>, name: &str) -> Value {
        let name = name.to_lowercase();
        for scope in self.scopes.iter().rev() {
            match relation.map(str::to_lowercase) {
                Some(own) => {
                    if let Some((_, label, _)) = scope.relations.iter().find(|(alias, ..)| *alias == own) {
                        return json!(format!("@{label}.{name}"));
                    }
                }
                None => {
                    if let Some(output) = scope.outputs.get(&name).filter(|_| scope.is_late) {
                        return output.clone();
                    }
                    let mut having =
                        scope.relations.iter().filter(|(_, _, relation)| self.schema.has(relation, &name));
                    match (having.next(), having.next(), scope.relations.as_slice()) {
                        (Some((_, label, _)), None, _) => return json!(format!("@{label}.{name}")),
                        (None, None, [(_, label, _)]) if self.scopes.len() == 1 => {
                            return json!(format!("@{label}.{name}"));
                        }
                        _ => {}
                    }
                }
            }
        }
        json!(format!("@?.{name}"))
    }

    fn query(&mut self, query: &Map<String, Value>) -> Value {
        let mut rest = query.clone();
        let body = rest.remove("body").unwrap_or_default();
        let order = rest.remove("order_by").unwrap_or_default();
        let mut out = Map::new();
        let scope = match body.get("Select") {
            Some(select) => {
                let (form, scope) = self.select(select);
                out.insert("select".to_owned(), form);
                scope
            }
            None => {
                let form = match body.get("SetOperation") {
                    Some(operation) => self.sets(operation),
                    None => self.any(&body),
                };
                out.insert("body".to_owned(), form);
                Scope { is_late: true, ..Scope::default() }
            }
        };
        self.scopes.push(scope);
        let by = order.get("kind").and_then(|kind| kind.get("Expressions")).and_then(Value::as_array);
        if let Some(by) = by {
            let projection = out.get("select").and_then(|s| s.get("columns")).cloned().unwrap_or_default();
            let keys: Vec<Value> = by.iter().map(|key| self.key(key, &projection)).collect();
            out.insert("order".to_owned(), keys.into());
        } else if !order.is_null() {
            out.insert("order".to_owned(), self.any(&order));
        }
        let rest = self.members(&rest);
        out.insert("rest".to_owned(), rest);
        let scope = self.scopes.pop().unwrap_or_default();
        united(&Value::Object(out), &scope.same)
    }

    /// What rows are ordered by, and whether downwards.
    fn key(&mut self, key: &Value, projection: &Value) -> Value {
        let mut by = key.get("expr").map(|expr| self.any(expr)).unwrap_or_default();
        // A number is the place of a column.
        let place = by.get("number").and_then(Value::as_str).and_then(|n| n.parse::<usize>().ok());
        if let Some(column) = place.and_then(|place| projection.get(place.checked_sub(1)?)) {
            by = column.clone();
        }
        let options = key.get("options").cloned().unwrap_or_default();
        let down = options.get("sort").is_some_and(|sort| sort == "Desc")
            || options.get("asc").is_some_and(|asc| asc == &json!(false));
        json!([by, down, options.get("nulls_first").cloned().unwrap_or_default()])
    }

    fn sets(&mut self, operation: &Value) -> Value {
        let mut sides: Vec<Value> = ["left", "right"]
            .iter()
            .filter_map(|side| operation.get(*side))
            .map(|side| match side.get("Select") {
                Some(select) => {
                    let (form, scope) = self.select(select);
                    united(&form, &scope.same)
                }
                None => match side.get("SetOperation") {
                    Some(below) => self.sets(below),
                    None => self.any(side),
                },
            })
            .collect();
        let op = operation.get("op").cloned().unwrap_or_default();
        if op == "Union" || op == "Intersect" {
            sort(&mut sides);
        }
        let how = operation.get("set_quantifier").filter(|how| *how == "All").is_some();
        json!({"sets": [op, how, sides]})
    }

    /// A select with what its names mean.
    fn select(&mut self, select: &Value) -> (Value, Scope) {
        let mut rest = select.as_object().cloned().unwrap_or_default();
        let from = rest.remove("from").unwrap_or_default();
        let projection = rest.remove("projection").unwrap_or_default();
        let selection = rest.remove("selection").unwrap_or_default();
        let group = rest.remove("group_by").unwrap_or_default();
        let having = rest.remove("having").unwrap_or_default();
        let (joined, inner) = self.relations(&from);
        let mut conditions = Vec::new();
        let mut kept = Vec::new();
        for (form, on) in joined {
            kept.push(form);
            if inner {
                conditions.extend(on.map(|on| self.any(&on)));
            } else {
                kept.extend(on.map(|on| self.any(&on)));
            }
        }
        if inner {
            sort(&mut kept);
        }
        if !selection.is_null() {
            conditions.push(self.any(&selection));
        }
        let mut conditions: Vec<Value> = conditions.into_iter().flat_map(conjuncts).collect();
        let mut columns = Vec::new();
        let mut outputs = HashMap::new();
        for item in projection.as_array().into_iter().flatten() {
            columns.push(match (item.get("UnnamedExpr"), item.get("ExprWithAlias")) {
                (Some(expr), _) => self.any(expr),
                (None, Some(named)) => {
                    let form = named.get("expr").map(|expr| self.any(expr)).unwrap_or_default();
                    outputs.insert(
                        text(named.get("alias").and_then(|a| a.get("value"))).to_lowercase(),
                        form.clone(),
                    );
                    form
                }
                (None, None) => self.any(item),
            });
        }
        let mut same = BTreeMap::new();
        if inner {
            let sets = equal_columns(&conditions);
            conditions.retain(|condition| columns_of(condition).is_none());
            for set in &sets {
                let first = set.iter().next().cloned().unwrap_or_default();
                same.extend(set.iter().map(|column| (column.clone(), first.clone())));
                conditions.push(json!({"same": set}));
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.outputs = outputs;
            scope.is_late = true;
        }
        let mut groups: Vec<Value> =
            match group.get("Expressions").and_then(|g| g.get(0)).and_then(Value::as_array) {
                Some(by) => by.iter().map(|by| self.any(by)).collect(),
                None => vec![self.any(&group)],
            };
        groups = groups.iter().map(|by| united(by, &same)).collect();
        sort(&mut groups);
        groups.dedup();
        let having: Vec<Value> = match having.is_null() {
            true => Vec::new(),
            false => conjuncts(self.any(&having)),
        };
        let rest = self.members(&rest);
        let mut scope = self.scopes.pop().unwrap_or_default();
        let tidy = |items: Vec<Value>| {
            let mut items: Vec<Value> = items.iter().map(|item| united(item, &same)).collect();
            sort(&mut items);
            items.dedup();
            items
        };
        let columns: Vec<Value> = columns.iter().map(|column| united(column, &same)).collect();
        let form = json!({
            "columns": columns, "from": kept, "where": tidy(conditions), "group": groups,
            "having": tidy(having), "rest": rest,
        });
        scope.same = same;
        (form, scope)
    }

    /// The relations of a query with the conditions of their joins, and whether all joins are inner
    /// ones. Opens the query's scope.
    fn relations(&mut self, from: &Value) -> (Vec<(Value, Option<Value>)>, bool) {
        let mut all: Vec<(&Value, Option<&Value>)> = Vec::new();
        for table in from.as_array().into_iter().flatten() {
            all.extend(table.get("relation").map(|relation| (relation, None)));
            for join in table.get("joins").and_then(Value::as_array).into_iter().flatten() {
                all.extend(join.get("relation").map(|relation| (relation, join.get("join_operator"))));
            }
        }
        let name_of = |relation: &Value| {
            let names = relation.get("Table")?.get("name")?.as_array()?;
            Some(text(names.last()?.get("Identifier")?.get("value")).to_lowercase())
        };
        let mut scope = Scope::default();
        for (at, (relation, _)) in all.iter().enumerate() {
            let name = name_of(relation).unwrap_or_else(|| format!("#{at}"));
            let many = all.iter().filter(|(other, _)| name_of(other).as_deref() == Some(&name)).count();
            let label = if many > 1 { format!("{name}#{at}") } else { name.clone() };
            let kind = relation.get("Table").or_else(|| relation.get("Derived"));
            let alias = kind.and_then(|kind| kind.get("alias")?.get("name")?.get("value"));
            let alias = alias.and_then(Value::as_str).map_or_else(|| name.clone(), str::to_lowercase);
            scope.relations.push((alias, label, name));
        }
        // A relation that is itself a query sees the names around it only.
        let mut inner = true;
        let mut out = Vec::new();
        let labels: Vec<String> = scope.relations.iter().map(|(_, label, _)| label.clone()).collect();
        for ((relation, join), label) in all.into_iter().zip(labels) {
            let form = match (name_of(relation), relation.get("Derived")) {
                (Some(_), _) => json!(format!("@{label}")),
                (None, Some(derived)) => {
                    json!({"derived": [label, self.any(derived.get("subquery").unwrap_or(&Value::Null))]})
                }
                (None, None) => self.any(relation),
            };
            let (is_inner, on) = on_of(join);
            inner &= is_inner;
            let form = if is_inner { form } else { json!({"join": [form, join.map(kind_of)]}) };
            out.push((form, on));
        }
        self.scopes.push(scope);
        (out, inner)
    }
}
