//! What the model has read, and how it comes to have read a question: prefix restored or read
//! once, then the task.

use std::sync::Arc;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use super::LocalSettings;
use super::chat::{ChatFrame, end_of_answer};
use super::constrain::Grammar;
use super::states::{Kept, States};
use super::template::ChatTemplate;
use super::worker::{Awaited, Job};
use crate::fill::{Choice, FillAnswer, FillError, FillQuestion};

/// Tokens that are read at once. Between batches the model looks whether anyone still waits, so a
/// batch bounds how long a dropped question goes on (1.5 s at 170 tokens/s).
pub(super) const BATCH: u32 = 256;
/// The question itself is sequence 0; the others are candidates that share it.
pub(super) const SEQUENCES: u32 = 33;
/// The sequence that holds the question.
pub(super) const QUESTION: i32 = 0;

/// Why a question got no answer.
pub(super) enum Halt {
    /// Nobody waits for it any more.
    Over,
    /// It cannot be answered.
    Failed(String),
}

impl<E: std::fmt::Display> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What the model reads before it answers.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// Under which the prefix's state is kept.
    pub(super) key: &'a str,
    pub(super) prefix: &'a str,
    pub(super) task: &'a str,
}

impl<'a> Question<'a> {
    /// As it was put.
    pub(super) fn of(job: &'a Job) -> Self {
        let FillQuestion { prefix_key, prefix, task, .. } = &job.question;
        Self { key: prefix_key, prefix, task }
    }
}

/// A model with what it has read.
pub(super) struct Session<'m> {
    pub(super) model: &'m Arc<LlamaModel>,
    pub(super) context: LlamaContext<'m>,
    pub(super) batch: LlamaBatch<'static>,
    pub(super) end: LlamaToken,
    frame: ChatFrame,
    states: States,
    /// The tokens that the question's sequence holds now.
    held: Vec<LlamaToken>,
    /// Built at the first question that needs it.
    grammar: Option<Grammar>,
}

impl<'m> Session<'m> {
    pub(super) fn new(
        model: &'m Arc<LlamaModel>,
        context: LlamaContext<'m>,
        settings: LocalSettings,
        template: Option<&ChatTemplate>,
    ) -> Self {
        Self {
            model,
            context,
            batch: LlamaBatch::new(BATCH as usize, SEQUENCES.cast_signed()),
            end: end_of_answer(model),
            frame: ChatFrame::of(model, template),
            states: States::new(settings.state_bytes),
            held: Vec::new(),
            grammar: None,
        }
    }

    /// Answers a question; `None` if nobody waits for the answer any more.
    pub(super) fn answer(&mut self, job: &Job) -> Option<Result<FillAnswer, FillError>> {
        let answer = match &job.question.choice {
            Choice::Candidates(candidates) => self.choose(candidates, job),
            Choice::Meant { argument, values, said } => self.meant(argument, values, said, job),
            Choice::Schema { schema, max_tokens } => self.write(schema, *max_tokens, job),
        };
        match answer {
            Ok(answer) => Some(Ok(answer)),
            Err(Halt::Over) => None,
            Err(Halt::Failed(why)) => Some(Err(FillError::Failed(why))),
        }
    }

    /// Reads the question (the prefix from its state, if that is kept) and then `begun`, the
    /// beginning of its answer. Leaves room for `room` tokens more. Returns the index of the
    /// logits after the last token.
    pub(super) fn ask(
        &mut self,
        question: Question<'_>,
        job: &Job,
        begun: &[LlamaToken],
        room: usize,
    ) -> Result<i32, Halt> {
        let prefix = self.frame.prefix(self.model, question.prefix);
        let mut rest = self.frame.suffix(self.model, question.task);
        rest.extend_from_slice(begun);
        let needed = prefix.len() + rest.len() + room;
        let limit = self.context.n_ctx() as usize;
        if needed > limit {
            return Err(Halt::Failed(format!(
                "the question needs {needed} tokens, the model's context has {limit}; raise the setting `context`"
            )));
        }
        self.go_to_prefix(question.key, prefix, job)?;
        self.read(&rest, job)
    }

    fn go_to_prefix(&mut self, key: &str, prefix: Vec<LlamaToken>, job: &Job) -> Result<(), Halt> {
        if self.held.starts_with(&prefix) && self.rewind(prefix.len()) {
            return Ok(());
        }
        self.forget();
        if let Some(state) = self.states.get(key, &prefix) {
            if self.context.state_seq_set(state, QUESTION).is_ok() {
                self.held = prefix;
                return Ok(());
            }
            self.forget();
        }
        self.read(&prefix, job)?;
        match self.context.state_seq_get(QUESTION, LlamaStateSeqFlags::empty()) {
            Ok(state) => self.states.put(key.to_owned(), Kept { tokens: prefix, state }),
            Err(error) => tracing::debug!(%error, "a prefix state could not be kept"),
        }
        Ok(())
    }

    /// Reads tokens after those that are held. Returns the index of the logits after the last.
    pub(super) fn read(&mut self, tokens: &[LlamaToken], job: &impl Awaited) -> Result<i32, Halt> {
        let mut index = 0;
        let mut left = tokens.len();
        for chunk in tokens.chunks(BATCH as usize) {
            if job.is_over() {
                return Err(Halt::Over);
            }
            self.batch.clear();
            for (i, token) in chunk.iter().enumerate() {
                left -= 1;
                self.batch.add(*token, position(self.held.len() + i), &[QUESTION], left == 0)?;
            }
            index = self.batch.n_tokens() - 1;
            if let Err(error) = self.context.decode(&mut self.batch) {
                self.forget();
                return Err(error.into());
            }
            self.held.extend_from_slice(chunk);
        }
        Ok(index)
    }

    /// How many tokens are held: the position of the next one.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// The grammar compiler, built at the first use.
    pub(super) fn grammar(&mut self) -> Result<&Grammar, Halt> {
        if self.grammar.is_none() {
            self.grammar = Some(Grammar::of(self.model)?);
        }
        self.grammar.as_ref().ok_or_else(|| Halt::Failed("no grammar compiler".to_owned()))
    }

    /// Keeps the longest beginning of these tokens that is held, but for their last one, whose
    /// logits are wanted. Returns its length.
    pub(super) fn keep_common(&mut self, tokens: &[LlamaToken]) -> usize {
        let same = self.held.iter().zip(tokens).take_while(|(held, token)| held == token).count();
        let keep = same.min(tokens.len().saturating_sub(1));
        if self.rewind(keep) {
            return keep;
        }
        self.forget();
        0
    }

    /// Drops what was read after the first `keep` tokens; says whether the model can do that.
    fn rewind(&mut self, keep: usize) -> bool {
        let from = u32::try_from(keep).ok();
        let done = self.context.clear_kv_cache_seq(Some(0), from, None);
        self.held.truncate(keep);
        from.is_some() && matches!(done, Ok(true))
    }

    /// Drops what the context holds behind the tokens that are held.
    pub(super) fn forget_after(&mut self, held: usize) {
        if !self.rewind(held) {
            self.forget();
        }
    }

    /// Drops all that was read.
    pub(super) fn forget(&mut self) {
        // Removing whole sequences cannot fail.
        let _ = self.context.clear_kv_cache_seq(None, None, None);
        self.held.clear();
    }
}

/// A position as llama.cpp counts them. The context's size bounds it far below the limit.
pub(super) fn position(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
