//! Going on with a conversation, piece by piece.

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llguidance::api::TopLevelGrammar;
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::chat::prompt;
use super::constrain::{End, Pick, forced, spaced, spelled};
use super::session::{Halt, Session};
use super::template::Part;
use super::worker::Awaited;

/// Pieces that wait for whoever reads them; a reader that is so far behind is given up.
const PIECES: usize = 1 << 16;

/// What a model is to write.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The conversation up to where its answer begins.
    pub prompt: Vec<Part>,
    /// What the answer may be; by default anything.
    pub constraint: Option<Constraint>,
    /// The longest answer, in tokens; by default what the context has room for.
    pub max_tokens: Option<usize>,
    /// How far less likely tokens are taken; at 0 the likeliest always is.
    pub temperature: f32,
    /// Only the likeliest tokens are taken whose probabilities make up this share.
    pub top_p: f32,
    /// What chance begins with.
    pub seed: u32,
}

/// What an answer may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// A JSON value of this JSON Schema.
    Schema(Value),
    /// A text of this grammar, in llguidance's variant of Lark.
    Grammar(String),
}

impl Constraint {
    /// A JSON Schema as a rule inside a grammar.
    pub fn rule(schema: &Value) -> String {
        format!("%json {}", spaced(schema))
    }

    fn compile(&self) -> TopLevelGrammar {
        match self {
            Self::Schema(schema) => TopLevelGrammar::from_json_schema(spaced(schema)),
            Self::Grammar(text) => TopLevelGrammar::from_lark(text.clone()),
        }
    }
}

/// What comes back, in this order: the beginning, texts, an end. A failure may come at any time.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The prompt is being read.
    Begun {
        /// Its tokens.
        prompt: usize,
        /// How many of them the model still held from before.
        cached: usize,
    },
    /// Some text; a character may be spread over several.
    Text {
        /// In UTF-8.
        bytes: Vec<u8>,
        /// Its tokens.
        tokens: usize,
    },
    /// The answer is over.
    Ended {
        /// Because there was no more room, not by itself.
        full: bool,
    },
    /// There is no answer, or no more of it.
    Failed(GenerateError),
}

/// Why a conversation could not be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// It does not fit the context.
    #[error(
        "the conversation has {needed} tokens, the model's context has room for {limit}; shorten it, or serve the model with a larger --context"
    )]
    TooLong {
        /// Its tokens.
        needed: usize,
        /// The context's.
        limit: usize,
    },
    /// What the answer may be cannot be understood.
    #[error("the schema cannot be used: {0}")]
    Constraint(String),
    /// The model failed.
    #[error("the model failed: {0}")]
    Failed(String),
}

/// A conversation on its way to the model.
#[derive(Debug)]
pub(super) struct Generate {
    generation: Generation,
    pieces: Sender<Piece>,
}

impl Generate {
    pub(super) fn new(generation: Generation) -> (Self, Receiver<Piece>) {
        let (pieces, receiver) = mpsc::channel(PIECES);
        (Self { generation, pieces }, receiver)
    }

    /// Nobody can be told whose queue is full, which ends it like one who has gone.
    fn tell(&self, piece: Piece) {
        let _ = self.pieces.try_send(piece);
    }
}

impl Awaited for Generate {
    fn is_over(&self) -> bool {
        self.pieces.is_closed() || self.pieces.capacity() == 0
    }
}

impl Session<'_> {
    /// Goes on with a conversation. What it has in common with what was read last is not read
    /// again.
    pub(super) fn generate(&mut self, job: &Generate) {
        let ended = match self.go_on(job) {
            Ok(end) => Piece::Ended { full: end == End::Full },
            Err(Stop::Refused(why)) => Piece::Failed(why),
            Err(Stop::Halted(Halt::Over)) => return,
            Err(Stop::Halted(Halt::Failed(why))) => Piece::Failed(GenerateError::Failed(why)),
        };
        job.tell(ended);
    }

    fn go_on(&mut self, job: &Generate) -> Result<End, Stop> {
        let Generation { prompt: parts, constraint, max_tokens, temperature, top_p, seed } = &job.generation;
        let mut tokens = prompt(self.model, parts);
        let needed = tokens.len();
        let limit = self.context.n_ctx() as usize;
        let room = limit.saturating_sub(needed).min(max_tokens.unwrap_or(usize::MAX));
        if needed >= limit {
            return Err(Stop::Refused(GenerateError::TooLong { needed, limit }));
        }
        let mut matcher = match constraint {
            Some(constraint) => {
                let compiled = self.grammar()?.matcher(constraint.compile());
                Some(compiled.map_err(|why| Stop::Refused(GenerateError::Constraint(why)))?)
            }
            None => None,
        };
        let begun = matcher.as_mut().map(forced).unwrap_or_default();
        let cached = self.keep_common(&tokens);
        job.tell(Piece::Begun { prompt: needed, cached });
        if room == 0 {
            return Ok(End::Full);
        }
        if !begun.is_empty() {
            job.tell(Piece::Text { bytes: spelled(self.model, &begun), tokens: begun.len() });
            tokens.extend_from_slice(&begun);
        }
        if matcher.as_ref().is_some_and(llguidance::Matcher::is_stopped) {
            return Ok(End::Done);
        }
        if tokens.len() > limit {
            return Ok(End::Full);
        }
        let mut pick = if *temperature > 0.0 {
            let steps =
                [LlamaSampler::top_p(*top_p, 1), LlamaSampler::temp(*temperature), LlamaSampler::dist(*seed)];
            Pick::Sampled(LlamaSampler::chain_simple(steps))
        } else {
            Pick::Likeliest
        };
        let last = self.read(tokens.get(cached..).unwrap_or_default(), job)?;
        let (model, room) = (self.model, room.saturating_sub(begun.len()));
        let mut tell =
            |step: &[LlamaToken]| job.tell(Piece::Text { bytes: spelled(model, step), tokens: step.len() });
        Ok(self.compose(last, &mut matcher, &mut pick, room, job, &mut tell)?)
    }
}

/// Why there is no more.
enum Stop {
    Refused(GenerateError),
    Halted(Halt),
}

impl<E: Into<Halt>> From<E> for Stop {
    fn from(halt: E) -> Self {
        Self::Halted(halt.into())
    }
}
