use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Namespace;
use crate::policy::Mode;

/// The OpenAI-compatible proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// Address and port to listen on. Without clients it has to be a loopback address.
    pub listen: String,
    /// The planners' endpoints, by a name of your own.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Who may call, by a name of your own. Without any, everyone may, in the default namespace.
    pub clients: BTreeMap<String, Client>,
    /// Request headers that go upstream besides the usual ones.
    pub forward_headers: Vec<String>,
    /// Environment variable with the secret that signs tool-call ids; replicas share it. Without
    /// one, a secret is kept beside the store.
    pub secret_env: Option<String>,
    /// File with that secret.
    pub secret_file: Option<PathBuf>,
    /// What the system prompt is to a plan.
    pub system_prompt: SystemPrompt,
    /// What is done with a user's turn that follows others.
    pub earlier_turns: EarlierTurns,
    /// Who words the final answer.
    pub answers: Answers,
    /// What is said where every call was served and no template holds an answer; by default the
    /// planner is asked.
    pub answer_text: Option<String>,
    /// What a run counts as that ended with an answer, and of which nobody says how it went.
    pub completed: Completed,
    /// Tools by which frameworks give the final answer.
    pub final_tools: Vec<String>,
    /// Request fields that do not matter to a plan, besides those known not to.
    pub harmless_fields: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8484".to_owned(),
            upstreams: BTreeMap::new(),
            clients: BTreeMap::new(),
            forward_headers: Vec::new(),
            secret_env: None,
            secret_file: None,
            system_prompt: SystemPrompt::default(),
            earlier_turns: EarlierTurns::default(),
            answers: Answers::default(),
            answer_text: None,
            completed: Completed::default(),
            final_tools: vec!["final_answer".to_owned(), "final_result".to_owned()],
            harmless_fields: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// A planner's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// As a client of it would be given: `https://api.openai.com/v1`.
    pub base_url: String,
    /// Models that it serves: names, or beginnings that end in `*`. The longest that fits counts.
    #[serde(default = "all_models")]
    pub models: Vec<String>,
    /// Environment variable with its key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// File with its key.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// Pass on the key that the client brings; only where the proxy has no clients of its own.
    #[serde(default)]
    pub pass_client_key: bool,
    /// Serve plans in its place. Off for providers that refuse a history with calls they did not
    /// make themselves.
    #[serde(default = "yes")]
    pub serve: bool,
    /// Ask for the usage in streams where the client does not, and keep it from the client.
    #[serde(default = "yes")]
    pub usage_in_streams: bool,
}

fn all_models() -> Vec<String> {
    vec!["*".to_owned()]
}

fn yes() -> bool {
    true
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Environment variable with the client's key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// File with the client's key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The namespace of its runs and plans.
    pub namespace: Namespace,
    /// Further namespaces that it may ask for by header.
    #[serde(default)]
    pub may_use: Vec<Namespace>,
    /// The mode for it; by default that of the policy. A request may only restrict it.
    #[serde(default)]
    pub mode: Option<Mode>,
}

/// What the system prompt is to a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SystemPrompt {
    /// A part of its contract: agents with other instructions never share plans.
    #[default]
    Contract,
    /// Nothing. For prompts that hold the time of day, say, but no rules that differ between agents.
    Ignore,
}

/// What is done with a user's turn that follows others in the conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarlierTurns {
    /// It goes to the planner and is not learnt: what was said before may matter.
    #[default]
    Bypass,
    /// It is a task of its own, whatever was said before.
    Ignore,
}

/// Who words the final answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// The template, if it holds one; else the planner.
    #[default]
    Template,
    /// Always the planner.
    Planner,
}

/// What a run counts as that ended with an answer, and of which nobody says how it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Completed {
    /// Unknown: it is not learnt until someone says.
    #[default]
    Unknown,
    /// A success, if it made calls and none of them failed.
    Success,
}

/// Bounds of the proxy. Times are plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest request body.
    pub body_bytes: usize,
    /// The longest request head.
    pub header_bytes: usize,
    /// Seconds for a request's head, and again for its body.
    pub read_seconds: u64,
    /// Seconds to connect to an upstream.
    pub connect_seconds: u64,
    /// Seconds in which an upstream may be silent, before its answer and within.
    pub silence_seconds: u64,
    /// The most requests at once; more are told to come back.
    pub in_flight: usize,
    /// Seconds that requests under way may take to end after a signal to stop.
    pub drain_seconds: u64,
    /// The longest answer of a planner that is read to learn from; longer ones only pass through.
    pub observed_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            header_bytes: 64 << 10,
            read_seconds: 30,
            connect_seconds: 10,
            silence_seconds: 600,
            in_flight: 1_024,
            drain_seconds: 30,
            observed_bytes: 8 << 20,
        }
    }
}
