//! NFL: media discovery over a season's plays; right is the result of the gold plan.

use std::collections::BTreeSet;

use plancache::domain::{Call, Trace, TraceStep};
use plancache_agents::Environment;
use plancache_agents::import::{RecordedRun, read_runs, read_tools};
use plancache_agents::media::{Library, Media};
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Benchmark, Case, Definition, Judge, Lessons, LoadError, Verdict, World, Worlds, script};
use crate::score::nfl::{Done, Scorer};
use crate::tasks::read_lines;

struct Shelf(Library);

impl Worlds for Shelf {
    fn fresh(&self, _: &Case) -> World {
        Box::new(Media::new(self.0.clone()))
    }
}

struct Answers {
    scorer: Scorer,
    library: Library,
}

impl Judge for Answers {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let mut again = Media::new(self.library.clone());
        let calls: Vec<Done<'_>> = trace
            .steps
            .iter()
            .map(|TraceStep { call: Call { tool, arguments, .. }, .. }| {
                let text = again.call(tool, arguments);
                let result = serde_json::from_str(&text).unwrap_or(Value::String(text));
                Done { tool, arguments, result }
            })
            .collect();
        self.scorer.fault(&case.id, &calls).map_or_else(Verdict::right, Verdict::wrong)
    }
}

/// A task as its planner knows it.
#[derive(Deserialize)]
struct Input {
    task_id: String,
    request: String,
    slots: Map<String, Value>,
    gold_plan: Vec<Planned>,
}

#[derive(Deserialize)]
struct Planned {
    name: String,
    arguments: Map<String, Value>,
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let files = &definition.files;
    let wrong = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let library = Library::load(&files.data).map_err(|e| wrong(e.to_string()))?;
    let (described, tools) = read_tools(&files.data.join("tools.json"))?;
    let policy = files.data.join("policy.md");
    let system = std::fs::read_to_string(&policy).map_err(|e| wrong(format!("{}: {e}", policy.display())))?;
    let inputs: Vec<Input> = read_lines(&files.task_file())?;
    let case = |input: &Input| Case::new(&input.task_id, input.request.clone(), &tools);
    let cases: Vec<Case> = inputs.iter().map(case).collect();
    let shelf = Shelf(library.clone());
    let mut runs: Vec<RecordedRun> = match files.run_file() {
        Some(file) => read_runs(&file, &tools)?,
        None => Vec::new(),
    };
    let recorded: BTreeSet<String> = runs.iter().map(|run| run.task_id.clone()).collect();
    for (case, input) in cases.iter().zip(&inputs).filter(|(case, _)| !recorded.contains(&case.id)) {
        runs.push(planned(case, input, &shelf));
    }
    let shapes = inputs.iter().map(|input| (input.task_id.clone(), vec![shape(&input.gold_plan)])).collect();
    let scorer = Scorer::load(&files.task_file())?;
    Ok(Benchmark {
        cases,
        runs,
        prompt: Prompt { system, tools: described },
        effects: definition.effects.clone(),
        worlds: Box::new(shelf),
        judge: Box::new(Answers { scorer, library }),
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

/// The gold plan as a planner without memory for abbreviations does it: each team is looked up
/// first. It ends on its last result, which is what the user sees.
fn planned(case: &Case, input: &Input, shelf: &Shelf) -> RecordedRun {
    let teams = teams(input, &shelf.0);
    let next = |steps: &[TraceStep]| {
        let id = format!("c{}", steps.len());
        if let Some(name) = teams.get(steps.len()) {
            let arguments = Map::from_iter([("name".to_owned(), json!(name))]);
            return Some(Call { id, tool: "find_team".to_owned(), arguments });
        }
        let Planned { name, arguments } = input.gold_plan.get(steps.len() - teams.len())?;
        let arguments =
            arguments.iter().map(|(key, value)| (key.clone(), bound(value, &steps[teams.len()..])));
        Some(Call { id, tool: name.clone(), arguments: arguments.collect() })
    };
    script::played(case, shelf.fresh(case), next, |_| None)
}

/// The teams that the plan names by abbreviation, as the request says them.
fn teams(input: &Input, library: &Library) -> Vec<String> {
    let plan =
        json!(input.gold_plan.iter().map(|planned| &planned.arguments).collect::<Vec<_>>()).to_string();
    let abbreviations = input.slots.values().filter_map(Value::as_str);
    let used = abbreviations.filter(|text| plan.contains(&json!(text).to_string()));
    let mut names: Vec<String> =
        used.filter_map(|text| Some(said(&library.nickname(text)?, &input.request))).collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// A nickname as it stands in the request, or as it is where it does not.
fn said(nickname: &str, request: &str) -> String {
    let at = request.to_ascii_lowercase().find(&nickname.to_ascii_lowercase());
    at.and_then(|at| request.get(at..at + nickname.len())).unwrap_or(nickname).to_owned()
}

/// An argument with its references (`$2`: the result of step 2) replaced by what was observed.
fn bound(value: &Value, steps: &[TraceStep]) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), bound(value, steps))).collect()
        }
        Value::String(text) => {
            let step = text.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()?.checked_sub(1));
            let observed = step.and_then(|step| steps.get(step)?.observation.as_ref());
            let result = observed.and_then(|o| o.value.get("plays").or_else(|| o.value.get("game")));
            result.unwrap_or(value).clone()
        }
        other => other.clone(),
    }
}

/// The plan without its values: tools, and the names of their arguments.
fn shape(plan: &[Planned]) -> String {
    fn names(prefix: &str, members: &Map<String, Value>, found: &mut BTreeSet<String>) {
        for (key, value) in members {
            match value {
                Value::Object(inner) => names(&format!("{prefix}{key}."), inner, found),
                _ => drop(found.insert(format!("{prefix}{key}"))),
            }
        }
    }
    let mut steps = Vec::new();
    for planned in plan {
        let mut found: BTreeSet<String> = BTreeSet::new();
        names("", &planned.arguments, &mut found);
        let found: Vec<String> = found.into_iter().collect();
        steps.push(format!("{}({})", planned.name, found.join(" ")));
    }
    steps.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::{loaded, succeeding};

    #[test]
    fn the_planner_is_right_by_the_judge_and_looks_teams_up() {
        let nfl = loaded("nfl");
        assert_eq!((succeeding(&nfl), nfl.cases.len()), (361, 361));
        let looked_up = |run: &&RecordedRun| run.trace.steps.iter().any(|s| s.call.tool == "find_team");
        assert_eq!(nfl.runs.iter().filter(looked_up).count(), 172);
        for step in nfl.runs.iter().flat_map(|run| &run.trace.steps) {
            assert!(!step.observation.as_ref().unwrap().failed, "{step:?}");
        }
        let shapes: BTreeSet<&String> = nfl.shapes.values().flatten().collect();
        assert_eq!(shapes.len(), 21);
    }

    #[test]
    fn another_week_is_another_answer() {
        let nfl = loaded("nfl");
        let run = nfl.runs.iter().find(|run| run.task_id == "nfl-qb_pass_yards_week-00").unwrap();
        let case = nfl.cases.iter().find(|case| case.id == run.task_id).unwrap();
        let mut trace = run.trace.clone();
        trace.steps[0].call.arguments["filters"]["week"] = json!(14);
        let fault = nfl.judge(case, &trace).why.unwrap();
        // The handle of the other search is not found again either.
        assert!(fault.starts_with("search_plays.filters.week should be 15, is 14"), "{fault}");
        trace.steps.clear();
        assert_eq!(nfl.judge(case, &trace), Verdict::wrong("no call was made"));
    }
}
