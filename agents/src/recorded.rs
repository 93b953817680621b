//! A planner that answers with recorded runs.
//!
//! It stands in for a large model where none can be had: for each task it knows one run, and it
//! answers only while what was really done agrees with that run. Reads are free: extra ones do
//! not matter, and one that was already made is not asked for again. Writes must be the run's, in
//! the run's order, with the same arguments. Otherwise it is *off script*, and says so.
//!
//! Asked for a part of the task only, it makes those calls of its run that stand for that part of the
//! text, as reading text and run together shows, and then says that it is done.

use std::collections::{BTreeSet, HashMap};
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use plancache::domain::{
    Call, Learning, NextStep, PlanRequest, PlanResponse, RunId, TaskPart, Trace, TraceStep, Usage,
    canonical_hash, fresh_call_id,
};
use plancache::extract::extract;
use serde_json::{Value, json};
use tower::Service;

use crate::import::RecordedRun;
use crate::tokens::{Prompt, TokenCounter, asked_text, planning_cost};

/// What it says when it has done the part that it was asked for.
const DONE: &str = "Done.";

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
        let mut asked = PlanRequest::new(trace.run.clone(), Arc::new(trace.task.clone()), Vec::new());
        for step in &trace.steps {
            account.usage += self.shared.cost(trace, &asked, Some(&step.call), None);
            account.calls += 1;
            asked.history.push(step.clone());
        }
        if let Some(answer) = &trace.answer {
            account.usage += self.shared.cost(trace, &asked, None, Some(answer));
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
        let part = request.part.map(|part| self.steps_of(trace, part));
        let next = match self.next_call(trace, &request.history, part.as_ref()) {
            Ok(next) => next,
            Err(at) => {
                self.accounts().entry(run.clone()).or_default().off_script = true;
                let tool = request.history.get(at).map(|s| s.call.tool.clone()).unwrap_or_default();
                return Err(RecordedError::OffScript { run: run.clone(), at, tool });
            }
        };
        if next.is_none() && trace.answer.is_none() && part.is_none() {
            // The recording ends on an observation: it is complete, and the confirmation is the
            // agent's own, charged to nobody.
            return Ok(PlanResponse { step: NextStep::Answer(String::new()), usage: Usage::default() });
        }
        let answer = if part.is_some() { Some(DONE.to_owned()) } else { trace.answer.clone() };
        let usage = self.cost(trace, request, next, answer.as_deref());
        let mut accounts = self.accounts();
        let account = accounts.entry(run.clone()).or_default();
        account.calls += 1;
        account.usage += usage;
        let step = match next {
            Some(call) => NextStep::Calls(vec![Call { id: fresh_call_id(), ..call.clone() }]),
            None => NextStep::Answer(answer.unwrap_or_default()),
        };
        Ok(PlanResponse { step, usage })
    }

    /// The steps of a run that stand for a part of the task's text, with all they need.
    fn steps_of(&self, trace: &Trace, TaskPart { from, to, .. }: TaskPart) -> BTreeSet<usize> {
        let is_read = |tool: &str| self.reads.contains(tool);
        let found = extract(trace, &is_read, Learning::default());
        let within = |(range, _): &(&(usize, usize), &Vec<usize>)| range.0 < to && from < range.1;
        found.ranges.iter().zip(&found.steps).filter(within).flat_map(|(_, steps)| steps.clone()).collect()
    }

    /// The first call of the run (of a `part` of its steps) that is not yet done, `None` when all are and
    /// the run stands where the recording ends; the index of the first call done that does not agree.
    fn next_call<'a>(
        &self,
        trace: &'a Trace,
        history: &[TraceStep],
        part: Option<&BTreeSet<usize>>,
    ) -> Result<Option<&'a Call>, usize> {
        let is_read = |step: &&TraceStep| self.reads.contains(&step.call.tool);
        let mut writes = trace.steps.iter().filter(|step| !is_read(step));
        for (at, done) in history.iter().enumerate().filter(|(_, step)| !is_read(step)) {
            if writes.next().is_none_or(|expected| key(&expected.call) != key(&done.call)) {
                return Err(at);
            }
        }
        let read: BTreeSet<String> = history.iter().filter(is_read).map(|step| key(&step.call)).collect();
        let mut written = history.iter().filter(|step| !is_read(step)).count();
        for (at, step) in trace.steps.iter().enumerate() {
            let done = match is_read(&step) {
                true => read.contains(&key(&step.call)),
                false => written > 0,
            };
            if !is_read(&step) {
                written = written.saturating_sub(1);
            }
            if !done && part.is_none_or(|part| part.contains(&at)) {
                return Ok(Some(&step.call));
            }
        }
        if part.is_some() {
            return Ok(None);
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

    /// What it costs to answer a request with a call, or with a text.
    fn cost(&self, trace: &Trace, asked: &PlanRequest, next: Option<&Call>, answer: Option<&str>) -> Usage {
        let written = match next {
            Some(call) => self.counter.calls([call]),
            None => self.counter.text(answer.unwrap_or_default()),
        };
        let text = asked_text(&trace.task, asked);
        planning_cost(&self.counter, &self.prompt, &text, &asked.history, written)
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
        let request = PlanRequest::new(RunId::new("t"), Arc::new(task), history);
        planner.shared.next(&request).map(|reply| reply.step)
    }

    fn tool_of(step: Result<NextStep, RecordedError>) -> String {
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
        assert_eq!(tool_of(ask(&p, vec![own, other])), "look");
    }

    #[test]
    fn it_goes_on_with_the_first_call_that_is_not_done() {
        let p = planner("");
        assert_eq!(tool_of(ask(&p, vec![])), "look");
        let look = || done("look", json!({"a": 1}), "x");
        assert_eq!(tool_of(ask(&p, vec![done("look", json!({"a": 9}), "y"), look()])), "set");
        let set = done("set", json!({"b": 2, "a": 1}), "ok");
        assert_eq!(ask(&p, vec![look(), set]), Ok(NextStep::Answer(String::new())));
        let account = p.account(&RunId::new("t"));
        assert_eq!((account.calls, account.off_script), (2, false));
    }

    #[test]
    fn asked_for_a_part_it_makes_the_calls_of_that_part() {
        let text = "Open gate G-1 wide. Paint fence F-2 green. Close gate G-3 now.";
        let call = |n: u32, tool: &str, arguments: Value| {
            json!({"role": "assistant", "tool_calls": [
                {"id": n.to_string(), "name": tool, "arguments": arguments}]})
        };
        let told = |n: u32| json!({"role": "tool", "tool_call_id": n.to_string(), "content": "ok"});
        let messages = json!([
            {"role": "user", "content": text},
            call(1, "open", json!({"gate": "G-1"})), told(1),
            call(2, "paint", json!({"fence": "F-2"})), told(2),
            call(3, "close", json!({"gate": "G-3"})), told(3),
        ]);
        let tool = |name: &str, argument: &str| plancache::domain::Tool {
            name: name.into(),
            description: String::new(),
            parameters: json!({"type": "object", "properties": {argument: {"type": "string"}}}),
        };
        let tools = Arc::new(vec![tool("open", "gate"), tool("paint", "fence"), tool("close", "gate")]);
        let run = run_from_json(&json!({"task_id": "t", "messages": messages}).to_string(), &tools).unwrap();
        let p = RecordedPlanner::new([run], [], Prompt { system: "s".into(), tools: Vec::new() });
        let task = Arc::new(p.shared.runs["t"].task.clone());
        let ask = |part: Option<TaskPart>, history: Vec<TraceStep>| {
            let request = PlanRequest { part, ..PlanRequest::new(RunId::new("t"), task.clone(), history) };
            p.shared.next(&request).map(|reply| reply.step)
        };
        let from = text.find("Paint").unwrap();
        let part = Some(TaskPart { from, to: from + "Paint fence F-2 green.".len(), calls: 0 });
        let (open, paint) =
            (done("open", json!({"gate": "G-1"}), "ok"), done("paint", json!({"fence": "F-2"}), "ok"));
        assert_eq!(tool_of(ask(part, vec![open.clone()])), "paint");
        assert_eq!(ask(part, vec![open.clone(), paint.clone()]), Ok(NextStep::Answer(DONE.into())));
        assert_eq!(tool_of(ask(None, vec![open, paint])), "close");
        let account = p.account(&RunId::new("t"));
        assert_eq!((account.calls, account.off_script), (3, false));
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
