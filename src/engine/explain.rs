use serde_json::{Value, json};

use super::lookup::{Decision, Fingerprints, decide, needed, nominated, servable};
use super::snapshot::Snapshot;
use crate::domain::{Miss, Namespace, StepTemplate, Task};
use crate::fill::{Wording, read_pattern};
use crate::matching::words;
use crate::policy::Policy;
use crate::spans::{lex, masked};

/// Most candidates that are listed.
const MOST_LISTED: usize = 12;

/// The tools that a namespace's templates were learnt with; of one in several forms, the last.
pub(super) fn assumed(snapshot: &Snapshot, namespace: &Namespace) -> Fingerprints {
    let records = snapshot.records(Some(namespace));
    let tools = records.iter().flat_map(|record| &record.template.contract);
    tools.map(|tool| (tool.name.clone(), tool.fingerprint.clone())).collect()
}

/// Everything that a decision on a task is made of, as JSON: `masked`, `keywords`, `candidates`
/// (with score, state, evidence, and where the pattern reads the text), `decision`. Beside it the
/// decision itself, as it is before a model is asked.
pub(super) fn explain(
    snapshot: &Snapshot,
    task: &Task,
    policy: &Policy,
    fingerprints: &Fingerprints,
) -> (Value, Decision) {
    let text = lex(&task.text);
    let all = words(&task.text);
    let asked: Vec<&str> = all.iter().map(String::as_str).collect();
    let Some(tenant) = snapshot.tenant(&task.namespace) else {
        let explained = json!({
            "masked": masked(&text),
            "keywords": all,
            "candidates": [],
            "decision": {"result": "miss", "reason": "no_candidate", "namespace": task.namespace},
        });
        return (explained, Decision::Miss(Miss::NoCandidate));
    };
    let mut listed = Vec::new();
    let full = nominated(tenant, task, fingerprints);
    let partial = tenant.index.nominate(&asked, 0.3, MOST_LISTED);
    let mut seen: Vec<(crate::domain::TemplateId, f64)> =
        full.iter().map(|(r, score)| (r.template.id.clone(), *score)).collect();
    for other in partial.nominations {
        if !seen.iter().any(|(id, _)| *id == other.id) {
            seen.push((other.id, other.score));
        }
    }
    for (id, score) in seen.into_iter().take(MOST_LISTED) {
        let Some(record) = tenant.record(&id) else { continue };
        let reads: Vec<Value> = (0..text.tokens.len())
            .filter_map(|at| {
                let reading = read_pattern(&record.template, &text, at, Wording::Free).into_iter().next()?;
                let (from, to) = text.bytes(at, reading.end);
                let slots: Vec<Value> = reading
                    .values
                    .all()
                    .filter_map(|(id, read)| {
                        let spec = record.template.slot(id)?;
                        Some(json!({
                            "name": spec.name, "shape": spec.shape, "value": read.value,
                            "span": read.span, "idle": spec.idle, "by": if read.open { "filler" } else { "binder" },
                        }))
                    })
                    .collect();
                Some(json!({"from": from, "to": to, "slots": slots}))
            })
            .collect();
        let missing: Vec<&String> =
            record.template.keywords.iter().filter(|k| !asked.contains(&k.as_str())).collect();
        listed.push(json!({
            "template": id,
            "name": record.template.name,
            "score": score,
            "keywords": record.template.keywords,
            "missing_keywords": missing,
            "state": record.state,
            "evidence": record.evidence.successes,
            "needed": needed(record, policy),
            "servable": servable(record, policy).map_err(|e| e.to_string()).err(),
            "tools_fit": super::lookup::fits(record, task, fingerprints),
            "reads": reads,
        }));
    }
    let decided = decide(snapshot, task, policy, fingerprints);
    let explained = json!({
        "masked": masked(&text),
        "keywords": all,
        "candidates": listed,
        "decision": shown(&decided, &task.text),
    });
    (explained, decided)
}

/// A decision on a text, as JSON: `result`, and the miss or what would be served; `planner` are the parts
/// for which the planner would be asked.
pub(super) fn shown(decision: &Decision, text: &str) -> Value {
    let (plan, templates, slots) = match decision {
        Decision::Plan { plan, templates, slots } => (plan, templates, slots),
        Decision::Miss(miss) => return json!({"result": "miss", "miss": miss}),
    };
    let blocks = plan.covers.first().into_iter().flat_map(|blocks| blocks.iter());
    let steps = blocks.flat_map(|block| {
        let step = |step: &StepTemplate| {
            json!({
                "template": block.template.id, "tool": step.tool, "for_each": step.for_each, "together": step.together,
            })
        };
        block.template.steps.iter().map(step)
    });
    let mut shown =
        json!({"result": "hit", "templates": templates, "slots": slots, "steps": steps.collect::<Vec<_>>()});
    if !plan.gaps.is_empty() {
        let text = lex(text);
        let gaps = plan.gaps.iter().map(|gap| text.bytes(gap.from, gap.to));
        shown["planner"] = gaps.map(|(from, to)| json!({"from": from, "to": to})).collect();
    }
    shown
}
