//! Whether a tower was built: the run's actions on the task's table must leave every fact of the
//! goal.

use std::collections::HashMap;
use std::path::Path;

use plancache::domain::Trace;
use plancache_agents::Environment;
use plancache_agents::blocksworld::{Blocksworld, Fact};
use serde::Deserialize;

use crate::bench::{Case, Judge, LoadError, Verdict};
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    init: Vec<String>,
    goal: Vec<String>,
}

/// Knows the goals.
pub(crate) struct Goals(HashMap<String, (Blocksworld, Vec<Fact>)>);

/// Reads facts as the data writes them.
pub(crate) fn facts(written: &[String]) -> Result<Vec<Fact>, String> {
    written.iter().map(|fact| Fact::read(fact)).collect()
}

impl Goals {
    /// Reads the goals of those tasks of a file that `is_one` names.
    pub(crate) fn load(file: &Path, name: &str, is_one: impl Fn(&str) -> bool) -> Result<Self, LoadError> {
        let mut goals = HashMap::new();
        for line in read_lines::<Line>(file)?.into_iter().filter(|line| is_one(&line.task_id)) {
            let wrong =
                |why| LoadError::Data { name: name.to_owned(), why: format!("{}: {why}", line.task_id) };
            let table = Blocksworld::new(facts(&line.init).map_err(wrong)?);
            goals.insert(line.task_id.clone(), (table, facts(&line.goal).map_err(wrong)?));
        }
        Ok(Self(goals))
    }
}

impl Judge for Goals {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some((table, goal)) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        let mut table = table.clone();
        let mut failed = None;
        for step in &trace.steps {
            let text = table.call(&step.call.tool, &step.call.arguments);
            if text != "ok" {
                failed = failed.or(Some(format!("{}: {text}", step.call.tool)));
            }
        }
        match goal.iter().find(|fact| !table.holds(fact)) {
            None => Verdict::right(),
            Some(fact) => Verdict::wrong(failed.unwrap_or_else(|| format!("it is not so that {fact}"))),
        }
    }
}
