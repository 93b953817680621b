use std::sync::Arc;
use std::time::{Duration, Instant};

use plancache::domain::{
    NextStep, Observation, PlanRequest, PlanResponse, RunId, RunOutcome, Task, Trace, TraceStep, Usage,
};
use serde_json::{Map, Value};
use tower::{Service, ServiceExt};

/// Where calls are executed.
pub trait Environment {
    /// Executes one call and returns the tool's text. A failure is text too: an agent has to see
    /// it.
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String;

    /// Whether a call to this tool ends the run at once.
    fn ends_run(&self, tool: &str) -> bool {
        let _ = tool;
        false
    }
}

impl<E: Environment + ?Sized> Environment for Box<E> {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        (**self).call(tool, arguments)
    }

    fn ends_run(&self, tool: &str) -> bool {
        (**self).ends_run(tool)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered,
    /// With a call that ends a run.
    EndedByCall,
    /// After as many planning calls as are allowed.
    StepBound,
    /// The planner failed.
    PlannerFailed(String),
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct RunRecord<E> {
    /// What was asked, done and observed. The outcome is unknown: the agent does not judge itself.
    pub trace: Trace,
    /// The environment as the run left it.
    pub environment: E,
    /// How it ended.
    pub ending: Ending,
    /// How long each planning call took.
    pub planning: Vec<Duration>,
}

/// A plan-act loop: ask for the next step, execute its calls, append the observations, repeat.
#[derive(Clone, Debug)]
pub struct Agent {
    max_steps: usize,
}

impl Default for Agent {
    fn default() -> Self {
        Self { max_steps: 60 }
    }
}

impl Agent {
    /// An agent that makes at most so many planning calls a run.
    pub fn new(max_steps: usize) -> Self {
        Self { max_steps }
    }

    /// Runs a task to its end. `planner` is anything that answers "what is the next step": a
    /// planner, or a plan cache around one.
    pub async fn run<S, E>(
        &self,
        planner: &mut S,
        run: RunId,
        task: Arc<Task>,
        environment: E,
    ) -> RunRecord<E>
    where
        S: Service<PlanRequest, Response = PlanResponse>,
        S::Error: std::fmt::Display,
        E: Environment,
    {
        let mut state = State { environment, history: Vec::new(), answer: None, usage: Usage::default() };
        let mut planning = Vec::new();
        let mut ending = Ending::StepBound;
        for _ in 0..self.max_steps {
            let request = PlanRequest::new(run.clone(), task.clone(), state.history.clone());
            let asked = Instant::now();
            let reply = match planner.ready().await {
                Ok(ready) => ready.call(request).await,
                Err(error) => Err(error),
            };
            planning.push(asked.elapsed());
            match reply {
                Ok(reply) => {
                    if let Some(end) = state.take(reply) {
                        ending = end;
                        break;
                    }
                }
                Err(error) => {
                    ending = Ending::PlannerFailed(error.to_string());
                    break;
                }
            }
        }
        let State { environment, history, answer, usage } = state;
        let task = Task::clone(&task);
        let trace = Trace { run, task, steps: history, answer, outcome: RunOutcome::Unknown, usage };
        RunRecord { trace, environment, ending, planning }
    }
}

struct State<E> {
    environment: E,
    history: Vec<TraceStep>,
    answer: Option<String>,
    usage: Usage,
}

impl<E: Environment> State<E> {
    /// Does what the planner said; returns how the run ended, if it did.
    fn take(&mut self, reply: PlanResponse) -> Option<Ending> {
        self.usage += reply.usage;
        match reply.step {
            NextStep::Answer(text) => {
                self.answer = Some(text);
                Some(Ending::Answered)
            }
            NextStep::Calls(calls) => {
                for call in calls {
                    let text = self.environment.call(&call.tool, &call.arguments);
                    let ends = self.environment.ends_run(&call.tool);
                    self.history.push(TraceStep { call, observation: Some(Observation::from_text(&text)) });
                    if ends {
                        return Some(Ending::EndedByCall);
                    }
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache::domain::Call;
    use std::convert::Infallible;

    #[derive(Debug)]
    struct Counter(u32);

    impl Environment for Counter {
        fn call(&mut self, tool: &str, _: &Map<String, Value>) -> String {
            self.0 += 1;
            format!("{tool} {}", self.0)
        }

        fn ends_run(&self, tool: &str) -> bool {
            tool == "stop"
        }
    }

    fn task() -> Arc<Task> {
        Arc::new(Task {
            namespace: Default::default(),
            text: "count".into(),
            context: Value::Null,
            tools: Arc::new(Vec::new()),
            output_format: None,
        })
    }

    fn step(history: usize, tools: &[&str]) -> NextStep {
        let call =
            |tool: &&str| Call { id: format!("c{history}"), tool: (*tool).into(), arguments: Map::new() };
        NextStep::Calls(tools.iter().map(call).collect())
    }

    fn scripted(
        script: impl Fn(usize) -> NextStep,
    ) -> impl Service<PlanRequest, Response = PlanResponse, Error = Infallible> {
        tower::service_fn(move |request: PlanRequest| {
            let step = script(request.history.len());
            std::future::ready(Ok(PlanResponse { step, usage: Usage { input: 10, output: 1 } }))
        })
    }

    async fn run(script: impl Fn(usize) -> NextStep) -> RunRecord<Counter> {
        Agent::new(4).run(&mut scripted(script), RunId::new("r"), task(), Counter(0)).await
    }

    #[tokio::test]
    async fn calls_are_executed_in_order_until_the_answer() {
        let record =
            run(|n| if n == 2 { NextStep::Answer("done".into()) } else { step(n, &["a", "b"]) }).await;
        assert_eq!(record.ending, Ending::Answered);
        assert_eq!(record.trace.answer.as_deref(), Some("done"));
        assert_eq!(record.trace.usage, Usage { input: 20, output: 2 });
        assert_eq!(record.planning.len(), 2);
        let seen: Vec<_> =
            record.trace.steps.iter().map(|s| s.observation.as_ref().unwrap().value.clone()).collect();
        assert_eq!(seen, ["a 1", "b 2"]);
    }

    #[tokio::test]
    async fn a_call_may_end_the_run_and_steps_are_bounded() {
        let record = run(|n| step(n, &["stop", "never"])).await;
        assert_eq!((record.ending, record.environment.0), (Ending::EndedByCall, 1));
        let record = run(|n| step(n, &["a"])).await;
        assert_eq!((record.ending, record.environment.0), (Ending::StepBound, 4));
    }
}
