use std::sync::Arc;

use plancache::domain::{RunId, RunOutcome};
use plancache::fill::Filler;
use plancache::layer::{CacheHandle, Native, PlanCache, PlanCacheLayer, Settings};
use plancache_agents::import::task;
use plancache_agents::recorded::RecordedPlanner;
use plancache_agents::{Agent, Ending};
use tower::Layer;

use super::report::{OtherWords, Report, TaskResult};
use super::{Options, SetupError, Stage};
use crate::systems::{Watched, kind, names};
use crate::tasks::TaskInput;

/// The recorded planner with the cache in front of it.
type Planner = PlanCache<RecordedPlanner, Native>;

/// Runs the tasks one after the other; `watch` sees each result. What a run teaches is learnt
/// before the next begins.
///
/// # Errors
/// When the store cannot keep what was learnt.
pub async fn run(
    stage: &Stage,
    options: &Options,
    mut watch: impl FnMut(&TaskResult),
) -> Result<Report, SetupError> {
    let mut report = Report::new(options);
    let watched = Arc::new(Watched::new(stage.engine.clone()));
    let layer = PlanCacheLayer::with(watched.clone(), Native, Settings::default());
    let mut planner: Planner = layer.layer(stage.planner.clone());
    for input in &stage.tasks {
        let result = one(stage, &mut planner, &layer.handle(), &watched, input).await?;
        watch(&result);
        report.add(result);
    }
    if let Some(filler) = &stage.filler {
        report.filler_calls = filler.asked();
        report.settings.filler = Some(filler.name().to_owned());
        let mut others = OtherWords::default();
        for other in &stage.others {
            let result = one(stage, &mut planner, &layer.handle(), &watched, &other.input).await?;
            watch(&result);
            others.add(&result, other);
        }
        others.filler_calls = filler.asked() - report.filler_calls;
        report.other_words = Some(others).filter(|others| others.tasks > 0);
    }
    report.templates = stage.engine.templates(None).len();
    Ok(report)
}

async fn one(
    stage: &Stage,
    planner: &mut Planner,
    cache: &CacheHandle,
    watched: &Watched,
    input: &TaskInput,
) -> Result<TaskResult, SetupError> {
    let run = RunId::new(&input.task_id);
    let asked = Arc::new(task(input.instruction.clone(), stage.tools.clone()));
    let mut record = Agent::default().run(planner, run.clone(), asked, stage.shop.clone()).await;
    let verdict = stage.scorer.judge(&input.task_id, &record.environment, record.trace.answer.as_deref());
    let finished = matches!(record.ending, Ending::Answered | Ending::EndedByCall);
    let succeeded = finished && verdict.is_right();
    record.trace.outcome = if succeeded { RunOutcome::Success } else { RunOutcome::Failure };

    let report = cache.finish_with(&record.trace);
    cache.flush().await;
    let admitted = watched.take().into_iter().collect::<Result<Vec<_>, _>>().map_err(SetupError::Learning)?;
    let (decisions, templates) = report.map(|r| (r.decisions, r.templates)).unwrap_or_default();
    let account = stage.planner.account(&run);
    Ok(TaskResult {
        kind: kind(&decisions, account.calls > 0 || account.off_script),
        task_id: input.task_id.clone(),
        succeeded,
        verdict,
        ending: record.ending,
        account,
        whole: stage.planner.whole_run(&input.task_id).unwrap_or_default(),
        names: names(&stage.engine, &templates),
        templates,
        planning: record.planning,
        decisions,
        admitted,
    })
}
