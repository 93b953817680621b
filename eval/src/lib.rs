//! The evaluation suite of `plancache`: the demo, the scorer, the variants of its data.
//!
//! What decides whether a task was done right ([`score`]) is reached by no planner and no filler:
//! they are given requests, and a request holds the task's text, its tools and its history.

pub mod bench;
pub mod curve;
pub mod demo;
pub mod embedder;
pub mod filler;
pub mod matches;
pub mod measure;
pub mod paraphrase;
pub mod record;
pub mod report;
pub mod run;
pub mod score;
pub mod shop;
pub mod slots;
pub mod systems;
pub mod tasks;
pub mod variants;
pub mod verbs;
