//! The model's thread: loads it, then answers one question after the other until the last asker
//! has gone.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};
use tokio::sync::oneshot;

use super::generate::Generate;
use super::session::{BATCH, SEQUENCES, Session};
use super::template::ChatTemplate;
use super::{LocalSettings, ModelError};
use crate::fill::{FillAnswer, FillError, FillQuestion};

/// What the thread does next.
#[derive(Debug)]
pub(super) enum Work {
    /// Answers a filler's question.
    Fill(Job),
    /// Goes on with a conversation.
    Generate(Generate),
}

/// Something that somebody waits for.
pub(super) trait Awaited {
    /// Nobody waits for the answer any more.
    fn is_over(&self) -> bool;
}

/// A question on its way to the model.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) question: FillQuestion,
    /// When the answer is of no more use; `None` is never.
    pub(super) expires: Option<Instant>,
    pub(super) reply: oneshot::Sender<Result<FillAnswer, FillError>>,
}

impl Awaited for Job {
    fn is_over(&self) -> bool {
        self.reply.is_closed() || self.expires.is_some_and(|at| Instant::now() >= at)
    }
}

/// llama.cpp, which is started once in a process and never stopped.
static BACKEND: LazyLock<Result<LlamaBackend, String>> = LazyLock::new(|| {
    // Its messages go to tracing for who asks for them, and never to stderr.
    let wanted = tracing::enabled!(target: "llama-cpp-2", tracing::Level::DEBUG);
    send_logs_to_tracing(LogOptions::default().with_logs_enabled(wanted));
    LlamaBackend::init().map_err(|error| error.to_string())
});

/// Makes sure that llama.cpp is started and silent.
pub(super) fn backend() -> Result<&'static LlamaBackend, String> {
    BACKEND.as_ref().map_err(Clone::clone)
}

/// What is known of a model once it is loaded.
pub(super) type Loaded = Option<ChatTemplate>;

/// Starts the thread and waits until the model is loaded.
pub(super) fn start(
    path: &Path,
    settings: LocalSettings,
    waiting: Arc<AtomicUsize>,
) -> Result<(SyncSender<Work>, Loaded), ModelError> {
    let (queue, jobs) = mpsc::sync_channel(settings.queue.max(1));
    let (ready, loaded) = mpsc::channel();
    let file = path.to_owned();
    let thread = std::thread::Builder::new().name("plancache-model".to_owned());
    let engine = |why: String| ModelError::Engine { path: path.to_owned(), why };
    thread
        .spawn(move || match load(&file) {
            Ok(model) => run(&model, settings, &jobs, &waiting, &ready),
            Err(why) => {
                let _ = ready.send(Err(why));
            }
        })
        .map_err(|why| engine(format!("no thread could be started ({why})")))?;
    match loaded.recv() {
        Ok(Ok(loaded)) => Ok((queue, loaded)),
        Ok(Err(why)) => Err(engine(why)),
        Err(_) => Err(engine("its thread ended while loading".to_owned())),
    }
}

fn load(path: &Path) -> Result<Arc<LlamaModel>, String> {
    let model = LlamaModel::load_from_file(backend()?, path, &LlamaModelParams::default());
    model.map(Arc::new).map_err(|error| {
        format!(
            "llama.cpp refuses the file ({error}); it may be damaged (fetch it again with `plancache \
             models pull`) or of a kind that this version does not know"
        )
    })
}

fn run(
    model: &Arc<LlamaModel>,
    settings: LocalSettings,
    jobs: &Receiver<Work>,
    waiting: &AtomicUsize,
    ready: &mpsc::Sender<Result<Loaded, String>>,
) {
    let threads = i32::try_from(settings.threads).unwrap_or(1).max(1);
    let context = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(settings.context))
        .with_n_batch(BATCH)
        .with_n_ubatch(BATCH)
        .with_n_seq_max(SEQUENCES)
        .with_kv_unified(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true);
    let context = backend().and_then(|backend| {
        model
            .new_context(backend, context)
            .map_err(|error| format!("no context of {} tokens: {error}", settings.context))
    });
    let template = ChatTemplate::of(model)
        .inspect_err(|error| tracing::debug!(%error, "no conversation can be had with the model"))
        .ok();
    let mut session = match context {
        Ok(context) => Session::new(model, context, settings, template.as_ref()),
        Err(why) => {
            let _ = ready.send(Err(why));
            return;
        }
    };
    let _ = ready.send(Ok(template));
    while let Ok(work) = jobs.recv() {
        waiting.fetch_sub(1, Ordering::AcqRel);
        match work {
            Work::Fill(job) if !job.is_over() => {
                // An answer that comes too late finds nobody.
                if let Some(answer) = session.answer(&job) {
                    let _ = job.reply.send(answer);
                }
            }
            Work::Generate(job) if !job.is_over() => session.generate(&job),
            Work::Fill(_) | Work::Generate(_) => {}
        }
    }
}
