//! Writing a JSON value of a schema: at each step only tokens that can go on to a valid value.

use std::sync::Arc;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::VocabType;
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use super::chat::end_of_answer;
use super::session::{Halt, Question, Session};
use super::worker::Job;
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

    fn matcher(&self, schema: &Value) -> Result<Matcher, Halt> {
        let mut schema = schema.clone();
        if let Some(object) = schema.as_object_mut() {
            // One way to write a value, so that all but the values is forced; and the spaces that
            // a model is used to.
            let spaces =
                json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " });
            object.insert("x-guidance".to_owned(), spaces);
        }
        let matcher = Matcher::new(self.factory.create_parser(TopLevelGrammar::from_json_schema(schema)));
        match matcher.get_error() {
            Some(error) => Err(Halt::Failed(format!("the slot's schema cannot be used: {error}"))),
            None => Ok(matcher),
        }
    }
}

impl Session<'_> {
    /// Writes the likeliest value of the schema, token by token.
    pub(super) fn write(&mut self, schema: &Value, max_tokens: usize, job: &Job) -> Result<FillAnswer, Halt> {
        let mut matcher = self.grammar()?.matcher(schema)?;
        let mut written = forced(&mut matcher);
        if !matcher.is_stopped() {
            let mut last = self.ask(Question::of(job), job, &written, max_tokens)?;
            loop {
                if written.len() >= max_tokens {
                    return Err(Halt::Failed(format!("the answer did not end within {max_tokens} tokens")));
                }
                let mask = matcher.compute_mask().map_err(|error| Halt::Failed(error.to_string()))?;
                let token = likeliest(self.context.get_logits_ith(last), &mask)
                    .ok_or_else(|| Halt::Failed("the schema allows no next token".to_owned()))?;
                if self.model.vocab().is_eog(token) {
                    break;
                }
                matcher
                    .consume_token(token.0.cast_unsigned())
                    .map_err(|error| Halt::Failed(error.to_string()))?;
                let mut step = vec![token];
                step.extend(forced(&mut matcher));
                written.extend_from_slice(&step);
                if matcher.is_stopped() {
                    break;
                }
                last = self.read(&step, job)?;
            }
        }
        if let Some(error) = matcher.get_error() {
            return Err(Halt::Failed(error));
        }
        let vocab = self.model.vocab();
        let text: Vec<u8> =
            written.iter().flat_map(|token| vocab.token_to_piece(*token, false, None)).collect();
        let value = serde_json::from_slice(&text)
            .map_err(|error| Halt::Failed(format!("the answer is not JSON: {error}")))?;
        Ok(FillAnswer::Written(value))
    }
}

/// The tokens that the schema leaves no choice about.
fn forced(matcher: &mut Matcher) -> Vec<LlamaToken> {
    matcher.consume_ff_tokens().into_iter().map(|id| LlamaToken(id.cast_signed())).collect()
}

fn likeliest(logits: &[f32], mask: &SimpleVob) -> Option<LlamaToken> {
    let mut best: Option<(u32, f32)> = None;
    for (id, logit) in (0u32..).zip(logits) {
        if best.is_none_or(|(_, most)| *logit > most) && mask.is_allowed(id) {
            best = Some((id, *logit));
        }
    }
    best.map(|(id, _)| LlamaToken(id.cast_signed()))
}
