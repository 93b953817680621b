//! DBBench: one request to one table; right is what the gold statement leaves or answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use plancache::domain::{Trace, TraceStep};
use plancache_agents::import::{RecordedRun, read_runs, read_tools};
use plancache_agents::sql::{Image, Sql};
use plancache_agents::sqlite::DataError;
use plancache_agents::tokens::Prompt;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::sql::{statement, statements};
use super::{Benchmark, Case, Definition, Judge, Lessons, LoadError, Verdict, World, Worlds, script};
use crate::score::dbbench::Scorer;
use crate::tasks::read_lines;

/// The table of each task.
type Images = BTreeMap<String, Image>;

struct Copies(Arc<Images>);

impl Worlds for Copies {
    fn fresh(&self, case: &Case) -> World {
        // Every case of this benchmark has its table; any other is given a database without one.
        Box::new(Sql::new(self.0.get(&case.id).cloned().unwrap_or_else(Image::empty)))
    }
}

struct Left {
    scorer: Scorer,
    images: Arc<Images>,
}

impl Judge for Left {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(image) = self.images.get(&case.id) else {
            return Verdict::wrong("the table of the task is not known");
        };
        self.scorer.fault(&case.id, statements(trace), image).map_or_else(Verdict::right, Verdict::wrong)
    }
}

/// A task as its planner knows it.
#[derive(Deserialize)]
struct Input {
    task_id: String,
    question: String,
    table_hint: String,
    table: Table,
    /// Absent where none was shipped; such a task is not verifiable.
    gold_sql: Option<String>,
    /// Whether what the gold statement does can be relied on; the others are left out.
    verifiable: bool,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// The table in a database of its own; every value is a text.
    fn image(&self) -> Result<Image, DataError> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(text).collect()).collect();
        Image::from_table(&self.name, &self.columns, &rows)
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let files = &definition.files;
    let wrong = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let (described, tools) = read_tools(&files.data.join("tools.json"))?;
    let inputs = read_lines::<Input>(&files.task_file())?.into_iter().filter(|input| input.verifiable);
    let inputs: Vec<(Input, String)> = inputs
        .map(|mut input| match input.gold_sql.take() {
            Some(gold) => Ok((input, gold)),
            None => Err(wrong(format!("task {} is verifiable and has no gold_sql", input.task_id))),
        })
        .collect::<Result<_, _>>()?;
    let mut images = Images::new();
    for (Input { task_id, table, .. }, _) in &inputs {
        let image = table.image();
        images
            .insert(task_id.clone(), image.map_err(|e| wrong(format!("the table of task {task_id}: {e}")))?);
    }
    let images = Arc::new(images);
    let worlds = Copies(images.clone());
    let case = |(input, _): &(Input, String)| {
        let text = format!("{}\n{}", input.question, input.table_hint);
        Case::new(&input.task_id, text, &tools)
    };
    let cases: Vec<Case> = inputs.iter().map(case).collect();
    let recorded = match files.run_file() {
        Some(file) => read_runs(&file, &tools)?,
        None => Vec::new(),
    };
    let recorded: BTreeMap<&str, &RecordedRun> =
        recorded.iter().map(|run| (run.task_id.as_str(), run)).collect();
    let run = |(case, (_, gold)): (&Case, &(Input, String))| match recorded.get(case.id.as_str()) {
        Some(run) => script::observed_again(case, worlds.fresh(case), run),
        None => constructed(case, worlds.fresh(case), gold),
    };
    let runs = cases.iter().zip(&inputs).map(run).collect();
    let words = words().map_err(|e| wrong(e.to_string()))?;
    let shape = |(input, gold): &(Input, String)| (input.task_id.clone(), vec![shape(&words, gold)]);
    let shapes = inputs.iter().map(shape).collect();
    let scorer = Scorer::load(&files.task_file())?;
    Ok(Benchmark {
        cases,
        runs,
        prompt: Prompt { system: definition.system.clone(), tools: described },
        effects: definition.effects.clone(),
        worlds: Box::new(worlds),
        judge: Box::new(Left { scorer, images }),
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

/// The gold statement, made at once: the request names the table and its columns.
fn constructed(case: &Case, world: World, gold: &str) -> RecordedRun {
    let next = |steps: &[TraceStep]| steps.is_empty().then(|| statement(0, gold.to_owned()));
    script::played(case, world, next, |_| None)
}

/// A text, a number, a name in quotes, a word, or a sign.
fn words() -> Result<Regex, regex::Error> {
    Regex::new(r#"('(?:[^']|'')*'|\b\d+(?:\.\d+)?\b)|(`[^`]*`|"[^"]*"|\[[^\]]*\])|(\w+)|([^\s;])"#)
}

/// The words of SQL that stay in a shape; any other word is a name.
const KEPT: [&str; 33] = [
    "and", "as", "asc", "avg", "between", "by", "cast", "count", "delete", "desc", "distinct", "from",
    "group", "having", "in", "insert", "into", "int", "is", "like", "limit", "max", "min", "not", "null",
    "or", "order", "select", "set", "sum", "update", "values", "where",
];

/// A statement with its names and values masked: the operation, and how many columns it touches.
fn shape(words: &Regex, statement: &str) -> String {
    let mut shape = Vec::new();
    for word in words.captures_iter(statement) {
        shape.push(match (word.get(1), word.get(2), word.get(3)) {
            (Some(_), ..) => "V".to_owned(),
            (_, Some(_), _) => "C".to_owned(),
            (_, _, Some(word)) => {
                let word = word.as_str().to_lowercase();
                if KEPT.contains(&word.as_str()) { word } else { "C".to_owned() }
            }
            _ => word[0].to_owned(),
        });
    }
    shape.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::loaded;

    #[test]
    fn the_planner_is_right_by_the_judge() {
        let dbbench = loaded("dbbench");
        let wrong: Vec<String> = (dbbench.runs.iter().zip(&dbbench.cases))
            .filter_map(|(run, case)| Some(format!("{}: {}", case.id, dbbench.judge(case, &run.trace).why?)))
            .collect();
        assert_eq!((wrong, dbbench.runs.len()), (Vec::new(), 199));
        let shapes: std::collections::BTreeSet<&String> = dbbench.shapes.values().flatten().collect();
        assert_eq!(shapes.len(), 44);
    }

    #[test]
    fn another_value_is_wrong() {
        let dbbench = loaded("dbbench");
        let case = dbbench.cases.iter().find(|case| case.id == "dbbench-standard-202").unwrap();
        let mut trace = dbbench.runs.iter().find(|run| run.task_id == case.id).unwrap().trace.clone();
        let query = trace.steps[0].call.arguments["query"].as_str().unwrap().replace("Catholic", "State");
        trace.steps[0].call = statement(0, query);
        let fault = dbbench.judge(case, &trace).why.unwrap();
        assert!(fault.contains("\"catholic\""), "{fault}");
    }

    #[test]
    fn a_shape_keeps_the_operation_and_the_number_of_columns() {
        let words = words().unwrap();
        let cases = [
            (
                "INSERT INTO `a b` (c, \"d e\") VALUES ('x''y', 3.5);",
                "insert into C ( C , C ) values ( V , V )",
            ),
            ("UPDATE t SET [a b]='x' WHERE c=1", "update C set C = V where C = V"),
        ];
        for (statement, expected) in cases {
            assert_eq!(shape(&words, statement), expected);
        }
    }
}
