//! A GGUF model that runs in this process on llama.cpp, on one thread of its own.

mod chat;
mod check;
mod constrain;
mod generate;
mod meaning;
mod score;
mod session;
mod states;
mod template;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

pub use generate::{Constraint, GenerateError, Generation, Piece};
pub use template::{ChatTemplate, Part, TemplateError};

use crate::fill::{FillAnswer, FillError, FillQuestion, Filler};
use generate::Generate;
use worker::{Job, Work};

/// Sets the number of threads, where the settings leave it open.
pub const THREADS_ENV: &str = "PLANCACHE_MODEL_THREADS";

/// How a local model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Threads that compute. Fewer than the cores is faster on a machine that is busy.
    pub threads: usize,
    /// The longest question with its answer, in tokens.
    pub context: u32,
    /// How many questions may wait; one more is refused as busy.
    pub queue: usize,
    /// Bytes of prefix states that are kept (a prefix of 600 tokens takes 7 MB).
    pub state_bytes: usize,
}

impl Default for LocalSettings {
    /// As many threads as `PLANCACHE_MODEL_THREADS` says, or else as there are cores; 4096 tokens,
    /// 8 waiting questions, 64 MB of states.
    fn default() -> Self {
        let named = std::env::var(THREADS_ENV).ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
        let threads = named.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        Self { threads, context: 4096, queue: 8, state_bytes: 64 << 20 }
    }
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is missing or is not what it should be.
    #[error("the model file {path} {why}; {remedy}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do next.
        remedy: String,
    },
    /// The engine could not run it.
    #[error("the model {path} cannot be run: {why}")]
    Engine {
        /// Which file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

/// A local model: a [`Filler`], and one that conversations can be had with. Questions are answered
/// one after the other; those that waited longer than their deadline, or whose asker has gone, are
/// not computed.
#[derive(Debug)]
pub struct LocalModel {
    name: String,
    queue: SyncSender<Work>,
    waiting: Arc<AtomicUsize>,
    template: Option<ChatTemplate>,
}

impl LocalModel {
    /// Loads a GGUF file and starts its thread. Blocks until the model is ready, some seconds for
    /// a large one.
    ///
    /// # Errors
    /// When the file is missing, cut off or not a model, or llama.cpp refuses it.
    pub fn open(path: &Path, settings: LocalSettings) -> Result<Self, ModelError> {
        check::check(path)?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (queue, template) = worker::start(path, settings, Arc::clone(&waiting))?;
        Ok(Self { name, queue, waiting, template })
    }

    /// The template of the model's conversations, if its file holds one that can be used.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }

    /// Goes on with a conversation. What the model writes comes piece by piece; the last is
    /// [`Piece::Ended`] or [`Piece::Failed`]. Dropping the receiver ends it.
    ///
    /// # Errors
    /// When the queue is full or the model's thread has ended.
    pub fn generate(&self, generation: Generation) -> Result<mpsc::Receiver<Piece>, FillError> {
        let (job, pieces) = Generate::new(generation);
        self.put(Work::Generate(job))?;
        Ok(pieces)
    }

    fn put(&self, work: Work) -> Result<(), FillError> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        self.queue.try_send(work).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            match error {
                TrySendError::Full(_) => FillError::Busy { waiting: before },
                TrySendError::Disconnected(_) => ended(),
            }
        })
    }
}

#[async_trait]
impl Filler for LocalModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        let deadline = question.deadline;
        let (reply, answer) = oneshot::channel();
        let asked = Instant::now();
        self.put(Work::Fill(Job { question, expires: asked.checked_add(deadline), reply }))?;
        match tokio::time::timeout(deadline, answer).await {
            Err(_) => Err(FillError::Deadline(deadline)),
            Ok(Err(_)) => Err(ended()),
            Ok(Ok(answer)) => answer,
        }
    }
}

fn ended() -> FillError {
    FillError::Failed("the model's thread has ended; restart the program".to_owned())
}
