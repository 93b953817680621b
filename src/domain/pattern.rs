use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of a slot within its template.
pub type SlotId = u32;
/// Number of a list within its template.
pub type ListId = u32;

/// The coarse form of a value in a text. Coarse on purpose: finer forms (digits of an id, the
/// prefix of a name) change between tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// An e-mail address.
    Email,
    /// One token with digits, an underscore or a leading mark in it: an order number, a key.
    Identifier,
    /// A number, with or without a decimal part.
    Number,
    /// Text between quotation marks.
    Quoted,
    /// A literal of key-value pairs between brackets, in whatever notation.
    Object,
    /// One or more capitalised words.
    Name,
    /// One of the members of an enumeration of a tool's schema, spelt in the text.
    Member,
    /// A day, in figures or words, possibly counted from another one ("tomorrow").
    Day,
    /// Any words up to the next literal or delimiter.
    Phrase,
}

/// A typed value taken from the task's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotSpec {
    /// Number by which patterns and bindings name it.
    pub id: SlotId,
    /// A readable name, taken from the argument or field that uses it.
    pub name: String,
    /// What it looks like.
    pub shape: Shape,
    /// The allowed values of a [`Shape::Member`]: the tool schema's own constants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The list whose elements hold it, if it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListId>,
    /// Of a [`Shape::Object`]: the members that its literal must have, since arguments are made from
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The text may leave it out. What is left out selects nothing: a predicate on it does not
    /// count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// No binding reads it: it is known to be idle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    /// Of a [`Shape::Identifier`]: how the values so far were built (`#A9`), at most 8. They tell
    /// candidates apart where a text says in other words what was learnt; others are read too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<String>,
    /// The first slot before it that had the same value. A text that names the same thing twice is
    /// another case than one that names two: where a plan was learnt from such a text, slots must be
    /// the same, and differ, just as they did there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<SlotId>,
    /// Of a value that no binding reads although the plan acts: the hash of what it was in every run
    /// so far. Another value may ask for another plan; once two tasks had different ones, it is
    /// known not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

impl SlotSpec {
    /// The hash that `only` holds of a value; case does not count.
    pub fn only_hash(value: &serde_json::Value) -> String {
        let folded = match value {
            serde_json::Value::String(text) => text.to_lowercase().into(),
            other => other.clone(),
        };
        super::canonical_hash(&folded)[..24].to_owned()
    }
}

/// One part of a task pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// This token, compared without case.
    Literal(String),
    /// A value.
    Slot(SlotId),
    /// A repeated unit.
    List(ListPart),
    /// Two or more single words separated by commas that say nothing to any tool, whatever they
    /// are ("calm, busy, polite").
    Words,
}

/// A unit that repeats in a text: `unit (separator unit)*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListPart {
    /// Number of the list within its template.
    pub id: ListId,
    /// What repeats. May hold one list, which holds none itself.
    pub unit: Vec<Part>,
    /// What stands between two units, each a sequence of tokens. Empty while only single units
    /// were seen.
    pub separators: Vec<Vec<String>>,
}

/// The task pattern of a template: what the text must say, token by token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The parts in order.
    pub parts: Vec<Part>,
}

impl Pattern {
    /// The words and marks that the text must say, those of lists' units included.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.flat().filter_map(|part| if let Part::Literal(word) = part { Some(word.as_str()) } else { None })
    }

    /// The parts in order, those of one unit in place of each list.
    pub fn flat(&self) -> impl Iterator<Item = &Part> {
        fn flat(parts: &[Part]) -> Vec<&Part> {
            fn own(part: &Part) -> Vec<&Part> {
                if let Part::List(list) = part { flat(&list.unit) } else { vec![part] }
            }
            parts.iter().flat_map(own).collect()
        }
        flat(&self.parts).into_iter()
    }

    /// The lists, each with the one in whose unit it stands.
    pub fn lists(&self) -> impl Iterator<Item = (&ListPart, Option<ListId>)> {
        fn list(part: &Part) -> Option<&ListPart> {
            if let Part::List(list) = part { Some(list) } else { None }
        }
        self.parts.iter().filter_map(list).flat_map(move |outer| {
            let inner = outer.unit.iter().filter_map(list).map(|inner| (inner, Some(outer.id)));
            std::iter::once((outer, None)).chain(inner)
        })
    }

    /// The list in whose unit a list stands.
    pub fn outer(&self, list: ListId) -> Option<ListId> {
        self.lists().find(|(own, _)| own.id == list)?.1
    }
}

impl Shape {
    /// The narrowest shape that covers both, if there is one that still says something.
    pub fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Identifier, Self::Number) | (Self::Number, Self::Identifier) => Some(Self::Identifier),
            (Self::Name, Self::Phrase) | (Self::Phrase, Self::Name) => Some(Self::Phrase),
            _ => None,
        }
    }
}
