use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Argument, Binding, Evidence, Guard, ListId, Pattern, ProgramPart, Shape, Space, Template, TemplateVersion,
};

/// Revisions that a template keeps; the oldest goes first.
const MOST_REVISIONS: usize = 8;
/// Changes of a revision that are kept.
const MOST_CHANGES: usize = 32;
/// Bindings of an argument that a change names.
const MOST_BINDINGS: usize = 4;

/// What a further run changed of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// The version before.
    pub from: TemplateVersion,
    /// The version after.
    pub to: TemplateVersion,
    /// When: a logical count of admissions, not a clock.
    pub sequence: u64,
    /// Distinct successes after it.
    pub successes: u32,
    /// What changed.
    pub changes: Vec<TemplateChange>,
    /// Changes that are not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// One thing that differs between two templates. Steps are counted from 0; arguments are named from
/// the tool's argument down (`options.reason`, `ids[each]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    /// The task may be said in another way than before.
    Says {
        /// What it said before.
        before: Pattern,
    },
    /// A slot that was not there.
    SlotAdded {
        /// Its name.
        name: String,
    },
    /// A slot that is gone.
    SlotRemoved {
        /// Its name.
        name: String,
    },
    /// A slot's values may look otherwise.
    SlotShape {
        /// Its name.
        name: String,
        /// What they looked like.
        before: Shape,
        /// What they may look like.
        after: Shape,
    },
    /// The calls are not those that they were.
    Steps {
        /// The tools before.
        before: Vec<String>,
        /// The tools after.
        after: Vec<String>,
    },
    /// An argument that one of the two does not have.
    Argument {
        /// Which step.
        step: usize,
        /// Its name.
        argument: String,
        /// Whether it is new.
        added: bool,
    },
    /// How an argument can be had.
    Bindings {
        /// Which step.
        step: usize,
        /// The argument.
        argument: String,
        /// How many bindings it had.
        before: usize,
        /// How many it has.
        after: usize,
        /// Bindings that fell out, the first of them.
        gone: Vec<Binding>,
        /// Bindings that came in, the first of them.
        new: Vec<Binding>,
    },
    /// Conditions on what a step returned.
    Guards {
        /// Which step.
        step: usize,
        /// Conditions that hold no longer.
        gone: Vec<String>,
        /// Conditions that are new.
        new: Vec<String>,
    },
    /// Whether, and how, a step repeats.
    Repeats {
        /// Which step.
        step: usize,
        /// The list over which it repeats now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<ListId>,
        /// Whether it belongs to one loop with the step before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        together: bool,
    },
    /// Under which conditions a step is made.
    When {
        /// Which step.
        step: usize,
    },
    /// The final answer.
    Answer,
}

impl Evidence {
    /// Takes note of what a run changed of the template; nothing, if nothing changed that matters.
    pub fn revise(&mut self, before: &Template, after: &Template, sequence: u64) {
        let mut changes = changes(before, after);
        if changes.is_empty() {
            return;
        }
        let more = changes.len().saturating_sub(MOST_CHANGES);
        changes.truncate(MOST_CHANGES);
        let (from, to) = (before.version.clone(), after.version.clone());
        let successes = self.successes;
        self.revisions.push(Revision { from, to, sequence, successes, changes, more });
        let over = self.revisions.len().saturating_sub(MOST_REVISIONS);
        self.revisions.drain(..over);
    }
}

/// What differs between two templates. In how many tasks a constant was seen does not count.
pub fn changes(before: &Template, after: &Template) -> Vec<TemplateChange> {
    let mut out = Vec::new();
    if before.pattern != after.pattern {
        out.push(TemplateChange::Says { before: before.pattern.clone() });
    }
    for slot in &before.slots {
        match after.slot(slot.id) {
            None => out.push(TemplateChange::SlotRemoved { name: slot.name.clone() }),
            Some(now) if now.shape != slot.shape => out.push(TemplateChange::SlotShape {
                name: now.name.clone(),
                before: slot.shape,
                after: now.shape,
            }),
            Some(_) => {}
        }
    }
    let added = after.slots.iter().filter(|slot| before.slot(slot.id).is_none());
    out.extend(added.map(|slot| TemplateChange::SlotAdded { name: slot.name.clone() }));
    let tools = |template: &Template| template.steps.iter().map(|s| s.tool.clone()).collect::<Vec<_>>();
    if tools(before) != tools(after) {
        out.push(TemplateChange::Steps { before: tools(before), after: tools(after) });
    }
    for (step, (old, new)) in before.steps.iter().zip(&after.steps).enumerate() {
        if old.tool == new.tool {
            arguments(step, &places(&old.arguments), &places(&new.arguments), &mut out);
            guards(step, &old.guards, &new.guards, &mut out);
            if (old.for_each, old.together) != (new.for_each, new.together) {
                out.push(TemplateChange::Repeats { step, list: new.for_each, together: new.together });
            }
            if old.when != new.when {
                out.push(TemplateChange::When { step });
            }
        }
    }
    if before.answer != after.answer {
        out.push(TemplateChange::Answer);
    }
    out
}

fn arguments(step: usize, old: &[(String, &Space)], new: &[(String, &Space)], out: &mut Vec<TemplateChange>) {
    let find = |all: &[(String, &Space)], name: &str| all.iter().position(|(own, _)| own == name);
    for (name, space) in old {
        let Some(now) = find(new, name).map(|at| new[at].1) else {
            out.push(TemplateChange::Argument { step, argument: name.clone(), added: false });
            continue;
        };
        let missing = |from: &Space, of: &Space| {
            let there = |binding: &Binding| of.bindings.iter().any(|other| same(binding, other));
            from.bindings.iter().filter(|b| !there(b)).take(MOST_BINDINGS).cloned().collect::<Vec<_>>()
        };
        let (gone, new) = (missing(space, now), missing(now, space));
        if !gone.is_empty() || !new.is_empty() {
            let (before, after) = (space.bindings.len(), now.bindings.len());
            out.push(TemplateChange::Bindings { step, argument: name.clone(), before, after, gone, new });
        }
    }
    let added = new.iter().filter(|(name, _)| find(old, name).is_none());
    out.extend(added.map(|(name, _)| TemplateChange::Argument { step, argument: name.clone(), added: true }));
}

/// Whether two bindings say the same; a constant that may be shown now says more.
fn same(one: &Binding, other: &Binding) -> bool {
    match (one, other) {
        (Binding::Constant { hash, json, .. }, Binding::Constant { hash: other, json: shown, .. }) => {
            hash == other && json == shown
        }
        _ => one == other,
    }
}

fn guards(step: usize, old: &[Guard], new: &[Guard], out: &mut Vec<TemplateChange>) {
    let missing = |from: &[Guard], of: &[Guard]| {
        let there = |guard: &&Guard| !of.iter().any(|other| other.cel == guard.cel);
        from.iter().filter(there).filter_map(|guard| guard.cel.clone()).collect::<Vec<_>>()
    };
    let (gone, new) = (missing(old, new), missing(new, old));
    if !gone.is_empty() || !new.is_empty() {
        out.push(TemplateChange::Guards { step, gone, new });
    }
}

/// The spaces below a step's arguments, by name.
fn places(arguments: &[(String, Argument)]) -> Vec<(String, &Space)> {
    fn below<'a>(name: String, argument: &'a Argument, out: &mut Vec<(String, &'a Space)>) {
        match argument {
            Argument::One(space) => out.push((name, space)),
            Argument::Each { element, .. } => below(format!("{name}[each]"), element, out),
            Argument::Array(items) => {
                items.iter().enumerate().for_each(|(n, item)| below(format!("{name}[{n}]"), item, out));
            }
            Argument::Object(members) => {
                members.iter().for_each(|(member, item)| below(format!("{name}.{member}"), item, out));
            }
            Argument::Program(parts) => {
                for part in parts {
                    if let ProgramPart::Value { of, space, .. } = part {
                        out.push((format!("{name}.{of}"), space));
                    }
                }
            }
        }
    }
    let mut out = Vec::new();
    arguments.iter().for_each(|(name, argument)| below(name.clone(), argument, &mut out));
    out
}
