//! Retail: a shop's customer service; right is the database that the gold actions leave.

use std::collections::{BTreeMap, BTreeSet};

use plancache::domain::{EffectClass, Trace};
use plancache_agents::Environment;
use plancache_agents::import::{read_effects, read_runs, read_tools, task};
use plancache_agents::retail::Retail;
use plancache_agents::tokens::Prompt;

use super::script::played;
use super::{Benchmark, Case, Definition, Judge, Lessons, LoadError, Verdict, World, Worlds};
use crate::score::{self, Scorer};
use crate::tasks::read_tasks;

struct Shop(Retail);

impl Worlds for Shop {
    fn fresh(&self, _: &Case) -> World {
        Box::new(self.0.clone())
    }
}

struct State {
    scorer: Scorer,
    fresh: Retail,
}

impl Judge for State {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let mut left = self.fresh.clone();
        for step in &trace.steps {
            left.call(&step.call.tool, &step.call.arguments);
        }
        match self.scorer.judge(&case.id, &left, trace.answer.as_deref()) {
            score::Verdict::Right => Verdict::right(),
            score::Verdict::WrongState { difference } => Verdict::wrong(difference),
            score::Verdict::Unsaid { output } => Verdict::wrong(format!("{output:?} was not said")),
            score::Verdict::UnknownTask => Verdict::wrong("the scorer does not know the task"),
        }
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let files = &definition.files;
    let wrong = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let fresh = Retail::load(&files.data).map_err(|e| wrong(e.to_string()))?;
    let (described, tools) = read_tools(&files.data.join("tools.json"))?;
    let effects = read_effects(&files.data.join("effects.toml"))?;
    let policy = files.data.join("policy.md");
    let system = std::fs::read_to_string(&policy).map_err(|e| wrong(format!("{}: {e}", policy.display())))?;
    let cases: Vec<Case> = read_tasks(&files.task_file())?
        .into_iter()
        .map(|input| Case { id: input.task_id, task: task(input.instruction, tools.clone()).into() })
        .collect();
    let scorer = Scorer::load(&files.task_file(), fresh.clone())?;
    let mut runs = match files.run_file() {
        Some(file) => read_runs(&file, &tools)?,
        None => Vec::new(),
    };
    let recorded: BTreeSet<String> = runs.iter().map(|run| run.task_id.clone()).collect();
    for case in cases.iter().filter(|case| !recorded.contains(&case.id)) {
        let mut gold = scorer.gold_calls(&case.id).into_iter();
        runs.push(played(case, Box::new(fresh.clone()), |_| gold.next(), |_| None));
    }
    let mut shapes = BTreeMap::new();
    for run in &runs {
        let writes = run.trace.steps.iter().map(|step| step.call.tool.clone());
        let writes = writes.filter(|tool| effects.get(tool) != Some(&EffectClass::Read));
        let mut units: Vec<String> = writes.collect();
        units.sort();
        shapes.insert(run.task_id.clone(), units);
    }
    let prompt = Prompt { system, tools: described };
    let worlds = Box::new(Shop(fresh.clone()));
    let judge = Box::new(State { scorer, fresh });
    Ok(Benchmark {
        cases,
        runs,
        prompt,
        effects,
        worlds,
        judge,
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}
