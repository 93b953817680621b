//! Evaluation of bindings, and CEL (the Common Expression Language) for guards and computed
//! arguments.
//!
//! A [`Program`] is compiled once and evaluated many times. Guards see one variable, `obs` (the
//! observation); computations see the variables they are given. Expressions come from files and
//! stores, so they are bounded before they run: length, nesting, number of nodes, and the work
//! that their loops could do on the values at hand. Nothing here panics: the few panics that the
//! interpreter has left are caught and turned into errors. Error texts name keys, types and
//! positions, never values.

mod bounds;
mod cache;
mod convert;
mod eval;
mod program;
mod transform;
mod values;

pub use bounds::{MAX_DEPTH, MAX_LENGTH, MAX_LOOPS, MAX_NODES, MAX_TREE, MAX_WORK};
pub use cache::Compiled;
pub use eval::{Env, EvalError, elements, eval, eval_operand, field};
pub use program::{ExprError, OBSERVATION, Program};
pub use transform::{apply, numeric};
pub use values::{Read, Seen, Values};

#[cfg(test)]
mod tests;
