use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What learning may do. Each is on by default and can be switched off to see what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Learning {
    /// Further runs generalise a template. Off: they count as evidence, and the template stays what
    /// its first run gave.
    pub merge: bool,
    /// A run is cut into blocks. Off: it is learnt and served as a whole.
    pub blocks: bool,
    /// What repeats over a list is one step or argument for each element. Off: only lists of the
    /// length that was seen are served.
    pub loops: bool,
    /// Values are recognised in other notations, and as calculated or looked up. Off: only what is
    /// copied counts as explained.
    pub values: bool,
    /// An argument that is a program in a text (a query) is cut at its tokens: its literals are values
    /// like any other, its names have to be observed, and a task in other words is served where a
    /// program that was learnt and one that the filler derives for itself are the same. Off: such an
    /// argument is one value.
    pub programs: bool,
}

impl Default for Learning {
    fn default() -> Self {
        Self { merge: true, blocks: true, loops: true, values: true, programs: true }
    }
}
