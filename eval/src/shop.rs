//! The retail shop over HTTP, for agents in other languages: its tools, a database for each session,
//! and the scorer's verdict. Served beside the fixture provider (`plancache-fixture`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use plancache_agents::Environment;
use plancache_agents::retail::Retail;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::score::Scorer;
use crate::tasks::TaskInput;

/// The most sessions that are kept.
const MOST_SESSIONS: usize = 10_000;

/// The shop.
#[derive(Debug)]
pub struct Shop {
    fresh: Retail,
    scorer: Scorer,
    tasks: Vec<TaskInput>,
    tools: Vec<Value>,
    sessions: Mutex<HashMap<String, Retail>>,
}

#[derive(Deserialize)]
struct Call {
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(Deserialize)]
struct Ended {
    task_id: String,
    #[serde(default)]
    said: Option<String>,
}

impl Shop {
    /// A shop that is `fresh` at the beginning of each session.
    pub fn new(fresh: Retail, scorer: Scorer, tasks: Vec<TaskInput>, tools: Vec<Value>) -> Self {
        Self { fresh, scorer, tasks, tools, sessions: Mutex::default() }
    }

    /// Answers a request, if it is for the shop:
    /// `GET /shop/tools`, `GET /shop/tasks`, `POST /shop/{session}/call` (`{"tool", "arguments"}`),
    /// `POST /shop/{session}/verdict` (`{"task_id", "said"}`).
    pub fn answer(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, Value)> {
        let parts: Vec<&str> = path.strip_prefix("/shop/")?.split('/').collect();
        Some(match (method, parts.as_slice()) {
            ("GET", ["tools"]) => (200, Value::Array(self.tools.clone())),
            ("GET", ["tasks"]) => {
                let task =
                    |task: &TaskInput| json!({"task_id": task.task_id, "instruction": task.instruction});
                (200, self.tasks.iter().map(task).collect())
            }
            ("POST", [session, "call"]) => match serde_json::from_slice(body) {
                Ok(call) => (200, self.call(session, &call)),
                Err(error) => (400, json!({"error": error.to_string()})),
            },
            ("POST", [session, "verdict"]) => match serde_json::from_slice(body) {
                Ok(ended) => (200, self.verdict(session, &ended)),
                Err(error) => (400, json!({"error": error.to_string()})),
            },
            _ => (404, json!({"error": "the shop has no such path"})),
        })
    }

    fn call(&self, session: &str, call: &Call) -> Value {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(session) {
            sessions.clear();
        }
        let shop = sessions.entry(session.to_owned()).or_insert_with(|| self.fresh.clone());
        json!({"text": shop.call(&call.tool, &call.arguments)})
    }

    fn verdict(&self, session: &str, ended: &Ended) -> Value {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let left = sessions.get(session).unwrap_or(&self.fresh);
        let verdict = self.scorer.judge(&ended.task_id, left, ended.said.as_deref());
        json!({"right": verdict.is_right(), "verdict": format!("{verdict:?}")})
    }
}

/// Puts a shop beside a fixture provider.
pub fn beside(shop: Shop) -> plancache_agents::fixture::Extra {
    let shop = Arc::new(shop);
    Arc::new(move |method, path, body| shop.answer(method, path, body))
}
