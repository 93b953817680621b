use std::sync::Arc;

use plancache::domain::{Outcome, RunId, RunOutcome, Served};
use plancache::fill::Filler;
use plancache_agents::import::task;
use plancache_agents::{Agent, Ending};

use super::cached::{CachedPlanner, Decision};
use super::report::{Kind, Report, TaskResult};
use super::{Options, SetupError, Stage};
use crate::tasks::TaskInput;

/// Runs the tasks one after the other; `watch` sees each result with the templates' names.
///
/// # Errors
/// When the store cannot keep what was learnt.
pub async fn run(
    stage: &Stage,
    options: &Options,
    mut watch: impl FnMut(&TaskResult),
) -> Result<Report, SetupError> {
    let mut report = Report::new(options);
    let mut planner = CachedPlanner::new(stage.engine.clone(), stage.planner.clone());
    for input in &stage.tasks {
        let result = one(stage, &mut planner, input).await?;
        watch(&result);
        report.add(result);
    }
    if let Some(filler) = &stage.filler {
        report.filler_calls = filler.asked();
        report.settings.filler = Some(filler.name().to_owned());
    }
    report.templates = stage.engine.templates(None).len();
    Ok(report)
}

async fn one(
    stage: &Stage,
    planner: &mut CachedPlanner,
    input: &TaskInput,
) -> Result<TaskResult, SetupError> {
    let run = RunId::new(&input.task_id);
    let asked = Arc::new(task(input.instruction.clone(), stage.tools.clone()));
    let mut record = Agent::default().run(planner, run.clone(), asked, stage.shop.clone()).await;
    let verdict = stage.scorer.judge(&input.task_id, &record.environment, record.trace.answer.as_deref());
    let finished = matches!(record.ending, Ending::Answered | Ending::EndedByCall);
    let succeeded = finished && verdict.is_right();
    record.trace.outcome = if succeeded { RunOutcome::Success } else { RunOutcome::Failure };

    let decisions = planner.take_decisions();
    let account = stage.planner.account(&run);
    let kind = kind(&decisions, account.calls > 0 || account.off_script);
    let served = served(&decisions);
    let mut admitted = None;
    if kind != Kind::Miss {
        let (namespace, diverged) = (&record.trace.task.namespace, kind == Kind::Diverged);
        stage.engine.served(&run, namespace, &served, diverged, record.trace.outcome).await?;
    }
    // A run that templates served alone teaches nothing that they do not say already.
    if kind != Kind::Hit && succeeded {
        admitted = Some(stage.engine.admit(&record.trace).await?);
    }
    let names = served
        .iter()
        .filter_map(|s| {
            let all = stage.engine.templates(Some(&record.trace.task.namespace));
            all.iter().find(|r| r.template.id == s.id).map(|r| r.template.name.clone())
        })
        .collect();
    Ok(TaskResult {
        task_id: input.task_id.clone(),
        kind,
        succeeded,
        verdict,
        ending: record.ending,
        account,
        whole: stage.planner.whole_run(&input.task_id).unwrap_or_default(),
        templates: served,
        names,
        planning: record.planning,
        decisions,
        admitted,
    })
}

fn kind(decisions: &[Decision], planned: bool) -> Kind {
    if !decisions.iter().any(|d| d.served) {
        Kind::Miss
    } else if planned || decisions.iter().any(|d| matches!(d.outcome, Outcome::Diverged(_))) {
        Kind::Diverged
    } else {
        Kind::Hit
    }
}

/// The templates that served, each once, in order.
fn served(decisions: &[Decision]) -> Vec<Served> {
    let mut all: Vec<Served> = Vec::new();
    for decision in decisions.iter().filter(|d| d.served) {
        if let Outcome::Hit { templates, .. } = &decision.outcome {
            for one in templates {
                if !all.contains(one) {
                    all.push(one.clone());
                }
            }
        }
    }
    all
}
