use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Namespace, canonical_hash};

/// A tool that an agent may call, as the agent's framework describes it to the planner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Name by which it is called.
    pub name: String,
    /// What it does, in the words the planner reads.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its arguments (an object schema).
    #[serde(default)]
    pub parameters: Value,
}

impl Tool {
    /// Hash of the name and the argument schema: a template serves only where it is unchanged.
    pub fn fingerprint(&self) -> String {
        let mut hash = canonical_hash(&serde_json::json!([self.name, self.parameters]));
        hash.truncate(32);
        hash
    }

    /// The schema of one argument, if the tool declares it.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.parameters.get("properties")?.get(name)
    }
}

/// What an agent is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The tenant it belongs to.
    #[serde(default)]
    pub namespace: Namespace,
    /// The user's words.
    pub text: String,
    /// Structured context that came with the task (a profile, a page), or null.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub context: Value,
    /// The tools that may be called.
    #[serde(default)]
    pub tools: Arc<Vec<Tool>>,
    /// JSON Schema that the final answer must follow, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<Value>,
}

impl Task {
    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

/// What a tool does to the world. A tool that is not configured counts as [`EffectClass::Write`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// Changes nothing.
    Read,
    /// Changes something that can be changed back.
    #[default]
    Write,
    /// Changes something for good; never served without opting in.
    Destructive,
}
