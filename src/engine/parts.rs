//! Tasks of which a part is not known: where the policy says so, the planner is asked for that part
//! only, and the rest is served.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::Engine;
use super::lookup::{self, Decision, Fingerprints};
use super::snapshot::Tenant;
use crate::domain::{Miss, Part, PlanRequest, Task, TemplateId};
use crate::fill::{Block, Covers, Plan, Wording, cover_around};
use crate::policy::{Policy, Uncovered};
use crate::spans::lex;

impl Engine {
    /// The plan that serves what is known of a text and leaves the rest to the planner, in place of a miss
    /// by what is not known; any other decision as it is.
    pub(super) fn around(
        &self,
        tenant: &Tenant,
        task: &Task,
        fingerprints: &Fingerprints,
        decision: Decision,
    ) -> Decision {
        let unknown = matches!(&decision, Decision::Miss(Miss::NotCovered { .. } | Miss::NotActive { .. }));
        if !unknown || self.policy.uncovered == Uncovered::Miss {
            return decision;
        }
        self.partly(tenant, task, fingerprints).unwrap_or(decision)
    }

    fn partly(&self, tenant: &Tenant, task: &Task, fingerprints: &Fingerprints) -> Option<Decision> {
        let found = known_parts(tenant, task, &self.policy, fingerprints);
        let least = self.policy.min_evidence_part;
        let sound = |block: &Block| {
            !lookup::waits(block, &self.policy)
                && tenant.record(&block.template.id).is_some_and(|record| record.evidence.stands_alone(least))
        };
        // Several ways to leave a part open: which is meant is not known.
        let [gaps] = &found.gaps[..] else { return None };
        let covers = || found.covers.iter();
        if gaps.is_empty() || found.cut || covers().any(Vec::is_empty) || !covers().flatten().all(sound) {
            return None;
        }
        let plan = Plan {
            covers: found.covers.iter().cloned().map(Arc::new).collect(),
            loose: false,
            gaps: gaps.clone(),
        };
        let first = found.covers.first()?;
        Some(Decision::Plan { plan, templates: lookup::served(first, false), slots: lookup::slots(first) })
    }

    /// Notes that the planner has done a part of a run's task (by its first byte), with the calls of the
    /// request: what comes after it is served. `false` if this engine does not know of it; then the
    /// planner has to go on with the run.
    pub fn part_done(&self, request: &PlanRequest, from: usize) -> bool {
        let Some(run) = self.remembered(request) else { return false };
        let Decision::Plan { plan, .. } = &run.decision else { return false };
        let text = lex(&request.task.text);
        let gap = plan.gaps.iter().find(|gap| text.bytes(gap.from, gap.to).0 == from);
        if let Some(gap) = gap {
            run.done(gap.from, request.history.len());
        }
        gap.is_some()
    }

    /// Whether the planner does a part of a run, and which calls are its is remembered here.
    pub fn is_shared(&self, request: &PlanRequest) -> bool {
        let run = self.remembered(request);
        run.is_some_and(|run| matches!(&run.decision, Decision::Plan { plan, .. } if !plan.gaps.is_empty()))
    }
}

/// What templates that may be served cover of a text, with the least of it left open.
fn known_parts(tenant: &Tenant, task: &Task, policy: &Policy, fingerprints: &Fingerprints) -> Covers {
    let records = lookup::nominated(tenant, task, fingerprints);
    let heads: HashSet<&str> = records
        .iter()
        .filter_map(|(record, _)| match record.template.pattern.parts.first() {
            Some(Part::Literal(word)) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    let all = lookup::usable(tenant, &records, policy);
    let usable: Vec<_> = all.filter(|template| !template.waits(policy.min_constant)).collect();
    cover_around(&usable, &lex(&task.text), Wording::Exact, &heads)
}

/// Templates whose words a run's text holds and that the run did not confirm; `confirmed`
/// says which were. One that reads a part of the text in which another was confirmed may say the same.
pub(super) fn contradicted(
    tenant: &Tenant,
    task: &Task,
    policy: &Policy,
    fingerprints: &Fingerprints,
    confirmed: &dyn Fn(&TemplateId) -> bool,
) -> BTreeSet<TemplateId> {
    let found = known_parts(tenant, task, policy, fingerprints);
    let blocks = || found.covers.iter().flatten();
    let place = |block: &Block| (block.from, block.to);
    let settled: BTreeSet<_> = blocks().filter(|b| confirmed(&b.template.id)).map(place).collect();
    blocks().filter(|b| !settled.contains(&place(b))).map(|b| b.template.id.clone()).collect()
}
