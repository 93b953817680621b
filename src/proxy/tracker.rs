//! Which run a request belongs to, and what is known of its end.
//!
//! In order: the caller's own run id; a session's id, in which every turn is a run; what this
//! process remembers of the calls in the request; the ids of calls that some replica issued; and
//! for calls that a planner made and this process never saw, a name derived from the first one, so
//! that all replicas give the same.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::call_id::{CallIds, fresh_run_id, run_id};
use super::control::Control;
use super::turn::Turn;
use crate::domain::{Namespace, RunId, RunOutcome, Served, TraceStep};
use crate::policy::Mode;

/// What is known of a run under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tracked {
    /// Where its plans are.
    pub(super) namespace: Namespace,
    pub(super) mode: Mode,
    /// How it ended, or will have if it ends: the caller said so.
    pub(super) claimed: Option<RunOutcome>,
    /// Calls made so far, those under way included.
    pub(super) calls: usize,
    /// Whether one of them failed.
    pub(super) failed: bool,
}

type Point = [u8; 32];

/// The conversation up to a point: a hash of the tenant, the task and the ids of the calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread(Point);

impl Thread {
    fn new(namespace: &Namespace, text: &str) -> Self {
        let mut thread = Self([0; 32]);
        thread.call(namespace.as_str());
        thread.call(text);
        thread
    }

    fn call(&mut self, id: &str) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(id.as_bytes());
        self.0 = *hasher.finalize().as_bytes();
    }

    fn point(self) -> Point {
        self.0
    }
}

/// The runs that this process saw, bounded in number.
#[derive(Debug)]
pub(super) struct Tracker {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// By tenant and run.
    runs: LruCache<(Namespace, RunId), Tracked>,
    points: LruCache<Point, RunId>,
    /// What served the runs that have ended.
    ended: LruCache<(Namespace, RunId), Ended>,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) namespace: Namespace,
    /// The templates that served it.
    pub(super) templates: Vec<Served>,
}

impl Tracker {
    pub(super) fn new(most_runs: usize) -> Self {
        let bound = |most: usize| NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        let (runs, points) = (bound(most_runs), bound(most_runs.saturating_mul(4)));
        let (runs, ended, points) = (LruCache::new(runs), LruCache::new(runs), LruCache::new(points));
        Self { inner: Mutex::new(Inner { runs, points, ended }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of a request, and the conversation's thread up to its end.
    pub(super) fn identify(
        &self,
        ids: &CallIds,
        namespace: &Namespace,
        turn: &Turn,
        control: &Control,
    ) -> (RunId, Thread) {
        let mut thread = Thread::new(namespace, &turn.text);
        let begin = thread.point();
        let mut points = vec![begin];
        for step in &turn.history {
            thread.call(&step.call.id);
            points.push(thread.point());
        }
        let mut inner = self.inner();
        let run = named(namespace, turn, control)
            .or_else(|| {
                // A first request that is no retry begins a run of its own.
                let begins = turn.history.is_empty();
                let known = points.iter().rev().find_map(|point| match begins || *point != begin {
                    true => inner.points.get(point).cloned(),
                    false => None,
                });
                known.filter(|_| !begins || control.retried)
            })
            .or_else(|| turn.history.iter().find_map(|s| ids.read(namespace, &s.call.id)).map(|i| i.run))
            .unwrap_or_else(|| match turn.history.first() {
                Some(_) => run_id(&blake3::Hash::from_bytes(points[1])),
                None => fresh_run_id(),
            });
        inner.points.put(thread.point(), run.clone());
        (run, thread)
    }

    /// Ties calls that were just answered to their run, so that the next request finds it.
    pub(super) fn tie<'i>(
        &self,
        tenant: &Namespace,
        run: &RunId,
        mut thread: Thread,
        calls: impl Iterator<Item = &'i str>,
    ) {
        let mut made = 0;
        for id in calls {
            thread.call(id);
            made += 1;
        }
        let mut inner = self.inner();
        inner.points.put(thread.point(), run.clone());
        if let Some(tracked) = inner.runs.get_mut(&(tenant.clone(), run.clone())) {
            tracked.calls += made;
        }
    }

    /// Notes what is known of a run from a request.
    pub(super) fn note(
        &self,
        tenant: &Namespace,
        run: &RunId,
        namespace: &Namespace,
        mode: Mode,
        history: &[TraceStep],
        claimed: Option<RunOutcome>,
    ) {
        let mut inner = self.inner();
        let key = (tenant.clone(), run.clone());
        let earlier = inner.runs.get(&key).filter(|own| own.namespace == *namespace);
        let claimed = claimed.or_else(|| earlier.and_then(|own| own.claimed));
        let failed = history.iter().any(|s| s.observation.as_ref().is_some_and(|o| o.failed));
        let calls = history.len();
        inner.runs.put(key, Tracked { namespace: namespace.clone(), mode, claimed, calls, failed });
    }

    /// Notes what served a run that has ended, should somebody say later that it went wrong.
    pub(super) fn end(&self, tenant: &Namespace, run: &RunId, ended: Ended) {
        self.inner().ended.put((tenant.clone(), run.clone()), ended);
    }

    /// What served a run that has ended; asked once.
    pub(super) fn take_ended(&self, tenant: &Namespace, run: &RunId) -> Option<Ended> {
        self.inner().ended.pop(&(tenant.clone(), run.clone()))
    }

    /// What is known of a run.
    pub(super) fn of(&self, tenant: &Namespace, run: &RunId) -> Option<Tracked> {
        self.inner().runs.get(&(tenant.clone(), run.clone())).cloned()
    }
}

fn named(namespace: &Namespace, turn: &Turn, control: &Control) -> Option<RunId> {
    if let Some(run) = &control.run {
        return Some(RunId::new(run));
    }
    let session = control.session.as_ref()?;
    let mut thread = Thread::new(namespace, session);
    thread.call(&turn.ordinal.to_string());
    thread.call(&turn.text);
    Some(run_id(&blake3::Hash::from_bytes(thread.point())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::turn::call;

    fn turn(ids: &[&str]) -> Turn {
        let step =
            |id: &&str| TraceStep { call: call((*id).into(), "t".into(), "{}").unwrap(), observation: None };
        Turn { instructions: vec![], text: "do".into(), ordinal: 1, history: ids.iter().map(step).collect() }
    }

    fn space() -> Namespace {
        Namespace::new("team")
    }

    #[test]
    fn a_run_is_followed_by_its_calls() {
        let (tracker, ids) = (Tracker::new(10), CallIds::new(&[1; 32]));
        let find = |calls: &[&str]| tracker.identify(&ids, &space(), &turn(calls), &Control::default());
        let (one, thread) = find(&[]);
        let (two, _) = find(&[]);
        assert_ne!(one, two, "the same task asked twice is two runs");
        tracker.tie(&space(), &one, thread, ["a", "b"].into_iter());
        assert_eq!(find(&["a", "b"]).0, one);
        assert_eq!(find(&["a", "b", "c"]).0, one, "the longest point that is known");
        assert_ne!(find(&["z"]).0, one);
        assert_eq!(find(&["z"]).0, find(&["z", "y"]).0);
    }

    #[test]
    fn a_replica_finds_the_run_in_the_ids() {
        let ids = CallIds::new(&[1; 32]);
        let run = fresh_run_id();
        let id = ids.issue(&space(), &run, 0);
        let found = Tracker::new(10).identify(&ids, &space(), &turn(&[&id]), &Control::default()).0;
        assert_eq!(found, run);
        let foreign = |n| Tracker::new(n).identify(&ids, &space(), &turn(&["x"]), &Control::default()).0;
        assert_eq!(foreign(10), foreign(20), "derived names are the same everywhere");
    }

    #[test]
    fn names_come_first_and_a_retry_is_the_same_run() {
        let (tracker, ids) = (Tracker::new(10), CallIds::new(&[1; 32]));
        let find = |control: Control| tracker.identify(&ids, &space(), &turn(&[]), &control).0;
        let named = || Control { run: Some("mine".into()), ..Control::default() };
        assert_eq!(find(named()), RunId::new("mine"));
        let session = || Control { session: Some("s".into()), ..Control::default() };
        assert_eq!(find(session()), find(session()));
        let first = find(Control::default());
        assert_eq!(find(Control { retried: true, ..Control::default() }), first);
    }
}
