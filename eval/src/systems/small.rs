use std::collections::BTreeSet;

use async_trait::async_trait;
use plancache::domain::RunOutcome;

use super::replay::planned;
use super::{Kind, Metered, Ran, Spend, System, SystemError};
use crate::bench::{Case, World};

/// The control without a template: a small planner does the tasks alone, all of them or those that
/// the plan cache serves in the same order.
pub struct SmallOnly {
    small: Metered,
    rest: Option<Rest>,
}

/// What is done with tasks that the small planner is not given.
struct Rest {
    given: BTreeSet<String>,
    planner: Metered,
}

impl SmallOnly {
    /// A small planner on every task.
    pub fn on_all(small: Metered) -> Self {
        Self { small, rest: None }
    }

    /// A small planner on these tasks, the planner on the others.
    pub fn on(given: BTreeSet<String>, small: Metered, planner: Metered) -> Self {
        Self { small, rest: Some(Rest { given, planner }) }
    }
}

#[async_trait]
impl System for SmallOnly {
    fn name(&self) -> String {
        (if self.rest.is_some() { "small_on_hits" } else { "small_only" }).to_owned()
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        if let Some(rest) = self.rest.as_ref().filter(|rest| !rest.given.contains(&case.id)) {
            return Ok(planned(case, world, &rest.planner).await);
        }
        let ran = planned(case, world, &self.small).await;
        Ok(Ran { kind: Kind::Hit, own: ran.planner, planner: Spend::default(), ..ran })
    }

    async fn finish(&mut self, _: &Case, _: &mut Ran, _: RunOutcome) -> Result<(), SystemError> {
        Ok(())
    }
}
