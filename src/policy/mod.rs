//! What may be served and learnt: modes, effect classes, evidence.

mod natural;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{EffectClass, Learning};

pub use natural::{Natural, NaturalChoice};

/// Whether the cache decides, learns, both or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Serve and learn.
    #[default]
    On,
    /// Neither.
    Off,
    /// Serve only.
    ReadOnly,
    /// Learn only.
    WriteOnly,
    /// Decide, but let the planner answer; compare at the run's end.
    Shadow,
}

impl Mode {
    /// Whether plans are served.
    pub fn serves(self) -> bool {
        matches!(self, Self::On | Self::ReadOnly)
    }

    /// Whether runs are learnt from.
    pub fn learns(self) -> bool {
        matches!(self, Self::On | Self::WriteOnly | Self::Shadow)
    }
}

/// Who writes the final answer of a served run where no template holds one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerBy {
    /// The planner, once, with everything that was done.
    #[default]
    Planner,
    /// The filler; the planner, if the filler says a value that stands nowhere.
    Filler,
}

/// Which names (tables, columns) may stand in a program for those of a learnt one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgramNames {
    /// None but the learnt ones.
    Same,
    /// Others that the text says, where it does not say those that they stand for.
    #[default]
    Said,
    /// Any that the run observed: only the form of the program is a learnt one's.
    Observed,
}

/// What becomes of a task of whose text a part is not covered by any template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Uncovered {
    /// It is a miss: the planner does all of it.
    #[default]
    Miss,
    /// The planner is asked for that part only, in its place among the others, which are served. Only for
    /// whole sentences that do not say when others hold.
    Planner,
}

/// The settings that govern decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whether the cache serves and learns.
    pub mode: Mode,
    /// What each tool does to the world; a tool that is not named counts as a write.
    pub effects: BTreeMap<String, EffectClass>,
    /// Distinct successes needed before a plan that only reads is served.
    pub min_evidence_read: u32,
    /// Distinct successes needed before a plan that writes is served.
    pub min_evidence_write: u32,
    /// Whether destructive tools may be called from templates at all.
    pub allow_destructive: bool,
    /// Distinct tasks that must show a value before it counts as a constant.
    pub min_constant: u32,
    /// Whether the filler is asked at all.
    pub filler: bool,
    /// How long the filler may take for one question, in milliseconds.
    pub filler_deadline_ms: u64,
    /// Least margin (nats per token) of a filler's choice among candidates; below it the choice is
    /// an abstention.
    pub filler_margin: f32,
    /// Least odds (their logarithm, in nats) of the value that the filler takes to be meant by
    /// other words; below it the choice is an abstention.
    pub filler_odds: f32,
    /// Whether a task in other words whose plan is a program in a text may be served at all. Such a run
    /// begins with look-ups, which are spent where no program is agreed on in the end. Off by default:
    /// with a small filler far more runs lose their look-ups than are served.
    pub programs_in_other_words: bool,
    /// Whether a task in other words, whose plan is a program in a text, is served only where the filler
    /// derives a program of its own that asks for the same. Off: the nearest wording alone decides, by
    /// `program_nearness_alone`.
    pub second_derivation: bool,
    /// How near (the cosine of the angle between their embeddings) the wording of a learnt program must
    /// be to a task for the program to be compared with the filler's.
    pub program_nearness: f32,
    /// How many learnt programs are run beside the filler's where none asks for the same in form: one that
    /// returns the same is served. Only programs that ask, of a tool that reads.
    pub program_results: u32,
    /// How many of the nearest learnt programs the filler is shown as examples, with other values in place of
    /// their tasks'. They help a model that is large enough; a very small one copies what it is shown, so that
    /// its own program is no second derivation any more.
    pub program_examples: u32,
    /// Which names may stand for those of a learnt program.
    pub program_names: ProgramNames,
    /// How near it must be for the program to be served without a second derivation.
    pub program_nearness_alone: f32,
    /// Who writes the final answer where no template holds one.
    pub answer: AnswerBy,
    /// What learning may do.
    pub learning: Learning,
    /// Texts in other words than those learnt.
    pub natural: Natural,
    /// Tasks of which a part is not known.
    pub uncovered: Uncovered,
    /// Distinct successes, or runs served, that a template needs before it serves its part of a task of which
    /// another part is not known: what is not known may change what the part means.
    pub min_evidence_part: u32,
    /// Runs learnt after which a template that was never served and that no further run confirmed is
    /// given up; 0: never.
    pub forget_after: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::On,
            effects: BTreeMap::new(),
            min_evidence_read: 1,
            min_evidence_write: 2,
            allow_destructive: false,
            min_constant: 3,
            filler: true,
            filler_deadline_ms: 20_000,
            filler_margin: 0.25,
            filler_odds: 2.0,
            programs_in_other_words: false,
            second_derivation: true,
            program_nearness: 0.5,
            program_results: 1,
            program_examples: 0,
            program_names: ProgramNames::Said,
            program_nearness_alone: 0.98,
            answer: AnswerBy::Planner,
            learning: Learning::default(),
            natural: Natural::default(),
            uncovered: Uncovered::default(),
            min_evidence_part: 5,
            forget_after: 5_000,
        }
    }
}

impl Policy {
    /// The effect class of a tool.
    pub fn effect(&self, tool: &str) -> EffectClass {
        self.effects.get(tool).copied().unwrap_or_default()
    }

    /// Distinct successes needed before a plan with these tools is served; `None` if it never is.
    pub fn needed<'a>(&self, tools: impl IntoIterator<Item = &'a str>) -> Option<u32> {
        let mut needed = self.min_evidence_read;
        for tool in tools {
            match self.effect(tool) {
                EffectClass::Read => {}
                EffectClass::Write => needed = needed.max(self.min_evidence_write),
                EffectClass::Destructive if self.allow_destructive => {
                    needed = needed.max(self.min_evidence_write);
                }
                EffectClass::Destructive => return None,
            }
        }
        Some(needed)
    }
}
