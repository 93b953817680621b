//! SQL: questions to small databases, each of which is a tenant of its own; right are the rows that
//! the gold query gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plancache::domain::{Call, Namespace, Tool, Trace, TraceStep};
use plancache_agents::import::{RecordedRun, read_runs, read_tools, task};
use plancache_agents::sql::{Image, Sql};
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::{Map, json};

use super::{Benchmark, Case, Definition, Judge, Lessons, LoadError, Verdict, World, Worlds, script};
use crate::score::sql::Scorer;
use crate::tasks::read_lines;

/// The databases, by name.
type Images = BTreeMap<String, Image>;

/// The database of a case, which can only be read.
fn database(images: &Images, case: &Case) -> Option<Sql> {
    images.get(case.task.namespace.as_str()).cloned().map(Sql::read_only)
}

struct Copies(Arc<Images>);

impl Worlds for Copies {
    fn fresh(&self, case: &Case) -> World {
        // Every case of this benchmark has its database; any other is given one without tables.
        Box::new(database(&self.0, case).unwrap_or_else(|| Sql::read_only(Image::empty())))
    }
}

struct Rows {
    scorer: Scorer,
    images: Arc<Images>,
}

impl Judge for Rows {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(mut database) = database(&self.images, case) else {
            return Verdict::wrong("the database of the task is not known");
        };
        let statements = statements(trace);
        self.scorer.fault(&case.id, statements, &mut database).map_or_else(Verdict::right, Verdict::wrong)
    }
}

/// The statements of a run.
pub(super) fn statements(trace: &Trace) -> impl Iterator<Item = &str> {
    trace.steps.iter().filter_map(|step| step.call.arguments.get("query")?.as_str())
}

/// A call of the one tool.
pub(super) fn statement(at: usize, query: String) -> Call {
    let arguments = Map::from_iter([("query".to_owned(), json!(query))]);
    Call { id: format!("c{at}"), tool: "execute_sql".to_owned(), arguments }
}

/// A task as its planner knows it.
#[derive(Deserialize)]
struct Input {
    task_id: String,
    db: String,
    question: String,
    gold_sql: String,
    sql_template: String,
    /// Nothing can be told from its gold rows, since there are none: left out.
    degenerate: bool,
}

impl Input {
    fn case(&self, tools: &Arc<Vec<Tool>>) -> Case {
        let mut task = task(self.question.clone(), tools.clone());
        task.namespace = Namespace::new(&self.db);
        Case { id: self.task_id.clone(), task: task.into() }
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let files = &definition.files;
    let wrong = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let (described, tools) = read_tools(&files.data.join("tools.json"))?;
    let mut inputs: Vec<Input> = read_lines(&files.task_file())?;
    inputs.retain(|input| !input.degenerate);
    let mut images = Images::new();
    for name in inputs.iter().map(|input| &input.db).collect::<BTreeSet<_>>() {
        let path = files.data.join("db").join(format!("{name}.sql"));
        let shown = path.display();
        let script = std::fs::read_to_string(&path).map_err(|e| {
            wrong(format!("{shown}: {e}; tasks are asked of this database, give its folder with --data"))
        })?;
        let image = Image::from_script(&script).map_err(|e| wrong(format!("{shown}: {e}")))?;
        images.insert(name.clone(), image);
    }
    let images = Arc::new(images);
    let worlds = Copies(images.clone());
    let cases: Vec<Case> = inputs.iter().map(|input| input.case(&tools)).collect();
    let recorded = match files.run_file() {
        Some(file) => read_runs(&file, &tools)?,
        None => Vec::new(),
    };
    let recorded: BTreeMap<&str, &RecordedRun> =
        recorded.iter().map(|run| (run.task_id.as_str(), run)).collect();
    let mut runs = Vec::new();
    for (case, input) in cases.iter().zip(&inputs) {
        let world = worlds.fresh(case);
        runs.push(match recorded.get(case.id.as_str()) {
            Some(run) => script::observed_again(case, world, run),
            None => {
                let tables = images.get(&input.db).map(|image| image.tables_of(&input.gold_sql)).transpose();
                let tables = tables.map_err(|e| wrong(format!("task {}: {e}", input.task_id)))?;
                constructed(case, world, &tables.unwrap_or_default(), &input.gold_sql)
            }
        });
    }
    let shape = |input: &Input| vec![format!("{}: {}", input.db, input.sql_template)];
    let shapes = inputs.iter().map(|input| (input.task_id.clone(), shape(input))).collect();
    let scorer = Scorer::load(&files.task_file())?;
    Ok(Benchmark {
        cases,
        runs,
        prompt: Prompt { system: definition.system.clone(), tools: described },
        effects: definition.effects.clone(),
        worlds: Box::new(worlds),
        judge: Box::new(Rows { scorer, images }),
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

/// What a planner does that is known to be right: it looks at the tables that the gold query reads,
/// and asks it.
fn constructed(case: &Case, world: World, tables: &[String], gold: &str) -> RecordedRun {
    let looks = tables.iter().map(|table| format!("DESCRIBE {table}"));
    let queries: Vec<String> =
        std::iter::once("SHOW TABLES".to_owned()).chain(looks).chain([gold.to_owned()]).collect();
    let next = |steps: &[TraceStep]| Some(statement(steps.len(), queries.get(steps.len())?.clone()));
    script::played(case, world, next, |_| None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::{loaded, succeeding};
    use crate::bench::{find, load};

    #[test]
    fn recorded_runs_are_judged_by_what_they_give_here() {
        let sql = loaded("sql");
        assert_eq!((succeeding(&sql), sql.runs.len(), sql.cases.len()), (452, 637, 637));
        let answers = sql.runs.iter().flat_map(|run| &run.trace.steps);
        let texts = answers.map(|step| step.observation.as_ref().unwrap().value.to_string());
        // Nothing of MySQL's own texts is left.
        assert!(
            texts.into_iter().all(|text| !text.contains("Error executing query") && !text.contains("b'int'"))
        );
        let tenants: BTreeSet<&str> = sql.cases.iter().map(|case| case.task.namespace.as_str()).collect();
        // The twelfth database is empty: nothing can be told from its gold rows.
        assert_eq!(tenants.len(), 11);
    }

    #[test]
    fn without_recordings_the_planner_looks_at_the_schema_and_is_right() {
        let mut definition = find("sql").unwrap();
        definition.files.runs = None;
        let sql = load(definition).unwrap();
        assert_eq!((succeeding(&sql), sql.runs.len()), (637, 637));
        let steps = |run: &RecordedRun| statements(&run.trace).map(str::to_owned).collect::<Vec<_>>();
        let first = steps(&sql.runs[0]);
        assert_eq!(first[..3], ["SHOW TABLES", "DESCRIBE people", "DESCRIBE poker_player"]);
        assert!(
            sql.runs.iter().flat_map(|run| &run.trace.steps).all(|s| !s.observation.as_ref().unwrap().failed)
        );
    }

    #[test]
    fn another_query_is_wrong_and_a_missing_database_is_said() {
        let sql = loaded("sql");
        let mut trace = sql.runs[0].trace.clone();
        trace.steps.push(TraceStep { call: statement(9, "SELECT 1".into()), observation: None });
        let fault = sql.judge(&sql.cases[0], &trace).why.unwrap();
        assert_eq!(fault, "1 rows should be 5; the query was \"SELECT 1\"");

        let mut definition = find("sql").unwrap();
        let (tasks, runs) = (definition.files.task_file(), definition.files.run_file());
        definition.files.tasks = std::fs::canonicalize(tasks).unwrap();
        definition.files.runs = Some(std::fs::canonicalize(runs.unwrap()).unwrap());
        let tools = std::fs::read(definition.files.data.join("tools.json")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("tools.json"), tools).unwrap();
        definition.files.data = elsewhere.path().to_owned();
        let error = load(definition).unwrap_err().to_string();
        assert!(error.contains(".sql") && error.contains("--data"), "{error}");
    }
}
