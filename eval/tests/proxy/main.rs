//! The proxy over real sockets, in front of a provider that answers with recorded runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a failed step of a test is a failed test"
)]

mod agent;
mod faults;
mod parts;
mod pass_through;
mod probe;
mod replicas;
mod serving;
mod world;
