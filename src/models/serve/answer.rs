//! Answers as OpenAI's clients read them: whole, or event by event.

use serde_json::{Value, json};

use super::reading::{Reading, Said};
use crate::domain::fresh_call_id;
use crate::models::local::{GenerateError, Piece};

/// How many tokens were read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    prompt: usize,
    cached: usize,
    written: usize,
}

impl Tokens {
    fn usage(self) -> Value {
        let Self { prompt, cached, written } = self;
        json!({
            "prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written,
            "prompt_tokens_details": {"cached_tokens": cached},
        })
    }
}

/// What was understood of a piece.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// These, in order; the answer goes on.
    More(Vec<Said>),
    /// These, and then it is over, for this reason.
    Last(Vec<Said>, &'static str),
    /// It failed.
    Failed(GenerateError),
}

/// Turns what the model writes into what an answer holds.
#[derive(Debug)]
pub(super) struct Answer {
    reading: Reading,
    pub(super) tokens: Tokens,
}

impl Answer {
    pub(super) fn new(reading: Reading) -> Self {
        Self { reading, tokens: Tokens::default() }
    }

    /// Understands the next piece; none is left when the model's thread has ended.
    pub(super) fn next(&mut self, piece: Option<Piece>) -> Step {
        match piece {
            Some(Piece::Begun { prompt, cached }) => {
                (self.tokens.prompt, self.tokens.cached) = (prompt, cached);
                Step::More(Vec::new())
            }
            Some(Piece::Text { bytes, tokens }) => {
                self.tokens.written += tokens;
                let said = self.reading.push(&bytes);
                if self.reading.stopped() { Step::Last(said, "stop") } else { Step::More(said) }
            }
            Some(Piece::Ended { full }) => {
                let rest = self.reading.finish().into_iter().collect();
                let reason = match full {
                    true => "length",
                    false if self.reading.called() => "tool_calls",
                    false => "stop",
                };
                Step::Last(rest, reason)
            }
            Some(Piece::Failed(why)) => Step::Failed(why),
            None => {
                Step::Failed(GenerateError::Failed("its thread has ended; restart the program".to_owned()))
            }
        }
    }
}

/// What is the same in every part of an answer.
#[derive(Clone, Debug)]
pub(super) struct Head {
    id: String,
    created: u64,
    model: String,
}

impl Head {
    pub(super) fn new(model: &str, created: u64) -> Self {
        let id = format!("chatcmpl-{}", fresh_call_id().trim_start_matches("call_"));
        Self { id, created, model: model.to_owned() }
    }

    /// The whole answer.
    pub(super) fn whole(&self, said: &[Said], reason: &str, tokens: Tokens) -> Value {
        let mut text = String::new();
        let mut calls = Vec::new();
        for said in said {
            match said {
                Said::Text(more) => text.push_str(more),
                Said::Call { name, arguments } => calls.push(call(name, arguments)),
            }
        }
        let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
            "usage": tokens.usage(),
        })
    }

    /// One event.
    fn event(&self, choices: &Value, usage: &Value) -> String {
        let chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    }

    fn delta(&self, delta: &Value, reason: Option<&str>) -> String {
        let choice = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
        self.event(&choice, &Value::Null)
    }

    /// The event that says who speaks.
    pub(super) fn opening(&self) -> String {
        self.delta(&json!({"role": "assistant", "content": "", "refusal": null}), None)
    }

    /// Events for what was said; `calls` counts the calls so far.
    pub(super) fn events(&self, said: &[Said], calls: &mut usize) -> String {
        let event = |said: &Said| match said {
            Said::Text(text) => self.delta(&json!({"content": text}), None),
            Said::Call { name, arguments } => {
                let mut call = call(name, arguments);
                call["index"] = json!(*calls);
                *calls += 1;
                self.delta(&json!({"tool_calls": [call]}), None)
            }
        };
        said.iter().map(event).collect()
    }

    /// The events at the end.
    pub(super) fn closing(&self, reason: &str, usage: Option<Tokens>) -> String {
        let usage = usage.map(|tokens| self.event(&json!([]), &tokens.usage())).unwrap_or_default();
        format!("{}{usage}data: [DONE]\n\n", self.delta(&json!({}), Some(reason)))
    }
}

fn call(name: &str, arguments: &str) -> Value {
    json!({"id": fresh_call_id(), "type": "function", "function": {"name": name, "arguments": arguments}})
}
