use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Admission;
use super::lookup::Fingerprints;
use super::parts::contradicted;
use super::snapshot::{Snapshot, declared_words, masked_pattern};
use crate::domain::{
    EffectClass, Evidence, Lifecycle, Namespace, Served, Template, TemplateId, TemplateRecord, Trace,
    TraceStep, canonical_hash,
};
use crate::expr::Compiled;
use crate::extract::{Extracted, extract, fold, merge, redact, shape_key, words_key};
use crate::fill::{Block, Played, Rules, Wording, play, read_pattern};
use crate::matching::{KeywordExtractor, words};
use crate::policy::Policy;
use crate::spans::lex;
use crate::store::{Change, WordCount};
use crate::validate;

/// Most distinct tasks whose hashes a record keeps.
const MOST_TASKS: usize = 16;
/// Least distinct runs with an optional step, and without it, that make it one.
const LEAST_RUNS: u32 = 2;
/// After so many admissions, templates that nothing confirmed are looked for.
const SWEEP: u64 = 256;

/// What learning needs beside the run.
pub(super) struct Learner<'a> {
    pub(super) policy: &'a Policy,
    pub(super) programs: &'a Compiled,
    pub(super) keywords: &'a dyn KeywordExtractor,
    pub(super) fingerprints: &'a Fingerprints,
}

impl Learner<'_> {
    fn is_read(&self, tool: &str) -> bool {
        self.policy.effect(tool) == EffectClass::Read
    }

    /// Learns from a run: the snapshot with what it taught, what of that to store, and a report.
    pub(super) fn learn(&self, before: &Snapshot, trace: &Trace) -> (Snapshot, Change, Admission) {
        let mut after = before.clone();
        after.sequence += 1;
        let mut report = Admission::default();
        let task = task_hash(trace);
        let namespace = &trace.task.namespace;
        let mut changed: HashMap<TemplateId, TemplateRecord> = HashMap::new();
        let mut remove: Vec<(Namespace, TemplateId)> = Vec::new();
        let counts = after.count_words(namespace, &task, &words(&trace.task.text));
        let learning = self.policy.learning;
        let extracted = extract(trace, &|tool| self.is_read(tool), learning);
        report.rejected.clone_from(&extracted.rejected);
        let declared = declared_words(&trace.task.tools);
        // Templates that waited for a constant which this run makes believed, and its values.
        let mut waiting: BTreeSet<TemplateId> = BTreeSet::new();
        let mut known_values: HashMap<String, String> = HashMap::new();
        for index in 0..extracted.templates.len() {
            let mut template = extracted.templates[index].clone();
            if let Err(why) = self.reproduces(&extracted, index, trace) {
                report.rejected.push(format!("{}: {why}", template.name));
                continue;
            }
            let untried = template.is_untried();
            let masked = masked_pattern(&template);
            let tenant = after.tenant(namespace).cloned().unwrap_or_default();
            template.keywords = self.keywords.keywords(&masked, &|word| tenant.recurrence(word));
            if template.keywords.is_empty() {
                template.keywords = words(&masked);
            }
            let merged = tenant.of_shape(&shape_key(&template)).iter().find_map(|id| {
                let old = tenant.record(id)?;
                let distinct = !old.evidence.tasks.contains(&task);
                let merged = merge(&old.template, &template, distinct)?;
                let merged = if learning.merge { merged } else { Template::clone(&old.template) };
                Some((old, distinct, merged))
            });
            let before = merged.as_ref().map(|(old, ..)| Arc::clone(&old.template));
            let mut record = match merged {
                Some((old, distinct, merged)) => {
                    let mut record = TemplateRecord { template: Arc::new(merged), ..(**old).clone() };
                    if distinct {
                        // A call that failed shows no success of the plan.
                        record.evidence.successes += u32::from(!untried);
                        if record.evidence.tasks.len() < MOST_TASKS {
                            record.evidence.tasks.insert(task.clone());
                        }
                    }
                    record
                }
                None => {
                    template.id = lineage(&template, after.sequence, index);
                    let evidence = Evidence {
                        tasks: [task.clone()].into(),
                        successes: u32::from(!untried),
                        ..Evidence::default()
                    };
                    TemplateRecord {
                        template: Arc::new(template),
                        evidence,
                        state: Lifecycle::Candidate,
                        sequence: 0,
                    }
                }
            };
            let least = self.policy.min_constant;
            let steps = &extracted.steps[index];
            // Of a program, the values in it are looked at.
            let read = extracted.read.as_ref().unwrap_or(trace);
            let values = values(read, steps);
            let learnt = |hash: &str| values.get(hash).cloned();
            let freed = after.constants(namespace, |constants| {
                let freed = constants.note(&extracted.templates[index], steps, read, &task, least);
                constants.believe(&mut record.template, least, &learnt);
                freed
            });
            waiting.extend(freed.into_iter().filter(|id| *id != record.template.id));
            known_values.extend(values);
            let is_declared = |hash: &str| declared.contains(hash);
            let own = Arc::make_mut(&mut record.template);
            redact(own, record.evidence.successes, self.policy.min_constant, &is_declared);
            own.version = own.content_version();
            record.sequence = after.sequence;
            if let Some(before) = before {
                record.evidence.revise(&before, &record.template, after.sequence);
            }
            self.promote(&mut record);
            if let Err(why) = self.check(&record.template, trace) {
                report.rejected.push(format!("{}: {why}", record.template.name));
                continue;
            }
            if learning.merge
                && let Some((whole, gone)) = self.folded(&after, &record, trace)
            {
                changed.remove(&gone);
                if after.remove(namespace, &gone) {
                    remove.push((namespace.clone(), gone));
                }
                record = whole;
            }
            let served = Served {
                id: record.template.id.clone(),
                version: record.template.version.clone(),
                loosely: false,
            };
            let known = after.tenant(namespace).is_some_and(|t| t.record(&record.template.id).is_some());
            if known {
                report.merged.push(served)
            } else {
                report.learnt.push(served)
            }
            after.put(record.clone());
            changed.insert(record.template.id.clone(), record);
        }
        for id in waiting {
            let Some(old) = after.tenant(namespace).and_then(|tenant| tenant.record(&id)).cloned() else {
                continue;
            };
            let mut record = TemplateRecord::clone(&old);
            let learnt = |hash: &str| known_values.get(hash).cloned();
            let least = self.policy.min_constant;
            if after.constants(namespace, |c| c.believe(&mut record.template, least, &learnt)) {
                let own = Arc::make_mut(&mut record.template);
                own.version = own.content_version();
                record.sequence = after.sequence;
                self.promote(&mut record);
                after.put(record.clone());
                changed.insert(id, record);
            }
        }
        // What would have been served for its words was not what it did.
        let against = before.tenant(namespace).map(|tenant| {
            let confirmed = |id: &TemplateId| changed.contains_key(id);
            contradicted(tenant, &trace.task, self.policy, self.fingerprints, &confirmed)
        });
        for id in against.into_iter().flatten() {
            let Some(record) = after.tenant(namespace).and_then(|tenant| tenant.record(&id)) else {
                continue;
            };
            let mut record = TemplateRecord::clone(record);
            record.evidence.contradicted += 1;
            after.put(record.clone());
            changed.insert(id, record);
        }
        let words = counts
            .into_iter()
            .map(|(word, tasks)| WordCount { namespace: namespace.clone(), word, tasks })
            .collect();
        report.forgotten = self.stale(&after, namespace);
        remove.extend(report.forgotten.iter().map(|id| (namespace.clone(), id.clone())));
        for (namespace, id) in &remove {
            after.remove(namespace, id);
        }
        let mut put: Vec<TemplateRecord> = changed.into_values().collect();
        put.sort_by(|a, b| a.template.id.cmp(&b.template.id));
        (after, Change { put, remove, words }, report)
    }

    /// A template together with another one for the same words, where what was observed tells their runs
    /// apart: one plan with optional steps, in the older lineage; and the lineage that it takes up.
    fn folded(
        &self,
        after: &Snapshot,
        record: &TemplateRecord,
        trace: &Trace,
    ) -> Option<(TemplateRecord, TemplateId)> {
        let least = self.policy.min_evidence_write.max(LEAST_RUNS);
        let ready = |r: &TemplateRecord| {
            r.evidence.successes >= least
                && matches!(r.state, Lifecycle::Candidate | Lifecycle::Active)
                && !r.template.is_idle()
        };
        let tenant = after.tenant(&record.template.namespace).filter(|_| ready(record))?;
        let others =
            tenant.of_words(&words_key(&record.template)).iter().filter(|id| **id != record.template.id);
        let (other, mut whole) = others
            .filter_map(|id| tenant.record(id).filter(|other| ready(other)))
            .find_map(|other| Some((other, fold(&other.template, &record.template, least)?)))?;
        (whole.id, whole.name) = (other.template.id.clone(), record.template.name.clone());
        whole.keywords.clone_from(&other.template.keywords);
        whole.version = whole.content_version();
        self.check(&whole, trace).ok()?;
        let mut evidence = other.evidence.clone();
        let room = MOST_TASKS.saturating_sub(evidence.tasks.len());
        evidence.tasks.extend(record.evidence.tasks.iter().take(room).cloned());
        evidence.add(&record.evidence);
        evidence.revise(&other.template, &whole, after.sequence);
        let mut folded = TemplateRecord {
            template: Arc::new(whole),
            evidence,
            state: Lifecycle::Candidate,
            sequence: after.sequence,
        };
        self.promote(&mut folded);
        // A fold is kept where it can serve what the two could.
        (folded.state == Lifecycle::Active || other.state != Lifecycle::Active)
            .then(|| (folded, record.template.id.clone()))
    }

    /// Candidates that no run confirmed for long, looked for now and then.
    fn stale(&self, after: &Snapshot, namespace: &Namespace) -> Vec<TemplateId> {
        let long = self.policy.forget_after;
        if long == 0 || !after.sequence.is_multiple_of(SWEEP.min(long)) {
            return Vec::new();
        }
        let all = after.records(Some(namespace));
        let stale = |r: &&Arc<TemplateRecord>| {
            r.state == Lifecycle::Candidate && r.evidence.served == 0 && r.sequence + long <= after.sequence
        };
        all.iter().filter(stale).map(|r| r.template.id.clone()).collect()
    }

    /// A candidate with enough evidence becomes active. One that was withdrawn needs two more
    /// distinct successes for each bad outcome, all since then.
    fn promote(&self, record: &mut TemplateRecord) {
        let Some(need) = super::lookup::needed(record, self.policy) else { return };
        let more = match record.state {
            Lifecycle::Quarantined => 2 * record.evidence.bad_outcomes,
            Lifecycle::Candidate => 0,
            Lifecycle::Active | Lifecycle::Retired => return,
        };
        if record.evidence.successes >= need + more {
            record.state = Lifecycle::Active;
        }
    }

    /// Invariants 3 and 4: a template is checked, and holds no literal of its task.
    fn check(&self, template: &Template, trace: &Trace) -> Result<(), String> {
        validate::template(template).map_err(|e| e.to_string())?;
        let left = validate::leftover_literals(template, trace, self.policy.min_constant);
        if left.is_empty() {
            return Ok(());
        }
        let places: Vec<&str> = left.iter().filter_map(|l| l.split(':').next()).collect();
        Err(format!("it still holds values of its task ({})", places.join(", ")))
    }

    /// The law of extraction: filled with its own task, a template gives the run's own calls.
    fn reproduces(&self, extracted: &Extracted, index: usize, trace: &Trace) -> Result<(), String> {
        let template = &extracted.templates[index];
        let text = lex(&trace.task.text);
        let (start, end) = extracted.ranges[index];
        let from = text.tokens.iter().position(|t| t.start >= start).unwrap_or(0);
        let to = text.tokens.iter().rposition(|t| t.end <= end).map_or(0, |last| last + 1);
        let history: Vec<TraceStep> =
            extracted.steps[index].iter().map(|s| trace.steps[*s].clone()).collect();
        let rules = Rules {
            task: &trace.task,
            is_read: &|tool| self.is_read(tool),
            programs: self.programs,
            // Its own constants are shown by its own run.
            least_seen: 0,
            least_failures: 0,
            gaps: &[],
        };
        let readings: Vec<_> =
            read_pattern(template, &text, from, Wording::Exact).into_iter().filter(|r| r.end == to).collect();
        if readings.is_empty() {
            return Err("its pattern does not read its own text".into());
        }
        let template = Arc::new(template.clone());
        let mut why = String::new();
        for reading in readings {
            let block = Block { template: template.clone(), from, to, values: reading.values };
            match play(&[block], &history, &Map::new(), rules) {
                Played::Done(_) => return Ok(()),
                other => why = format!("{other:?}"),
            }
        }
        tracing::debug!(template = %template.name, %why, "a template does not reproduce its own run");
        Err("filled with its own task it does not give its own calls".into())
    }
}

/// The scalars that a run's calls had, as JSON text by their hashes.
fn values(trace: &Trace, steps: &[usize]) -> HashMap<String, String> {
    let mut out = HashMap::new();
    let mut stack: Vec<&Value> = steps
        .iter()
        .filter_map(|step| trace.steps.get(*step))
        .flat_map(|step| step.call.arguments.values())
        .collect();
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items),
            Value::Object(map) => stack.extend(map.values()),
            scalar => drop(out.insert(canonical_hash(scalar), scalar.to_string())),
        }
    }
    out
}

/// A task's identity for evidence: its text and context in its namespace.
pub(super) fn task_hash(trace: &Trace) -> String {
    let task = &trace.task;
    canonical_hash(&serde_json::json!([task.namespace, task.text, task.context]))[..24].to_owned()
}

/// A new lineage: what the template says when it is born, and when that was.
fn lineage(template: &Template, sequence: u64, index: usize) -> TemplateId {
    let content = template.content_version();
    let born = canonical_hash(&serde_json::json!([template.namespace, content, sequence, index]));
    let words: String = template
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    TemplateId::new(format!("{}-{}", words.trim_matches('-'), &born[..8]))
}
