//! The tower middleware: a plan cache around any service that answers "what is the next step of
//! this run?".
//!
//! [`PlanCacheLayer`] holds the settings, [`PlanCache`] is the service, [`CacheHandle`] is how a
//! caller says that a run is over and reads the counters. The service is generic over a
//! [`Protocol`], which reads planning requests out of whatever the inner service takes; [`Native`]
//! is the one for [`PlanRequest`](crate::domain::PlanRequest) and
//! [`PlanResponse`](crate::domain::PlanResponse).
//!
//! # Readiness
//! The cache is always ready. On a miss it drives a clone of the inner service to readiness and
//! calls that (`inner.clone().oneshot(request)`), so that a hit never waits for a saturated
//! planner, and an unready clone is never called.
//!
//! # Runs
//! A decision depends only on the request and on what is stored. What the layer itself remembers
//! of a run (bounded in number and in time) serves to learn from it: the history of the last
//! request, which is authoritative, what was decided, and what the planner cost. It also makes two
//! decisions final: a run that was handed to the planner stays with the planner, from where it is.
//! A run is known by its namespace, its id *and* its task: an id used again for another task is
//! another run.
//!
//! # Faults
//! A store that cannot be opened, an engine that fails or takes too long: the request goes to the
//! planner, marked [`Bypass::Fault`](crate::domain::Bypass). Only the planner's own errors reach
//! the caller.

mod core;
mod decider;
mod protocol;
mod queue;
mod replay;
mod report;
mod runs;
mod service;
mod shadow;

pub use self::core::{CacheHandle, Settings};
pub use decider::{Decider, ServedRun};
pub use protocol::{Native, Observed, Protocol, Whole};
pub use replay::{Replayed, replay};
pub use report::{Decision, Learning, RunKind, RunReport, ShadowVerdict};
pub use service::{PlanCache, PlanCacheLayer};

#[cfg(test)]
mod tests;
