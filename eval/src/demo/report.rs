use std::collections::BTreeMap;
use std::time::Duration;

use plancache::domain::{Bypass, FilledBy, Outcome, Served};
use plancache::engine::Admission;
use plancache::layer::Decision;
use plancache_agents::Ending;
use plancache_agents::recorded::Account;
use plancache_agents::tokens::TOKENIZER;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Options, Reworded};
use crate::score::Verdict;
use crate::systems::{Kind, slots};

/// One task, done.
#[derive(Debug)]
pub struct TaskResult {
    /// Which task.
    pub task_id: String,
    /// How it was served.
    pub kind: Kind,
    /// Whether it was done right, verified.
    pub succeeded: bool,
    pub(super) verdict: Verdict,
    pub(super) ending: Ending,
    pub(super) account: Account,
    pub(super) whole: Account,
    pub(super) templates: Vec<Served>,
    pub(super) names: Vec<String>,
    pub(super) planning: Vec<Duration>,
    pub(super) decisions: Vec<Decision>,
    pub(super) admitted: Vec<Admission>,
}

impl TaskResult {
    /// Slots that were filled by the binder, and by the filler.
    pub(super) fn slots(&self) -> (u64, u64) {
        slots(&self.decisions)
    }

    /// Why it was not served to the end: the first decision that served nothing.
    pub(super) fn reason(&self) -> Option<String> {
        let handed_back = self.decisions.iter().find(|d| !d.served)?;
        Some(match &handed_back.outcome {
            Outcome::Miss(miss) => tag(miss),
            Outcome::Bypass(bypass @ Bypass::Fault { .. }) => {
                format!("bypass_{} ({})", tag(bypass), shown(&handed_back.outcome))
            }
            Outcome::Bypass(bypass) => format!("bypass_{}", tag(bypass)),
            Outcome::Diverged(diverged) => format!("diverged_{}", tag(diverged)),
            Outcome::PlannerAnswer { .. } => "planner_answer".to_owned(),
            Outcome::PlannerPart { .. } => "planner_part".to_owned(),
            Outcome::Hit { .. } => "hit".to_owned(),
        })
    }

    /// Time that all planning calls took together.
    pub(super) fn planning_time(&self) -> Duration {
        self.planning.iter().sum()
    }

    /// Everything about the task, for the log.
    pub fn log_line(&self) -> Value {
        let decisions: Vec<Value> = self
            .decisions
            .iter()
            .map(|d| json!({"served": d.served, "us": micros(d.took), "outcome": d.outcome}))
            .collect();
        json!({
            "task": self.task_id,
            "kind": self.kind,
            "succeeded": self.succeeded,
            "verdict": format!("{:?}", self.verdict),
            "ending": format!("{:?}", self.ending),
            "reason": self.reason(),
            "planner_calls": self.account.calls,
            "planner_tokens": self.account.usage.total(),
            "templates": self.templates,
            "names": self.names,
            "decisions": decisions,
            "admission": self.admitted,
        })
    }
}

/// A task whose final state is not the right one although templates served it.
#[derive(Clone, Debug, Serialize)]
pub struct WrongPlan {
    /// Which task.
    pub task: String,
    /// Whether it was served to the end.
    pub kind: Kind,
    /// The templates that served it.
    pub templates: Vec<String>,
    /// What is wrong.
    pub why: String,
}

/// What the demo counted.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Tasks run.
    pub tasks: u64,
    /// Tasks whose every planning step came from templates.
    pub hits: u64,
    /// Tasks that the planner did alone.
    pub misses: u64,
    /// Tasks that were served at first, then handed back.
    pub diverged: u64,
    /// Hits, and served parts of diverged runs, after which the final state is not the right one.
    pub wrong_plans: u64,
    /// Tasks whose final state is the right one.
    pub succeeded: u64,
    /// Tasks that the recorded planner could not go on with.
    pub off_script: u64,
    /// Planning calls that reached the planner.
    pub planner_calls: u64,
    /// The same, had there been no cache.
    pub planner_calls_without_cache: u64,
    /// Tokens that the planner read and wrote.
    pub planner_tokens: u64,
    /// The same, had there been no cache.
    pub planner_tokens_without_cache: u64,
    /// Questions put to the local model.
    pub filler_calls: u64,
    /// Slots that the deterministic binder filled.
    pub slots_by_binder: u64,
    /// Slots that the local model filled.
    pub slots_by_filler: u64,
    /// Median time of all planning calls of a hit together, in milliseconds.
    pub hit_ms_p50: Option<f64>,
    /// Median time of the decision on a task's first planning call, in microseconds.
    pub decision_us_p50: Option<f64>,
    /// Share of hits among all tasks.
    pub hit_rate: Option<f64>,
    /// Share of hits among the tasks after the first 50.
    pub hit_rate_after_50: Option<f64>,
    /// Templates learnt.
    pub templates: usize,
    /// Why tasks were not served to the end, with counts.
    pub miss_reasons: BTreeMap<String, u64>,
    /// The wrong plans.
    pub wrong: Vec<WrongPlan>,
    /// Tasks of the stream done again after it, with a value said in other words.
    pub other_words: Option<OtherWords>,
    /// The settings.
    pub settings: Settings,
    #[serde(skip)]
    hits_after_50: u64,
    #[serde(skip)]
    hit_times: Vec<Duration>,
    #[serde(skip)]
    decision_times: Vec<Duration>,
}

/// The settings that a report was made with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Settings {
    /// Distinct successes before a plan that writes is served.
    pub min_evidence: u32,
    /// The seed of the order of tasks; none is the order of the file.
    pub shuffle: Option<u64>,
    /// The local model, if one was there.
    pub filler: Option<String>,
    /// The tokenizer with which the planner's tokens were counted.
    pub tokenizer: String,
    /// The file of tasks.
    pub tasks: String,
    /// The file of recorded runs.
    pub runs: String,
}

/// What the tasks in other words showed. They count nowhere else.
#[derive(Debug, Default, Serialize)]
pub struct OtherWords {
    /// Tasks run.
    pub tasks: u64,
    /// Tasks whose every planning step came from templates.
    pub hits: u64,
    /// Hits, and served parts of diverged runs, after which the final state is not the right one.
    pub wrong_plans: u64,
    /// Tasks whose final state is the right one.
    pub succeeded: u64,
    /// Slots that the model filled.
    pub slots_by_filler: u64,
    /// Questions put to the model.
    pub filler_calls: u64,
    /// Each: what was said, what was meant, and what came of it.
    pub each: Vec<OtherWord>,
}

/// One task in other words.
#[derive(Debug, Serialize)]
pub struct OtherWord {
    /// What the text says.
    pub phrase: String,
    /// The member of the enumeration that is meant.
    pub meant: String,
    /// The member that the model chose.
    pub chosen: Option<String>,
    /// How the task was served.
    pub kind: Kind,
    /// Whether it was done right.
    pub succeeded: bool,
}

impl OtherWords {
    pub(super) fn add(&mut self, result: &TaskResult, other: &Reworded) {
        let (_, filler) = result.slots();
        self.tasks += 1;
        self.hits += u64::from(result.kind == Kind::Hit);
        self.wrong_plans += u64::from(result.kind != Kind::Miss && !result.succeeded);
        self.succeeded += u64::from(result.succeeded);
        self.slots_by_filler += filler;
        let slots = result.decisions.iter().filter(|d| d.served).flat_map(|d| match &d.outcome {
            Outcome::Hit { slots, .. } => slots.as_slice(),
            _ => &[],
        });
        let by_filler = slots.into_iter().find(|slot| slot.by == FilledBy::Filler);
        self.each.push(OtherWord {
            phrase: other.phrase.clone(),
            meant: other.member.clone(),
            chosen: by_filler.and_then(|slot| slot.value.as_str().map(str::to_owned)),
            kind: result.kind,
            succeeded: result.succeeded,
        });
    }
}

impl Report {
    pub(super) fn new(options: &Options) -> Self {
        let settings = Settings {
            min_evidence: options.min_evidence,
            shuffle: options.shuffle,
            filler: None,
            tokenizer: TOKENIZER.to_owned(),
            tasks: options.task_file().display().to_string(),
            runs: options.run_file().display().to_string(),
        };
        Self { settings, ..Self::default() }
    }

    /// Hits among the tasks after the first 50.
    pub fn hits_after_50(&self) -> u64 {
        self.hits_after_50
    }

    pub(super) fn add(&mut self, result: TaskResult) {
        self.tasks += 1;
        match result.kind {
            Kind::Hit => self.hits += 1,
            Kind::Miss => self.misses += 1,
            // The demonstration asks for no parts.
            Kind::Part | Kind::Diverged => self.diverged += 1,
        }
        if result.kind == Kind::Hit {
            self.hit_times.push(result.planning_time());
            self.hits_after_50 += u64::from(self.tasks > 50);
        }
        if let Some(first) = result.decisions.first() {
            self.decision_times.push(first.took);
        }
        self.succeeded += u64::from(result.succeeded);
        self.off_script += u64::from(result.account.off_script);
        self.planner_calls += u64::from(result.account.calls);
        self.planner_calls_without_cache += u64::from(result.whole.calls);
        self.planner_tokens += result.account.usage.total();
        self.planner_tokens_without_cache += result.whole.usage.total();
        let (binder, filler) = result.slots();
        self.slots_by_binder += binder;
        self.slots_by_filler += filler;
        if let Some(reason) = result.reason().filter(|_| result.kind != Kind::Hit) {
            *self.miss_reasons.entry(reason).or_default() += 1;
        }
        if result.kind != Kind::Miss && !result.succeeded {
            self.wrong_plans += 1;
            self.wrong.push(WrongPlan {
                task: result.task_id,
                kind: result.kind,
                templates: result.names,
                why: format!("{:?}, {:?}", result.verdict, result.ending),
            });
        }
        self.hit_ms_p50 = median(&mut self.hit_times).map(|d| micros(d) / 1000.0);
        self.decision_us_p50 = median(&mut self.decision_times).map(micros);
        self.hit_rate = Some(self.hits as f64 / self.tasks as f64);
        self.hit_rate_after_50 =
            (self.tasks > 50).then(|| self.hits_after_50 as f64 / (self.tasks - 50) as f64);
    }
}

/// Microseconds, with a tenth's precision.
fn micros(duration: Duration) -> f64 {
    (duration.as_nanos() as f64 / 100.0).round() / 10.0
}

fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// The name of a reason.
fn tag(reason: &impl Serialize) -> String {
    match serde_json::to_value(reason).ok().as_ref().and_then(|v| v.get("reason")).and_then(Value::as_str) {
        Some(tag) => tag.to_owned(),
        None => "unknown".to_owned(),
    }
}

fn shown(outcome: &Outcome) -> String {
    serde_json::to_string(outcome).unwrap_or_default()
}
