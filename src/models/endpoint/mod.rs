//! A filler behind any OpenAI-compatible endpoint: a hosted model, or Ollama, vLLM and the like on
//! this network.

mod margin;

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatChoice, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, FinishReason, ResponseFormat,
    ResponseFormatJsonSchema,
};
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::EndpointSettings;
use crate::fill::{Choice, FillAnswer, FillError, FillQuestion, Filler};

/// An endpoint that cannot be reached is found out early.
const CONNECT: Duration = Duration::from_secs(5);
/// Tokens besides a candidate's own: the object around it.
const AROUND: usize = 32;
/// How many other tokens the endpoint is asked to report at each place.
const ALTERNATIVES: u8 = 5;

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The base URL is not one.
    #[error(
        "the endpoint's base URL `{url}` cannot be used: {why}; it should look like http://localhost:11434/v1"
    )]
    Url {
        /// What was given.
        url: String,
        /// The reason.
        why: String,
    },
    /// The variable that should hold the key is not set.
    #[error("the environment variable `{0}`, which should hold the endpoint's API key, is not set")]
    Key(String),
    /// No HTTP client could be made.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
}

/// A model behind an endpoint as a [`Filler`]. What may be answered is sent as a JSON Schema; what
/// comes back is checked against it all the same.
#[derive(Debug)]
pub struct EndpointFiller {
    client: Client<OpenAIConfig>,
    settings: EndpointSettings,
    free: Semaphore,
}

impl EndpointFiller {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// When the URL is not one, or the key's variable is not set.
    pub fn new(settings: EndpointSettings) -> Result<Self, EndpointError> {
        let url = settings.base_url.trim_end_matches('/');
        let wrong = |why: String| EndpointError::Url { url: settings.base_url.clone(), why };
        let parsed = reqwest::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("it is neither http nor https".to_owned()));
        }
        let key = match &settings.key_env {
            Some(name) => std::env::var(name).map_err(|_| EndpointError::Key(name.clone()))?,
            None => String::new(),
        };
        // All that the client would take from OPENAI_* variables is set here: a key that is meant
        // for another endpoint must not reach this one.
        let config =
            OpenAIConfig::new().with_api_base(url).with_api_key(key).with_org_id("").with_project_id("");
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| EndpointError::Client(error.to_string()))?;
        let free = Semaphore::new(settings.concurrency.max(1));
        Ok(Self { client: Client::build(http, config), settings, free })
    }

    fn request(&self, question: &FillQuestion) -> CreateChatCompletionRequest {
        let (schema, rule, tokens) = match &question.choice {
            Choice::Candidates(candidates) | Choice::Meant { values: candidates, .. } => {
                let mut allowed: Vec<Value> = candidates.iter().map(|c| json!(c)).collect();
                allowed.push(Value::Null);
                let longest = candidates.iter().map(String::len).max().unwrap_or(0);
                (
                    json!({ "type": ["string", "null"], "enum": allowed }),
                    "VALUE is one of the allowed values, or null if none of them is right.",
                    longest + AROUND,
                )
            }
            Choice::Schema { schema, max_tokens } => {
                (schema.clone(), "VALUE follows the schema.", max_tokens + AROUND)
            }
        };
        let system =
            format!("{}\n\nAnswer with the JSON object {{\"answer\": VALUE}}. {rule}", question.prefix);
        let messages = vec![
            ChatCompletionRequestMessage::System(ChatCompletionRequestSystemMessage::from(system)),
            ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage::from(
                question.task.as_str(),
            )),
        ];
        let candidates = !matches!(question.choice, Choice::Schema { .. });
        let logprobs = (candidates && self.settings.logprobs).then_some(true);
        CreateChatCompletionRequest {
            model: self.settings.model.clone(),
            messages,
            temperature: Some(0.0),
            max_completion_tokens: u32::try_from(tokens).ok(),
            logprobs,
            top_logprobs: logprobs.map(|_| ALTERNATIVES),
            response_format: Some(ResponseFormat::JsonSchema {
                json_schema: ResponseFormatJsonSchema {
                    description: None,
                    name: "answer".to_owned(),
                    schema: wrapped(schema),
                    strict: candidates.then_some(true),
                },
            }),
            ..CreateChatCompletionRequest::default()
        }
    }

    async fn ask(&self, question: &FillQuestion) -> Result<FillAnswer, FillError> {
        let response = self.client.chat().create(self.request(question)).await;
        let response = response.map_err(|error| self.failed(&chain(&error)))?;
        let Some(choice) = response.choices.first() else {
            return Err(self.failed("its response holds no choice"));
        };
        if choice.finish_reason == Some(FinishReason::Length) {
            return Err(self.failed("its answer did not end within the tokens allowed"));
        }
        let text = choice.message.content.as_deref().unwrap_or_default().trim();
        match &question.choice {
            Choice::Candidates(candidates) | Choice::Meant { values: candidates, .. } => {
                Ok(chosen(candidates, text, choice))
            }
            Choice::Schema { schema, .. } => {
                let value =
                    answer_in(text).ok_or_else(|| self.failed("its answer is not the JSON asked for"))?;
                let valid = jsonschema::validator_for(schema).map_err(|error| {
                    FillError::Failed(format!("the slot's schema cannot be used: {error}"))
                })?;
                match valid.validate(&value) {
                    Ok(()) => Ok(FillAnswer::Written(value)),
                    Err(error) => {
                        Err(self.failed(&format!("its answer does not follow the schema: {error}")))
                    }
                }
            }
        }
    }

    fn failed(&self, why: &str) -> FillError {
        FillError::Failed(format!("{} at {}: {why}", self.settings.model, self.settings.base_url))
    }
}

#[async_trait]
impl Filler for EndpointFiller {
    fn name(&self) -> &str {
        &self.settings.model
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        match &question.choice {
            Choice::Candidates(all) | Choice::Meant { values: all, .. } if all.is_empty() => {
                return Err(FillError::Failed("there is no candidate to choose from".to_owned()));
            }
            Choice::Candidates(all) | Choice::Meant { values: all, .. } if all.len() == 1 => {
                return Ok(FillAnswer::Chosen { index: 0, margin: f32::INFINITY });
            }
            _ => {}
        }
        let Ok(_permit) = self.free.try_acquire() else {
            return Err(FillError::Busy { waiting: self.settings.concurrency });
        };
        match tokio::time::timeout(question.deadline, self.ask(&question)).await {
            Ok(answer) => answer,
            Err(_) => Err(FillError::Deadline(question.deadline)),
        }
    }
}

/// A schema of an object whose member `answer` is what is asked for: endpoints want an object at
/// the root. Definitions stay there, since references count from the root.
fn wrapped(mut schema: Value) -> Value {
    let mut root = Map::new();
    root.insert("type".to_owned(), json!("object"));
    if let Some(object) = schema.as_object_mut() {
        for key in ["$defs", "definitions"] {
            if let Some(definitions) = object.shift_remove(key) {
                root.insert(key.to_owned(), definitions);
            }
        }
        object.shift_remove("$schema");
    }
    root.insert("properties".to_owned(), json!({ "answer": schema }));
    root.insert("required".to_owned(), json!(["answer"]));
    root.insert("additionalProperties".to_owned(), json!(false));
    Value::Object(root)
}

/// The member `answer` of a JSON object.
fn answer_in(text: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Value::Object(mut object) => object.shift_remove("answer"),
        _ => None,
    }
}

/// The candidate that an answer names. An endpoint that does not hold to schemas may answer with
/// the bare value; anything that is no candidate is an abstention.
fn chosen(candidates: &[String], text: &str, choice: &ChatChoice) -> FillAnswer {
    let answer = match answer_in(text) {
        Some(Value::String(answer)) => answer,
        Some(_) => return FillAnswer::Abstained,
        None => text.to_owned(),
    };
    let Some(index) = candidates.iter().position(|candidate| *candidate == answer) else {
        return FillAnswer::Abstained;
    };
    let tokens = choice.logprobs.as_ref().and_then(|logprobs| logprobs.content.as_deref());
    let margin = tokens.map_or(f32::INFINITY, |tokens| margin::margin(tokens, candidates, index));
    FillAnswer::Chosen { index, margin }
}

/// An error with its causes: the outermost leaves out why a connection failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
