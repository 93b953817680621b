use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SlotId, Transform};

/// How much a binding can be trusted to mean what the run meant, best first. Only bindings of the
/// best tier that a space still holds have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Text located by its context, enumerations, records selected by predicates.
    Anchored,
    /// A path without a choice, or the only element.
    Path,
    /// A least or greatest element.
    Extremum,
    /// The n-th element.
    Position,
    /// Calculated from several values, or looked up in what runs showed: any number is the sum or
    /// the multiple of some others, so that one run says little.
    Computed,
    /// The same value in every run so far.
    Constant,
    /// Written or chosen by the filler.
    Written,
}

/// Which part of a slot's value is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotPart {
    /// All of it.
    Whole,
    /// The n-th word, from 0.
    Word(u32),
    /// The last word.
    LastWord,
    /// All words but the last.
    ButLastWord,
    /// The member of this key in an object literal.
    Field(String),
}

/// A value that is known before the observation that a predicate looks into.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// A slot, or a part of one. In a loop, the slot of the current element.
    Slot {
        /// Which slot.
        slot: SlotId,
        /// Which part of it.
        part: SlotPart,
    },
    /// A value of an earlier observation.
    Observed {
        /// Step of the template whose observation it is.
        step: u32,
        /// Where in the observation.
        path: Vec<PathStep>,
    },
    /// The same but for: `base`, with the members of `changes` put in place of its own. `changes`
    /// may only name members that `base` has.
    Merge {
        /// The object at hand.
        base: Box<Operand>,
        /// What the task changes of it.
        changes: Box<Operand>,
    },
    /// Made from other values: said in another notation, calculated, looked up.
    Made {
        /// How.
        by: Transform,
        /// From what, in order.
        of: Vec<Operand>,
    },
}

/// `field == equals`, on a record of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Predicate {
    /// Keys from the record to the field compared.
    pub field: Vec<String>,
    /// What it must equal.
    pub equals: Operand,
}

/// One step of a path into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathStep {
    /// Member of an object.
    Key(String),
    /// The one element of an array, or of an object used as a keyed collection, for which all
    /// predicates hold.
    Select(Vec<Predicate>),
    /// The key (not the value) under which a keyed collection holds the record selected before.
    /// Stands only after `Select` or `Only`, as the last step.
    KeyOf,
    /// The only element.
    Only,
    /// The element whose field (keys from the element) is least.
    Least(Vec<String>),
    /// The element whose field is greatest.
    Greatest(Vec<String>),
    /// The n-th element, from 0.
    Position(u32),
}

/// An expression over slots and earlier observations that yields an argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// A value known from the task or an earlier observation.
    Value(Operand),
    /// A value of the task's structured context.
    Context {
        /// Where in the context.
        path: Vec<PathStep>,
    },
    /// The same value in `seen` distinct tasks. The value itself is kept only once it counts as
    /// a constant (or is the schema's own); before that only its hash is.
    Constant {
        /// Canonical hash of the value.
        hash: String,
        /// The value as JSON text, once it may be shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        json: Option<String>,
        /// Distinct tasks that showed it.
        seen: u32,
    },
    /// A CEL expression over `slot_<n>` and `step_<n>`.
    Compute {
        /// The expression.
        cel: String,
    },
    /// Free text, or a choice among the schema's members, that the filler makes.
    Written,
}

impl Binding {
    /// Whether it is looked up in a table that runs showed.
    pub fn is_table(&self) -> bool {
        matches!(self, Self::Value(Operand::Made { by: Transform::Table(_), .. }))
    }

    /// How much the binding can be trusted.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Value(operand) => operand.tier(),
            Self::Context { path } => path_tier(path),
            Self::Constant { .. } => Tier::Constant,
            Self::Compute { .. } => Tier::Computed,
            Self::Written => Tier::Written,
        }
    }
}

impl Operand {
    /// How much the operand can be trusted.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Slot { .. } => Tier::Anchored,
            Self::Observed { path, .. } => path_tier(path),
            Self::Merge { base, changes } => base.tier().max(changes.tier()),
            Self::Made { by, of } => of.iter().map(Self::tier).fold(by.tier(), Tier::max),
        }
    }
}

/// A path is as good as its worst step; one that selects by predicates and nothing worse is
/// anchored in the task.
fn path_tier(path: &[PathStep]) -> Tier {
    let mut tier =
        if path.iter().any(|step| matches!(step, PathStep::Select(_))) { Tier::Anchored } else { Tier::Path };
    for step in path {
        tier = tier.max(match step {
            PathStep::Key(_) | PathStep::KeyOf => Tier::Anchored,
            PathStep::Select(predicates) => {
                predicates.iter().map(|p| p.equals.tier()).max().unwrap_or(Tier::Path)
            }
            PathStep::Only => Tier::Path,
            PathStep::Least(_) | PathStep::Greatest(_) => Tier::Extremum,
            PathStep::Position(_) => Tier::Position,
        });
    }
    tier
}

/// All bindings that explain a value in every run so far, simplest first: a version space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Space {
    /// The surviving bindings.
    pub bindings: Vec<Binding>,
    /// More bindings were found than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overflow: bool,
}

impl Space {
    /// A constant that the tool's schema itself declares.
    pub fn schema_constant(value: &Value) -> Self {
        Self {
            bindings: vec![Binding::Constant {
                hash: super::canonical_hash(value),
                json: Some(value.to_string()),
                seen: 0,
            }],
            overflow: false,
        }
    }

    /// The bindings of the best tier that is not empty.
    pub fn best(&self) -> impl Iterator<Item = &Binding> {
        let best = self.bindings.iter().map(Binding::tier).min();
        self.bindings.iter().filter(move |b| Some(b.tier()) == best)
    }
}
