//! Nothing unvalidated is stored or served.
//!
//! | check | question |
//! |---|---|
//! | [`call`] | do the arguments of a call satisfy the tool's JSON Schema? |
//! | [`template`], [`read_template`] | is this a template that can be evaluated without surprises? |
//! | [`leftover_literals`] | does it still hold a value of the task it came from? |
//! | [`grounded`] | does a served value stand in the task, an observation or a schema? |
//! | [`derived`] | is one that does not made from values that do, in the way that the plan names? |
//! | [`may_serve`] | is a template believed enough for what it does? |
//!
//! Each check is made from the data alone and shares no code with the room that produced the
//! data, so that a fault there does not hide here.

mod derived;
mod effects;
mod grounding;
mod literals;
mod references;
mod schema;
mod template;

pub use derived::derived;
pub use effects::{Refused, may_serve};
pub use grounding::grounded;
pub use literals::leftover_literals;
pub use schema::{SchemaError, call, check_tool};
pub use template::{Invalid, MAX_CONJUNCTS, read_record, read_template, template};

#[cfg(test)]
pub(crate) mod examples;
