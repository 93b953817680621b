use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether and how texts are served that say what was learnt in other words. Needs an embedder; the
/// numbers were chosen on tuning tasks (eval/METHODOLOGY.md).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Natural {
    /// Whether such texts are served at all.
    pub on: bool,
    /// Least likeness of a part of the text to the wording of the plan that it is read as: the cosine of
    /// their vectors, with values masked.
    pub likeness: f32,
    /// The same for a part that is read as saying nothing.
    pub idle_likeness: f32,
    /// Greatest risk that a part asks for a plan that was never seen: how likely the next text does, times
    /// how many known plans are as much like others as this text is like the plan.
    pub risk: f32,
    /// Readings that are less alike than the best by no more than this are rivals: all of them have to
    /// agree on every call, unless the filler or an observation rules them out.
    pub margin: f32,
    /// Least odds (their logarithm, in nats) at which the filler decides between rivals.
    pub odds: f32,
}

impl Default for Natural {
    fn default() -> Self {
        Self { on: true, likeness: 0.5, idle_likeness: 0.6, risk: 0.005, margin: 0.1, odds: 4.0 }
    }
}
