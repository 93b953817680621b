//! A benchmark's tasks as a stream, through every system that is compared, in the same orders.

mod ceiling;
mod choice;
mod course;
mod order;
mod outcome;
mod stage;
mod stream;
mod suite;

pub use ceiling::{Ceiling, ceiling};
pub use choice::{Chosen, Feedback, RunOptions};
pub use course::{Course, courses};
pub(crate) use order::number;
pub use order::{Split, is_tuning, orders, part, sample};
pub(crate) use stage::{planner, policy};
pub use stream::{Watch, stream};
pub use suite::{Progress, Result as BenchmarkResult, RunError, run};
