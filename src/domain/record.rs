use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Revision, Template};

/// Where a template stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Learnt, not yet believed: it is not served.
    #[default]
    Candidate,
    /// Served.
    Active,
    /// It was wrong; not served until it has new evidence.
    Quarantined,
    /// Not used any more.
    Retired,
}

/// What speaks for and against a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Hashes of the distinct tasks from whose successful runs it was learnt (at most 16 kept;
    /// [`Evidence::successes`] goes on counting).
    pub tasks: BTreeSet<String>,
    /// Distinct successful runs or shadow agreements.
    pub successes: u32,
    /// Runs that it served to the end.
    pub served: u64,
    /// Runs in which it had to be handed back.
    pub diverged: u32,
    /// Served runs that were said to have gone wrong.
    pub bad_outcomes: u32,
    /// Runs that it served to the end for texts in other words than its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub loosely: u32,
    /// Such runs that had to be handed back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub strayed: u32,
    /// Texts in other words that were taken for its own, and wrongly so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub misread: u32,
    /// Runs in whose text its words stood, and that did not do what it does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contradicted: u32,
    /// What its last runs changed of it, oldest first (at most 8 kept).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Revision>,
}

impl Evidence {
    /// Adds what was counted of another template to this one's: what spoke against either speaks against
    /// both.
    pub fn add(&mut self, other: &Self) {
        self.successes += other.successes;
        self.served += other.served;
        self.diverged += other.diverged;
        self.bad_outcomes += other.bad_outcomes;
        self.loosely += other.loosely;
        self.strayed += other.strayed;
        self.misread += other.misread;
        self.contradicted += other.contradicted;
    }

    /// Whether it may serve texts in other words than its own: none went wrong, and not more had to be
    /// handed back than went well.
    pub fn reads_other_words(&self) -> bool {
        self.misread == 0 && self.strayed <= self.loosely + 1
    }

    /// Whether it may serve its part of a text of which another part is not known: in so many distinct runs
    /// that it was learnt from, or so many that it served, what it does was done, and hardly ever it was
    /// not, though its words stood there.
    pub fn stands_alone(&self, least: u32) -> bool {
        let runs = u64::from(self.successes).max(self.served);
        let against = u64::from(self.contradicted) + u64::from(self.bad_outcomes);
        runs >= u64::from(least) && against * u64::from(MOST_AGAINST) <= runs
    }
}

/// A template as it is stored: with its evidence and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateRecord {
    /// The template, shared with plans under way.
    pub template: Arc<Template>,
    /// What speaks for it.
    pub evidence: Evidence,
    /// Whether it is served.
    pub state: Lifecycle,
    /// When it was last changed: a logical count of admissions, not a clock.
    #[serde(default)]
    pub sequence: u64,
}

impl TemplateRecord {
    /// A template for which nothing speaks yet.
    pub fn new(template: Template) -> Self {
        Self {
            template: Arc::new(template),
            evidence: Evidence::default(),
            state: Lifecycle::Candidate,
            sequence: 0,
        }
    }
}

/// A template stands alone where at most one run in so many speaks against it.
const MOST_AGAINST: u32 = 20;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_in_twenty_may_speak_against_a_template_that_stands_alone() {
        let evidence = |successes, contradicted, bad_outcomes| Evidence {
            successes,
            contradicted,
            bad_outcomes,
            ..Evidence::default()
        };
        assert!(evidence(5, 0, 0).stands_alone(5) && evidence(20, 1, 0).stands_alone(5));
        assert!(Evidence { served: 5, ..evidence(2, 0, 0) }.stands_alone(5));
        for few in
            [evidence(4, 0, 0), evidence(19, 1, 0), evidence(39, 1, 1), evidence(0, u32::MAX, u32::MAX)]
        {
            assert!(!few.stands_alone(5), "{few:?}");
        }
    }
}
