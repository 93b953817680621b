use serde::{Deserialize, Serialize};

use super::TaskRecord;
use crate::systems::Kind;

/// Parts that a stream is cut into.
const PARTS: usize = 10;

/// What one part of the stream came to, in all orders together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Tasks.
    pub tasks: u64,
    /// Hits.
    pub hits: u64,
    /// Wrong plans.
    pub wrong_plans: u64,
}

/// Hits and wrong plans by position in the stream, tenth by tenth.
pub fn growth(orders: &[Vec<TaskRecord>]) -> Vec<Growth> {
    let mut parts = vec![Growth::default(); PARTS];
    for order in orders {
        for (at, record) in order.iter().enumerate() {
            let part = &mut parts[at * PARTS / order.len()];
            part.tasks += 1;
            part.hits += u64::from(record.kind == Kind::Hit);
            part.wrong_plans += u64::from(record.wrong);
        }
    }
    parts
}
