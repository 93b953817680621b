//! What a small model is asked where the binder leaves a value open.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

/// One question to a filler. The fixed part (`prefix`) is the same for every task of a template,
/// so an implementation may keep its state (a KV cache) under `prefix_key`.
#[derive(Clone, Debug)]
pub struct FillQuestion {
    /// Identifies the prefix: template version and slot.
    pub prefix_key: String,
    /// Instructions and what the template says of the slot. Does not depend on the task.
    pub prefix: String,
    /// The task's own words, and what is known of it so far.
    pub task: String,
    /// What may be answered.
    pub choice: Choice,
    /// How long an answer is of use.
    pub deadline: Duration,
}

/// What a filler may answer.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Exactly one of these values, told apart by their text. Never empty.
    Candidates(Vec<String>),
    /// The one of these values that the user means, who says it in other words. Never empty.
    Meant {
        /// What the values are of.
        argument: String,
        /// The values.
        values: Vec<String>,
        /// The user's sentence.
        said: String,
    },
    /// A JSON value of this JSON Schema, at most so many tokens long.
    Schema {
        /// The schema.
        schema: Value,
        /// The longest answer, in tokens.
        max_tokens: usize,
    },
}

impl Choice {
    /// An object with one member, a text of at most 400 characters and so many tokens.
    pub fn text(member: &str, max_tokens: usize) -> Self {
        let schema = serde_json::json!({
            "type": "object",
            "properties": {member: {"type": "string", "minLength": 1, "maxLength": 400}},
            "required": [member],
            "additionalProperties": false,
        });
        Self::Schema { schema, max_tokens }
    }
}

/// What a filler answered.
#[derive(Clone, Debug, PartialEq)]
pub enum FillAnswer {
    /// The candidate or value of that index. `margin` says how clear the choice was against the
    /// second best (infinite for a single one): for candidates the difference of mean
    /// log-probability per token, for values that are meant the log of the odds.
    Chosen {
        /// Index into the candidates.
        index: usize,
        /// How clear the choice was, in nats (for candidates, per token).
        margin: f32,
    },
    /// A value of the schema.
    Written(Value),
    /// The filler would not say.
    Abstained,
}

/// Why a filler could not answer. All of these are misses, never errors to the caller.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// Its queue is full.
    #[error("the filler is busy ({waiting} questions wait)")]
    Busy {
        /// Questions waiting.
        waiting: usize,
    },
    /// The deadline passed.
    #[error("the filler did not answer within {0:?}")]
    Deadline(Duration),
    /// The model or endpoint failed.
    #[error("the filler failed: {0}")]
    Failed(String),
}

/// A small model that fills what the binder cannot: local, or behind an endpoint.
#[async_trait]
pub trait Filler: Send + Sync + std::fmt::Debug {
    /// A short name for reports.
    fn name(&self) -> &str;

    /// Answers one question.
    ///
    /// # Errors
    /// When the filler is busy, too slow or broken; the caller treats each as a miss.
    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError>;
}
