//! Reference agents for `plancache`, built on its public API only.
//!
//! - [`Agent`]: a plan-act loop. It asks a [`tower`] service for the next step, executes the calls
//!   in an [`Environment`], and appends what came back, until the answer.
//! - [`retail`]: such an environment, a retail shop's customer service over a JSON database.
//! - [`blocksworld`], [`calculator`], [`nested`], [`replay`], [`catalogue`]: further environments: a
//!   table of blocks, a calculator, APIs that answer with tokens, a recording, tools that stand for
//!   whole plans.
//! - [`recorded`]: a planner that answers with recorded runs and counts the tokens that a real one
//!   would have been charged for.
//! - `endpoint` (feature `endpoint`): a planner behind any OpenAI-compatible endpoint.
//! - `fixture` (feature `fixture`): a provider for tests, with faults on demand.
//! - [`import`]: recorded runs from JSON Lines files.
//! - `media`, `sql` (feature `benchmarks`): environments over embedded databases: clips of plays,
//!   and plain SQL.

mod agent;
mod arguments;
pub mod arithmetic;
pub mod blocksworld;
pub mod calculator;
pub mod catalogue;
#[cfg(feature = "endpoint")]
pub mod endpoint;
#[cfg(feature = "fixture")]
pub mod fixture;
pub mod import;
#[cfg(feature = "benchmarks")]
pub mod media;
pub mod nested;
pub mod python;
pub mod recorded;
pub mod replay;
pub mod retail;
#[cfg(feature = "benchmarks")]
pub mod sql;
#[cfg(feature = "benchmarks")]
pub mod sqlite;
pub mod tokens;

pub use agent::{Agent, Ending, Environment, RunRecord};
