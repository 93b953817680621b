use std::sync::Arc;

use serde_json::{Map, Value};

use super::Engine;
use crate::domain::{Diverged, EffectClass, PlanRequest, Served, State, Task, TemplateRecord, Trace};
use crate::fill::{Block, Gap, Plan, Played, Rules, Wording, cover, observed, play_counted, tools};
use crate::spans::lex;

/// What is next by one cover, and how many of the values it has met are strange to it.
type Counted = (Played, usize);

impl Engine {
    /// What is next by every cover of the text, with the covers that say so. Those that the
    /// observations rule out give way to the others, but not to ones that would make the same calls in
    /// spite of a guard. Where plans of other calls disagree, the one goes on whose runs showed the
    /// states that were observed, if theirs did not.
    pub(super) fn agreed(
        &self,
        request: &PlanRequest,
        plan: &Plan,
        written: &Map<String, Value>,
    ) -> Result<(Played, Plan), String> {
        let is_read = |tool: &str| self.policy.effect(tool) == EffectClass::Read;
        let rules = self.rules(&request.task, &is_read, &plan.gaps);
        let mut all: Vec<_> = plan
            .covers
            .iter()
            .map(|blocks| (play_counted(blocks, &request.history, written, rules), blocks))
            .collect();
        let calls = |blocks: &Arc<Vec<Block>>| tools(blocks).map(str::to_owned).collect::<Vec<_>>();
        let guarded = |played: &Played| matches!(played, Played::Refuted(Diverged::Guard { .. }));
        let barred: Vec<_> =
            all.iter().filter(|((p, _), _)| guarded(p)).map(|(_, blocks)| calls(blocks)).collect();
        let stands = |played: &Played, blocks| {
            !matches!(played, Played::Refuted(_)) && !barred.contains(&calls(blocks))
        };
        let some_stand = all.iter().any(|((played, _), blocks)| stands(played, blocks));
        all.retain(|((played, _), blocks)| match some_stand {
            true => stands(played, blocks),
            false => matches!(played, Played::Refuted(_)),
        });
        let agree =
            |all: &[(Counted, &Arc<Vec<Block>>)]| all.windows(2).all(|pair| pair[0].0.0 == pair[1].0.0);
        if !agree(&all) {
            let strange: Vec<_> =
                all.iter().filter(|((_, n), _)| *n > 0).map(|(_, blocks)| calls(blocks)).collect();
            let apart = |n: usize, blocks| n == 0 && !strange.contains(&calls(blocks));
            if all.iter().any(|((_, n), blocks)| apart(*n, blocks)) {
                all.retain(|((_, n), blocks)| apart(*n, blocks));
            }
        }
        if !agree(&all) {
            return Err("the text can be read in ways that lead to different calls".into());
        }
        let covers = all.iter().map(|(_, blocks)| Arc::clone(blocks)).collect();
        match all.into_iter().next() {
            Some(((played, _), _)) => Ok((played, plan.with(covers))),
            None => Err("the plan is empty".to_owned()),
        }
    }

    fn rules<'a>(&'a self, task: &'a Task, is_read: &'a dyn Fn(&str) -> bool, gaps: &'a [Gap]) -> Rules<'a> {
        Rules {
            task,
            is_read,
            programs: &self.programs,
            least_seen: self.policy.min_constant,
            least_failures: self.policy.min_evidence_write,
            gaps,
        }
    }

    /// The templates of a run that went wrong, with the states that it observed noted as ones with
    /// which they are wrong.
    pub(super) fn noted(&self, trace: &Trace, templates: &[Served]) -> Vec<TemplateRecord> {
        let snapshot = self.snapshot.load();
        let Some(tenant) = snapshot.tenant(&trace.task.namespace) else { return Vec::new() };
        let mut records: Vec<TemplateRecord> =
            templates.iter().filter_map(|s| tenant.record(&s.id)).map(|r| (**r).clone()).collect();
        records.sort_by(|a, b| a.template.id.cmp(&b.template.id));
        records.dedup_by(|a, b| a.template.id == b.template.id);
        let own: Vec<_> = records.iter().map(|r| Arc::clone(&r.template)).collect();
        let covers = cover(&own, &lex(&trace.task.text), Wording::Exact).covers;
        let Some(blocks) = covers.first() else { return Vec::new() };
        let is_read = |tool: &str| self.policy.effect(tool) == EffectClass::Read;
        let (nothing, rules) = (Map::new(), self.rules(&trace.task, &is_read, &[]));
        for ((block, step), value) in observed(blocks, &trace.steps, &nothing, rules) {
            let id = &blocks[block].template.id;
            for record in records.iter_mut().filter(|r| r.template.id == *id) {
                let template = Arc::make_mut(&mut record.template);
                let states = &mut template.steps[step].states;
                *states = State::went_wrong(states, value);
                template.version = template.content_version();
            }
        }
        records
    }
}
