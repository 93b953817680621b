//! Reference agents.
