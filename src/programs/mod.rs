//! Arguments that are programs in a text: what in them is fixed, what is a name, what is a value.
//!
//! A statement is read by a parser (the crate sqlparser) and cut at its tokens. Literals are values
//! of the task like any other argument; identifiers are names that something observed has to say.
//! [`canonical`] brings statements that ask for the same to the same form, so that two derivations
//! can be compared.

mod canonical;
mod cut;
mod forms;
mod rewrite;

pub use canonical::{Form, Schema, Shape, canonical};
pub use cut::{Literal, Piece, Reading, read, render};
