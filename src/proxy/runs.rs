//! How runs end: by an answer, and by what somebody says of it.

use std::sync::Arc;

use super::tracker::{Ended, Tracked, Tracker};
use crate::config::Completed;
use crate::domain::{Namespace, RunId, RunOutcome};
use crate::layer::CacheHandle;

/// What stands between the tenant's name and the mark of an agent's instructions.
const MARK: char = '~';

/// Ends runs that were answered.
#[derive(Debug)]
pub(super) struct Ends {
    tracker: Arc<Tracker>,
    completed: Completed,
}

impl Ends {
    pub(super) fn new(tracker: Arc<Tracker>, completed: Completed) -> Self {
        Self { tracker, completed }
    }

    /// A run has been answered: it ends if it is known how it went. Else it waits to be told, until
    /// it has been idle for too long.
    pub(super) fn answered(&self, cache: &CacheHandle, namespace: &Namespace, run: &RunId) {
        let tracked = self.tracker.of(&tenant(namespace), run);
        let Some(outcome) = tracked.and_then(|tracked| self.outcome(&tracked)) else { return };
        if let Some(report) = cache.finish(namespace, run, outcome) {
            tracing::debug!(kind = report.kind.label(), learning = ?report.learning, "a run ended");
            let ended = Ended { namespace: namespace.clone(), templates: report.templates };
            self.tracker.end(&tenant(namespace), run, ended);
        }
    }

    /// How an answered run went, if that is known. One without a call teaches nothing: an answer
    /// alone may be a question back.
    fn outcome(&self, run: &Tracked) -> Option<RunOutcome> {
        match (run.claimed, self.completed) {
            (Some(RunOutcome::Success), _) if run.calls == 0 => None,
            (Some(outcome), _) => Some(outcome),
            (None, Completed::Success) if run.calls > 0 && !run.failed => Some(RunOutcome::Success),
            (None, _) => None,
        }
    }
}

/// The namespace of an agent's plans: the tenant's, and a mark of the agent's instructions.
pub(crate) fn marked(tenant: &Namespace, instructions: &[String]) -> Namespace {
    if instructions.iter().all(|text| text.trim().is_empty()) {
        return tenant.clone();
    }
    let mut hasher = blake3::Hasher::new();
    for text in instructions {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    Namespace::new(format!("{tenant}{MARK}{}", &hasher.finalize().to_hex()[..12]))
}

/// The tenant of a namespace.
pub(super) fn tenant(namespace: &Namespace) -> Namespace {
    let name = namespace.as_str();
    Namespace::new(name.rsplit_once(MARK).map_or(name, |(tenant, _)| tenant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Mode;

    #[test]
    fn agents_with_other_instructions_are_apart() {
        let team = Namespace::new("team");
        assert_eq!(marked(&team, &[]), team);
        assert_eq!(marked(&team, &[" ".to_owned()]), team);
        let (one, two) = (marked(&team, &["be kind".to_owned()]), marked(&team, &["be quick".to_owned()]));
        assert_ne!(one, two);
        assert_eq!((tenant(&one), tenant(&team)), (team.clone(), team));
    }

    #[test]
    fn unknown_stays_unknown() {
        let ends = |completed| Ends::new(Arc::new(Tracker::new(1)), completed);
        let run = |claimed, calls, failed| Tracked {
            namespace: Namespace::default(),
            mode: Mode::On,
            claimed,
            calls,
            failed,
        };
        let success = Some(RunOutcome::Success);
        assert_eq!(ends(Completed::Unknown).outcome(&run(None, 2, false)), None);
        assert_eq!(ends(Completed::Unknown).outcome(&run(success, 2, true)), success);
        assert_eq!(ends(Completed::Success).outcome(&run(None, 2, false)), success);
        assert_eq!(ends(Completed::Success).outcome(&run(None, 2, true)), None);
        assert_eq!(ends(Completed::Success).outcome(&run(None, 0, false)), None);
        assert_eq!(ends(Completed::Success).outcome(&run(success, 0, false)), None);
        let failure = Some(RunOutcome::Failure);
        assert_eq!(ends(Completed::Success).outcome(&run(failure, 2, false)), failure);
    }
}
