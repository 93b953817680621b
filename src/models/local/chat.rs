//! The model's own chat format, split where the prefix and the task go.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use serde_json::json;

use super::template::{ChatTemplate, Part};

/// Stand for the prefix and the task while the template is applied; no chat template knows them.
const PREFIX: &str = "prefix";
const TASK: &str = "task";

/// The tokens around the prefix (as system message) and the task (as user message), up to where
/// the answer begins.
#[derive(Debug)]
pub(super) struct ChatFrame {
    head: Vec<LlamaToken>,
    middle: Vec<LlamaToken>,
    tail: Vec<LlamaToken>,
}

impl ChatFrame {
    /// Reads the frame from the model's template; a model without one gets plain text.
    pub(super) fn of(model: &LlamaModel, template: Option<&ChatTemplate>) -> Self {
        let [head, middle, tail] = template.and_then(frame).unwrap_or_else(|| {
            tracing::warn!("the model has no chat template that can be used; asking it in plain text");
            ["", "\n\n", "\n\n"].map(str::to_owned)
        });
        let mut first = tokens(model, &Part::Marks(head));
        begin(model, &mut first);
        let special = |text| tokens(model, &Part::Marks(text));
        Self { head: first, middle: special(middle), tail: special(tail) }
    }

    /// The fixed part of a question. Words of the text that look like the format's own marks stay
    /// words.
    pub(super) fn prefix(&self, model: &LlamaModel, prefix: &str) -> Vec<LlamaToken> {
        let text = model.vocab().tokenize(prefix.as_bytes(), false, false);
        [&self.head[..], &text, &self.middle].concat()
    }

    /// What follows the fixed part, up to where the answer begins.
    pub(super) fn suffix(&self, model: &LlamaModel, task: &str) -> Vec<LlamaToken> {
        let text = model.vocab().tokenize(task.as_bytes(), false, false);
        [&text[..], &self.tail].concat()
    }
}

/// What a template writes around the two.
fn frame(template: &ChatTemplate) -> Option<[String; 3]> {
    let message = |role: &str, content: &str| json!({"role": role, "content": content});
    let parts = template.render(&[message("system", PREFIX), message("user", TASK)], &[]).ok()?;
    let mut around = [String::new(), String::new(), String::new()];
    let mut place = 0;
    for part in parts {
        match part {
            Part::Marks(text) => around.get_mut(place)?.push_str(&text),
            Part::Words(_) => place += 1,
        }
    }
    (place == 2).then_some(around)
}

/// A conversation's tokens.
pub(super) fn prompt(model: &LlamaModel, parts: &[Part]) -> Vec<LlamaToken> {
    let mut all = parts.iter().flat_map(|part| tokens(model, part)).collect();
    begin(model, &mut all);
    all
}

fn tokens(model: &LlamaModel, part: &Part) -> Vec<LlamaToken> {
    match part {
        Part::Marks(text) => model.vocab().tokenize(text.as_bytes(), false, true),
        Part::Words(text) => model.vocab().tokenize(text.as_bytes(), false, false),
    }
}

/// Puts the token first that the model begins every text with, if it has one.
fn begin(model: &LlamaModel, tokens: &mut Vec<LlamaToken>) {
    let vocab = model.vocab();
    if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
        tokens.insert(0, vocab.bos());
    }
}

/// The token that ends an answer.
pub(super) fn end_of_answer(model: &LlamaModel) -> LlamaToken {
    let vocab = model.vocab();
    // Models without an end-of-turn token say -1.
    let turn = vocab.eot();
    if turn.0 >= 0 { turn } else { vocab.eos() }
}
