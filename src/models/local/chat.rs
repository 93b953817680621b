//! The model's own chat format, split where the prefix and the task go.

use llama_cpp_2::model::{LlamaChatMessage, LlamaModel};
use llama_cpp_2::token::LlamaToken;

/// Stand for the prefix and the task while the template is applied; no chat template knows them.
const PREFIX: &str = "\u{1}prefix\u{1}";
const TASK: &str = "\u{1}task\u{1}";

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
    pub(super) fn of(model: &LlamaModel) -> Self {
        let rendered = render(model).unwrap_or_else(|| {
            tracing::warn!("the model has no chat template that llama.cpp knows; asking it in plain text");
            format!("{PREFIX}\n\n{TASK}\n\n")
        });
        let parts = rendered
            .split_once(PREFIX)
            .and_then(|(head, rest)| rest.split_once(TASK).map(|(middle, tail)| [head, middle, tail]));
        let [head, middle, tail] = parts.unwrap_or(["", "\n\n", "\n\n"]);
        let vocab = model.vocab();
        let special = |text: &str| vocab.tokenize(text.as_bytes(), false, true);
        let mut first = special(head);
        let bos = vocab.bos();
        if vocab.should_add_bos() && first.first() != Some(&bos) {
            first.insert(0, bos);
        }
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

fn render(model: &LlamaModel) -> Option<String> {
    let template = model.chat_template(None).ok()?;
    let message = |role: &str, text: &str| LlamaChatMessage::new(role.to_owned(), text.to_owned()).ok();
    let chat = [message("system", PREFIX)?, message("user", TASK)?];
    model.apply_chat_template(&template, &chat, true).ok()
}

/// The token that ends an answer.
pub(super) fn end_of_answer(model: &LlamaModel) -> LlamaToken {
    let vocab = model.vocab();
    // Models without an end-of-turn token say -1.
    let turn = vocab.eot();
    if turn.0 >= 0 { turn } else { vocab.eos() }
}
