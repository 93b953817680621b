//! A plan cache for LLM agents.

pub mod domain;
pub mod engine;
pub mod expr;
pub mod extract;
pub mod fill;
pub mod layer;
pub mod matching;
pub mod models;
pub mod policy;
pub mod spans;
pub mod store;
pub mod telemetry;
pub mod validate;
