//! Templates taught from recorded runs of other tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use plancache::domain::{EffectClass, RunOutcome, TemplateRecord, Trace};
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::store::{MemoryStore, StoreError};
use plancache_agents::import::RecordedRun;

use crate::tasks::TaskInput;

/// Learns from the runs (all of them successes) whose task is not `but`, each with its task's
/// instruction as its text, and returns the templates.
///
/// # Errors
/// Never with a store in memory.
pub(super) async fn teach(
    runs: &[RecordedRun],
    tasks: &[TaskInput],
    effects: &BTreeMap<String, EffectClass>,
    but: Option<&str>,
) -> Result<Vec<Arc<TemplateRecord>>, StoreError> {
    let policy = Policy { effects: effects.clone(), ..Policy::default() };
    let engine = Engine::open(policy, Arc::new(MemoryStore::new()), None).await?;
    for run in runs.iter().filter(|run| but != Some(run.task_id.as_str())) {
        let mut trace: Trace = run.trace.clone();
        if let Some(task) = tasks.iter().find(|task| task.task_id == run.task_id) {
            trace.task.text.clone_from(&task.instruction);
        }
        trace.outcome = RunOutcome::Success;
        engine.admit(&trace).await?;
    }
    Ok(engine.templates(None))
}
