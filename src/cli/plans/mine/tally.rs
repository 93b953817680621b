use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::cli::files::{Found, Notes, unnumbered};
use crate::cli::session::Session;
use crate::cli::teaching::LeftOut;
use crate::cli::words;
use crate::domain::{Call, Lifecycle, Miss, Outcome, TemplateId, TraceStep, Usage};
use crate::layer::{Replayed, ShadowVerdict};
use crate::telemetry::labels;

/// Wrong plans that are listed; the rest is counted.
const MOST_WRONG: usize = 200;
/// Parts of the stream whose growth is told.
const PARTS: usize = 10;

/// What a stream of recorded runs showed.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: usize,
    pub(super) left_out: LeftOut,
    pub(super) unknown_outcomes: usize,
    pub(super) assumed_tools: bool,
    pub(super) malformed: Notes,
    verdicts: Vec<ShadowVerdict>,
    shapes: BTreeSet<String>,
    /// Runs whose sequence of tools an earlier run had.
    pub(super) repeated: usize,
    pub(super) calls: Saved<u64>,
    pub(super) tokens: Saved<Usage>,
    /// Why a run was not served, or not to its end.
    pub(super) reasons: BTreeMap<String, usize>,
    /// What could not be learnt.
    pub(super) rejected: BTreeMap<String, usize>,
    served_by: BTreeMap<TemplateId, usize>,
    pub(super) wrong: Vec<Wrong>,
    pub(super) plans: Vec<Plan>,
    pub(super) idle: usize,
    pub(super) unclassed: Vec<String>,
}

/// Of how much how much would have been saved.
#[derive(Debug, Default, Serialize)]
pub(super) struct Saved<T> {
    pub(super) recorded: T,
    pub(super) saved: T,
}

/// A plan that would have been wrong.
#[derive(Debug, Serialize)]
pub(super) struct Wrong {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) run: String,
    pub(super) plans: Vec<String>,
    /// The call that would have been served where the planner did another; `null` where the plan
    /// was at its end.
    pub(super) served: Option<Call>,
    /// The planner's.
    pub(super) recorded: Option<Call>,
}

/// A plan that was learnt.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) says: String,
    pub(super) steps: Vec<String>,
    pub(super) successes: u32,
    pub(super) active: bool,
    /// Runs that it would have served, alone or with others.
    pub(super) served: usize,
}

/// A part of the stream.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// First and last run, from 1, of those that were decided.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) right: usize,
    pub(super) wrong: usize,
    pub(super) undecided: usize,
}

impl Tally {
    /// Takes note of a run that was decided.
    pub(super) fn decided(&mut self, found: &Found<'_>, plan: &[TraceStep], replayed: Replayed) {
        let recorded = &found.recorded;
        let shape: Vec<&str> = plan.iter().map(|step| step.call.tool.as_str()).collect();
        self.repeated += usize::from(!self.shapes.insert(shape.join(" ")));
        self.verdicts.push(replayed.verdict);
        self.calls.recorded += recorded.replies.len() as u64;
        self.tokens.recorded += recorded.trace.usage;
        match replayed.verdict {
            ShadowVerdict::WouldHaveHit => {
                // Where no plan holds the answer, the planner is asked for it.
                let answer = recorded.trace.answer.is_some()
                    && matches!(replayed.outcomes.last(), Some(Outcome::PlannerAnswer { .. }));
                let saved = recorded.replies.len() - usize::from(answer && !recorded.replies.is_empty());
                self.calls.saved += saved as u64;
                recorded.replies[..saved].iter().for_each(|reply| self.tokens.saved += *reply);
                for served in &replayed.templates {
                    *self.served_by.entry(served.id.clone()).or_default() += 1;
                }
            }
            ShadowVerdict::WouldHaveBeenWrong => {
                let (served, planned) = replayed.parted.unwrap_or_default();
                if self.wrong.len() < MOST_WRONG {
                    self.wrong.push(Wrong {
                        file: found.file.to_owned(),
                        line: recorded.line,
                        run: recorded.trace.run.to_string(),
                        plans: replayed.templates.iter().map(|served| served.id.to_string()).collect(),
                        served,
                        recorded: planned,
                    });
                }
            }
            ShadowVerdict::WouldHaveMissed | ShadowVerdict::Undecided => {
                let why = replayed.outcomes.last().map_or_else(String::new, reason);
                *self.reasons.entry(why).or_default() += 1;
            }
        }
    }

    pub(super) fn rejected(&mut self, why: &str) {
        *self.rejected.entry(unnumbered(why)).or_default() += 1;
    }

    /// Takes note of what was learnt in the end.
    pub(super) fn learnt(&mut self, session: &Session) {
        let mut tools = BTreeSet::new();
        for record in session.templates() {
            let template = &record.template;
            if template.is_idle() {
                self.idle += 1;
                continue;
            }
            tools.extend(template.steps.iter().map(|step| step.tool.clone()));
            self.plans.push(Plan {
                id: template.id.to_string(),
                says: words::pattern(template),
                steps: template.steps.iter().map(|step| step.tool.clone()).collect(),
                successes: record.evidence.successes,
                active: record.state == Lifecycle::Active,
                served: self.served_by.get(&template.id).copied().unwrap_or(0),
            });
        }
        self.plans.sort_by_key(|plan| std::cmp::Reverse((plan.served, plan.successes)));
        let classed = &session.engine.policy().effects;
        self.unclassed = tools.into_iter().filter(|tool| !classed.contains_key(tool)).collect();
    }

    pub(super) fn decisions(&self) -> usize {
        self.verdicts.len()
    }

    pub(super) fn count(&self, verdict: ShadowVerdict) -> usize {
        self.verdicts.iter().filter(|own| **own == verdict).count()
    }

    /// Distinct sequences of tools: of runs, and of the plans that were learnt.
    pub(super) fn shapes(&self) -> (usize, usize) {
        let plans: BTreeSet<&[String]> = self.plans.iter().map(|plan| plan.steps.as_slice()).collect();
        (self.shapes.len(), plans.len())
    }

    /// How the stream went, part by part.
    pub(super) fn growth(&self) -> Vec<Part> {
        let size = self.verdicts.len().div_ceil(PARTS).max(1);
        let parts = self.verdicts.chunks(size).enumerate();
        let part = |(n, part): (usize, &[ShadowVerdict])| {
            let count = |verdict| part.iter().filter(|own| **own == verdict).count();
            Part {
                from: n * size + 1,
                to: n * size + part.len(),
                right: count(ShadowVerdict::WouldHaveHit),
                wrong: count(ShadowVerdict::WouldHaveBeenWrong),
                undecided: count(ShadowVerdict::Undecided),
            }
        };
        parts.map(part).collect()
    }

    pub(super) fn knows_tokens(&self) -> bool {
        self.tokens.recorded.total() > 0
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (run_shapes, intents) = self.shapes();
        let count = |verdict| json!(self.count(verdict));
        let tokens = if self.knows_tokens() { json!(self.tokens) } else { Value::Null };
        let members = [
            ("runs", json!(self.runs)),
            ("decided", json!(self.decisions())),
            ("would_have_hit", count(ShadowVerdict::WouldHaveHit)),
            ("would_have_been_wrong", count(ShadowVerdict::WouldHaveBeenWrong)),
            ("undecided", count(ShadowVerdict::Undecided)),
            ("would_have_missed", count(ShadowVerdict::WouldHaveMissed)),
            ("planning_calls", json!(self.calls)),
            ("tokens", tokens),
            ("intents", json!(intents)),
            ("plans", json!(self.plans)),
            ("idle_plans", json!(self.idle)),
            ("run_shapes", json!(run_shapes)),
            ("runs_of_a_shape_seen_before", json!(self.repeated)),
            ("growth", json!(self.growth())),
            ("not_served", json!(self.reasons)),
            ("not_learnt", json!(self.rejected)),
            ("wrong", json!(self.wrong)),
            ("left_out", json!(self.left_out)),
            ("unknown_outcomes", json!(self.unknown_outcomes)),
            ("assumed_tools", json!(self.assumed_tools)),
            ("tools_without_a_class", json!(self.unclassed)),
            ("malformed_records", json!(self.malformed.count)),
            ("malformed", json!(self.malformed.first)),
        ];
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

/// Why a run would not have been served to its end.
fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Miss(Miss::NoCandidate) => "nothing like it had been learnt".to_owned(),
        Outcome::Miss(Miss::NotCovered { .. }) => "part of the task's text was not known".to_owned(),
        Outcome::Miss(Miss::NotActive { .. }) => {
            "a plan that it needs had too little evidence yet".to_owned()
        }
        Outcome::Miss(Miss::Ambiguous { .. }) => "the task could be read in several ways".to_owned(),
        Outcome::Miss(Miss::SlotUnfilled { .. }) => "a value could not be bound exactly".to_owned(),
        Outcome::PlannerPart { .. } => {
            "part of the task's text was not known; the rest would have been served".to_owned()
        }
        Outcome::Hit { .. } | Outcome::PlannerAnswer { .. } => {
            "it would have made a call whose answer the recording does not hold".to_owned()
        }
        other => {
            let (result, reason) = labels(other);
            format!("{result}: {}", reason.replace('_', " "))
        }
    }
}
