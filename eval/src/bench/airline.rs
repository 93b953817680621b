//! Airline: recorded conversations, evaluated one planning call at a time on what was recorded
//! before it. A task is one turn: what a user said, up to the assistant's answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use plancache::domain::{EffectClass, Task, Tool, Trace};
use plancache_agents::import::{RecordedRun, read_effects, read_tools, run_from_json, task};
use plancache_agents::replay::Replay;
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Benchmark, Case, Definition, Lessons, LoadError, World, Worlds};
use crate::score::airline::{Turn, Turns, changing};
use crate::tasks::read_lines;

/// Ends a conversation, and changes nothing in the database.
const TRANSFER: &str = "transfer_to_human_agents";

#[derive(Deserialize)]
struct Conversation {
    run_id: String,
    task_id: String,
    success: bool,
    messages: Vec<Value>,
}

struct Recordings(HashMap<String, Replay>);

impl Worlds for Recordings {
    fn fresh(&self, case: &Case) -> World {
        Box::new(self.0.get(&case.id).cloned().unwrap_or_default())
    }
}

impl Conversation {
    /// The turns: each begins with what the user said. Messages before the first are left out.
    fn turns(&self, tools: &Arc<Vec<Tool>>) -> Result<Vec<Trace>, String> {
        let mut parts: Vec<Vec<&Value>> = Vec::new();
        for message in &self.messages {
            if message["role"] == "user" {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                part.push(message);
            }
        }
        let turn = |(at, messages): (usize, &Vec<&Value>)| {
            let line = json!({"task_id": self.task_id, "messages": messages}).to_string();
            Ok(run_from_json(&line, tools).map_err(|why| format!("turn {at}: {why}"))?.trace)
        };
        parts.iter().enumerate().map(turn).collect()
    }
}

/// What an agent knows of a conversation when a turn begins: what the user said, and for each tool
/// the calls with their results, in the form in which a program would keep it.
fn context(earlier: &[Trace]) -> Value {
    if earlier.is_empty() {
        return Value::Null;
    }
    let said: Vec<&str> = earlier.iter().map(|turn| turn.task.text.as_str()).collect();
    let mut seen: Map<String, Value> = Map::new();
    for step in earlier.iter().flat_map(|turn| &turn.steps) {
        let Some(observation) = step.observation.as_ref().filter(|o| !o.failed) else { continue };
        let entry = json!({"arguments": step.call.arguments, "result": observation.value});
        let calls = seen.entry(step.call.tool.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(calls) = calls
            && !calls.contains(&entry)
        {
            calls.push(entry);
        }
    }
    json!({"said": said, "seen": seen})
}

/// Loads the turns in which a tool is called, of those tasks whose gold actions change something
/// or of the others.
pub(super) fn load(definition: Definition, of_changing: bool) -> Result<Benchmark, LoadError> {
    let files = &definition.files;
    let wrong = |why: String| LoadError::Data { name: definition.name.clone(), why };
    let file = files.run_file().ok_or_else(|| {
        wrong(
            "there are no recorded conversations, of which its tasks are turns; give them with --runs".into(),
        )
    })?;
    let (described, tools) = read_tools(&files.data.join("tools.json"))?;
    let effects = read_effects(&files.data.join("effects.toml"))?;
    let policy = files.data.join("policy.md");
    let system = std::fs::read_to_string(&policy).map_err(|e| wrong(format!("{}: {e}", policy.display())))?;
    let reads = effects.iter().filter(|(_, class)| **class == EffectClass::Read);
    let mut harmless: BTreeSet<String> = reads.map(|(tool, _)| tool.clone()).collect();
    harmless.insert(TRANSFER.to_owned());
    let changing = changing(&files.task_file(), &harmless)?;

    let (mut cases, mut runs, mut shapes) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut recordings, mut turns) = (HashMap::new(), HashMap::new());
    for conversation in read_lines::<Conversation>(&file)? {
        // Of a task that is not in the file of tasks nothing is known.
        if changing.get(&conversation.task_id) != Some(&of_changing) {
            continue;
        }
        let all =
            conversation.turns(&tools).map_err(|why| wrong(format!("{}: {why}", conversation.run_id)))?;
        for (at, turn) in all.iter().enumerate().filter(|(_, turn)| !turn.steps.is_empty()) {
            let id = format!("{}-turn{at}", conversation.run_id);
            let asked = Task { context: context(&all[..at]), ..task(turn.task.text.clone(), tools.clone()) };
            let trace = Trace { task: asked.clone(), ..turn.clone() };
            let called: Vec<&str> = turn.steps.iter().map(|step| step.call.tool.as_str()).collect();
            shapes.insert(id.clone(), vec![called.join(" > ")]);
            recordings.insert(id.clone(), Replay::new(&turn.steps, [TRANSFER.to_owned()]));
            turns.insert(id.clone(), Turn { steps: turn.steps.clone(), succeeded: conversation.success });
            runs.push(RecordedRun { task_id: id.clone(), trace });
            cases.push(Case { id, task: asked.into() });
        }
    }
    if cases.is_empty() {
        let (runs, tasks) = (file.display(), files.task_file());
        let tasks = tasks.display();
        return Err(wrong(format!(
            "no conversation of {runs} is of a task of {tasks}; give both, --tasks and --runs"
        )));
    }
    let prompt = Prompt { system, tools: described };
    let judge = Box::new(Turns { turns, effects: effects.clone() });
    let worlds = Box::new(Recordings(recordings));
    Ok(Benchmark {
        cases,
        runs,
        prompt,
        effects,
        worlds,
        judge,
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::script::observed_again;
    use super::super::testing::{loaded, succeeding};
    use super::*;

    #[test]
    fn turns_of_successful_conversations_are_successes() {
        let (changing, others) = (loaded("airline"), loaded("airline_unchanged"));
        assert_eq!((changing.cases.len(), succeeding(&changing)), (221, 44));
        assert_eq!((others.cases.len(), succeeding(&others)), (148, 98));
        for benchmark in [changing, others] {
            for (case, run) in benchmark.cases.iter().zip(&benchmark.runs) {
                let again = observed_again(case, benchmark.worlds.fresh(case), run);
                assert_eq!(again.trace.steps.len(), run.trace.steps.len());
                assert!(!benchmark.judge(case, &again.trace).wrong, "{}", case.id);
            }
        }
    }

    #[test]
    fn what_is_not_as_recorded_is_wrong_whatever_came_of_the_conversation() {
        let benchmark = loaded("airline");
        let cancels = |run: &&RecordedRun| {
            let tools: Vec<_> = run.trace.steps.iter().map(|s| s.call.tool.as_str()).collect();
            tools == ["cancel_reservation"]
        };
        let run = benchmark.runs.iter().find(cancels).unwrap();
        let case = benchmark.cases.iter().find(|case| case.id == run.task_id).unwrap();
        let mut other = run.trace.clone();
        other.steps[0].call.arguments.insert("reservation_id".into(), json!("NOPE00"));
        let verdict = benchmark.judge(case, &other);
        assert!(verdict.wrong && verdict.why.unwrap().starts_with("cancel_reservation: `reservation_id` is"));
        other.steps.clear();
        let why = benchmark.judge(case, &other).why.unwrap();
        assert_eq!(why, "cancel_reservation was not called in its turn");
    }

    #[test]
    fn conversations_of_other_tasks_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let mut definition = super::super::find("airline_unchanged").unwrap();
        definition.files.tasks = folder.path().join("tasks.jsonl");
        let task = r#"{"task_id": "t", "gold_actions": []}"#;
        std::fs::write(&definition.files.tasks, task).unwrap();
        let error = load(definition, false).unwrap_err().to_string();
        assert!(error.contains("--tasks and --runs"), "{error}");
    }

    #[test]
    fn a_turn_knows_what_was_said_and_seen_before_it() {
        let benchmark = loaded("airline");
        let first = benchmark.cases.iter().find(|case| case.task.context["said"].is_array()).unwrap();
        assert!(first.task.context["said"].as_array().unwrap().iter().all(Value::is_string));
        let seen = |case: &&Case| !case.task.context["seen"]["get_user_details"].is_null();
        let case = benchmark.cases.iter().find(seen).unwrap();
        let user = &case.task.context["seen"]["get_user_details"][0];
        assert!(user["arguments"]["user_id"].is_string() && user["result"]["email"].is_string());
    }
}
