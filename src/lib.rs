//! A plan cache for LLM agents.

pub mod domain;
pub mod engine;
pub mod fill;
pub mod policy;
pub mod store;
