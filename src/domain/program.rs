use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Space;

/// One part of an argument that is a program in a text, such as a query; the parts one after the
/// other are the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgramPart {
    /// Keywords, signs and names that the program itself gives.
    Text(String),
    /// A name of something that has to exist: an observation has to say it before it is used.
    Name(String),
    /// A value.
    Value {
        /// What it is compared with, or the keyword that it follows; numbered where several values
        /// would be called the same.
        of: String,
        /// Signs before it: a quotation mark, a wild card.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        before: String,
        /// Signs after it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        after: String,
        /// How it is written between them.
        #[serde(default, skip_serializing_if = "Quoting::is_sql")]
        quoting: Quoting,
        /// How it is made.
        space: Space,
    },
}

/// How a value is written in a program, so that it can become nothing but a value there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quoting {
    /// In a statement of SQL: between quotation marks, which are doubled within; without them a number.
    #[default]
    Sql,
    /// A word of the shell, or a part of one: quoted where it has to be, never with a dash before it.
    ShellWord,
    /// Between the shell's single quotation marks.
    ShellSingle,
    /// Between the shell's double quotation marks.
    ShellDouble,
    /// Between quotation marks of Python or JavaScript, with a backslash before what would end it.
    Escaped,
    /// Between tripled quotation marks, over several lines.
    Long,
    /// A part of a longer text: letters, digits, spaces and marks that mean nothing to any program.
    Inside,
    /// A number in digits.
    Number,
    /// A name of Python or JavaScript.
    Name,
}

impl Quoting {
    /// Whether it is SQL's own.
    pub fn is_sql(&self) -> bool {
        *self == Self::Sql
    }
}

impl ProgramPart {
    /// Whether these are parts of a statement of SQL. A program in another language has a value in it
    /// that is written in another way.
    pub fn are_sql(parts: &[Self]) -> bool {
        !parts.iter().any(|part| matches!(part, Self::Value { quoting, .. } if !quoting.is_sql()))
    }
}
