use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Binding, Condition, ListId, Namespace, Operand, Pattern, ProgramPart, SCHEMA_VERSION, SlotId, SlotSpec,
    Space, State, TemplateId, TemplateVersion, Tier, canonical_hash,
};

/// What must be known of a tool before a template may call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolContract {
    /// The tool's name.
    pub name: String,
    /// [`super::Tool::fingerprint`] of the tool the template was learnt with.
    pub fingerprint: String,
}

/// How an argument is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Argument {
    /// A scalar, or a whole value taken as it is.
    One(Space),
    /// An array with one element for each element of a list, in its order.
    Each {
        /// The list.
        list: ListId,
        /// How an element is made.
        element: Box<Argument>,
    },
    /// An array of fixed length.
    Array(Vec<Argument>),
    /// An object, member by member.
    Object(Vec<(String, Argument)>),
    /// A program in a text, part by part.
    Program(Vec<ProgramPart>),
}

/// A condition on an observation that must hold before the next step is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Guard {
    /// A CEL expression over `obs`, the step's observation. Absent while the condition compares
    /// with a value that only one task showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
    /// Keys to the field compared, for a guard on a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field: Vec<String>,
    /// Canonical hash of the value the field had, for a guard on a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A way in which a call failed in runs that were successes all the same: nothing else was done
/// about it, and the run went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownFailure {
    /// Hash of what the tool said, without values.
    pub form: String,
    /// Distinct tasks in which the call failed so.
    pub seen: u32,
}

/// One call, or one call for each element of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepTemplate {
    /// The tool to call.
    pub tool: String,
    /// The list over which the step repeats; equal calls are made once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ListId>,
    /// Of a step that repeats: it belongs to one loop with the step before, which does all its steps for
    /// an element before it goes on to the next. It repeats over the same list, or over one within it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// When it is made: the conditions that tell runs that made it from those that left it out, which
    /// have to agree. Empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// Its arguments, in the order in which the run gave them.
    pub arguments: Vec<(String, Argument)>,
    /// What its observation must satisfy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// How it may fail without the run having to be handed back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<KnownFailure>,
    /// The states that its observation showed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// It failed in every run so far.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untried: bool,
}

/// One part of a final answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerPart {
    /// Fixed words.
    Text(String),
    /// A value, as text.
    Value(Operand),
}

/// The final answer of a run whose only acting block this was. Without parts: such runs were answered,
/// but not in words that fit them all, so that the answer is left to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerTemplate {
    /// Words and values in order.
    pub parts: Vec<AnswerPart>,
}

/// A plan whose task-specific values are slots and bindings.
///
/// A template stands for one *block*: a part of a task's text (often all of it) and the calls
/// that serve it. One without steps says that such a text is known to be idle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Version of this format.
    pub schema_version: u32,
    /// Lineage.
    pub id: TemplateId,
    /// Hash of the content.
    pub version: TemplateVersion,
    /// The tenant that learnt it.
    pub namespace: Namespace,
    /// A readable name.
    pub name: String,
    /// The intent's keywords, by which it is found.
    pub keywords: Vec<String>,
    /// What the text says.
    pub pattern: Pattern,
    /// The values that the text gives.
    pub slots: Vec<SlotSpec>,
    /// The calls.
    pub steps: Vec<StepTemplate>,
    /// The final answer, where one could be templated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerTemplate>,
    /// The tools it calls.
    pub contract: Vec<ToolContract>,
    /// JSON Schema of the final answer, where the task demanded one (as JSON text).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

impl Template {
    /// Hash of what the template says: pattern, slots, steps, answer, contract, output format.
    /// Name, keywords, lineage and namespace do not count.
    pub fn content_version(&self) -> TemplateVersion {
        let content = serde_json::json!([
            SCHEMA_VERSION,
            self.pattern,
            self.slots,
            self.steps,
            self.answer,
            self.contract,
            self.output_format
        ]);
        TemplateVersion::new(&canonical_hash(&content)[..16])
    }

    /// The slot of that number.
    pub fn slot(&self, id: SlotId) -> Option<&SlotSpec> {
        self.slots.iter().find(|slot| slot.id == id)
    }

    /// Whether a step of it failed in every run so far: what it does when all is well is not known.
    pub fn is_untried(&self) -> bool {
        self.steps.iter().any(|step| step.untried)
    }

    /// Whether an argument looks constant, but fewer than `least` distinct tasks showed it: such a
    /// plan could be begun, and not be ended.
    pub fn waits(&self, least: u32) -> bool {
        let mut waits = false;
        for (_, argument) in self.steps.iter().flat_map(|step| &step.arguments) {
            argument.spaces(&mut |space| {
                let few =
                    |b: &Binding| matches!(b, Binding::Constant { seen, .. } if *seen > 0 && *seen < least);
                waits |= space.best().next().is_some_and(few) && !space.bindings.contains(&Binding::Written);
            });
        }
        waits
    }

    /// Whether an argument is taken by its place alone, as the n-th or the greatest, or calculated:
    /// another task may have meant something else by it.
    pub fn guesses(&self) -> bool {
        let mut guesses = false;
        for (_, argument) in self.steps.iter().flat_map(|step| &step.arguments) {
            argument.spaces(&mut |space| {
                let best = space.best().next().map(Binding::tier);
                guesses |= matches!(best, Some(Tier::Extremum | Tier::Position | Tier::Computed));
            });
        }
        guesses
    }

    /// Whether it gives an argument as a program in a text.
    pub fn has_programs(&self) -> bool {
        let mut arguments = self.steps.iter().flat_map(|step| &step.arguments);
        arguments.any(|(_, argument)| matches!(argument, Argument::Program(_)))
    }

    /// Whether the block does nothing: its text is known to be idle.
    pub fn is_idle(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Argument {
    /// Calls `visit` on every space below, in order.
    pub fn spaces<'a>(&'a self, visit: &mut dyn FnMut(&'a Space)) {
        match self {
            Self::One(space) => visit(space),
            Self::Each { element, .. } => element.spaces(visit),
            Self::Array(items) => items.iter().for_each(|item| item.spaces(visit)),
            Self::Object(members) => members.iter().for_each(|(_, item)| item.spaces(visit)),
            Self::Program(parts) => values_of(parts).for_each(|(_, space)| visit(space)),
        }
    }

    /// Calls `visit` on every space below with the path to it, which begins with this argument's own:
    /// `.member` for a member of an object, `[]` for any element of an array.
    pub fn places<'a>(&'a self, path: &str, visit: &mut dyn FnMut(&str, &'a Space)) {
        match self {
            Self::One(space) => visit(path, space),
            Self::Each { element, .. } => element.places(&format!("{path}[]"), visit),
            Self::Array(items) => items.iter().for_each(|item| item.places(&format!("{path}[]"), visit)),
            Self::Object(members) => {
                members.iter().for_each(|(name, item)| item.places(&format!("{path}.{name}"), visit));
            }
            Self::Program(parts) => {
                values_of(parts).for_each(|(of, space)| visit(&format!("{path}.{of}"), space));
            }
        }
    }

    /// The same, to change them.
    pub fn places_mut(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Space)) {
        match self {
            Self::One(space) => visit(path, space),
            Self::Each { element, .. } => element.places_mut(&format!("{path}[]"), visit),
            Self::Array(items) => {
                items.iter_mut().for_each(|item| item.places_mut(&format!("{path}[]"), visit));
            }
            Self::Object(members) => {
                members.iter_mut().for_each(|(name, item)| item.places_mut(&format!("{path}.{name}"), visit));
            }
            Self::Program(parts) => {
                for part in parts {
                    if let ProgramPart::Value { of, space, .. } = part {
                        visit(&format!("{path}.{of}"), space);
                    }
                }
            }
        }
    }
}

/// The values of a program, each under what it is called.
fn values_of(parts: &[ProgramPart]) -> impl Iterator<Item = (&str, &Space)> {
    parts.iter().filter_map(|part| match part {
        ProgramPart::Value { of, space, .. } => Some((of.as_str(), space)),
        _ => None,
    })
}
