//! The demo: a stream of real tasks through an agent whose planner is wrapped in the cache.
//!
//! The cache begins with an empty store and sees a task's run only after the task is over.

mod options;
mod report;
mod setup;
mod show;
mod stream;
mod words;

pub use options::Options;
pub use report::{OtherWords, Report, TaskResult, WrongPlan};
pub use setup::{SetupError, Stage};
pub use show::Screen;
pub use stream::run;
pub use words::{Phrases, Reworded};
