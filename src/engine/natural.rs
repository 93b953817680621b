//! Texts in other words than those learnt: which templates they may mean, and whether that is clear.

use std::sync::Arc;

use super::Engine;
use super::covers::Cover;
use super::lookup::{self, Decision, Fingerprints};
use super::programs::place;
use super::single;
use super::snapshot::{Tenant, masked_pattern};
use super::weighed::Weighed;
use crate::domain::{Lifecycle, Miss, Namespace, Served, Task, Template, TemplateRecord};
use crate::fill::{Block, Choice, FillAnswer, FillQuestion, Plan, loose};
use crate::matching::words;
use crate::policy::NaturalChoice;
use crate::spans::lex;

/// Most templates that are tried on one text.
const MOST_TEMPLATES: usize = 64;
/// Least share of a template's keywords that a text has to hold, where there are more templates.
const LEAST_SHARE: f64 = 0.2;
/// Most rivals that are followed side by side.
const MOST_RIVALS: usize = 4;

impl Engine {
    /// Makes the vectors of new wordings in the background, so that no text that is asked for waits for
    /// them.
    pub(super) fn learn_wordings(&self, namespace: &Namespace, learnt: &[Served]) {
        let (natural, programs) = (self.policy.natural.on, self.policy.programs_in_other_words);
        let Some(likeness) = self.likeness.clone().filter(|_| natural || programs) else { return };
        let snapshot = self.snapshot.load();
        let Some(tenant) = snapshot.tenant(namespace) else { return };
        let of = |template: &Template| {
            let program = programs && place(template).is_some();
            [natural.then(|| loose::wording(template)), program.then(|| masked_pattern(template))]
        };
        let records = learnt.iter().filter_map(|served| tenant.record(&served.id));
        let wordings: Vec<String> = records.flat_map(|record| of(&record.template)).flatten().collect();
        if wordings.is_empty() {
            return;
        }
        tokio::task::spawn_blocking(move || {
            if let Err(why) = likeness.vectors(&wordings) {
                tracing::warn!(%why, "a new wording has no vector yet");
            }
        });
    }

    /// How alike the parts of a text are to what a namespace knows. `None` where that is switched off
    /// or cannot be told.
    pub(super) async fn weigh(
        &self,
        tenant: &Tenant,
        task: &Task,
        fingerprints: &Fingerprints,
    ) -> Option<Weighed> {
        let natural = self.policy.natural;
        let likeness = self.likeness.clone().filter(|_| natural.on)?;
        let records = likely(tenant, task, fingerprints);
        let (text, novelty) = (lex(&task.text), tenant.novelty());
        let weigh = move || Weighed::of(&text, &records, novelty, &likeness, natural);
        match tokio::task::spawn_blocking(weigh).await {
            Ok(Ok(weighed)) => Some(weighed),
            Ok(Err(why)) => {
                tracing::warn!(%why, "a text could not be compared with what is known");
                None
            }
            Err(why) => {
                tracing::warn!(%why, "comparing a text failed");
                None
            }
        }
    }

    /// Reads a text that no pattern covers by likeness: every part of it has to be like the wording of
    /// a template that its values fit. What comes next to the best reading stays in the plan.
    pub(super) async fn naturally(
        &self,
        tenant: &Tenant,
        task: &Task,
        fingerprints: &Fingerprints,
        miss: Miss,
    ) -> Decision {
        let Some(weighed) = self.weigh(tenant, task, fingerprints).await else { return Decision::Miss(miss) };
        self.decided(tenant, task, &weighed, miss).await
    }

    /// What is decided on what was weighed.
    pub(super) async fn decided(
        &self,
        tenant: &Tenant,
        task: &Task,
        weighed: &Weighed,
        miss: Miss,
    ) -> Decision {
        let natural = self.policy.natural;
        let rivals = weighed.rivals(natural.margin);
        match rivals.first() {
            Some(best) if best.readings.iter().all(|part| weighed.is_clear(part, natural)) => {}
            _ => return Decision::Miss(miss),
        }
        if rivals.len() > MOST_RIVALS {
            let what = "it is like several things that were learnt".to_owned();
            return Decision::Miss(Miss::Ambiguous { what });
        }
        let chosen = match self.preferred(task, &rivals).await {
            Some(one) => vec![rivals[one]],
            None => rivals,
        };
        let waits = |block: &Block| lookup::waits(block, &self.policy);
        if chosen.iter().any(|cover| !cover.acts() || cover.blocks().iter().any(waits)) {
            return Decision::Miss(miss);
        }
        for reading in chosen.iter().flat_map(|cover| &cover.readings) {
            let Some(record) = tenant.record(&reading.block.template.id) else { return Decision::Miss(miss) };
            if !record.evidence.reads_other_words() {
                return Decision::Miss(miss);
            }
            if let Err(refused) = lookup::servable(record, &self.policy) {
                return Decision::Miss(lookup::not_active(refused));
            }
        }
        let covers: Vec<Arc<Vec<Block>>> = chosen.iter().map(|cover| Arc::new(cover.blocks())).collect();
        let first = covers[0].clone();
        let plan = Plan { covers, loose: true, gaps: Vec::new() };
        Decision::Plan { plan, templates: lookup::served(&first, true), slots: lookup::slots(&first) }
    }

    /// Which of several meanings the filler takes for the text's own, if it is sure: the one in whose
    /// learnt words, with the text's values, a user most likely says the text.
    async fn preferred(&self, task: &Task, rivals: &[&Cover]) -> Option<usize> {
        if rivals.len() < 2 || !self.policy.filler {
            return None;
        }
        if self.policy.natural.choice == NaturalChoice::Single {
            let blocks: Vec<Vec<Block>> = rivals.iter().map(|cover| cover.blocks()).collect();
            if single::differ_in_values(&blocks) {
                return self.single(task, &blocks).await;
            }
        }
        let values: Vec<String> = rivals.iter().map(|cover| cover.rendered()).collect();
        let question = FillQuestion {
            prefix_key: "natural".into(),
            prefix: String::new(),
            task: String::new(),
            choice: Choice::Meant { argument: "request".into(), values, said: task.text.clone() },
            deadline: self.deadline(),
        };
        match self.answer_to(question, &|| Miss::FillerUnavailable).await {
            Ok(FillAnswer::Chosen { index, margin }) if margin >= self.policy.natural.odds => Some(index),
            _ => None,
        }
    }
}

/// Templates that a text may mean: all of a small namespace, else those of which it holds some
/// keywords. Those that may not be served stay among them: a text that is most like one of them is not
/// taken for another.
fn likely(tenant: &Tenant, task: &Task, fingerprints: &Fingerprints) -> Vec<Arc<TemplateRecord>> {
    let found: Vec<Arc<TemplateRecord>> = if tenant.len() <= MOST_TEMPLATES {
        tenant.all().cloned().collect()
    } else {
        let all = words(&task.text);
        let asked: Vec<&str> = all.iter().map(String::as_str).collect();
        let nominated = tenant.index.nominate(&asked, LEAST_SHARE, MOST_TEMPLATES);
        nominated.nominations.iter().filter_map(|n| tenant.record(&n.id).cloned()).collect()
    };
    let usable = |record: &Arc<TemplateRecord>| {
        lookup::fits(record, task, fingerprints)
            && record.state != Lifecycle::Retired
            // What a program asks for hangs on more than its wording (see `programs`).
            && !record.template.has_programs()
    };
    let mut found: Vec<_> = found.into_iter().filter(usable).collect();
    found.sort_by(|a, b| a.template.id.cmp(&b.template.id));
    found
}
