//! GSM8K, a control: sums in words, where the same kind of words asks for another calculation.

use std::collections::BTreeMap;

use plancache::domain::Call;
use plancache_agents::calculator::{Calculator, tools};
use plancache_agents::import::tools_from_json;
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::{Map, json};

use super::script::played;
use super::{Benchmark, Case, Definition, Lessons, LoadError, World, Worlds};
use crate::score::numbers::Results;
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    question: String,
    answer: String,
    equations: Vec<String>,
    plan_shape: String,
}

/// A calculator for every task.
pub(super) struct Desk;

impl Worlds for Desk {
    fn fresh(&self, _: &Case) -> World {
        Box::new(Calculator)
    }
}

/// The left side of an equation, as a call.
fn call((at, equation): (usize, &String)) -> Call {
    let expression = equation.split('=').next().unwrap_or_default();
    let arguments = Map::from_iter([("expression".to_owned(), json!(expression))]);
    Call { id: format!("gold-{at}"), tool: "calculate".to_owned(), arguments }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let file = definition.files.task_file();
    let described = tools();
    let tools =
        tools_from_json(&described).map_err(|why| LoadError::Data { name: definition.name.clone(), why })?;
    let (mut cases, mut runs, mut shapes) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in read_lines::<Line>(&file)? {
        let case = Case::new(&line.task_id, line.question, &tools);
        // A solution without an equation calculates nothing: it is no run of this agent.
        if !line.equations.is_empty() {
            let mut calls = line.equations.iter().enumerate().map(call);
            runs.push(played(&case, Desk.fresh(&case), |_| calls.next(), |_| Some(line.answer)));
            shapes.insert(line.task_id, vec![line.plan_shape]);
        }
        cases.push(case);
    }
    let judge = Box::new(Results::load(&file)?);
    let prompt = Prompt { system: definition.system.clone(), tools: described };
    let effects = definition.effects.clone();
    Ok(Benchmark {
        cases,
        runs,
        prompt,
        effects,
        worlds: Box::new(Desk),
        judge,
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{loaded, succeeding};

    #[test]
    fn most_solutions_end_with_the_equation_that_gives_the_answer() {
        let benchmark = loaded("gsm8k");
        assert_eq!((benchmark.cases.len(), benchmark.runs.len(), succeeding(&benchmark)), (923, 912, 851));
    }

    #[test]
    fn an_answer_does_not_hide_a_wrong_calculation() {
        let benchmark = loaded("gsm8k");
        let (case, run) = (&benchmark.cases[0], &benchmark.runs[0].trace);
        assert!(benchmark.judge(case, run).succeeded);
        let mut other = run.clone();
        other.steps = benchmark.runs[1].trace.steps.clone();
        let verdict = benchmark.judge(case, &other);
        assert!(verdict.wrong && verdict.why.unwrap().starts_with("the last result is "));
        other.steps.clear();
        assert!(benchmark.judge(case, &other).succeeded);
        other.answer = Some("It is 1.5 of them.".to_owned());
        assert!(!benchmark.judge(case, &other).succeeded);
    }
}
