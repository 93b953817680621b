//! Writing what a grammar allows, such as a JSON value of a schema: at each step only tokens that
//! can go on to a valid text.

use std::sync::Arc;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use llama_cpp_2::vocab::VocabType;
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use super::chat::end_of_answer;
use super::session::{Halt, Question, Session};
use super::worker::{Awaited, Job};
use crate::fill::FillAnswer;

/// The model's vocabulary as the grammar compiler sees it.
struct Vocabulary {
    model: Arc<LlamaModel>,
    trie: TokTrie,
    canonical: bool,
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        // llama.cpp's tokenizer takes text; half a character is not.
        if std::str::from_utf8(bytes).is_err() {
            return self.trie.greedy_tokenize(bytes);
        }
        let tokens = self.model.vocab().tokenize(bytes, false, false);
        tokens.into_iter().map(|token| token.0.cast_unsigned()).collect()
    }

    /// Whether text that is forced may be taken as the tokens that the tokenizer makes of it:
    /// tokens that are forced need not be decoded one by one.
    fn tokenize_is_canonical(&self) -> bool {
        self.canonical
    }
}

/// Compiles schemas for one model.
pub(super) struct Grammar {
    factory: ParserFactory,
}

impl Grammar {
    pub(super) fn of(model: &Arc<LlamaModel>) -> Result<Self, Halt> {
        let vocab = model.vocab();
        let mut ends = vec![end_of_answer(model).0.cast_unsigned()];
        let mut words = Vec::new();
        for token in vocab.tokens() {
            let id = token.0.cast_unsigned();
            if vocab.is_eog(token) && !ends.contains(&id) {
                ends.push(id);
            }
            let mut word = vocab.token_to_piece(token, false, None);
            if word.is_empty() {
                // A token that is no text, such as an end of turn, is told apart by a mark.
                word = vocab.token_to_piece(token, true, None);
                if !word.is_empty() {
                    word.insert(0, TokTrie::SPECIAL_TOKEN_MARKER);
                }
            }
            words.push(word);
        }
        let end = ends.first().copied().unwrap_or_default();
        let info = TokRxInfo::new(u32::try_from(words.len())?, end);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&ends);
        // Other kinds of tokenizer put a space before a text, wherever it stands.
        let canonical = vocab.vocab_type() == VocabType::BPE;
        let env: TokEnv = Arc::new(Vocabulary { model: Arc::clone(model), trie, canonical });
        let mut factory = ParserFactory::new_simple(&env).map_err(|error| Halt::Failed(error.to_string()))?;
        factory.quiet();
        Ok(Self { factory })
    }

    /// What follows a JSON Schema.
    pub(super) fn of_schema(&self, schema: &Value) -> Result<Matcher, Halt> {
        let matcher = self.matcher(TopLevelGrammar::from_json_schema(spaced(schema)));
        matcher.map_err(|error| Halt::Failed(format!("the slot's schema cannot be used: {error}")))
    }

    /// What follows a grammar; the error says what is wrong with it.
    pub(super) fn matcher(&self, grammar: TopLevelGrammar) -> Result<Matcher, String> {
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(error),
            None => Ok(matcher),
        }
    }
}

/// A schema for the grammar compiler: with one way to write a value, so that all but the values is
/// forced; and the spaces that a model is used to.
pub(super) fn spaced(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        let spaces = json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " });
        object.insert("x-guidance".to_owned(), spaces);
    }
    schema
}

/// Which token comes next.
pub(super) enum Pick {
    /// The likeliest.
    Likeliest,
    /// One at random, as likely as the sampler makes it.
    Sampled(LlamaSampler),
}

impl Pick {
    fn pick(&mut self, logits: &[f32], mask: Option<&SimpleVob>) -> Option<LlamaToken> {
        let allowed = |id: u32| mask.is_none_or(|mask| mask.is_allowed(id));
        match self {
            Self::Likeliest => likeliest(logits, allowed),
            Self::Sampled(sampler) => {
                let tokens = (0u32..).zip(logits).filter(|(id, _)| allowed(*id));
                let tokens =
                    tokens.map(|(id, logit)| LlamaTokenData::new(LlamaToken(id.cast_signed()), *logit, 0.0));
                let mut tokens = LlamaTokenDataArray::from_iter(tokens, false);
                if tokens.data.is_empty() {
                    return None;
                }
                tokens.apply_sampler(sampler);
                tokens.selected_token()
            }
        }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Done,
    /// There was no more room.
    Full,
}

impl Session<'_> {
    /// Goes on from the logits at `last` for at most so many tokens, those that are forced not
    /// counted, and tells each step's tokens.
    pub(super) fn compose(
        &mut self,
        mut last: i32,
        matcher: &mut Option<Matcher>,
        pick: &mut Pick,
        mut room: usize,
        job: &impl Awaited,
        tell: &mut dyn FnMut(&[LlamaToken]),
    ) -> Result<End, Halt> {
        while room > 0 {
            let mask = matcher.as_mut().map(Matcher::compute_mask).transpose()?;
            let token = pick
                .pick(self.context.get_logits_ith(last), mask.as_ref())
                .ok_or_else(|| Halt::Failed("the grammar allows no next token".to_owned()))?;
            if self.model.vocab().is_eog(token) {
                return Ok(End::Done);
            }
            let mut step = vec![token];
            if let Some(matcher) = matcher {
                matcher.consume_token(token.0.cast_unsigned())?;
                step.extend(forced(matcher));
            }
            tell(&step);
            if matcher.as_ref().is_some_and(Matcher::is_stopped) {
                return Ok(End::Done);
            }
            if self.held() + step.len() > self.context.n_ctx() as usize {
                return Ok(End::Full);
            }
            room = room.saturating_sub(step.len());
            last = self.read(&step, job)?;
        }
        Ok(End::Full)
    }

    /// Writes the likeliest value of the schema, token by token.
    pub(super) fn write(&mut self, schema: &Value, max_tokens: usize, job: &Job) -> Result<FillAnswer, Halt> {
        let mut matcher = Some(self.grammar()?.of_schema(schema)?);
        let mut written = matcher.as_mut().map(forced).unwrap_or_default();
        if !matcher.as_ref().is_some_and(Matcher::is_stopped) {
            let last = self.ask(Question::of(job), job, &written, max_tokens)?;
            let room = max_tokens.saturating_sub(written.len());
            let mut tell = |step: &[LlamaToken]| written.extend_from_slice(step);
            let end = self.compose(last, &mut matcher, &mut Pick::Likeliest, room, job, &mut tell)?;
            if end == End::Full {
                return Err(Halt::Failed(format!("the answer did not end within {max_tokens} tokens")));
            }
        }
        if let Some(error) = matcher.and_then(|matcher| matcher.get_error()) {
            return Err(Halt::Failed(error));
        }
        let value = serde_json::from_slice(&spelled(self.model, &written))
            .map_err(|error| Halt::Failed(format!("the answer is not JSON: {error}")))?;
        Ok(FillAnswer::Written(value))
    }
}

/// The text of tokens; its first and last character may be in part.
pub(super) fn spelled(model: &LlamaModel, tokens: &[LlamaToken]) -> Vec<u8> {
    let vocab = model.vocab();
    tokens.iter().flat_map(|token| vocab.token_to_piece(*token, false, None)).collect()
}

/// The tokens that the schema leaves no choice about.
pub(super) fn forced(matcher: &mut Matcher) -> Vec<LlamaToken> {
    matcher.consume_ff_tokens().into_iter().map(|id| LlamaToken(id.cast_signed())).collect()
}

fn likeliest(logits: &[f32], allowed: impl Fn(u32) -> bool) -> Option<LlamaToken> {
    let mut best: Option<(u32, f32)> = None;
    for (id, logit) in (0u32..).zip(logits) {
        if best.is_none_or(|(_, most)| *logit > most) && allowed(id) {
            best = Some((id, *logit));
        }
    }
    best.map(|(id, _)| LlamaToken(id.cast_signed()))
}
