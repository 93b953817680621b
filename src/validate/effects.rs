use crate::domain::{Lifecycle, TemplateId, TemplateRecord};

/// Why a template may not be served, whatever the task says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It calls a tool that is never called from templates.
    #[error("template {0} calls a destructive tool; allow it in the policy to have it served")]
    Destructive(TemplateId),
    /// It was withdrawn.
    #[error("template {0} is {1:?}")]
    State(TemplateId, Lifecycle),
    /// Too few distinct runs speak for it.
    #[error("template {id} has {have} of the {need} distinct successes that it needs")]
    Evidence {
        /// The template.
        id: TemplateId,
        /// Distinct successes so far.
        have: u32,
        /// Distinct successes needed.
        need: u32,
    },
}

/// Whether a template is believed enough for what it does. `needed` is the policy's demand for its
/// tools: distinct successes, or `None` if one of them is never called from a template. A template
/// without steps does nothing and needs no evidence beyond its own run.
///
/// # Errors
/// The first reason against it.
pub fn may_serve(record: &TemplateRecord, needed: Option<u32>) -> Result<(), Refused> {
    let id = || record.template.id.clone();
    let need = match needed {
        Some(_) if record.template.is_idle() => 0,
        Some(need) => need,
        None => return Err(Refused::Destructive(id())),
    };
    match record.state {
        Lifecycle::Quarantined | Lifecycle::Retired => return Err(Refused::State(id(), record.state)),
        Lifecycle::Candidate | Lifecycle::Active => {}
    }
    if record.state == Lifecycle::Candidate && record.evidence.successes < need {
        return Err(Refused::Evidence { id: id(), have: record.evidence.successes, need });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::examples::record;

    #[test]
    fn evidence_state_and_effects_decide() {
        let mut candidate = record();
        candidate.state = Lifecycle::Candidate;
        candidate.evidence.successes = 1;
        assert_eq!(may_serve(&candidate, Some(1)), Ok(()));
        assert!(matches!(may_serve(&candidate, Some(2)), Err(Refused::Evidence { have: 1, need: 2, .. })));
        assert!(matches!(may_serve(&candidate, None), Err(Refused::Destructive(_))));
        candidate.state = Lifecycle::Active;
        assert_eq!(may_serve(&candidate, Some(2)), Ok(()));
        for gone in [Lifecycle::Quarantined, Lifecycle::Retired] {
            candidate.state = gone;
            candidate.evidence.successes = 99;
            assert!(matches!(may_serve(&candidate, Some(1)), Err(Refused::State(_, state)) if state == gone));
        }
        let mut idle = record();
        std::sync::Arc::make_mut(&mut idle.template).steps.clear();
        idle.evidence.successes = 0;
        idle.state = Lifecycle::Candidate;
        assert_eq!(may_serve(&idle, Some(1)), Ok(()));
    }
}
