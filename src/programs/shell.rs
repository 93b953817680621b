//! Cuts a program of the shell: commands and options are fixed, the words that they are given are values.

use std::ops::Range;

use tree_sitter::Node;

use super::piece::plain;
use super::tree::{Walk, deeper};
use crate::domain::Quoting;

/// Signs that mean something to the shell in a word that is not quoted.
const MEAN_SOMETHING: [char; 8] = ['*', '?', '[', ']', '{', '}', '~', '^'];

/// Goes through a node and all below it.
pub(super) fn walk(walk: &mut Walk<'_>, node: Node<'_>, depth: usize) -> Option<()> {
    let depth = deeper(depth)?;
    let range = node.byte_range();
    match node.kind() {
        // What runs a script is no comment.
        "comment" if range.start == 0 && walk.said(node).starts_with("#!") => walk.fixed(range),
        "comment" => walk.chunk(range, is_likely),
        // What is run is what the plan does, and no value.
        "command_name" => {
            walk.of =
                Some(walk.said(node).to_lowercase()).filter(|name| !name.contains(['"', '\'', '`', '(']))?;
            walk.acts = true;
            walk.fixed(range)
        }
        "variable_name" => {
            walk.of = walk.said(node).to_lowercase();
            walk.fixed(range)
        }
        "word" | "number" => word(walk, range),
        // One that holds a quotation mark is written in pieces.
        "raw_string" | "concatenation" if single(walk.said(node)).is_some() => {
            let text = single(walk.said(node))?;
            walk.quoted(range, text, 1, Quoting::ShellSingle, is_likely)
        }
        "string"
            if Walk::children(node)
                .iter()
                .all(|(child, _)| !child.is_named() || child.kind() == "string_content") =>
        {
            let text = walk.said(node).get(1..range.len().saturating_sub(1)).unwrap_or_default();
            walk.quoted(range, unescaped(text), 1, Quoting::ShellDouble, is_likely)
        }
        "string_content" | "heredoc_content" | "regex" | "extglob_pattern" | "ansi_c_string" => {
            walk.chunk(range, is_likely)
        }
        "heredoc_body" if node.named_child_count() == 0 => walk.chunk(range, is_likely),
        _ if node.child_count() == 0 => walk.fixed(range),
        kind => {
            for (child, field) in Walk::children(node) {
                if kind == "function_definition" && field == Some("name") {
                    walk.fixed(child.byte_range())?;
                } else {
                    self::walk(walk, child, depth)?;
                }
            }
            Some(())
        }
    }
}

fn is_likely(word: &str) -> bool {
    word.chars().count() > 2
}

/// What a text between single quotation marks says.
fn single(raw: &str) -> Option<String> {
    let text = raw.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "\0");
    (!text.contains('\'')).then(|| text.replace('\0', "'"))
}

/// What a text between double quotation marks says.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some('\\' | '"' | '$' | '`') if c == '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// A word: an option's name and sign are fixed, what it is given is a value.
fn word(walk: &mut Walk<'_>, range: Range<usize>) -> Option<()> {
    let raw = walk.text.get(range.clone())?;
    if raw.contains('\\') {
        return walk.chunk(range, is_likely);
    }
    let option = option(raw);
    let (name, rest) = raw.split_at_checked(option)?;
    let is_given = rest.is_empty() || option == 0 || name.ends_with('=');
    let name = name.trim_matches(['-', '=']).to_lowercase();
    walk.fixed(range.start..range.start + option)?;
    let of = if name.is_empty() { walk.of.clone() } else { std::mem::replace(&mut walk.of, name) };
    if rest.is_empty() {
        return Some(());
    }
    if !is_given {
        // What stands at an option without a sign between can only be a number.
        let written = walk.value(range.start + option..range.end, plain(rest), 0, Quoting::Number);
        walk.of = of;
        return written.then_some(());
    }
    given(walk, rest, range.start + option..range.end)?;
    // What comes next is not given to an option that has what it asks for.
    walk.of = of;
    Some(())
}

/// What an option or a command is given.
fn given(walk: &mut Walk<'_>, rest: &str, range: Range<usize>) -> Option<()> {
    let mut start = range.start;
    // What means something to the shell stays where it is.
    for part in rest.split_inclusive(MEAN_SOMETHING) {
        let own = part.trim_end_matches(MEAN_SOMETHING);
        let whole = || std::iter::once(0..own.len()).collect();
        for cut in walk.cut(own, is_likely).unwrap_or_else(whole) {
            let (from, to) = (start + cut.start, start + cut.end);
            let value = plain(own.get(cut)?);
            if from < to && !walk.value(from..to, value, 0, Quoting::ShellWord) {
                walk.chunk(from..to, is_likely)?;
            }
        }
        start += part.len();
    }
    walk.fixed(range.end..range.end)
}

/// How many bytes of a word are an option's name: `--depth=`, `-n`.
fn option(word: &str) -> usize {
    if !word.starts_with('-') {
        return 0;
    }
    let is_name = |c: char| c == '-' || c == '_' || c.is_alphabetic();
    let name = word.find(|c| !is_name(c)).unwrap_or(word.len());
    if word[name..].starts_with('=') { name + 1 } else { name }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Language;
    use super::super::tree::tests::shown;

    #[test]
    fn a_command_is_cut_into_what_it_does_and_what_it_is_given() {
        let cases = [
            (
                "grep -n5 --since=2024-01-01 'a b' /var/log/mill.log | wc -l",
                "grep -n{n=5} --since={since=\"2024-01-01\"} '{grep=\"a b\"}' {grep=\"/var/log/mill.log\"} | wc -l",
            ),
            // Cut where a part is known.
            ("cat /srv/Mole/notes.txt", "cat /{cat=\"srv\"}/{cat=\"Mole\"}/{cat=\"notes.txt\"}"),
            (
                "ssh boat-7 \"tow Mole now\" # quick",
                "ssh {ssh=\"boat-7\"} \"{ssh=\"tow\"} {ssh=\"Mole\"} {ssh=\"now\"}\" # {ssh=\"quick\"}",
            ),
            (
                "PIER=Mole; echo \"$PIER is \\\"x\\\"\"",
                "PIER={pier=\"Mole\"}; echo \"$PIER {pier=\"is\"} \\\"{pier=\"x\"}\\\"\"",
            ),
            ("ls *.log", "ls *{ls=\".log\"}"),
            ("rm -rf", "none"),
            ("if [", "none"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(Language::Shell, text), expected, "{text}");
        }
    }
}
