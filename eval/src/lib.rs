//! Evaluation suite.
