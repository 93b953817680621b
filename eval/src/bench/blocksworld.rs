//! Blocksworld, a control: the same words need another plan wherever the blocks stand otherwise.

use std::collections::{BTreeMap, HashMap};

use plancache::domain::Call;
use plancache_agents::blocksworld::{Blocksworld, arguments, block, tools};
use plancache_agents::import::tools_from_json;
use plancache_agents::tokens::Prompt;
use serde::Deserialize;

use super::script::played;
use super::{Benchmark, Case, Definition, Lessons, LoadError, World, Worlds};
use crate::score::blocksworld::{Goals, facts};
use crate::tasks::read_lines;

/// The file holds other domains too.
const DOMAIN: &str = "blocksworld";

#[derive(Deserialize)]
struct Line {
    task_id: String,
    domain: String,
    request: String,
    init: Vec<String>,
    gold_plan: Vec<Vec<String>>,
    plan_shape: String,
}

struct Tables(HashMap<String, Blocksworld>);

impl Worlds for Tables {
    fn fresh(&self, case: &Case) -> World {
        Box::new(self.0.get(&case.id).cloned().unwrap_or_default())
    }
}

/// The gold plan as calls.
fn calls(plan: &[Vec<String>]) -> Result<Vec<Call>, String> {
    let call = |(at, step): (usize, &Vec<String>)| {
        let (action, objects) = step.split_first().ok_or("an empty step in the gold plan")?;
        let blocks = objects.iter().map(|object| block(object)).collect::<Result<Vec<_>, _>>()?;
        Ok(Call { id: format!("gold-{at}"), tool: action.clone(), arguments: arguments(action, &blocks)? })
    };
    plan.iter().enumerate().map(call).collect()
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let file = definition.files.task_file();
    let described = tools();
    let own = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let tools = tools_from_json(&described).map_err(own)?;
    let mut lines: Vec<Line> = read_lines(&file)?;
    lines.retain(|line| line.domain == DOMAIN);
    let (mut cases, mut tables) = (Vec::new(), HashMap::new());
    let (mut plans, mut shapes) = (Vec::new(), BTreeMap::new());
    for line in lines {
        let wrong = |why| own(format!("{}, {}: {why}", file.display(), line.task_id));
        tables.insert(line.task_id.clone(), Blocksworld::new(facts(&line.init).map_err(wrong)?));
        plans.push(calls(&line.gold_plan).map_err(wrong)?);
        shapes.insert(line.task_id.clone(), vec![line.plan_shape]);
        cases.push(Case::new(&line.task_id, line.request, &tools));
    }
    let judge = Box::new(Goals::load(&file, &definition.name, |task| tables.contains_key(task))?);
    let worlds = Box::new(Tables(tables));
    let runs = cases
        .iter()
        .zip(plans)
        .map(|(case, plan)| {
            let mut plan = plan.into_iter();
            played(case, worlds.fresh(case), |_| plan.next(), |_| None)
        })
        .collect();
    let prompt = Prompt { system: definition.system.clone(), tools: described };
    let effects = definition.effects.clone();
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
    use super::super::testing::{loaded, succeeding};
    use super::*;

    #[test]
    fn every_gold_plan_is_right_and_one_cut_short_is_not() {
        let benchmark = loaded("blocksworld");
        assert_eq!((benchmark.cases.len(), succeeding(&benchmark)), (344, 344));
        let mut cut = benchmark.runs[0].trace.clone();
        cut.steps.pop();
        let verdict = benchmark.judge(&benchmark.cases[0], &cut);
        assert!(verdict.wrong && verdict.why.unwrap().starts_with("it is not so that the "));
    }

    #[test]
    fn blocks_are_called_as_the_requests_call_them() {
        let file = loaded("blocksworld").definition.files.task_file();
        for line in read_lines::<Line>(&file).unwrap() {
            for fact in facts(&line.init).unwrap() {
                assert!(line.request.contains(&fact.to_string()), "{}: {fact}", line.task_id);
            }
        }
    }
}
