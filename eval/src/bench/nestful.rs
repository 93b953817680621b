//! NESTFUL: calls that are given what earlier calls answered. A subset of the tasks has a catalogue
//! of tools of its own, and a namespace.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use plancache::domain::{Call, Namespace, Task, Tool, TraceStep};
use plancache_agents::import::{task, tools_from_json};
use plancache_agents::nested::Apis;
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::Value;

use super::script::played;
use super::{Benchmark, Case, Definition, Lessons, LoadError, World, Worlds};
use crate::score::nested::{GoldCall, Plans, Results, calls, referred_members};
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    subset: String,
    request: String,
    gold_plan: Vec<GoldCall>,
    plan_shape: String,
}

/// The APIs of each namespace.
struct Services(HashMap<Namespace, Apis>);

impl Worlds for Services {
    fn fresh(&self, case: &Case) -> World {
        Box::new(self.0.get(&case.task.namespace).cloned().unwrap_or_default())
    }
}

/// The next call of a plan, once what it refers to is observed.
struct Plan {
    calls: Vec<GoldCall>,
    tools: Arc<Vec<Tool>>,
    results: Results,
    lost: bool,
}

impl Plan {
    fn next(&mut self, seen: &[TraceStep]) -> Option<Call> {
        if let Some((gold, step)) = self.calls.iter().zip(seen).next_back() {
            let answer = step.observation.as_ref().map(|o| o.value.clone());
            self.lost |= answer.is_none() || step.observation.as_ref().is_some_and(|o| o.failed);
            self.results.add(gold, answer.unwrap_or_default());
        }
        let gold = self.calls.get(seen.len()).filter(|_| !self.lost)?;
        let Some(mut arguments) = self.results.resolve(gold) else {
            self.lost = true;
            return None;
        };
        let tool = self.tools.iter().find(|tool| tool.name == gold.name);
        for (name, value) in &mut arguments {
            // A number is written as text where the tool wants text.
            let kind = tool.and_then(|tool| tool.argument(name)).and_then(|schema| schema.get("type"));
            if value.is_number() && kind == Some(&Value::from("string")) {
                *value = Value::String(value.to_string());
            }
        }
        Some(Call { id: format!("gold-{}", seen.len()), tool: gold.name.clone(), arguments })
    }
}

/// The catalogue of a subset as its tasks use it: references name outputs that descriptions leave out.
fn service(definition: &Definition, subset: &str, lines: &[Line]) -> Result<Apis, LoadError> {
    let mut apis = Apis::read(&definition.files.data.join(format!("tools_{subset}.json")))?;
    for line in lines.iter().filter(|line| line.subset == subset) {
        for (tool, member) in referred_members(&line.gold_plan) {
            apis.also_answers(tool, &member);
        }
    }
    Ok(apis)
}

pub(super) fn load(definition: Definition, subsets: &[&str]) -> Result<Benchmark, LoadError> {
    let file = definition.files.task_file();
    let mut lines: Vec<Line> = read_lines(&file)?;
    lines.retain(|line| subsets.contains(&line.subset.as_str()));
    let (mut services, mut catalogues) = (HashMap::new(), HashMap::new());
    let (mut described, mut effects) = (Vec::new(), BTreeMap::new());
    for subset in subsets {
        let apis = service(&definition, subset, &lines)?;
        let own = apis.tools();
        let wrong = |why| LoadError::Data { name: definition.name.clone(), why };
        catalogues.insert((*subset).to_owned(), tools_from_json(&own).map_err(wrong)?);
        described.extend(own);
        effects.extend(apis.effects());
        services.insert(Namespace::new(*subset), apis);
    }
    effects.extend(definition.effects.clone());
    let worlds = Box::new(Services(services));
    let (mut cases, mut runs, mut shapes) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in lines {
        let tools = catalogues.get(&line.subset).cloned().unwrap_or_default();
        let namespace = Namespace::new(&line.subset);
        let asked = Task { namespace, ..task(line.request, tools.clone()) };
        let case = Case { id: line.task_id, task: asked.into() };
        let mut plan = Plan { calls: calls(line.gold_plan), tools, results: Results::default(), lost: false };
        let run = played(&case, worlds.fresh(&case), |seen| plan.next(seen), |_| None);
        // A plan that calls what its catalogue lacks, or refers to nothing, cannot be executed.
        if !plan.lost {
            shapes.insert(case.id.clone(), vec![line.plan_shape]);
            runs.push(run);
        }
        cases.push(case);
    }
    let judge = Box::new(Plans::load(&file)?);
    let prompt = Prompt { system: definition.system.clone(), tools: described };
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

#[cfg(test)]
mod tests {
    use plancache::domain::EffectClass;

    use super::super::testing::{loaded, succeeding};

    fn count(name: &str) -> (usize, usize, usize) {
        let benchmark = loaded(name);
        (benchmark.cases.len(), benchmark.runs.len(), succeeding(&benchmark))
    }

    #[test]
    fn gold_plans_that_can_be_executed_are_right() {
        assert_eq!(count("nestful"), (86, 86, 86));
        assert_eq!(count("nestful_unique"), (124, 117, 117));
    }

    #[test]
    fn a_reference_to_another_call_is_wrong() {
        let benchmark = loaded("nestful");
        let run = benchmark.runs.iter().find(|run| run.task_id == "nestful-executable-13").unwrap();
        let case = benchmark.cases.iter().find(|case| case.id == run.task_id).unwrap();
        let mut other = run.trace.clone();
        other.steps[1].call.arguments.insert("business_id".into(), "x00000000000".into());
        let verdict = benchmark.judge(case, &other);
        assert!(verdict.wrong && verdict.why.unwrap().contains("`business_id` is \"x00000000000\""));
        other.steps.pop();
        let why = benchmark.judge(case, &other).why.unwrap();
        assert_eq!(why, "LocalBusinessDataBusinessReviews was not called");
    }

    #[test]
    fn what_books_or_buys_counts_as_a_write() {
        let benchmark = loaded("nestful");
        let class = |tool: &str| benchmark.effects[tool];
        assert_eq!(class("RideSharing.GetRide"), EffectClass::Write);
        assert_eq!(class("Hotels.SearchHotel"), EffectClass::Read);
        assert!(benchmark.reads().count() > 50);
    }
}
