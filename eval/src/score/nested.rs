//! Whether a nested plan was made: its calls in their order, with literal arguments equal but for
//! case, and each reference bound to what the call that it names answered in this very run.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use plancache::domain::Trace;
use plancache_agents::import::ImportError;
use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::same::first_difference;
use crate::bench::{Case, Judge, Verdict};
use crate::tasks::read_lines;

/// What stands for the plan's answer: it gathers results and calls nothing.
const RESULT: &str = "var_result";

/// A call of a gold plan.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GoldCall {
    pub(crate) name: String,
    arguments: Map<String, Value>,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
struct Line {
    task_id: String,
    gold_plan: Vec<GoldCall>,
}

/// The calls of a plan, without what gathers the results.
pub(crate) fn calls(plan: Vec<GoldCall>) -> Vec<GoldCall> {
    plan.into_iter().filter(|call| call.name != RESULT).collect()
}

/// A reference: `$label.member[0].member$`.
#[allow(clippy::unwrap_used, reason = "a constant")]
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$(var\d+)((?:\.[^$.\[\]]+|\[\d+\])*)\$").unwrap());

/// The results so far, by the labels of their calls; a label used again means the later call.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<String, Value>);

impl Results {
    /// Remembers what a call was answered.
    pub(crate) fn add(&mut self, call: &GoldCall, answer: Value) {
        self.0.insert(call.label.clone(), answer);
    }

    /// A call's arguments with values in the place of references. `None` if a reference names
    /// what no call before it answered.
    pub(crate) fn resolve(&self, call: &GoldCall) -> Option<Map<String, Value>> {
        let one = |(name, value): (&String, &Value)| Some((name.clone(), self.value(value)?));
        call.arguments.iter().map(one).collect()
    }

    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, item)| Some((key.clone(), self.value(item)?))).collect()
            }
            Value::String(text) => self.text(text),
            other => Some(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Option<Value> {
        let mut found: Vec<(Captures<'_>, &Value)> = Vec::new();
        for reference in REFERENCE.captures_iter(text) {
            let value = self.referred(&reference)?;
            found.push((reference, value));
        }
        if let [(reference, value)] = found.as_slice()
            && &reference[0] == text
        {
            return Some((*value).clone());
        }
        let mut out = text.to_owned();
        for (reference, value) in found {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out = out.replace(&reference[0], &shown);
        }
        Some(Value::String(out))
    }

    fn referred(&self, reference: &Captures<'_>) -> Option<&Value> {
        let path = reference[2].replace(['.', '['], "/").replace(']', "");
        self.0.get(&reference[1])?.pointer(&path)
    }
}

/// The members that references name first, with the tool of the call that they refer to.
pub(crate) fn referred_members(plan: &[GoldCall]) -> Vec<(&str, String)> {
    let mut tools: BTreeMap<&str, &str> = BTreeMap::new();
    let mut out = Vec::new();
    for call in plan {
        let written = Value::Object(call.arguments.clone()).to_string();
        for reference in REFERENCE.captures_iter(&written) {
            let member = reference[2].trim_start_matches('.').split(['.', '[']).next().unwrap_or_default();
            if let Some(tool) = tools.get(&reference[1]).filter(|_| !member.is_empty()) {
                out.push((*tool, member.to_owned()));
            }
        }
        tools.insert(&call.label, &call.name);
    }
    out
}

/// Knows the gold plans.
pub(crate) struct Plans(HashMap<String, Vec<GoldCall>>);

impl Plans {
    /// Reads the gold plans of a task file.
    pub(crate) fn load(file: &Path) -> Result<Self, ImportError> {
        let plans = read_lines::<Line>(file)?.into_iter();
        Ok(Self(plans.map(|line| (line.task_id, calls(line.gold_plan))).collect()))
    }
}

impl Judge for Plans {
    fn judge(&self, case: &Case, trace: &Trace) -> Verdict {
        let Some(plan) = self.0.get(&case.id) else {
            return Verdict::wrong("the judge does not know the task");
        };
        let mut results = Results::default();
        for (at, (gold, step)) in plan.iter().zip(&trace.steps).enumerate() {
            let at = at + 1;
            if gold.name != step.call.tool {
                return Verdict::wrong(format!("call {at} is {}, not {}", step.call.tool, gold.name));
            }
            let Some(wanted) = results.resolve(gold) else {
                return Verdict::wrong(format!("call {at}: a reference of the gold plan refers to nothing"));
            };
            if let Some(difference) = first_difference(&wanted, &step.call.arguments) {
                return Verdict::wrong(format!("call {at}, {}: {difference}", gold.name));
            }
            let answer = step.observation.as_ref().map(|o| o.value.clone()).unwrap_or_default();
            results.add(gold, answer);
        }
        match plan.len().cmp(&trace.steps.len()) {
            std::cmp::Ordering::Equal => Verdict::right(),
            std::cmp::Ordering::Greater => {
                let missing = plan.get(trace.steps.len()).map_or("a call", |call| &call.name);
                Verdict::wrong(format!("{missing} was not called"))
            }
            std::cmp::Ordering::Less => {
                let more = trace.steps.get(plan.len()).map_or("a call", |step| &step.call.tool);
                Verdict::wrong(format!("{more} is a call too many"))
            }
        }
    }
}
