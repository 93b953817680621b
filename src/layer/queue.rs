//! Learning happens here, in the background, one run after the other.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::decider::{Decider, ServedRun};
use crate::domain::Trace;
use crate::telemetry::Counters;

/// What is to be done after a run.
#[derive(Debug)]
pub(super) enum Job {
    /// Learn from it.
    Admit(Box<Trace>),
    /// Take note of how it ended.
    Served(ServedRun),
    /// Say when everything before this is done.
    Flush(oneshot::Sender<()>),
}

/// A bounded queue with one worker. The worker starts with the first job, on the runtime that
/// brought it, and ends when the queue is dropped and empty.
pub(super) struct Queue {
    sender: mpsc::Sender<Job>,
    waiting: Mutex<Option<mpsc::Receiver<Job>>>,
    decider: Arc<dyn Decider>,
    counters: Arc<Counters>,
}

impl Queue {
    pub(super) fn new(room: usize, decider: Arc<dyn Decider>, counters: Arc<Counters>) -> Self {
        let (sender, receiver) = mpsc::channel(room.max(1));
        Self { sender, waiting: Mutex::new(Some(receiver)), decider, counters }
    }

    /// Puts a job into the queue without waiting; false, and counted, if there was no room (or no
    /// runtime to work on).
    pub(super) fn push(&self, job: Job) -> bool {
        let pushed = self.start() && self.sender.try_send(job).is_ok();
        if !pushed {
            self.counters.change(|counts| counts.dropped += 1);
        }
        pushed
    }

    /// Waits until everything that is in the queue now is done.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.start() && self.sender.send(Job::Flush(done)).await.is_ok() {
            // An error says that the worker is gone, and everything with it: nothing to wait for.
            drop(wait.await);
        }
    }

    fn start(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            return true;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        if let Some(receiver) = waiting.take() {
            runtime.spawn(work(receiver, Arc::clone(&self.decider), Arc::clone(&self.counters)));
        }
        true
    }
}

async fn work(mut jobs: mpsc::Receiver<Job>, decider: Arc<dyn Decider>, counters: Arc<Counters>) {
    while let Some(job) = jobs.recv().await {
        // A task of its own, so that a panic while learning ends that job and not the worker.
        let decider = Arc::clone(&decider);
        let result = match job {
            Job::Flush(done) => {
                let _ = done.send(());
                continue;
            }
            Job::Admit(trace) => tokio::spawn(async move { decider.admit(&trace).await.map(Some) }).await,
            Job::Served(run) => tokio::spawn(async move { decider.served(&run).await.map(|()| None) }).await,
        };
        match result {
            Ok(Ok(admission)) => counters.change(|counts| {
                if let Some(admission) = admission {
                    counts.learnt += admission.learnt.len() as u64;
                    counts.merged += admission.merged.len() as u64;
                    counts.rejected += admission.rejected.len() as u64;
                }
            }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a run could not be kept");
                counters.change(|counts| counts.store_errors += 1);
            }
            Err(_) => {
                tracing::error!("learning from a run failed; the run is dropped");
                counters.change(|counts| counts.store_errors += 1);
            }
        }
    }
}
