//! What is compared: the planner alone, the plan cache, and other ways to save its calls.
//!
//! A system is handed a case and its world, and told the outcome afterwards; it sees neither the
//! judge nor another run of the task.

mod answer_cache;
mod live;
mod missed;
mod plan_cache;
mod planner;
mod planner_only;
mod prompted;
mod ran;
mod random;
mod replay;
mod small;
mod watched;

use async_trait::async_trait;
use plancache::domain::RunOutcome;

use crate::bench::{Case, World};

pub use answer_cache::{AnswerCache, Vectors};
pub use live::{KEY, live};
pub use plan_cache::{CacheSettings, Cached};
pub(crate) use plan_cache::{kind, names, slots};
pub use planner::{Metered, PlannerError, Spend};
pub use planner_only::PlannerOnly;
pub use prompted::{GENERALIZE, Models, NAME_THE_INTENT, Prompted, Shown};
pub use ran::{Kind, Ran};
pub use random::RandomTemplate;
pub use small::SmallOnly;
pub(crate) use watched::Watched;

/// Why a system cannot go on: not a wrong plan but a fault of the machine.
#[derive(Debug, thiserror::Error)]
#[error("{system}: {why}")]
pub struct SystemError {
    /// Which system.
    pub system: String,
    /// What failed.
    pub why: String,
}

/// A way to do tasks.
#[async_trait]
pub trait System: Send {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Does one task.
    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError>;

    /// Is told how the task that it just did ended, as far as anyone knows.
    async fn finish(&mut self, case: &Case, ran: &mut Ran, outcome: RunOutcome) -> Result<(), SystemError>;
}
