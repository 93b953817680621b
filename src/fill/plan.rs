//! A plan: what is played, by which rules, and where it stands.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::cover::{Block, Gap};
use crate::domain::{Diverged, Task};
use crate::expr::Compiled;

/// What is needed to play a plan, the same for all its steps.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The task.
    pub task: &'a Task,
    /// Whether a tool changes nothing.
    pub is_read: &'a dyn Fn(&str) -> bool,
    /// Compiled guards.
    pub programs: &'a Compiled,
    /// Distinct tasks that must have shown a constant.
    pub least_seen: u32,
    /// Distinct tasks in which a call must have failed in the same way, and the run have gone on, for
    /// the plan to go on.
    pub least_failures: u32,
    /// Parts of the text that no block covers, in its order.
    pub gaps: &'a [Gap],
}

/// Where a plan stands after the calls that were really made.
#[derive(Clone, Debug, PartialEq)]
pub enum Played {
    /// This call is next.
    Call {
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: Map<String, Value>,
    },
    /// A value of the next call has to be written or chosen by the filler.
    Open(OpenCall),
    /// What a part of the text says is to be done by somebody else.
    Part {
        /// Which of the gaps.
        gap: usize,
        /// Calls made for it so far.
        calls: usize,
    },
    /// Every call was made. The answer, if the plan holds one.
    Done(Option<String>),
    /// The plan does not fit what happened.
    Diverged(Diverged),
    /// What was observed rules the plan out: a guard does not hold, or nothing is there that an
    /// argument could be. Another reading of the text may be right.
    Refuted(Diverged),
}

/// A call of which some values are open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenCall {
    /// Which block of the plan.
    pub block: usize,
    /// Which step of the block's template.
    pub step: usize,
    /// The tool.
    pub tool: String,
    /// The argument that is open.
    pub argument: String,
    /// Names and positions from the argument down.
    pub path: Vec<String>,
}

/// The names of the tools that the blocks call.
pub fn tools(blocks: &[Block]) -> impl Iterator<Item = &str> {
    blocks.iter().flat_map(|block| block.template.steps.iter().map(|step| step.tool.as_str()))
}

/// A plan: all covers of the text that are still possible, which have to agree on every call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The covers. Never empty in a plan that is served.
    pub covers: Vec<Arc<Vec<Block>>>,
    /// The text was read by its likeness to what was learnt, not by the learnt words.
    pub loose: bool,
    /// Parts of the text that no cover covers, in its order; the same for all covers.
    pub gaps: Vec<Gap>,
}

impl Plan {
    /// The same plan with only these covers, or with these in place of its own.
    #[must_use]
    pub fn with(&self, covers: Vec<Arc<Vec<Block>>>) -> Self {
        Self { covers, loose: self.loose, gaps: self.gaps.clone() }
    }

    /// Whether the text says a value in words whose meaning is still to be chosen.
    pub fn is_open(&self) -> bool {
        let mut values = self.covers.iter().flat_map(|cover| cover.iter()).flat_map(|b| b.values.all());
        values.any(|(_, read)| read.open)
    }
}
