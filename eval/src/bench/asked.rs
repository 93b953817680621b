//! Benchmarks whose tasks are learnt apart from those that are asked: other texts of the tasks, the
//! tasks of another file, those whose plans have a part that is never learnt, or the tasks that have one
//! value in a field.

use std::collections::{BTreeMap, BTreeSet};

use plancache::domain::{Task, Trace};
use serde::Deserialize;
use serde_json::Value;

use super::definition::Asked;
use super::{Benchmark, Case, Definition, Judge, LoadError, Verdict, World, Worlds, registry};
use crate::tasks::read_lines;

/// Another text of a task.
#[derive(Deserialize)]
struct Text {
    task_id: String,
    request: String,
}

/// Sets apart what is asked, as the definition says.
pub(super) fn set_apart(mut benchmark: Benchmark) -> Result<Benchmark, LoadError> {
    let files = benchmark.definition.files.clone();
    let wrong = |why: String| LoadError::Data { name: benchmark.definition.name.clone(), why };
    match benchmark.definition.asked.clone() {
        None => {}
        Some(Asked::Texts(file)) => {
            let texts: Vec<Text> = read_lines(&files.data.join(file))?;
            let asked: BTreeSet<&str> = texts.iter().map(|text| text.task_id.as_str()).collect();
            let cases = texts.iter().map(|text| {
                let of = benchmark.cases.iter().find(|case| case.id == text.task_id);
                let of = of.ok_or_else(|| wrong(format!("{} is no task", text.task_id)))?;
                let task = Task { text: text.request.clone(), ..of.task.as_ref().clone() };
                Ok(Case { id: of.id.clone(), task: task.into() })
            });
            let cases: Vec<Case> = cases.collect::<Result<_, LoadError>>()?;
            benchmark.lessons.cases = std::mem::replace(&mut benchmark.cases, cases);
            benchmark.lessons.cases.retain(|case| !asked.contains(case.id.as_str()));
        }
        Some(Asked::Tasks(file)) => {
            let mut definition: Definition = benchmark.definition.clone();
            (definition.files.tasks, definition.files.runs, definition.asked) = (file, None, None);
            let other = registry::load(definition)?;
            let both: BTreeSet<&str> = benchmark.cases.iter().map(|case| case.id.as_str()).collect();
            if let Some(case) = other.cases.iter().find(|case| both.contains(case.id.as_str())) {
                return Err(wrong(format!("{} is learnt and asked", case.id)));
            }
            let asked = other.cases.iter().map(|case| case.id.clone()).collect();
            benchmark.lessons.cases = std::mem::replace(&mut benchmark.cases, other.cases);
            benchmark.runs.extend(other.runs);
            benchmark.shapes.extend(other.shapes);
            let (lessons, worlds) = (benchmark.judge, benchmark.worlds);
            let both = Both { asked, ours: (other.judge, other.worlds), lessons: (lessons, worlds) };
            let both = std::sync::Arc::new(both);
            (benchmark.judge, benchmark.worlds) = (Box::new(both.clone()), Box::new(both));
        }
        Some(Asked::Shapes(unknown)) => {
            let is_asked = |case: &Case| {
                let shapes = benchmark.shapes.get(&case.id);
                shapes.is_some_and(|shapes| shapes.iter().any(|shape| unknown.contains(shape)))
            };
            let (asked, lessons): (Vec<Case>, Vec<Case>) =
                benchmark.cases.iter().cloned().partition(is_asked);
            if let Some(shape) =
                unknown.iter().find(|own| !benchmark.shapes.values().any(|s| s.contains(own)))
            {
                return Err(wrong(format!("no plan has the part {shape:?}")));
            }
            (benchmark.cases, benchmark.lessons.cases) = (asked, lessons);
        }
        Some(Asked::Each(field)) => {
            let lines: Vec<BTreeMap<String, Value>> = read_lines(&files.task_file())?;
            let fold = |line: &BTreeMap<String, Value>| {
                Some((line.get("task_id")?.as_str()?.to_owned(), line.get(&field)?.to_string()))
            };
            benchmark.lessons.folds = lines.iter().filter_map(fold).collect();
            if let Some(case) =
                benchmark.cases.iter().find(|case| !benchmark.lessons.folds.contains_key(&case.id))
            {
                return Err(wrong(format!("{} has no {field:?}", case.id)));
            }
            benchmark.lessons.cases = benchmark.cases.clone();
        }
    }
    Ok(benchmark)
}

type Half = (Box<dyn Judge>, Box<dyn Worlds>);

/// Two files of tasks, each with its own judge and worlds.
struct Both {
    asked: BTreeSet<String>,
    ours: Half,
    lessons: Half,
}

impl Both {
    fn half(&self, case: &Case) -> &Half {
        if self.asked.contains(&case.id) { &self.ours } else { &self.lessons }
    }
}

impl Judge for std::sync::Arc<Both> {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        self.half(case).0.judge(case, trace)
    }
}

impl Worlds for std::sync::Arc<Both> {
    fn fresh(&self, case: &Case) -> World {
        self.half(case).1.fresh(case)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{loaded, succeeding};
    use super::*;

    #[test]
    fn what_is_asked_is_never_learnt_and_can_be_judged() {
        for name in ["retail_natural", "retail_words", "retail_dev", "retail_unknown"] {
            let benchmark = loaded(name);
            let lessons: BTreeSet<&str> =
                benchmark.lessons.cases.iter().map(|case| case.id.as_str()).collect();
            assert!(lessons.len() > 100, "{name}");
            assert!(!benchmark.cases.iter().any(|case| lessons.contains(case.id.as_str())), "{name}");
            // The planner's runs are right for what is asked and for what is learnt.
            assert_eq!(succeeding(&benchmark), benchmark.cases.len(), "{name}");
            let taught = &benchmark.lessons.cases[0];
            let run = benchmark.runs.iter().find(|run| run.task_id == taught.id).unwrap();
            assert!(benchmark.judge(taught, &run.trace).succeeded, "{name}");
        }
    }

    #[test]
    fn each_wording_of_nfl_is_asked_by_itself() {
        let benchmark = loaded("nfl_wording");
        let folds: BTreeSet<&str> = benchmark.lessons.folds.values().map(String::as_str).collect();
        assert_eq!(folds.len(), 4);
        assert_eq!(benchmark.lessons.cases.len(), benchmark.cases.len());
    }
}
