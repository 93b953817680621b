//! The stored and exchanged types: tasks, traces, plans, templates and their evidence.
//!
//! Everything here is data: no I/O, no clock, no async. What is stored carries
//! [`SCHEMA_VERSION`]; wire formats are converted at the boundary that knows them.

mod binding;
mod ids;
mod learning;
mod outcome;
mod pattern;
mod plan;
mod program;
mod record;
mod revision;
mod state;
mod task;
mod template;
mod trace;
mod transform;

pub use binding::{Binding, Operand, PathStep, Predicate, SlotPart, Space, Tier};
pub use ids::{Namespace, RunId, TemplateId, TemplateVersion, canonical_hash, fresh_call_id};
pub use learning::Learning;
pub use outcome::{Bypass, Diverged, FilledBy, FilledSlot, Miss, NearestMiss, Outcome, Served};
pub use pattern::{ListId, ListPart, Part, Pattern, Shape, SlotId, SlotSpec};
pub use plan::{NextStep, PlanRequest, PlanResponse, TaskPart, Usage};
pub use program::{ProgramPart, Quoting};
pub use record::{Evidence, Lifecycle, TemplateRecord};
pub use revision::{Revision, TemplateChange, changes};
pub use state::{Condition, Known, State, StateValue, hide_states, is_state};
pub use task::{EffectClass, Task, Tool};
pub use template::{
    AnswerPart, AnswerTemplate, Argument, Guard, KnownFailure, StepTemplate, Template, ToolContract,
};
pub use trace::{Call, Observation, RunOutcome, Trace, TraceStep};
pub use transform::{DayReading, Letters, Pair, PlaceForm, Transform};

/// Version of the stored format. Raised when a stored record can no longer be read as before.
pub const SCHEMA_VERSION: u32 = 1;
