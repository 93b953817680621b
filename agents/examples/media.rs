//! Media discovery with a plan cache in front of its planner: asks for clips in plain words, shows
//! them, and says what each question cost and what the cache saved.
//!
//!     cargo run --release -p plancache-agents --example media --features benchmarks,endpoint
//!
//! Without anything else it replays a short recorded session, then asks you: a question like one of
//! the session's, about another player or team, needs no planner. Questions can also be given as
//! arguments, and `--planner http://localhost:11434/v1#qwen2.5:7b` asks a real one.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use plancache::domain::{EffectClass, PlanRequest, PlanResponse, RunId, RunOutcome, Tool, TraceStep};
use plancache::layer::{PlanCache, PlanCacheLayer};
use plancache::policy::Policy;
use plancache::store::MemoryStore;
use plancache_agents::endpoint::{EndpointPlanner, EndpointSettings};
use plancache_agents::import::{RecordedRun, read_runs, read_tools, task};
use plancache_agents::media::{Library, Media};
use plancache_agents::recorded::RecordedPlanner;
use plancache_agents::tokens::{Prompt, TokenCounter, planning_cost};
use plancache_agents::{Agent, Ending};
use serde_json::Value;
use tower::{Layer, Service};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../eval/data/nfl");
const SESSION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/media.jsonl");

/// The most clips that are shown of an answer.
const SHOWN: usize = 5;

type AnyError = Box<dyn Error>;

/// The agent: its tools, its library, and what it has saved.
struct Desk {
    library: Library,
    tools: Arc<Vec<Tool>>,
    prompt: Prompt,
    counter: TokenCounter,
    session: Vec<RecordedRun>,
    spent: u64,
    saved: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AnyError> {
    let mut questions: Vec<String> = std::env::args().skip(1).collect();
    let planner = match questions.first().map(String::as_str) {
        Some("--planner") => {
            let named = questions.drain(..2.min(questions.len())).nth(1);
            Some(named.ok_or("--planner URL#MODEL: where is the planner, and which model?")?)
        }
        _ => None,
    };
    let data = Path::new(DATA);
    let (described, tools) = read_tools(&data.join("tools.json"))?;
    let system = std::fs::read_to_string(data.join("policy.md"))?;
    let session = read_runs(Path::new(SESSION), &tools)?;
    let effects = tools.iter().map(|tool| (tool.name.clone(), EffectClass::Read)).collect();
    let policy = Policy { effects, filler: false, ..Policy::default() };
    let layer = PlanCacheLayer::open(policy, Arc::new(MemoryStore::default()), None).await;
    let prompt = Prompt { system: system.clone(), tools: described };
    let reads = tools.iter().map(|tool| tool.name.clone());
    let recorded = RecordedPlanner::new(session.clone(), reads, prompt.clone());
    let (counter, library) = (TokenCounter::default(), Library::load(data)?);
    let mut desk = Desk { library, tools, prompt, counter, session, spent: 0, saved: 0 };
    match planner {
        None => desk.talk(layer.layer(recorded), questions).await,
        Some(named) => {
            let (base_url, model) = named.rsplit_once('#').ok_or("--planner URL#MODEL: a '#' is missing")?;
            let key = std::env::var("PLANNER_API_KEY").unwrap_or_default();
            let settings = EndpointSettings {
                base_url: base_url.into(),
                model: model.into(),
                key,
                system,
                max_tokens: None,
            };
            desk.talk(layer.layer(EndpointPlanner::new(settings)), questions).await
        }
    }
}

impl Desk {
    /// Answers the questions given, or those of the session and then what is typed.
    async fn talk<S>(&mut self, mut planner: PlanCache<S>, questions: Vec<String>) -> Result<(), AnyError>
    where
        S: Service<PlanRequest, Response = PlanResponse> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: std::fmt::Display + Send,
    {
        let typed = questions.is_empty();
        let said = self.session.iter().map(|run| run.trace.task.text.clone());
        let questions = if typed { said.collect() } else { questions };
        for question in &questions {
            writeln!(io::stdout(), "> {question}")?;
            self.answer(&mut planner, question).await?;
        }
        if typed {
            writeln!(io::stdout(), "Your question, or an empty line to end:")?;
            for line in io::stdin().lock().lines() {
                let line = line?;
                if line.trim().is_empty() {
                    break;
                }
                self.answer(&mut planner, line.trim()).await?;
            }
        }
        let all = self.spent + self.saved;
        let share = 100.0 * self.saved as f64 / all.max(1) as f64;
        writeln!(io::stdout(), "{} of {all} planner tokens saved ({share:.0}%)", self.saved)?;
        Ok(())
    }

    async fn answer<S>(&mut self, planner: &mut PlanCache<S>, question: &str) -> Result<(), AnyError>
    where
        S: Service<PlanRequest, Response = PlanResponse> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: std::fmt::Display + Send,
    {
        let cache = planner.handle();
        // A recorded planner finds its run by this name; to any other it says nothing.
        let recorded = self.session.iter().find(|run| run.trace.task.text == question);
        let run = RunId::new(recorded.map_or(question, |run| &run.task_id));
        let asked = Arc::new(task(question.to_owned(), self.tools.clone()));
        let tools = Media::new(self.library.clone());
        let mut record = Agent::new(12).run(planner, run, asked, tools).await;
        let steps = &record.trace.steps;
        let failed = steps.last().is_none_or(|step| step.observation.as_ref().is_none_or(|o| o.failed));
        let finished = matches!(record.ending, Ending::Answered | Ending::EndedByCall);
        let right = finished && !failed;
        record.trace.outcome = if right { RunOutcome::Success } else { RunOutcome::Failure };
        let report = cache.finish_with(&record.trace);
        cache.flush().await;

        let served = report.map_or(0, |report| report.decisions.iter().filter(|d| d.served).count());
        let steps = &record.trace.steps;
        let saved: u64 = (0..served.min(steps.len())).map(|at| self.cost(question, steps, at)).sum();
        let spent = record.trace.usage.input + record.trace.usage.output;
        (self.saved, self.spent) = (self.saved + saved, self.spent + spent);
        match &record.ending {
            Ending::PlannerFailed(why) => {
                writeln!(
                    io::stdout(),
                    "  no answer: {why}; a real planner is asked with --planner URL#MODEL"
                )?;
            }
            _ => self.show(steps.last())?,
        }
        writeln!(
            io::stdout(),
            "  {served} of {} steps from a plan, {spent} planner tokens spent, {saved} saved\n",
            steps.len()
        )?;
        Ok(())
    }

    /// What the planner would have been charged for one step.
    fn cost(&self, question: &str, steps: &[TraceStep], at: usize) -> u64 {
        let written = self.counter.calls([&steps[at].call]);
        let usage = planning_cost(&self.counter, &self.prompt, question, &steps[..at], written);
        usage.input + usage.output
    }

    /// Shows the result of the last call: clips with what happens in them, or what it says.
    fn show(&self, last: Option<&TraceStep>) -> io::Result<()> {
        let mut out = io::stdout();
        let Some(result) = last.and_then(|step| step.observation.as_ref()).map(|o| &o.value) else {
            return writeln!(out, "  no answer");
        };
        match result {
            Value::Array(ids) => {
                writeln!(out, "  {} clip{}", ids.len(), if ids.len() == 1 { "" } else { "s" })?;
                let clips = ids.iter().filter_map(|id| self.library.clip(id.as_str()?));
                for clip in clips.take(SHOWN) {
                    let (attack, defence) = &clip.teams;
                    let words: String = clip.description.chars().take(90).collect();
                    let place = format!("week {:<2} {attack:>3} - {defence:<3}", clip.week);
                    writeln!(out, "  {:<15} {place} {words}", clip.id)?;
                }
                if ids.len() > SHOWN {
                    writeln!(out, "  ..")?;
                }
                Ok(())
            }
            Value::Object(members) => {
                let said: Vec<String> = members.iter().map(|(key, value)| format!("{key} {value}")).collect();
                writeln!(out, "  {}", said.join(", "))
            }
            other => writeln!(out, "  {}", other.as_str().unwrap_or_default()),
        }
    }
}
