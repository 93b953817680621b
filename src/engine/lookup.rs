use std::collections::HashMap;
use std::sync::Arc;

use super::snapshot::{Snapshot, Tenant};
use crate::domain::{
    Binding, EffectClass, FilledBy, FilledSlot, Lifecycle, Miss, NearestMiss, Served, Shape, Task, Template,
    TemplateRecord,
};
use crate::expr::{Env, eval};
use crate::fill::{Block, Plan, Wording, cover, tools};
use crate::matching::words;
use crate::policy::Policy;
use crate::spans::{Lexed, lex};
use crate::validate::{Refused, may_serve};

/// Most templates that are tried on one task.
const MOST_NOMINATED: usize = 512;

/// What was decided for a task.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    /// The text is covered by templates that may be served.
    Plan {
        /// The plan.
        plan: Plan,
        /// Its templates.
        templates: Vec<Served>,
        /// The task's slots.
        slots: Vec<FilledSlot>,
    },
    /// It is not.
    Miss(Miss),
}

/// Fingerprints of a task's tools by name.
pub(super) type Fingerprints = HashMap<String, String>;

/// Whether every tool of a template exists with the schema it was learnt with, and the answer has
/// the form it was learnt with.
pub(super) fn fits(record: &TemplateRecord, task: &Task, fingerprints: &Fingerprints) -> bool {
    let format = task.output_format.as_ref().map(serde_json::Value::to_string);
    record.template.output_format == format
        && record.template.contract.iter().all(|c| fingerprints.get(&c.name) == Some(&c.fingerprint))
}

/// Distinct successes that a template needs before it is served. An idle text that holds values
/// needs as much as a write: what it says is ignored.
pub(super) fn needed(record: &TemplateRecord, policy: &Policy) -> Option<u32> {
    let template = &record.template;
    if template.is_idle() {
        let says_nothing = template.slots.is_empty();
        return Some(if says_nothing { policy.min_evidence_read } else { policy.min_evidence_write });
    }
    let need = policy.needed(template.steps.iter().map(|s| s.tool.as_str()))?;
    // A place alone says little of what a task meant, even where nothing is written.
    let guesses = record.state == Lifecycle::Candidate && template.guesses();
    Some(if guesses { need.max(policy.min_evidence_write) } else { need })
}

/// Whether a template may be served at all.
pub(super) fn servable(record: &TemplateRecord, policy: &Policy) -> Result<(), Refused> {
    let need = needed(record, policy);
    may_serve(record, need)?;
    match need {
        Some(need) if record.template.is_idle() && record.evidence.successes < need => {
            Err(Refused::Evidence { id: record.template.id.clone(), have: record.evidence.successes, need })
        }
        _ => Ok(()),
    }
}

/// Records that the index nominates for a task, with their scores.
pub(super) fn nominated(
    tenant: &Tenant,
    task: &Task,
    fingerprints: &Fingerprints,
) -> Vec<(Arc<TemplateRecord>, f64)> {
    let all = words(&task.text);
    let asked: Vec<&str> = all.iter().map(String::as_str).collect();
    let found = tenant.index.nominate(&asked, 1.0, MOST_NOMINATED);
    found
        .nominations
        .into_iter()
        .filter_map(|n| Some((tenant.record(&n.id)?.clone(), n.score)))
        .filter(|(record, _)| fits(record, task, fingerprints))
        .filter(|(record, _)| !matches!(record.state, Lifecycle::Quarantined | Lifecycle::Retired))
        .collect()
}

/// The templates of nominated records that may be served.
pub(super) fn usable<'r>(
    tenant: &'r Tenant,
    records: &'r [(Arc<TemplateRecord>, f64)],
    policy: &'r Policy,
) -> impl Iterator<Item = Arc<Template>> + 'r {
    let servable = records.iter().filter(|(record, _)| servable(record, policy).is_ok());
    servable.filter_map(|(record, _)| tenant.template(&record.template.id).cloned())
}

/// Decides a task: nominate by keywords, then cover the whole text with patterns of templates that
/// may be served.
pub(super) fn decide(
    snapshot: &Snapshot,
    task: &Task,
    policy: &Policy,
    fingerprints: &Fingerprints,
) -> Decision {
    let Some(tenant) = snapshot.tenant(&task.namespace) else { return Decision::Miss(Miss::NoCandidate) };
    let records = nominated(tenant, task, fingerprints);
    if records.is_empty() {
        return Decision::Miss(Miss::NoCandidate);
    }
    let text = lex(&task.text);
    let usable: Vec<_> = usable(tenant, &records, policy).collect();
    let mut found = cover(&usable, &text, Wording::Exact);
    // What no schema spells may still say one of its members.
    let has_members = |t: &Arc<Template>| t.slots.iter().any(|s| s.shape == Shape::Member);
    if found.covers.is_empty() && usable.iter().any(has_members) {
        let free = cover(&usable, &text, Wording::Free);
        if !free.covers.is_empty() {
            found = free;
        }
    }
    if found.covers.is_empty() {
        return Decision::Miss(why_not(tenant, task, policy, &records, &text, found.reached));
    }
    if found.cut {
        return Decision::Miss(Miss::Ambiguous { what: "the text can be read in too many ways".into() });
    }
    if found.covers.iter().any(Vec::is_empty) {
        let what = "a part of the text is known both to be idle and to be acted on".to_owned();
        let acting = found.covers.iter().any(|c| !c.is_empty());
        return Decision::Miss(if acting { Miss::Ambiguous { what } } else { Miss::NothingToDo });
    }
    // A plan that could be begun but not be ended is not begun; nor is one that it speaks against.
    let waits = |block: &&Block| waits(block, policy);
    let waiting: Vec<&Block> = found.covers.iter().filter_map(|blocks| blocks.iter().find(waits)).collect();
    if let Some(block) = waiting.first() {
        if waiting.len() < found.covers.len() {
            let what = "runs with the same words had different values".to_owned();
            return Decision::Miss(Miss::Ambiguous { what });
        }
        let template = block.template.id.clone();
        let evidence = tenant.record(&template).map_or(0, |record| record.evidence.successes);
        return Decision::Miss(Miss::NotActive { template, evidence, needed: policy.min_constant });
    }
    let covers: Vec<Arc<Vec<Block>>> = found.covers.into_iter().map(Arc::new).collect();
    let first = covers[0].clone();
    let plan = Plan { covers, ..Plan::default() };
    Decision::Plan { plan, templates: served(&first, false), slots: slots(&first) }
}

/// Whether a plan with this block could be begun and not be ended: a constant of it is not believed yet,
/// or a table has no line for what the text says.
pub(super) fn waits(block: &Block, policy: &Policy) -> bool {
    block.template.waits(policy.min_constant) || lacks_line(block, policy)
}

/// Whether a value that only a table gives is in none for the words of this text.
fn lacks_line(block: &Block, policy: &Policy) -> bool {
    let env = Env { values: &block.values, seen: &[], context: &serde_json::Value::Null, unit: None };
    let believed = |binding: &Binding| match binding {
        Binding::Constant { seen, json: Some(_), .. } => *seen == 0 || *seen >= policy.min_constant,
        Binding::Written => true,
        other => !other.is_table() && !matches!(other, Binding::Constant { .. }),
    };
    let mut lacks = false;
    for (_, argument) in block.template.steps.iter().flat_map(|step| &step.arguments) {
        argument.spaces(&mut |space| {
            let known = |b: &Binding| believed(b) || b.is_table() && eval(b, env).is_ok();
            lacks |= space.bindings.iter().any(Binding::is_table) && !space.bindings.iter().any(known);
        });
    }
    lacks
}

/// Why a text that is not covered by servable templates is not: one that it needs may be known but
/// not believed yet; else the first words that no pattern covers.
fn why_not(
    tenant: &Tenant,
    task: &Task,
    policy: &Policy,
    records: &[(Arc<TemplateRecord>, f64)],
    text: &Lexed,
    reached: usize,
) -> Miss {
    let all: Vec<_> = records.iter().filter_map(|(r, _)| tenant.template(&r.template.id).cloned()).collect();
    let covers = cover(&all, text, Wording::Exact).covers;
    let refused = covers.first().and_then(|blocks| {
        blocks.iter().find_map(|block| servable(tenant.record(&block.template.id)?, policy).err())
    });
    if let Some(refused) = refused {
        return not_active(refused);
    }
    // Idle texts that are not believed yet are not part of a cover's blocks.
    if !covers.is_empty()
        && let Some((record, _)) =
            records.iter().find(|(r, _)| r.template.is_idle() && servable(r, policy).is_err())
    {
        return Miss::NotActive {
            template: record.template.id.clone(),
            evidence: record.evidence.successes,
            needed: needed(record, policy).unwrap_or(u32::MAX),
        };
    }
    let (from, _) = text.bytes(reached, reached + 1);
    Miss::NotCovered { from, to: task.text.len(), nearest: nearest(tenant, text, reached) }
}

/// The miss that a template is which may not be served.
pub(super) fn not_active(refused: Refused) -> Miss {
    match refused {
        Refused::Evidence { id, have, need } => {
            Miss::NotActive { template: id, evidence: have, needed: need }
        }
        Refused::Destructive(id) | Refused::State(id, _) => {
            Miss::NotActive { template: id, evidence: 0, needed: u32::MAX }
        }
    }
}

/// The template closest to the text from a token on, by the share of its keywords found there.
fn nearest(tenant: &Tenant, text: &Lexed, reached: usize) -> Option<NearestMiss> {
    let rest = text.tokens.get(reached).map(|t| &text.text[t.start..])?;
    let all = words(rest);
    let asked: Vec<&str> = all.iter().map(String::as_str).collect();
    let best = tenant.index.nominate(&asked, 0.3, 1).nominations.into_iter().next()?;
    let record = tenant.record(&best.id)?;
    let why = if best.score >= 1.0 {
        "its words are there, but not in its order or with other values".to_owned()
    } else {
        "some of its words are missing".to_owned()
    };
    Some(NearestMiss { template: best.id, name: record.template.name.clone(), score: best.score, why })
}

/// The templates of a cover.
pub(super) fn served(blocks: &[Block], loosely: bool) -> Vec<Served> {
    let served =
        |b: &Block| Served { id: b.template.id.clone(), version: b.template.version.clone(), loosely };
    blocks.iter().map(served).collect()
}

/// The slots of a cover that something reads.
pub(super) fn slots(blocks: &[Block]) -> Vec<FilledSlot> {
    let mut out = Vec::new();
    for block in blocks {
        for (id, read) in block.values.all() {
            if let Some(spec) =
                block.template.slot(id).filter(|spec| !spec.idle && !read.open && !read.is_absent())
            {
                out.push(FilledSlot {
                    template: block.template.id.clone(),
                    name: spec.name.clone(),
                    value: read.value.clone(),
                    span: read.span,
                    by: FilledBy::Binder,
                });
            }
        }
    }
    out
}

/// A tool of the plan that may not be called from a template.
pub(super) fn forbidden(blocks: &[Block], policy: &Policy) -> Option<String> {
    tools(blocks)
        .find(|tool| policy.effect(tool) == EffectClass::Destructive && !policy.allow_destructive)
        .map(str::to_owned)
}
