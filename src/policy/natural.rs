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
    /// Greatest risk that a part that is so much like a plan asks for one that was never seen, and not for that
    /// plan in other words: of plans served for other words, so many may be wrong for this reason.
    pub risk: f32,
    /// Readings that are less alike than the best by no more than this are rivals: all of them have to
    /// agree on every call, unless the filler or an observation rules them out.
    pub margin: f32,
    /// Readings of one part as one plan whose values fit their slots worse than those of the best by no more
    /// than this are rivals too: by form, neighbours and order, in points (`fill/loose/assign.rs`).
    pub fit: f32,
    /// How the filler decides between rivals.
    pub choice: NaturalChoice,
    /// Least odds (their logarithm, in nats) at which the filler decides between rivals as wholes.
    pub odds: f32,
    /// Least difference of mean log-probability (nats per token) at which it chooses the value of one slot.
    pub slot_margin: f32,
}

/// How the filler decides between several readings of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NaturalChoice {
    /// Between whole readings, said in the words that were learnt.
    #[default]
    Joint,
    /// Slot by slot, where the readings differ in their values alone; else between whole readings.
    Single,
}

impl Default for Natural {
    fn default() -> Self {
        Self {
            on: true,
            likeness: 0.5,
            idle_likeness: 0.6,
            risk: 0.02,
            margin: 0.1,
            fit: 0.5,
            choice: NaturalChoice::Joint,
            odds: 4.0,
            slot_margin: 0.1,
        }
    }
}
