use std::sync::Arc;

use async_trait::async_trait;
use plancache::domain::{RunOutcome, Trace};
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::replay::{planned, replayed};
use super::{Kind, Metered, Ran, System, SystemError};
use crate::bench::{Case, World};

/// The control: the plan of a random earlier success, whatever is asked. Says how often any plan
/// would do.
pub struct RandomTemplate {
    planner: Metered,
    learnt: Vec<(String, Arc<Trace>)>,
    dice: ChaCha8Rng,
}

impl RandomTemplate {
    /// With an empty cache.
    pub fn new(planner: Metered, seed: u64) -> Self {
        Self { planner, learnt: Vec::new(), dice: ChaCha8Rng::seed_from_u64(seed) }
    }
}

#[async_trait]
impl System for RandomTemplate {
    fn name(&self) -> String {
        "random_template".to_owned()
    }

    async fn run(&mut self, case: &Case, world: World) -> Result<Ran, SystemError> {
        let same: Vec<_> =
            self.learnt.iter().filter(|(_, trace)| trace.task.namespace == case.task.namespace).collect();
        Ok(match same.choose(&mut self.dice) {
            Some((from, trace)) => replayed(case, world, trace, from).await,
            None => planned(case, world, &self.planner).await,
        })
    }

    async fn finish(&mut self, case: &Case, ran: &mut Ran, outcome: RunOutcome) -> Result<(), SystemError> {
        if outcome == RunOutcome::Success && ran.kind == Kind::Miss {
            self.learnt.push((case.id.clone(), Arc::new(ran.trace.clone())));
        }
        Ok(())
    }
}
