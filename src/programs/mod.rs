//! Arguments that are programs in a text: what in them is fixed, what is a name, what is a value.
//!
//! A program is read by its language's parser and cut at its tokens. Literals are values of the task
//! like any other argument. Of SQL (the crate sqlparser), identifiers are names that something observed
//! has to say; [`canonical`] brings statements that ask for the same to the same form, so that two
//! derivations can be compared. Shell, Python and JavaScript are read by tree-sitter's grammars.

mod canonical;
mod code;
mod forms;
mod piece;
mod rewrite;
mod shell;
mod sql;
mod tree;
mod write;

pub use canonical::{Form, Schema, Shape, canonical};
pub use piece::{Literal, Piece, Reading};
pub use sql::read as statement;
pub use tree::Language;
pub use write::render;
