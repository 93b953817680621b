use async_trait::async_trait;
use plancache::domain::RunOutcome;

use super::replay::planned;
use super::{Metered, Ran, System, SystemError};
use crate::bench::{Case, World};

/// No cache at all.
pub struct PlannerOnly {
    planner: Metered,
}

impl PlannerOnly {
    /// This planner.
    pub fn new(planner: Metered) -> Self {
        Self { planner }
    }
}

#[async_trait]
impl System for PlannerOnly {
    fn name(&self) -> String {
        "planner_only".to_owned()
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        Ok(planned(case, world, &self.planner).await)
    }

    async fn finish(&mut self, _: &Case, _: &mut Ran, _: RunOutcome) -> Result<(), SystemError> {
        Ok(())
    }
}
