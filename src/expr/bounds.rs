use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use serde_json::Value;

use super::ExprError;

/// The longest expression, in bytes.
pub const MAX_LENGTH: usize = 1_024;
/// The deepest nesting of brackets.
pub const MAX_DEPTH: u16 = 24;
/// The most nodes of the syntax tree, macros expanded.
pub const MAX_NODES: usize = 1_024;
/// The deepest syntax tree, macros expanded; a chain of selections or operators counts too.
pub const MAX_TREE: usize = 64;
/// How deep loops (`all`, `exists`, `map`, `filter`) may be nested or chained.
pub const MAX_LOOPS: u32 = 3;
/// The most steps that an evaluation may take by a rough upper estimate.
pub const MAX_WORK: u64 = 20_000_000;

/// What an expression may cost.
pub(super) struct Size {
    /// Nodes of the tree.
    pub(super) nodes: usize,
    /// The deepest nest of loops.
    pub(super) loops: u32,
}

pub(super) fn check_length(source: &str) -> Result<(), ExprError> {
    if source.len() > MAX_LENGTH {
        return Err(ExprError::TooLarge { what: "bytes", is: source.len(), most: MAX_LENGTH });
    }
    Ok(())
}

pub(super) fn measure(expr: &IdedExpr) -> Result<Size, ExprError> {
    let depth = depth(expr);
    if depth > MAX_TREE {
        return Err(ExprError::TooLarge { what: "nested nodes", is: depth, most: MAX_TREE });
    }
    let mut nodes = 0;
    let loops = visit(expr, &mut nodes);
    if nodes > MAX_NODES {
        return Err(ExprError::TooLarge { what: "nodes", is: nodes, most: MAX_NODES });
    }
    if loops > MAX_LOOPS {
        return Err(ExprError::TooLarge {
            what: "nested loops",
            is: loops as usize,
            most: MAX_LOOPS as usize,
        });
    }
    Ok(Size { nodes, loops })
}

fn depth(expr: &IdedExpr) -> usize {
    1 + parts(&expr.expr).into_iter().map(depth).max().unwrap_or(0)
}

/// Counts nodes; returns how deep loops are nested. A loop over the result of another one counts
/// as nested in it, since that result may be as long as the other's work.
fn visit(expr: &IdedExpr, nodes: &mut usize) -> u32 {
    *nodes += 1;
    if let Expr::Comprehension(c) = &expr.expr {
        let body = [&c.accu_init, &c.loop_cond, &c.loop_step, &c.result];
        let inner = body.into_iter().map(|e| visit(e, nodes)).max().unwrap_or(0);
        return 1 + visit(&c.iter_range, nodes) + inner;
    }
    children(&expr.expr).into_iter().map(|child| visit(child, nodes)).max().unwrap_or(0)
}

fn parts(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Comprehension(c) => {
            vec![&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result]
        }
        other => children(other),
    }
}

/// The direct parts of every expression that is no loop.
fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map.entries.iter().flat_map(|e| entry(&e.expr)).collect(),
        Expr::Struct(structure) => structure.entries.iter().flat_map(|e| entry(&e.expr)).collect(),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Comprehension(_) => Vec::new(),
    }
}

fn entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

/// Variables that no loop of the expression binds.
pub(super) fn free_variables(expr: &IdedExpr) -> Vec<String> {
    let mut found = BTreeSet::new();
    free(expr, &mut Vec::new(), &mut found);
    found.into_iter().collect()
}

fn free<'e>(expr: &'e IdedExpr, bound: &mut Vec<&'e str>, found: &mut BTreeSet<String>) {
    match &expr.expr {
        Expr::Ident(name) => {
            if !bound.contains(&name.as_str()) {
                found.insert(name.clone());
            }
        }
        Expr::Comprehension(c) => {
            free(&c.iter_range, bound, found);
            free(&c.accu_init, bound, found);
            let outer = bound.len();
            bound.extend([c.iter_var.as_str(), c.accu_var.as_str()]);
            bound.extend(c.iter_var2.as_deref());
            for part in [&c.loop_cond, &c.loop_step, &c.result] {
                free(part, bound, found);
            }
            bound.truncate(outer);
        }
        other => children(other).into_iter().for_each(|child| free(child, bound, found)),
    }
}

/// The string and number literals, in order.
pub(super) fn literals(expr: &IdedExpr) -> Vec<Value> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &IdedExpr, found: &mut Vec<Value>) {
    if let Expr::Literal(literal) = &expr.expr {
        found.extend(match literal {
            LiteralValue::String(text) => Some(Value::from(text.inner())),
            LiteralValue::Int(n) => Some(Value::from(*n.inner())),
            LiteralValue::UInt(n) => Some(Value::from(*n.inner())),
            LiteralValue::Double(n) => Some(Value::from(*n.inner())),
            LiteralValue::Boolean(_) | LiteralValue::Bytes(_) | LiteralValue::Null => None,
        });
    }
    parts(&expr.expr).into_iter().for_each(|part| collect(part, found));
}

/// Refuses an evaluation whose loops could run over the whole input at every level and take more
/// than [`MAX_WORK`] steps.
pub(super) fn check_work(loops: u32, nodes: usize, vars: &[(&str, &Value)]) -> Result<(), ExprError> {
    if loops < 2 {
        return Ok(());
    }
    let widest = vars.iter().map(|(_, value)| widest(value)).max().unwrap_or(0).max(nodes as u64);
    let work = widest.saturating_pow(loops);
    if work > MAX_WORK {
        return Err(ExprError::TooCostly { work, most: MAX_WORK });
    }
    Ok(())
}

/// The length of the longest collection in a value.
fn widest(value: &Value) -> u64 {
    match value {
        Value::Array(items) => (items.len() as u64).max(items.iter().map(widest).max().unwrap_or(0)),
        Value::Object(map) => (map.len() as u64).max(map.values().map(widest).max().unwrap_or(0)),
        _ => 0,
    }
}
