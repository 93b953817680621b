//! Whether a turn of a recorded conversation was made as it was recorded, and whether the
//! conversation was a success.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use plancache::domain::{Call, EffectClass, Trace, TraceStep};
use plancache_agents::import::ImportError;
use serde::Deserialize;

use super::same::first_difference;
use crate::bench::{Case, Judge, Verdict};
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    gold_actions: Vec<super::GoldAction>,
}

/// The tasks of a file, each with whether its gold actions change something: whether one of them is
/// not in `harmless`.
pub(crate) fn changing(
    file: &Path,
    harmless: &BTreeSet<String>,
) -> Result<BTreeMap<String, bool>, ImportError> {
    let changes = |line: &Line| line.gold_actions.iter().any(|action| !harmless.contains(&action.name));
    Ok(read_lines::<Line>(file)?.into_iter().map(|line| (line.task_id.clone(), changes(&line))).collect())
}

/// A turn as it was recorded.
pub(crate) struct Turn {
    /// Its calls.
    pub(crate) steps: Vec<TraceStep>,
    /// Whether the conversation that it is of was a success.
    pub(crate) succeeded: bool,
}

/// Knows what was called in each turn, and how its conversation ended.
pub(crate) struct Turns {
    /// The turns, by case.
    pub(crate) turns: HashMap<String, Turn>,
    /// What the tools do to the world.
    pub(crate) effects: BTreeMap<String, EffectClass>,
}

impl Turns {
    /// The calls that changed something. One that failed changed nothing.
    fn writes<'a>(&self, steps: &'a [TraceStep]) -> Vec<&'a Call> {
        let writes =
            steps.iter().filter(|step| self.effects.get(&step.call.tool) != Some(&EffectClass::Read));
        let done = writes.filter(|step| step.observation.as_ref().is_none_or(|o| !o.failed));
        done.map(|step| &step.call).collect()
    }
}

fn same(a: &Call, b: &Call) -> bool {
    a.tool == b.tool && a.arguments == b.arguments
}

/// What a call should have been: the nearest recorded one is one of the same tool.
fn difference(call: &Call, recorded: &[TraceStep]) -> String {
    let tool = &call.tool;
    match recorded.iter().find(|step| step.call.tool == *tool) {
        Some(step) => {
            let what = first_difference(&step.call.arguments, &call.arguments);
            format!("{tool}: {}", what.unwrap_or_else(|| "the arguments are written otherwise".to_owned()))
        }
        None => format!("{tool} was not called there"),
    }
}

impl Judge for Turns {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(turn) = self.turns.get(&case.id) else {
            return Verdict::wrong("the judge does not know the turn");
        };
        let recorded = |call: &Call| turn.steps.iter().any(|step| same(&step.call, call));
        if let Some(step) = trace.steps.iter().find(|step| !recorded(&step.call)) {
            return Verdict::wrong(difference(&step.call, &turn.steps));
        }
        let (wanted, done) = (self.writes(&turn.steps), self.writes(&trace.steps));
        for (at, wanted) in wanted.iter().enumerate() {
            if !done.get(at).is_some_and(|call| same(call, wanted)) {
                return Verdict::wrong(format!("{} was not called in its turn", wanted.tool));
            }
        }
        if let Some(more) = done.get(wanted.len()) {
            return Verdict::wrong(format!("{} is a call too many", more.tool));
        }
        let why = (!turn.succeeded).then(|| "the conversation that was recorded failed".to_owned());
        Verdict { succeeded: turn.succeeded, wrong: false, why }
    }
}
