//! Cuts a program of Python or JavaScript: what it does and the names that it gives are fixed; literals are
//! values, and so are names from outside.

use std::ops::Range;

use serde_json::Value;
use tree_sitter::Node;

use super::piece::plain;
use super::tree::{Walk, deeper};
use crate::domain::Quoting;

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct At<'n> {
    depth: usize,
    /// The kind of the node around it.
    kind: &'n str,
    /// Its field there.
    field: Option<&'n str>,
}

/// Goes through a node and all below it.
pub(super) fn walk<'n>(walk: &mut Walk<'_>, node: Node<'n>, at: At<'n>) -> Option<()> {
    let depth = deeper(at.depth)?;
    let range = node.byte_range();
    match node.kind() {
        "import_statement" | "import_from_statement" | "future_import_statement" => return walk.fixed(range),
        "string" if !has(node, "interpolation") => return string(walk, node),
        "template_string" if !has(node, "template_substitution") => return walk.chunk(range, is_likely),
        "comment" | "string_content" | "string_fragment" | "regex_pattern" | "jsx_text" => {
            return walk.chunk(range, is_likely);
        }
        "integer" | "float" | "number" => return number(walk, range),
        "unary_operator" | "unary_expression" => {
            let of_number = node.child_by_field_name("argument").is_some_and(|of| {
                matches!(of.kind(), "integer" | "float" | "number") && walk.said(node).starts_with('-')
            });
            if of_number {
                return number(walk, range);
            }
        }
        "identifier" => {
            let name = walk.said(node);
            let is_fixed = at.field == Some("function")
                || at.field == Some("attribute")
                || (at.kind == "keyword_argument" && at.field == Some("name"))
                || walk.own.contains(name);
            if is_fixed || !walk.value(range.clone(), Value::from(name), 0, Quoting::Name) {
                walk.fixed(range)?;
            }
            walk.of = name.to_lowercase();
            return Some(());
        }
        "property_identifier" => {
            walk.of = walk.said(node).to_lowercase();
            return walk.fixed(range);
        }
        _ if node.child_count() == 0 => return walk.fixed(range),
        _ => {}
    }
    walk.acts |= matches!(
        node.kind(),
        "call" | "call_expression" | "assignment" | "assignment_expression" | "variable_declarator"
    );
    for (child, field) in Walk::children(node) {
        self::walk(walk, child, At { depth, kind: node.kind(), field })?;
    }
    Some(())
}

fn has(node: Node<'_>, kind: &str) -> bool {
    Walk::children(node).iter().any(|(child, _)| child.kind() == kind)
}

/// Words that are values by their form: other words of a longer text are its own.
fn is_likely(word: &str) -> bool {
    word.chars().any(|c| c.is_uppercase() || c.is_numeric() || matches!(c, '@' | '_'))
}

fn number(walk: &mut Walk<'_>, range: Range<usize>) -> Option<()> {
    let value = plain(walk.text.get(range.clone())?);
    if value.is_number() && walk.value(range.clone(), value, 0, Quoting::Number) {
        return Some(());
    }
    walk.fixed(range)
}

/// A text in quotation marks; of one with a prefix, only what of it is known.
fn string(walk: &mut Walk<'_>, node: Node<'_>) -> Option<()> {
    let (range, raw) = (node.byte_range(), walk.said(node));
    let prefix = raw.find(['"', '\'']).unwrap_or(0);
    if prefix > 0 {
        let start = range.start + prefix;
        walk.fixed(range.start..start)?;
        return walk.chunk(start..range.end, is_likely);
    }
    let is_long = raw.starts_with("\"\"\"") || raw.starts_with("'''");
    let (signs, quoting) = if is_long { (3, Quoting::Long) } else { (1, Quoting::Escaped) };
    let inner = raw.get(signs..raw.len().saturating_sub(signs)).unwrap_or_default();
    let text = if is_long { inner.to_owned() } else { unescaped(inner) };
    walk.quoted(range, text, signs, quoting, is_likely)
}

/// What a text between quotation marks says, as far as its signs are told here.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}

/// Notes the names that a program gives: what it imports, assigns to, defines and goes through.
pub(super) fn names(walk: &mut Walk<'_>, node: Node<'_>, depth: usize) -> Option<()> {
    let depth = deeper(depth)?;
    let kind = node.kind();
    for (child, field) in Walk::children(node) {
        let imports = matches!(kind, "import_statement" | "import_from_statement");
        let gives = match field {
            _ if imports => true,
            Some("left") => matches!(
                kind,
                "assignment"
                    | "assignment_expression"
                    | "for_statement"
                    | "for_in_clause"
                    | "for_in_statement"
            ),
            Some("parameter" | "parameters") => true,
            Some("name") => matches!(
                kind,
                "function_definition"
                    | "function_declaration"
                    | "class_definition"
                    | "class_declaration"
                    | "named_expression"
                    | "variable_declarator"
            ),
            Some("alias") => kind == "as_pattern",
            _ => false,
        };
        if gives {
            give(walk, child, depth)?;
        }
        names(walk, child, depth)?;
    }
    Some(())
}

/// Notes the names below a node to which something is given.
fn give(walk: &mut Walk<'_>, node: Node<'_>, depth: usize) -> Option<()> {
    let depth = deeper(depth)?;
    match node.kind() {
        "identifier" | "shorthand_property_identifier_pattern" => {
            let name = walk.said(node);
            walk.own.insert(name);
        }
        // A member of something is given, not the thing.
        "subscript" | "attribute" | "member_expression" | "subscript_expression" => {}
        _ => {
            for (child, field) in Walk::children(node) {
                if !matches!(field, Some("value" | "right" | "type")) {
                    give(walk, child, depth)?;
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Language;
    use super::super::tree::tests::shown;

    #[test]
    fn code_is_cut_into_what_it_does_and_its_values() {
        let python = [
            (
                "import pandas as pd\ndf = pd.read_csv(\"boats.csv\")\nprint(df[df[\"pier\"] == \"Mole\"]['metres'].sum())",
                "import pandas as pd\ndf = pd.read_csv(\"{read_csv=\"boats.csv\"}\")\nprint(df[df[\"{df=\"pier\"}\"] == \
                 \"{df=\"Mole\"}\"]['{df=\"metres\"}'].sum())",
            ),
            ("f(x, limit=-3)  # all", "f({f=\"x\"}, limit={limit=-3})  # {limit=\"all\"}"),
            (
                "print(f\"At {p} Mole\\n\", x[0])",
                "print(f\"{print=\"At\"} {{print=\"p\"}} {p=\"Mole\"}\\n\", {p=\"x\"}[{x=0}])",
            ),
            (
                "s = 'it\\'s' + r'\\d' + \"\"\"a\nb\"\"\"",
                "s = '{s=\"it's\"}' + r'\\d' + \"\"\"{s=\"a\\nb\"}\"\"\"",
            ),
            (
                "[b.name for b in boats if b.pier == 'Mole']",
                "[b.name for b in {b=\"boats\"} if b.pier == '{pier=\"Mole\"}']",
            ),
            ("x = (", "none"),
            ("import os", "none"),
        ];
        for (text, expected) in python {
            assert_eq!(shown(Language::Python, text), expected, "{text}");
        }
        let script = [(
            "const r = await fetch(`/x/${b}/Mole`, {pier: \"Mole\", n: 3}); // c\nconsole.log(r)",
            "const r = await fetch(`/{fetch=\"x\"}/${{fetch=\"b\"}}/{b=\"Mole\"}`, {pier: \"{pier=\"Mole\"}\", n: {n=3}}); // {n=\"c\"}\n\
                 {n=\"console\"}.log(r)",
        )];
        for (text, expected) in script {
            assert_eq!(shown(Language::JavaScript, text), expected, "{text}");
        }
    }
}
