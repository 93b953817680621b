//! A plan cache for LLM agents.
//!
//! An agent's *planner* (a large model) decides the next tool calls; that is most of the bill.
//! `plancache` watches completed runs, turns each successful one into plan *templates* with typed
//! slots, and serves similar tasks from them in the planner's place. On any doubt it is a miss, and
//! the planner answers as if the cache were not there.
//!
//! # Wrapping a planner
//! A planner is a [`tower`] service from [`domain::PlanRequest`] ("what is the next step of this
//! run, given the task and everything done so far?") to [`domain::PlanResponse`].
//! [`layer::PlanCacheLayer`] goes around it:
//!
//! ```
//! use std::{convert::Infallible, sync::Arc};
//! use plancache::domain::{Namespace, NextStep, PlanRequest, PlanResponse, RunId, RunOutcome};
//! use plancache::layer::{Learning, PlanCacheLayer, RunKind};
//! use plancache::{policy::Policy, store::MemoryStore};
//! use tower::{Layer, Service, service_fn};
//! # use plancache::domain::{Call, Observation, Task, Tool, TraceStep, Usage};
//! # use serde_json::{Value, json};
//! # fn task(order: &str) -> Arc<Task> {
//! #     let tool = Tool { name: "cancel".into(), description: String::new(),
//! #         parameters: json!({"type": "object", "properties": {"order": {"type": "string"}}}) };
//! #     Arc::new(Task { namespace: Namespace::default(), text: format!("Please cancel order {order} today."),
//! #         context: Value::Null, tools: Arc::new(vec![tool]), output_format: None })
//! # }
//! # async fn ask_a_large_model(request: PlanRequest) -> Result<PlanResponse, Infallible> {
//! #     let order = request.task.text.split(' ').nth(3).unwrap_or_default().to_owned();
//! #     let arguments = json!({"order": order}).as_object().cloned().unwrap_or_default();
//! #     let step = match request.history.len() {
//! #         0 => NextStep::Calls(vec![Call { id: "1".into(), tool: "cancel".into(), arguments }]),
//! #         _ => NextStep::Answer(String::new()),
//! #     };
//! #     Ok(PlanResponse { step, usage: Usage { input: 900, output: 40 } })
//! # }
//! # fn execute(call: Call) -> TraceStep {
//! #     TraceStep { call, observation: Some(Observation { value: json!({"state": "cancelled"}), failed: false }) }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Infallible> {
//! // `ask_a_large_model` is your planner: an async function from PlanRequest to PlanResponse.
//! let layer = PlanCacheLayer::open(Policy::default(), Arc::new(MemoryStore::default()), None).await;
//! let (mut planner, cache) = (layer.layer(service_fn(ask_a_large_model)), layer.handle());
//!
//! for (n, order) in ["A-1001", "B-2002", "C-3003"].into_iter().enumerate() {
//!     let (run, task, mut history) = (RunId::new(format!("run-{n}")), task(order), Vec::new());
//!     // The agent's own loop: ask, execute, append, until there is an answer.
//!     loop {
//!         let request = PlanRequest::new(run.clone(), task.clone(), history.clone());
//!         match planner.call(request).await?.step {
//!             NextStep::Calls(calls) => history.extend(calls.into_iter().map(execute)),
//!             NextStep::Answer(_) => break,
//!         }
//!     }
//!     // Say how it went: only what you call a success is learnt.
//!     let report = cache.finish(&task.namespace, &run, RunOutcome::Success).expect("a run under way");
//!     cache.flush().await;
//! #   let learnt_from = if n < 2 { RunKind::Miss } else { RunKind::HitPlannerAnswer };
//! #   assert_eq!(report.kind, learnt_from, "{report:?}");
//!     println!("{order}: {:?}, {} calls to the planner", report.kind, report.planner_calls);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The first two runs are misses: a tool counts as one that writes unless the
//! [`policy`](policy::Policy) says otherwise, and a plan that writes is served after two distinct
//! successes. In the third the calls are served, and the planner is asked for the answer alone.
//!
//! # The rooms
//! From the bottom up: [`domain`] (the stored types), [`spans`], [`programs`] and [`expr`]
//! (texts, programs in them, and expressions), [`extract`], [`matching`], [`fill`], [`validate`], [`policy`] and [`store`] (which
//! never know of each other), [`models`] (fillers), [`engine`] (which composes them), [`layer`] (the
//! middleware), [`import`] (recorded runs from files). `ARCHITECTURE.md` says more.

pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod expr;
pub mod extract;
pub mod fill;
pub mod import;
pub mod layer;
pub mod matching;
pub mod models;
pub mod policy;
pub mod programs;
#[cfg(feature = "proxy")]
pub mod proxy;
pub mod spans;
pub mod store;
pub mod telemetry;
pub mod validate;
