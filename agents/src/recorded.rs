//! A planner that answers with recorded runs.
//!
//! It stands in for a large model where none can be had: for each task it knows one run, and it
//! answers only while what was really done agrees with that run. Reads are free: extra ones do
//! not matter, and one that was already made is not asked for again. Writes must be the run's, in
//! the run's order, with the same arguments. Otherwise it is *off script*, and says so.

use std::collections::{BTreeSet, HashMap};
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use plancache::domain::{
    Call, NextStep, PlanRequest, PlanResponse, RunId, Trace, TraceStep, Usage, canonical_hash, fresh_call_id,
};
use serde_json::{Value, json};
use tower::Service;

use crate::import::RecordedRun;
use crate::tokens::{Prompt, TokenCounter, planning_cost, task_text};

/// Why the recorded planner cannot go on with a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordedError {
    /// There is no recorded run for it.
    #[error("no run is recorded for task {0}")]
    Unknown(RunId),
    /// What was done is not what the recorded run did.
    #[error("off script in task {run}: call {at} ({tool}) is not what the recorded run does there")]
    OffScript {
        /// Which run.
        run: RunId,
        /// Index of the first call that does not agree.
        at: usize,
        /// Its tool.
        tool: String,
    },
}

/// What the planner was asked in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Planning calls that it answered.
    pub calls: u32,
    /// Tokens read and written.
    pub usage: Usage,
    /// Whether it went off script.
    pub off_script: bool,
}

/// The planner. Clones share the runs and the accounts.
#[derive(Clone, Debug)]
pub struct RecordedPlanner {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    runs: HashMap<String, Trace>,
    reads: BTreeSet<String>,
    prompt: Prompt,
    counter: TokenCounter,
    accounts: Mutex<HashMap<RunId, Account>>,
}

impl RecordedPlanner {
    /// A planner that knows these runs. A request's run id names the task whose run is meant.
    /// `reads` are the tools that change nothing; `prompt` is what a real planner would be sent
    /// before the conversation.
    pub fn new(
        runs: impl IntoIterator<Item = RecordedRun>,
        reads: impl IntoIterator<Item = String>,
        prompt: Prompt,
    ) -> Self {
        let runs = runs.into_iter().map(|run| (run.task_id, run.trace)).collect();
        let shared = Shared {
            runs,
            reads: reads.into_iter().collect(),
            prompt,
            counter: TokenCounter::default(),
            accounts: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What it was asked in this run so far.
    pub fn account(&self, run: &RunId) -> Account {
        self.shared.accounts().get(run).copied().unwrap_or_default()
    }

    /// What the whole recorded run of a task would have cost: one planning call for each of its
    /// calls, and one for its answer if it has one.
    pub fn whole_run(&self, task_id: &str) -> Option<Account> {
        let trace = self.shared.runs.get(task_id)?;
        let mut account = Account::default();
        for at in 0..trace.steps.len() {
            account.usage += self.shared.cost(trace, &trace.steps[..at], Some(&trace.steps[at].call));
            account.calls += 1;
        }
        if trace.answer.is_some() {
            account.usage += self.shared.cost(trace, &trace.steps, None);
            account.calls += 1;
        }
        Some(account)
    }
}

impl Service<PlanRequest> for RecordedPlanner {
    type Response = PlanResponse;
    type Error = RecordedError;
    type Future = Ready<Result<PlanResponse, RecordedError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RecordedError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: PlanRequest) -> Self::Future {
        ready(self.shared.next(&request))
    }
}

impl Shared {
    fn next(&self, request: &PlanRequest) -> Result<PlanResponse, RecordedError> {
        let run = &request.run;
        let trace = self.runs.get(run.as_str()).ok_or_else(|| RecordedError::Unknown(run.clone()))?;
        let next = match self.next_call(trace, &request.history) {
            Ok(next) => next,
            Err(at) => {
                self.accounts().entry(run.clone()).or_default().off_script = true;
                let tool = request.history.get(at).map(|s| s.call.tool.clone()).unwrap_or_default();
                return Err(RecordedError::OffScript { run: run.clone(), at, tool });
            }
        };
        if next.is_none() && trace.answer.is_none() {
            // The recording ends on an observation: it is complete, and the confirmation is the
            // agent's own, charged to nobody.
            return Ok(PlanResponse { step: NextStep::Answer(String::new()), usage: Usage::default() });
        }
        let usage = self.cost(trace, &request.history, next);
        let mut accounts = self.accounts();
        let account = accounts.entry(run.clone()).or_default();
        account.calls += 1;
        account.usage += usage;
        let step = match next {
            Some(call) => NextStep::Calls(vec![Call { id: fresh_call_id(), ..call.clone() }]),
            None => NextStep::Answer(trace.answer.clone().unwrap_or_default()),
        };
        Ok(PlanResponse { step, usage })
    }

    /// The first call of the run that is not yet done, `None` when all are and the run stands where
    /// the recording ends; the index of the first call done that does not agree.
    fn next_call<'a>(&self, trace: &'a Trace, history: &[TraceStep]) -> Result<Option<&'a Call>, usize> {
        let is_read = |step: &&TraceStep| self.reads.contains(&step.call.tool);
        let mut writes = trace.steps.iter().filter(|step| !is_read(step));
        for (at, done) in history.iter().enumerate().filter(|(_, step)| !is_read(step)) {
            if writes.next().is_none_or(|expected| key(&expected.call) != key(&done.call)) {
                return Err(at);
            }
        }
        let read: BTreeSet<String> = history.iter().filter(is_read).map(|step| key(&step.call)).collect();
        let mut written = history.iter().filter(|step| !is_read(step)).count();
        for step in &trace.steps {
            if is_read(&step) {
                if !read.contains(&key(&step.call)) {
                    return Ok(Some(&step.call));
                }
            } else if written == 0 {
                return Ok(Some(&step.call));
            } else {
                written -= 1;
            }
        }
        // A recording that ends on an observation is over with that; its reads come in another order only where
        // nothing else was looked at.
        let last = trace.steps.last().filter(|last| trace.answer.is_none() && is_read(last));
        let made = |done: &TraceStep| trace.steps.iter().any(|step| key(&step.call) == key(&done.call));
        let strayed = history.iter().any(|done| !made(done));
        let is_last =
            |last: &TraceStep| history.last().is_some_and(|done| key(&done.call) == key(&last.call));
        Ok(last.filter(|last| strayed && !is_last(last)).map(|last| &last.call))
    }

    fn cost(&self, trace: &Trace, history: &[TraceStep], next: Option<&Call>) -> Usage {
        let written = match next {
            Some(call) => self.counter.calls([call]),
            None => self.counter.text(trace.answer.as_deref().unwrap_or_default()),
        };
        planning_cost(&self.counter, &self.prompt, &task_text(&trace.task), history, written)
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Equal for calls of the same tool with the same arguments, whatever their order.
fn key(call: &Call) -> String {
    canonical_hash(&json!([call.tool, Value::Object(call.arguments.clone())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::run_from_json;
    use plancache::domain::Observation;

    fn planner(answer: &str) -> RecordedPlanner {
        let line = format!(
            r#"{{"task_id":"t","messages":[{{"role":"user","content":"Do it."}},
            {{"role":"assistant","tool_calls":[{{"id":"1","name":"look","arguments":{{"a":1}}}}]}},
            {{"role":"tool","tool_call_id":"1","content":"x"}},
            {{"role":"assistant","tool_calls":[{{"id":"2","name":"set","arguments":{{"a":1,"b":2}}}}]}},
            {{"role":"tool","tool_call_id":"2","content":"ok"}}{answer}]}}"#
        );
        let run = run_from_json(&line.replace('\n', " "), &Arc::default()).unwrap();
        let prompt = Prompt { system: "s".into(), tools: Vec::new() };
        RecordedPlanner::new([run], ["look".to_owned()], prompt)
    }

    fn done(tool: &str, arguments: Value, text: &str) -> TraceStep {
        let arguments = arguments.as_object().cloned().unwrap();
        let call = Call { id: "x".into(), tool: tool.into(), arguments };
        TraceStep { call, observation: Some(Observation::from_text(text)) }
    }

    fn ask(planner: &RecordedPlanner, history: Vec<TraceStep>) -> Result<NextStep, RecordedError> {
        let task = planner.shared.runs["t"].task.clone();
        let request = PlanRequest { run: RunId::new("t"), task: Arc::new(task), history };
        planner.shared.next(&request).map(|reply| reply.step)
    }

    fn tool(step: Result<NextStep, RecordedError>) -> String {
        match step {
            Ok(NextStep::Calls(calls)) => calls[0].tool.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_recording_that_ends_on_an_observation_is_over_with_that() {
        let line = r#"{"task_id":"t","messages":[{"role":"user","content":"Look."},
            {"role":"assistant","tool_calls":[{"id":"1","name":"look","arguments":{"a":1}}]},
            {"role":"tool","tool_call_id":"1","content":"x"}]}"#;
        let run = run_from_json(&line.replace('\n', " "), &Arc::default()).unwrap();
        let p = RecordedPlanner::new(
            [run],
            ["look".to_owned()],
            Prompt { system: "s".into(), tools: Vec::new() },
        );
        let (own, other) = (done("look", json!({"a": 1}), "x"), done("look", json!({"a": 2}), "y"));
        let over = |history| matches!(ask(&p, history), Ok(NextStep::Answer(_)));
        assert!(over(vec![own.clone()]) && over(vec![other.clone(), own.clone()]));
        // Something else was looked at since: it would end on that.
        assert_eq!(tool(ask(&p, vec![own, other])), "look");
    }

    #[test]
    fn it_goes_on_with_the_first_call_that_is_not_done() {
        let p = planner("");
        assert_eq!(tool(ask(&p, vec![])), "look");
        let look = || done("look", json!({"a": 1}), "x");
        assert_eq!(tool(ask(&p, vec![done("look", json!({"a": 9}), "y"), look()])), "set");
        let set = done("set", json!({"b": 2, "a": 1}), "ok");
        assert_eq!(ask(&p, vec![look(), set]), Ok(NextStep::Answer(String::new())));
        let account = p.account(&RunId::new("t"));
        assert_eq!((account.calls, account.off_script), (2, false));
    }

    #[test]
    fn a_write_that_is_not_the_runs_is_off_script() {
        let p = planner("");
        let wrong = done("set", json!({"a": 1, "b": 3}), "ok");
        let error = ask(&p, vec![done("look", json!({"a": 1}), "x"), wrong]).unwrap_err();
        assert_eq!(error, RecordedError::OffScript { run: RunId::new("t"), at: 1, tool: "set".into() });
        assert!(p.account(&RunId::new("t")).off_script);
    }

    #[test]
    fn a_run_that_is_planned_in_full_costs_what_the_whole_run_costs() {
        let p = planner(r#",{"role":"assistant","content":"All done."}"#);
        let (look, set) = (done("look", json!({"a": 1}), "x"), done("set", json!({"a": 1, "b": 2}), "ok"));
        for history in [vec![], vec![look.clone()], vec![look.clone(), set.clone()]] {
            ask(&p, history).unwrap();
        }
        assert_eq!(ask(&p, vec![look, set]), Ok(NextStep::Answer("All done.".into())));
        let whole = p.whole_run("t").unwrap();
        assert_eq!(whole.calls, 3);
        let asked = p.account(&RunId::new("t"));
        assert_eq!(asked.calls, 4);
        assert!(asked.usage.input > whole.usage.input);
    }
}
