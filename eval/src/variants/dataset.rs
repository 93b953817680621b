use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use plancache::domain::EffectClass;
use plancache_agents::Environment;
use plancache_agents::import::{ImportError, read_effects, read_tools};
use plancache_agents::retail::{Database, Names, Retail};
use serde_json::{Map, Value, json};

use super::VariantError;
use crate::tasks::read_lines;

const TABLES: [&str; 3] = ["users", "orders", "products"];

/// A whole data folder in memory.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub(super) tools: Vec<Value>,
    pub(super) policy: String,
    pub(super) effects: BTreeMap<String, EffectClass>,
    /// `users`, `orders` and `products`.
    pub(super) tables: Vec<(String, Value)>,
    /// `task_id`, `instruction`, `gold_actions`, `outputs`.
    pub(super) tasks: Vec<Value>,
    /// `task_id`, `run_id`, `messages`.
    pub(super) runs: Vec<Value>,
    pub(super) tool_names: HashMap<String, String>,
    pub(super) key_names: HashMap<String, String>,
}

impl Dataset {
    /// Reads a data folder with the shop's own names. Of tasks and runs only what the demo reads
    /// is kept.
    ///
    /// # Errors
    /// When a file is missing or malformed.
    pub fn load(folder: &Path) -> Result<Self, VariantError> {
        let (tools, _) = read_tools(&folder.join("tools.json"))?;
        let tables = TABLES
            .iter()
            .map(|name| {
                let path = folder.join("db").join(format!("{name}.json"));
                let wrong = |why: String| VariantError::File { path: path.display().to_string(), why };
                let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
                Ok(((*name).to_owned(), serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?))
            })
            .collect::<Result<_, VariantError>>()?;
        let keep = |file: &str, fields: &[&str]| -> Result<Vec<Value>, ImportError> {
            let lines: Vec<Map<String, Value>> = read_lines(&folder.join(file))?;
            let kept = |line: Map<String, Value>| {
                Value::Object(line.into_iter().filter(|(key, _)| fields.contains(&key.as_str())).collect())
            };
            Ok(lines.into_iter().map(kept).collect())
        };
        Ok(Self {
            tools,
            policy: read(&folder.join("policy.md"))?,
            effects: read_effects(&folder.join("effects.toml"))?,
            tables,
            tasks: keep("tasks_train.jsonl", &["task_id", "instruction", "gold_actions", "outputs"])?,
            runs: keep("tau_retail_oracle.jsonl", &["task_id", "run_id", "messages"])?,
            tool_names: HashMap::new(),
            key_names: HashMap::new(),
        })
    }

    /// Keeps the first `n` tasks and their runs.
    pub fn truncate(&mut self, n: usize) {
        self.tasks.truncate(n);
        let kept: Vec<Value> = self.tasks.iter().map(|task| task["task_id"].clone()).collect();
        self.runs.retain(|run| kept.contains(&run["task_id"]));
    }

    /// The instructions.
    pub fn instructions(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().filter_map(|task| task["instruction"].as_str())
    }

    /// All text of a task file, run file and database, for a search.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let tables = self.tables.iter().map(|(_, table)| table.to_string());
        tables.chain(self.tasks.iter().chain(&self.runs).map(Value::to_string))
    }

    /// Executes the calls of every run over the database as it is now, and puts what they return
    /// in place of what was recorded.
    pub(super) fn observe_again(&mut self) {
        let names = Names::new(&self.tool_names, &self.key_names);
        let table = |name: &str| {
            let found = self.tables.iter().find(|(n, _)| n == name);
            found.map(|(_, table)| table.clone()).unwrap_or_default()
        };
        let database = Database::new(table("users"), table("orders"), table("products"), &names);
        let shop = Retail::new(database, Arc::new(names));
        for run in &mut self.runs {
            let mut shop = shop.clone();
            let mut returned: HashMap<String, String> = HashMap::new();
            for message in run["messages"].as_array_mut().into_iter().flatten() {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let (Some(id), Some(tool), Some(arguments)) =
                        (call["id"].as_str(), call["name"].as_str(), call["arguments"].as_object())
                    else {
                        continue;
                    };
                    returned.insert(id.to_owned(), shop.call(tool, arguments));
                }
                let answer = message["tool_call_id"].as_str().and_then(|id| returned.remove(id));
                if let Some(text) = answer {
                    message["content"] = json!(text);
                }
            }
        }
    }

    /// Puts another instruction in place of each task's, also as what the user said in its run.
    pub(super) fn reword(
        &mut self,
        mut reword: impl FnMut(&str, &str) -> Result<String, VariantError>,
    ) -> Result<(), VariantError> {
        let mut new: HashMap<String, String> = HashMap::new();
        for task in &mut self.tasks {
            let id = task["task_id"].as_str().unwrap_or_default().to_owned();
            let text = reword(&id, task["instruction"].as_str().unwrap_or_default())?;
            task["instruction"] = json!(text);
            new.insert(id, text);
        }
        for run in &mut self.runs {
            let text = run["task_id"].as_str().and_then(|id| new.get(id));
            let said = run["messages"].as_array_mut().and_then(|messages| messages.first_mut());
            if let (Some(text), Some(said)) = (text, said) {
                said["content"] = json!(text);
            }
        }
        Ok(())
    }

    /// Calls of runs and gold actions alike, each with its `name` and `arguments`.
    pub(super) fn each_call(&mut self, mut change: impl FnMut(&mut Map<String, Value>)) {
        let gold =
            self.tasks.iter_mut().filter_map(|task| task.get_mut("gold_actions")?.as_array_mut()).flatten();
        let messages =
            self.runs.iter_mut().filter_map(|run| run.get_mut("messages")?.as_array_mut()).flatten();
        let made = messages.filter_map(|message| message.get_mut("tool_calls")?.as_array_mut()).flatten();
        gold.chain(made).filter_map(Value::as_object_mut).for_each(&mut change);
    }

    /// Writes the folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), VariantError> {
        let write = |path: &Path, text: String| {
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(path, text))
                .map_err(|e| VariantError::File { path: path.display().to_string(), why: e.to_string() })
        };
        let lines = |values: &[Value]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
        let effects: String =
            self.effects.iter().map(|(tool, class)| format!("{tool} = {}\n", json!(class))).collect();
        write(&folder.join("tools.json"), json!(self.tools).to_string())?;
        write(&folder.join("policy.md"), self.policy.clone())?;
        write(&folder.join("effects.toml"), format!("[effects]\n{effects}"))?;
        write(&folder.join("tasks_train.jsonl"), lines(&self.tasks))?;
        write(&folder.join("tau_retail_oracle.jsonl"), lines(&self.runs))?;
        for (name, table) in &self.tables {
            write(&folder.join("db").join(format!("{name}.json")), table.to_string())?;
        }
        if !self.key_names.is_empty() {
            let names = json!({"tools": sorted(&self.tool_names), "keys": sorted(&self.key_names)});
            write(&folder.join("names.json"), names.to_string())?;
        }
        Ok(())
    }
}

fn sorted(names: &HashMap<String, String>) -> BTreeMap<&String, &String> {
    names.iter().collect()
}

fn read(path: &Path) -> Result<String, VariantError> {
    std::fs::read_to_string(path)
        .map_err(|e| VariantError::File { path: path.display().to_string(), why: e.to_string() })
}
