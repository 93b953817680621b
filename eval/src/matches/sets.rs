use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::bench::pairs::{labelled, read_pairs};
use crate::bench::{self, Benchmark, Case};
use crate::run::{Split, part};

use super::MatchError;

/// A text that is asked about.
#[derive(Clone, Debug)]
pub struct Query {
    /// The text.
    pub text: String,
    /// Only texts of the same scope are compared.
    pub scope: String,
    /// Equal for texts that a hit on each other is right for.
    pub label: String,
    /// Its unit vector.
    pub vector: Vec<f32>,
    /// The task that it is of, if it is of one.
    pub case: Option<Case>,
}

/// Labelled texts.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// The texts.
    pub queries: Vec<Query>,
    /// So many of them are entries from the start, and nothing is taken in later; 0 where the cache
    /// begins empty.
    pub known: usize,
    /// The benchmark that has the plans, if there are any.
    pub benchmark: Option<Arc<Benchmark>>,
}

/// The tasks of a benchmark with their labels: those from which figures come.
///
/// # Errors
/// When its data cannot be read, or its tasks say no label.
pub fn tasks(name: &str) -> Result<Set, MatchError> {
    let wrong = |why: &dyn std::fmt::Display| MatchError::new(name, why);
    let benchmark = bench::load(bench::find(name).map_err(|e| wrong(&e))?).map_err(|e| wrong(&e))?;
    let all = labelled(&benchmark.definition).map_err(|e| wrong(&e))?;
    let all = all.ok_or_else(|| wrong(&"its tasks do not say which plan they need"))?;
    let mut labels: HashMap<String, String> = all.into_iter().map(|of| (of.id, of.label)).collect();
    let query = |case: Case| {
        Some(Query {
            text: case.task.text.clone(),
            scope: case.task.namespace.as_str().to_owned(),
            label: labels.remove(&case.id)?,
            vector: Vec::new(),
            case: Some(case),
        })
    };
    let queries = part(benchmark.cases.clone(), Split::Reported).into_iter().filter_map(query).collect();
    Ok(Set { name: name.to_owned(), queries, known: 0, benchmark: Some(Arc::new(benchmark)) })
}

/// Pairs: the first texts are entered, the second ones asked about. Two texts that do not say the
/// same have labels of their own.
///
/// # Errors
/// When the file cannot be read.
pub fn pairs(name: &str, file: &Path) -> Result<Set, MatchError> {
    let pairs = read_pairs(file).map_err(|e| MatchError::new(name, e))?;
    let query = |text: &str, label: String| Query {
        text: text.to_owned(),
        scope: String::new(),
        label,
        vector: Vec::new(),
        case: None,
    };
    let mut queries: Vec<Query> = pairs.iter().map(|pair| query(&pair.a, pair.id.clone())).collect();
    queries.extend(pairs.iter().map(|pair| {
        let other = if pair.duplicate { "" } else { ": another" };
        query(&pair.b, format!("{}{other}", pair.id))
    }));
    Ok(Set { name: name.to_owned(), queries, known: pairs.len(), benchmark: None })
}
