//! Names of metrics and spans, in one place, and plain counters.
//!
//! No prompt, slot value, run id or tenant appears in a label or a log line: labels are the closed
//! sets of [`labels`].

mod counters;
mod labels;
mod logs;
#[cfg_attr(not(feature = "otel"), path = "no_traces.rs")]
mod traces;

pub use counters::{Counters, Snapshot};
pub use labels::labels;
pub use logs::log_to_stderr;
pub use traces::{RequestSpan, Traces};

/// Planning calls by `result` and `reason`.
pub const REQUESTS_TOTAL: &str = "plancache_requests_total";
/// Steps answered from templates.
pub const STEPS_SERVED_TOTAL: &str = "plancache_steps_served_total";
/// Time of a decision in microseconds: look-up, filling and validation.
pub const DECISION_MICROSECONDS: &str = "plancache_decision_microseconds";
/// Ended runs by `kind`.
pub const RUNS_TOTAL: &str = "plancache_runs_total";
/// Runs whose background work was dropped because the queue was full.
pub const DROPPED_TOTAL: &str = "plancache_queue_dropped_total";
/// Writes to the store that failed.
pub const STORE_ERRORS_TOTAL: &str = "plancache_store_errors_total";
/// Ended shadow runs by `verdict`: would have hit, would have been wrong, neither.
pub const SHADOW_TOTAL: &str = "plancache_shadow_total";
/// Runs that ended without a word from the caller: idle too long, or pushed out by others.
pub const RUNS_EXPIRED_TOTAL: &str = "plancache_runs_expired_total";

/// The span around one decision.
pub const DECIDE_SPAN: &str = "plancache.decide";

/// Responses of the proxy by `endpoint` and class of `status`.
pub const PROXY_RESPONSES_TOTAL: &str = "plancache_proxy_responses_total";
/// Requests to the proxy that the cache was not asked about, by `reason`.
pub const PROXY_UNFIT_TOTAL: &str = "plancache_proxy_unfit_total";
/// Requests to the proxy under way.
pub const PROXY_IN_FLIGHT: &str = "plancache_proxy_in_flight";
/// Time from a request's arrival at the proxy to its response's head, in milliseconds.
pub const PROXY_RESPONSE_MILLISECONDS: &str = "plancache_proxy_response_milliseconds";
/// Templates by `what` was done: learnt, merged; and parts of runs rejected.
pub const TEMPLATES_TOTAL: &str = "plancache_templates_total";

/// The line about one planning call at the proxy.
pub const REQUEST_SPAN: &str = "plancache.request";
