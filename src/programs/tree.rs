//! Programs of the shell, Python and JavaScript, as tree-sitter's grammars read them.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;
use tree_sitter::{Node, Parser};

use super::piece::{LONGEST, Literal, Piece, Reading, plain, push_text};
use super::write::{is_plain, render};
use super::{code, shell};
use crate::domain::{ProgramPart, Quoting};

/// Signs at which a word is cut where it is not known as a whole, the first before the others.
const CUTS: [&[char]; 2] = [&['/', ':', '=', '@', ',', '%'], &['.', '-', '_']];
/// How deep a program may be nested.
const DEEPEST: usize = 96;

/// A language in which any text may be a program, so that what an argument is called has to say that it
/// holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// The language of bash.
    Shell,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shell, Self::Python, Self::JavaScript];

    /// Reads a text as a program; `None` if it is none, has no value in it, or could
    /// not be written again. `known` says of a value whether a task or an observation says it: what is
    /// known as a whole is one value, and a longer text or path is cut at what is known of it.
    pub fn read(self, text: &str, known: &dyn Fn(&Value) -> bool) -> Option<Reading> {
        if text.len() > LONGEST {
            return None;
        }
        let grammar = match self {
            Self::Shell => tree_sitter_bash::LANGUAGE,
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
        };
        let mut parser = Parser::new();
        parser.set_language(&grammar.into()).ok()?;
        let tree = parser.parse(text, None)?;
        let root = tree.root_node();
        if root.has_error() {
            return None;
        }
        let mut walk = Walk::new(text, known);
        match self {
            Self::Shell => shell::walk(&mut walk, root, 0)?,
            Self::Python | Self::JavaScript => {
                code::names(&mut walk, root, 0)?;
                code::walk(&mut walk, root, code::At::default())?;
            }
        }
        walk.gap(text.len())?;
        let reading = Reading { pieces: walk.pieces, is_sure: walk.acts, ..Reading::default() };
        let has_values = reading.literals().next().is_some();
        reading.that_writes(text).filter(|_| has_values)
    }

    /// The languages in which a program of these parts may be written: none if it is SQL.
    pub fn of(parts: &[ProgramPart]) -> Vec<Self> {
        let has = |of: fn(&Quoting) -> bool| {
            parts.iter().any(|part| matches!(part, ProgramPart::Value { quoting, .. } if of(quoting)))
        };
        if ProgramPart::are_sql(parts) {
            Vec::new()
        } else if has(|q| matches!(q, Quoting::ShellWord | Quoting::ShellSingle | Quoting::ShellDouble)) {
            vec![Self::Shell]
        } else if has(|q| matches!(q, Quoting::Escaped | Quoting::Long | Quoting::Name)) {
            vec![Self::Python, Self::JavaScript]
        } else {
            Self::ALL.to_vec()
        }
    }
}

/// A walk over a program's tree, from its first token to its last.
pub(super) struct Walk<'t> {
    pub(super) text: &'t str,
    known: &'t dyn Fn(&Value) -> bool,
    /// Names that the program itself gives.
    pub(super) own: HashSet<&'t str>,
    /// What the next value stands for.
    pub(super) of: String,
    /// It does something, and is no mere word or expression.
    pub(super) acts: bool,
    done: usize,
    pieces: Vec<Piece>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, known: &'t dyn Fn(&Value) -> bool) -> Self {
        Self { text, known, own: HashSet::new(), of: String::new(), acts: false, done: 0, pieces: Vec::new() }
    }

    /// What a node says.
    pub(super) fn said(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Whether a task or an observation says a text.
    pub(super) fn knows(&self, text: &str) -> bool {
        (self.known)(&plain(text))
    }

    /// Takes what stands between the last token and this place as it is.
    fn gap(&mut self, to: usize) -> Option<()> {
        let between = self.text.get(self.done..to)?;
        push_text(&mut self.pieces, between);
        self.done = to;
        Some(())
    }

    /// Takes a range as it is.
    pub(super) fn fixed(&mut self, range: Range<usize>) -> Option<()> {
        self.gap(range.start)?;
        self.gap(range.end.max(range.start))
    }

    /// Takes a range as a value between signs of so many bytes on either side, if it is written again as it is.
    pub(super) fn value(
        &mut self,
        range: Range<usize>,
        value: Value,
        signs: usize,
        quoting: Quoting,
    ) -> bool {
        let Some(raw) = self.text.get(range.clone()) else { return false };
        // It would go on with a variable's name.
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let up_to = self.text.get(..range.start).unwrap_or_default();
        // Digits before it would say which file is redirected.
        let redirects = self.text.get(range.end..).unwrap_or_default().starts_with(['<', '>']);
        let is_bare = matches!(quoting, Quoting::ShellWord | Quoting::Inside) && signs == 0;
        if is_bare && (redirects || up_to.trim_end_matches(named).ends_with('$')) {
            return false;
        }
        let (Some(before), Some(after)) = (raw.get(..signs), raw.get(raw.len().saturating_sub(signs)..))
        else {
            return false;
        };
        if render(&value, before, after, quoting).as_deref() != Some(raw) || self.gap(range.start).is_none() {
            return false;
        }
        let (before, after) = (before.to_owned(), after.to_owned());
        self.pieces.push(Piece::Value(Literal { value, of: self.of.clone(), before, after, quoting }));
        self.done = range.end;
        true
    }

    /// Takes a text between signs of so many bytes as one value, or where it is not known or not plainly
    /// written, cut at what of it is.
    pub(super) fn quoted(
        &mut self,
        range: Range<usize>,
        text: String,
        signs: usize,
        quoting: Quoting,
        likely: fn(&str) -> bool,
    ) -> Option<()> {
        let is_cut = !self.knows(&text) && !self.known_parts(&text, likely).is_empty();
        if !is_cut && !text.is_empty() && self.value(range.clone(), Value::from(text), signs, quoting) {
            return Some(());
        }
        self.chunk(range, likely)
    }

    /// Takes a longer text as values: the words of it that are known and that `likely` takes for values, and
    /// what stands between them. Only signs are fixed.
    pub(super) fn chunk(&mut self, range: Range<usize>, likely: fn(&str) -> bool) -> Option<()> {
        let raw = self.text.get(range.clone())?;
        let mut at = range.start;
        let mut rest = raw;
        while let Some(sign) =
            rest.find(|c: char| !is_plain(c)).or(Some(rest.len()).filter(|_| !rest.is_empty()))
        {
            self.plain_text(at..at + sign, likely);
            // The letter after a backslash belongs to it.
            let signs = if rest[sign..].starts_with('\\') { 2 } else { 1 };
            let signs: usize = rest[sign..].chars().take(signs).map(char::len_utf8).sum();
            at += sign + signs;
            rest = rest.get(sign + signs..)?;
        }
        self.fixed(range.end..range.end)
    }

    /// Takes a text without signs that mean anything to a program.
    fn plain_text(&mut self, range: Range<usize>, likely: fn(&str) -> bool) {
        let Some(raw) = self.text.get(range.clone()) else { return };
        let mut open = range.start;
        for known in self.known_parts(raw, likely) {
            let (from, to) = (range.start + known.start, range.start + known.end);
            self.own_words(open..from);
            open = to;
            let word = self.text.get(from..to).unwrap_or_default();
            self.value(from..to, plain(word), 0, Quoting::Inside);
        }
        self.own_words(open..range.end);
    }

    /// The words of a text, or parts of them, that are known and that `likely` takes for values.
    pub(super) fn known_parts(&self, text: &str, likely: fn(&str) -> bool) -> Vec<Range<usize>> {
        let mut at = 0;
        let mut out = Vec::new();
        for word in text.split_inclusive(|c: char| !is_inside(c)) {
            let start = at;
            at += word.len();
            let word = word.trim_end_matches(|c: char| !is_inside(c)).trim_end_matches(['.', '-']);
            let parts = self.cut(word, likely).into_iter().flatten();
            let known = parts.filter(|part| self.knows(&word[part.clone()]));
            out.extend(known.map(|part| start + part.start..start + part.end));
        }
        out
    }

    /// Cuts a word at its signs so far that what is known of it stands alone; `None` if nothing is.
    pub(super) fn cut(&self, word: &str, likely: fn(&str) -> bool) -> Option<Vec<Range<usize>>> {
        if likely(word) && self.knows(word) {
            return Some(std::iter::once(0..word.len()).collect());
        }
        CUTS.iter().filter(|signs| word.contains(**signs)).find_map(|signs| {
            let mut at = 0;
            let mut known = false;
            let mut out = Vec::new();
            for part in word.split(*signs) {
                let whole = std::iter::once(0..part.len()).filter(|_| !part.is_empty());
                let below = self.cut(part, likely);
                known |= below.is_some();
                let below = below.unwrap_or_else(|| whole.collect());
                out.extend(below.into_iter().map(|own| at + own.start..at + own.end));
                at += part.len() + 1;
            }
            known.then_some(out)
        })
    }

    /// Takes what a program says itself, without the signs around it.
    fn own_words(&mut self, range: Range<usize>) {
        let raw = self.text.get(range.clone()).unwrap_or_default();
        let sign = |c: char| !c.is_alphanumeric();
        let own = raw.trim_matches(sign);
        if !own.is_empty() {
            let start = range.start + (raw.len() - raw.trim_start_matches(sign).len());
            self.value(start..start + own.len(), plain(own), 0, Quoting::Inside);
        }
    }

    /// The children of a node with the names of their fields.
    pub(super) fn children<'n>(node: Node<'n>) -> Vec<(Node<'n>, Option<&'n str>)> {
        let mut cursor = node.walk();
        let mut out = Vec::new();
        let mut more = cursor.goto_first_child();
        while more {
            out.push((cursor.node(), cursor.field_name()));
            more = cursor.goto_next_sibling();
        }
        out
    }
}

/// Whether a sign can stand in a word of a longer text.
fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@')
}

/// The next depth; `None` where it is too deep.
pub(super) fn deeper(depth: usize) -> Option<usize> {
    (depth < DEEPEST).then_some(depth + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A program with its values as `{of=value}`; "Mole" is known.
    pub(in crate::programs) fn shown(language: Language, text: &str) -> String {
        super::super::piece::tests::shown(language.read(text, &|value| value == "Mole"))
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_not_read() {
        let deep = format!("f({}1{})", "(".repeat(200), ")".repeat(200));
        assert_eq!(shown(Language::Python, &deep), "none");
        assert_eq!(shown(Language::Shell, &format!("echo {}", "a ".repeat(LONGEST))), "none");
    }
}
