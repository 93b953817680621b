//! Giving every slot a value for this task: binder, candidates, filler.

mod filler;

pub use filler::{Choice, FillAnswer, FillError, FillQuestion, Filler};
