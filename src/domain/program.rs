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
        /// How it is made.
        space: Space,
    },
}
