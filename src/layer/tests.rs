use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

use super::decider::ServedRun;
use super::*;
use crate::domain::{
    Bypass, Call, Diverged, EffectClass, Miss, Namespace, NextStep, Observation, Outcome, PlanRequest,
    PlanResponse, RunId, RunOutcome, Served, Task, TemplateId, TemplateVersion, Trace, TraceStep, Usage,
};
use crate::engine::{Admission, Reply};
use crate::policy::Mode;

type Mock = mock::Mock<PlanRequest, PlanResponse>;
type Handle = mock::Handle<PlanRequest, PlanResponse>;

/// What a scripted cache does when it is asked.
enum Act {
    Reply(Reply),
    Panic,
    Hang,
}

/// A cache that says what it is told to, and keeps what it is given.
#[derive(Default)]
struct Script {
    mode: Mode,
    acts: Mutex<VecDeque<Act>>,
    asked: AtomicUsize,
    admitted: Mutex<Vec<Trace>>,
    served: Mutex<Vec<ServedRun>>,
    /// Admissions wait until this is notified, where it is set.
    gate: Option<tokio::sync::Semaphore>,
    failing: bool,
}

#[async_trait]
impl Decider for Script {
    fn serves(&self) -> bool {
        self.mode.serves()
    }
    fn shadows(&self) -> bool {
        self.mode == Mode::Shadow
    }
    fn learns(&self) -> bool {
        self.mode.learns()
    }
    fn effect(&self, tool: &str) -> EffectClass {
        if tool.starts_with("get") { EffectClass::Read } else { EffectClass::Write }
    }
    async fn next(&self, _: &PlanRequest) -> Reply {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let act = self.acts.lock().unwrap().pop_front();
        match act.unwrap_or_else(|| Act::Reply(miss())) {
            Act::Reply(reply) => reply,
            Act::Panic => panic!("scripted"),
            Act::Hang => std::future::pending().await,
        }
    }
    async fn admit(&self, trace: &Trace) -> Result<Admission, String> {
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.failing {
            return Err("disk full".into());
        }
        self.admitted.lock().unwrap().push(trace.clone());
        Ok(Admission { learnt: vec![served_template()], ..Admission::default() })
    }
    async fn served(&self, run: &ServedRun) -> Result<(), String> {
        self.served.lock().unwrap().push(run.clone());
        Ok(())
    }
}

fn miss() -> Reply {
    Reply { step: None, outcome: Outcome::Miss(Miss::NoCandidate) }
}

fn served_template() -> Served {
    Served { id: TemplateId::new("t"), version: TemplateVersion::new("v"), loosely: false }
}

fn hit(step: NextStep) -> Reply {
    let outcome = Outcome::Hit { templates: vec![served_template()], step: 0, slots: vec![] };
    Reply { step: Some(step), outcome }
}

fn diverged() -> Reply {
    Reply { step: None, outcome: Outcome::Diverged(Diverged::CallFailed { tool: "put".into() }) }
}

fn calls(tool: &str) -> NextStep {
    NextStep::Calls(vec![call(tool)])
}

fn call(tool: &str) -> Call {
    Call { id: format!("id-{tool}"), tool: tool.into(), arguments: Map::new() }
}

fn done(tool: &str) -> TraceStep {
    TraceStep { call: call(tool), observation: Some(Observation { value: json!("ok"), failed: false }) }
}

fn task(text: &str) -> Arc<Task> {
    Arc::new(Task {
        namespace: Namespace::new("tenant"),
        text: text.into(),
        context: Value::Null,
        tools: Arc::default(),
        output_format: None,
    })
}

fn asks(run: &str, task: &Arc<Task>, history: &[TraceStep]) -> PlanRequest {
    PlanRequest { run: RunId::new(run), task: Arc::clone(task), history: history.to_vec(), part: None }
}

fn planned(step: NextStep) -> PlanResponse {
    PlanResponse { step, usage: Usage { input: 100, output: 10 } }
}

fn script(acts: Vec<Act>) -> Script {
    Script { acts: Mutex::new(acts.into()), ..Script::default() }
}

fn cache(script: Script, settings: Settings) -> (PlanCache<Mock>, Handle, Arc<Script>) {
    let script = Arc::new(script);
    let (inner, handle) = mock::pair();
    let layer = PlanCacheLayer::with(Arc::clone(&script) as Arc<dyn Decider>, Native, settings);
    (layer.layer(inner), handle, script)
}

/// The planner answers one call with this.
async fn answer(handle: &mut Handle, step: NextStep) -> PlanRequest {
    let (request, respond) = handle.next_request().await.expect("the planner is asked");
    respond.send_response(planned(step));
    request
}

fn finish(cache: &PlanCache<Mock>, run: &str, outcome: RunOutcome) -> RunReport {
    cache.handle().finish(&Namespace::new("tenant"), &RunId::new(run), outcome).expect("a known run")
}

#[tokio::test]
async fn a_hit_never_touches_the_planner_even_if_that_is_saturated() {
    let (mut cache, mut handle, script) = cache(
        script(vec![Act::Reply(hit(calls("put"))), Act::Reply(hit(NextStep::Answer("x".into())))]),
        Settings::default(),
    );
    handle.allow(0);
    let task = task("t");
    let first = cache.ready().await.unwrap().call(asks("r", &task, &[])).await.unwrap();
    assert_eq!(first, PlanResponse { step: calls("put"), usage: Usage::default() });
    let last = cache.call(asks("r", &task, &[done("put")])).await.unwrap();
    assert_eq!(last.step, NextStep::Answer("x".into()));
    let report = finish(&cache, "r", RunOutcome::Success);
    assert_eq!((report.kind, report.planner_calls, report.learning), (RunKind::Hit, 0, Learning::NothingNew));
    assert_eq!(report.templates, [served_template()]);
    cache.handle().flush().await;
    assert_eq!(script.served.lock().unwrap().len(), 1);
    assert!(script.admitted.lock().unwrap().is_empty());
    assert!(tokio_test_pending(&mut handle).await, "nobody asked the planner");
}

/// Whether no request waits for the planner.
async fn tokio_test_pending(handle: &mut Handle) -> bool {
    tokio::time::timeout(Duration::from_millis(5), handle.next_request()).await.is_err()
}

#[tokio::test]
async fn a_miss_waits_for_the_planners_readiness_and_passes_everything_on() {
    let (mut cache, mut handle, _) = cache(script(vec![]), Settings::default());
    handle.allow(0);
    let task = task("t");
    // Ready although the planner is not.
    let mut call = tokio::spawn(cache.ready().await.unwrap().call(asks("r", &task, &[])));
    let early = tokio::time::timeout(Duration::from_millis(5), &mut call).await;
    assert!(early.is_err(), "the planner is not ready yet");
    handle.allow(1);
    let request = answer(&mut handle, calls("put")).await;
    assert_eq!(request, asks("r", &task, &[]));
    assert_eq!(call.await.unwrap().unwrap(), planned(calls("put")));
    let last = cache.handle().last_decision(&task.namespace, &RunId::new("r")).unwrap();
    assert_eq!((last.outcome, last.served), (Outcome::Miss(Miss::NoCandidate), false));
}

#[tokio::test]
async fn the_planners_error_reaches_the_caller() {
    let (mut cache, mut handle, _) = cache(script(vec![]), Settings::default());
    let call = tokio::spawn(cache.call(asks("r", &task("t"), &[])));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("rate limited");
    assert_eq!(call.await.unwrap().unwrap_err().to_string(), "rate limited");
    assert_eq!(finish(&cache, "r", RunOutcome::Success).planner_calls, 0);
}

/// Runs a task whose planner calls `put` and answers; the cache says what its script says.
async fn whole_run(cache: &mut PlanCache<Mock>, handle: &mut Handle, run: &str, text: &str) {
    let task = task(text);
    for (history, step) in [(vec![], calls("put")), (vec![done("put")], NextStep::Answer("ok".into()))] {
        let call = tokio::spawn(cache.call(asks(run, &task, &history)));
        answer(handle, step).await;
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_confirmed_success_is_learnt_from_and_nothing_else() {
    for (outcome, learning) in [
        (RunOutcome::Success, Learning::Queued),
        (RunOutcome::Failure, Learning::NotASuccess),
        (RunOutcome::Unknown, Learning::NotASuccess),
    ] {
        let (mut cache, mut handle, script) = cache(script(vec![]), Settings::default());
        whole_run(&mut cache, &mut handle, "r", "t").await;
        let report = finish(&cache, "r", outcome);
        assert_eq!((report.kind, report.learning), (RunKind::Miss, learning));
        assert_eq!(report.usage, Usage { input: 200, output: 20 });
        cache.handle().flush().await;
        let admitted = script.admitted.lock().unwrap();
        assert_eq!(admitted.len(), usize::from(outcome == RunOutcome::Success));
        if let Some(trace) = admitted.first() {
            assert_eq!((trace.steps.as_slice(), trace.answer.as_deref()), (&[done("put")][..], Some("ok")));
            assert_eq!(cache.handle().counters().learnt, 1);
        }
        assert!(script.served.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn last_calls_without_observation_stay_open_unless_the_caller_brings_it() {
    let (mut cache, mut handle, script) = cache(script(vec![]), Settings::default());
    let task = task("t");
    for run in ["open", "brought"] {
        let call = tokio::spawn(cache.call(asks(run, &task, &[])));
        answer(&mut handle, calls("put")).await;
        call.await.unwrap().unwrap();
    }
    finish(&cache, "open", RunOutcome::Success);
    let trace = Trace {
        run: RunId::new("brought"),
        task: Task::clone(&task),
        steps: vec![done("put")],
        answer: None,
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    };
    assert_eq!(cache.handle().finish_with(&trace).unwrap().learning, Learning::Queued);
    cache.handle().flush().await;
    let admitted = script.admitted.lock().unwrap();
    assert_eq!(admitted[0].steps, [TraceStep { call: call("put"), observation: None }]);
    assert_eq!(admitted[1].steps, [done("put")]);
}

#[tokio::test]
async fn a_diverged_run_stays_with_the_planner_from_where_it_is() {
    let acts = vec![
        Act::Reply(hit(calls("put"))),
        Act::Reply(diverged()),
        // Would serve again, but is not asked any more.
        Act::Reply(hit(calls("put"))),
    ];
    let (mut cache, mut handle, script) = cache(script(acts), Settings::default());
    let task = task("t");
    cache.call(asks("r", &task, &[])).await.unwrap();
    let mut history = vec![done("put")];
    for step in ["repair", "check"] {
        let call = tokio::spawn(cache.call(asks("r", &task, &history)));
        let request = answer(&mut handle, calls(step)).await;
        assert_eq!(request.history, history, "the planner gets everything that was really done");
        assert_eq!(call.await.unwrap().unwrap(), planned(calls(step)));
        history.push(done(step));
    }
    assert_eq!(script.asked.load(Ordering::Relaxed), 2);
    let report = finish(&cache, "r", RunOutcome::Success);
    assert_eq!(
        (report.kind, report.planner_calls, report.learning),
        (RunKind::Diverged, 2, Learning::Queued)
    );
    let outcomes: Vec<_> = report.decisions.into_iter().map(|d| (d.outcome, d.served)).collect();
    assert_eq!(outcomes[1], (diverged().outcome, false));
    assert_eq!(outcomes[2], (diverged().outcome, false));
    cache.handle().flush().await;
    assert!(script.served.lock().unwrap()[0].diverged);
    assert_eq!(script.admitted.lock().unwrap()[0].steps.len(), 3);
}

#[tokio::test]
async fn a_missed_run_is_not_served_halfway() {
    let acts = vec![Act::Reply(miss()), Act::Reply(hit(calls("put")))];
    let (mut cache, mut handle, script) = cache(script(acts), Settings::default());
    whole_run(&mut cache, &mut handle, "r", "t").await;
    assert_eq!(script.asked.load(Ordering::Relaxed), 1);
    assert_eq!(finish(&cache, "r", RunOutcome::Unknown).kind, RunKind::Miss);
}

#[tokio::test]
async fn the_planners_answer_to_a_served_run_is_counted_apart() {
    let for_answer =
        || Reply { step: None, outcome: Outcome::PlannerAnswer { templates: vec![served_template()] } };
    let acts = vec![Act::Reply(hit(calls("put"))), Act::Reply(for_answer())];
    let (mut cache, mut handle, _) = cache(script(acts), Settings::default());
    let task = task("t");
    cache.call(asks("r", &task, &[])).await.unwrap();
    let call = tokio::spawn(cache.call(asks("r", &task, &[done("put")])));
    answer(&mut handle, NextStep::Answer("ok".into())).await;
    call.await.unwrap().unwrap();
    let report = finish(&cache, "r", RunOutcome::Success);
    assert_eq!((report.kind, report.planner_calls), (RunKind::HitPlannerAnswer, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_cache_is_a_bypass_and_never_an_error() {
    for act in [Act::Panic, Act::Hang] {
        let (mut cache, mut handle, _) = cache(script(vec![act]), Settings::default());
        let call = tokio::spawn(cache.call(asks("r", &task("t"), &[])));
        answer(&mut handle, calls("put")).await;
        assert_eq!(call.await.unwrap().unwrap(), planned(calls("put")));
        let report = finish(&cache, "r", RunOutcome::Unknown);
        assert_eq!(report.kind, RunKind::Bypass);
        assert!(matches!(report.decisions[0].outcome, Outcome::Bypass(Bypass::Fault { .. })));
    }
}

#[tokio::test]
async fn a_store_that_does_not_open_or_keep_is_a_bypass_or_counted() {
    let (inner, mut handle) = mock::pair::<PlanRequest, PlanResponse>();
    let broken = Arc::new(crate::layer::tests::Broken);
    let layer = PlanCacheLayer::open(crate::policy::Policy::default(), broken, None).await;
    let mut cache: PlanCache<Mock> = layer.layer(inner);
    whole_run(&mut cache, &mut handle, "r", "t").await;
    let report = finish(&cache, "r", RunOutcome::Success);
    assert_eq!((report.kind, report.learning), (RunKind::Bypass, Learning::Mode));
    match &report.decisions[0].outcome {
        Outcome::Bypass(Bypass::Fault { what }) => assert!(what.contains("on fire"), "{what}"),
        other => panic!("{other:?}"),
    }
    cache.handle().flush().await;

    let (mut cache, mut handle, _) =
        self::cache(Script { failing: true, ..Script::default() }, Settings::default());
    whole_run(&mut cache, &mut handle, "r", "t").await;
    assert_eq!(finish(&cache, "r", RunOutcome::Success).learning, Learning::Queued);
    cache.handle().flush().await;
    assert_eq!(cache.handle().counters().store_errors, 1);
}

/// A store that cannot be read or written.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl crate::store::Store for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    async fn load(&self) -> Result<crate::store::Loaded, crate::store::StoreError> {
        Err(crate::store::StoreError::Io { doing: "loading", why: "the disk is on fire".into() })
    }
    async fn apply(&self, _: crate::store::Change) -> Result<(), crate::store::StoreError> {
        Err(crate::store::StoreError::Io { doing: "writing", why: "the disk is on fire".into() })
    }
    async fn purge(&self, _: &Namespace) -> Result<usize, crate::store::StoreError> {
        Err(crate::store::StoreError::Io { doing: "purging", why: "the disk is on fire".into() })
    }
    async fn postings(&self, _: &Namespace, _: &str) -> Result<Vec<TemplateId>, crate::store::StoreError> {
        Err(crate::store::StoreError::Io { doing: "reading", why: "the disk is on fire".into() })
    }
}

#[tokio::test]
async fn modes_serve_and_learn_as_they_say() {
    for (mode, asked, learning) in [
        (Mode::Off, 0, Learning::Mode),
        (Mode::WriteOnly, 0, Learning::Queued),
        (Mode::ReadOnly, 1, Learning::Mode),
        (Mode::On, 1, Learning::Queued),
    ] {
        let (mut cache, mut handle, script) =
            cache(Script { mode, ..Script::default() }, Settings::default());
        whole_run(&mut cache, &mut handle, "r", "t").await;
        assert_eq!(script.asked.load(Ordering::Relaxed), asked, "{mode:?}");
        let report = finish(&cache, "r", RunOutcome::Success);
        assert_eq!(report.learning, learning, "{mode:?}");
        assert_eq!(report.kind == RunKind::Bypass, asked == 0, "{mode:?}");
    }
}

#[tokio::test]
async fn shadow_mode_serves_nothing_and_says_what_would_have_been() {
    for (proposed, verdict) in [
        (vec![hit(calls("put")), hit(NextStep::Answer("x".into()))], ShadowVerdict::WouldHaveHit),
        (vec![hit(calls("drop")), hit(NextStep::Answer("x".into()))], ShadowVerdict::WouldHaveBeenWrong),
        (vec![hit(calls("get")), diverged()], ShadowVerdict::Undecided),
        (vec![miss(), hit(calls("put"))], ShadowVerdict::WouldHaveMissed),
    ] {
        let acts = proposed.into_iter().map(Act::Reply).collect();
        let script = Script { mode: Mode::Shadow, acts: Mutex::new(acts), ..Script::default() };
        let (mut cache, mut handle, script) = cache(script, Settings::default());
        whole_run(&mut cache, &mut handle, "r", "t").await;
        let report = finish(&cache, "r", RunOutcome::Success);
        assert_eq!((report.shadow, report.planner_calls), (Some(verdict), 2));
        assert_eq!(report.learning, Learning::Queued);
        assert!(report.decisions.iter().all(|d| !d.served));
        cache.handle().flush().await;
        // Nothing was served; what a plan would have been wrong with is noted.
        let noted = script.served.lock().unwrap();
        assert_eq!(noted.len(), usize::from(verdict == ShadowVerdict::WouldHaveBeenWrong));
        assert!(noted.iter().all(|run| run.outcome == RunOutcome::Unknown && run.wrong.is_some()));
        drop(noted);
        assert_eq!(cache.handle().counters().shadow.get(verdict.label()), Some(&1));
    }
}

#[tokio::test]
async fn an_id_used_again_for_another_task_or_tenant_is_another_run() {
    let (mut cache, mut handle, _) = cache(script(vec![]), Settings::default());
    whole_run(&mut cache, &mut handle, "same", "first task").await;
    whole_run(&mut cache, &mut handle, "same", "second task").await;
    let foreign = cache.handle().finish(&Namespace::new("other"), &RunId::new("same"), RunOutcome::Success);
    assert!(foreign.is_none());
    for _ in 0..2 {
        assert_eq!(finish(&cache, "same", RunOutcome::Success).planner_calls, 2);
    }
    assert!(
        cache.handle().finish(&Namespace::new("tenant"), &RunId::new("same"), RunOutcome::Success).is_none()
    );
}

#[tokio::test]
async fn a_retried_call_counts_once_and_an_edited_history_is_believed() {
    let acts = (0..3).map(|_| Act::Reply(hit(calls("put")))).collect();
    let (mut cache, mut handle, script) = cache(script(acts), Settings::default());
    let task = task("t");
    for _ in 0..2 {
        cache.call(asks("r", &task, &[])).await.unwrap();
    }
    let mut changed = done("put");
    changed.observation = Some(Observation { value: json!("changed"), failed: false });
    for history in [vec![done("put")], vec![changed.clone()]] {
        script.acts.lock().unwrap().clear();
        let call = tokio::spawn(cache.call(asks("r", &task, &history)));
        answer(&mut handle, NextStep::Answer("ok".into())).await;
        call.await.unwrap().unwrap();
    }
    let report = finish(&cache, "r", RunOutcome::Success);
    assert_eq!(report.decisions.len(), 2);
    cache.handle().flush().await;
    assert_eq!(script.admitted.lock().unwrap()[0].steps, [changed]);
}

#[tokio::test(start_paused = true)]
async fn runs_are_bounded_in_number_and_time_and_end_unknown() {
    let settings = Settings { most_runs: 2, idle: Duration::from_secs(60), ..Settings::default() };
    let (mut cache, mut handle, script) = cache(script(vec![]), settings);
    for run in ["a", "b", "c"] {
        whole_run(&mut cache, &mut handle, run, "t").await;
    }
    let tenant = Namespace::new("tenant");
    let end = |cache: &PlanCache<Mock>, run: &str| {
        cache.handle().finish(&tenant, &RunId::new(run), RunOutcome::Success)
    };
    assert!(end(&cache, "a").is_none(), "pushed out");
    tokio::time::advance(Duration::from_secs(61)).await;
    whole_run(&mut cache, &mut handle, "d", "t").await;
    assert!(end(&cache, "b").is_none() && end(&cache, "c").is_none(), "idle");
    assert!(end(&cache, "d").is_some());
    cache.handle().flush().await;
    assert_eq!(script.admitted.lock().unwrap().len(), 1, "only what the caller confirmed");
    assert_eq!(cache.handle().counters().runs_expired, 3);
}

#[tokio::test]
async fn the_queue_is_bounded_and_counts_what_it_drops() {
    let script = Script { gate: Some(tokio::sync::Semaphore::new(0)), ..Script::default() };
    let (mut cache, mut handle, script) = cache(script, Settings { queue: 1, ..Settings::default() });
    let mut learnt = Vec::new();
    for run in ["a", "b", "c", "d"] {
        whole_run(&mut cache, &mut handle, run, "t").await;
        learnt.push(finish(&cache, run, RunOutcome::Success).learning);
        tokio::task::yield_now().await;
    }
    let dropped = learnt.iter().filter(|l| **l == Learning::Dropped).count() as u64;
    assert!((1..=3).contains(&dropped), "{learnt:?}");
    assert_eq!(cache.handle().counters().dropped, dropped);
    script.gate.as_ref().unwrap().add_permits(9);
    cache.handle().flush().await;
    assert_eq!(script.admitted.lock().unwrap().len() as u64, 4 - dropped);
}

/// A protocol on raw text, most of which is no planning call, with a marked answer.
#[derive(Clone)]
struct Text;

impl Protocol<String> for Text {
    type Response = String;

    fn read<'r>(&self, request: &'r String) -> Option<std::borrow::Cow<'r, PlanRequest>> {
        let text = request.strip_prefix("plan: ")?;
        Some(std::borrow::Cow::Owned(asks("r", &task(text), &[])))
    }
    fn answer(&self, _: NextStep, _: &Outcome) -> String {
        "served".into()
    }
    fn observe(&self, response: String) -> (String, Observed) {
        let observed = match response.as_str() {
            "late" => Observed::Later(Box::pin(async { Some(planned(NextStep::Answer("late".into()))) })),
            _ => Observed::Nothing,
        };
        (response, observed)
    }
    fn mark(&self, response: String, outcome: &Outcome) -> String {
        format!("{response} {}", crate::telemetry::labels(outcome).0)
    }
}

#[tokio::test]
async fn other_protocols_pass_other_requests_through_and_may_answer_late() {
    let script =
        Arc::new(script(vec![Act::Reply(miss()), Act::Reply(hit(calls("put"))), Act::Reply(miss())]));
    let layer = PlanCacheLayer::with(Arc::clone(&script) as Arc<dyn Decider>, Text, Settings::default());
    let mut cache = layer.layer(tower::service_fn(|request: String| {
        let late = request.ends_with("late");
        std::future::ready(Ok::<_, std::convert::Infallible>(if late { "late" } else { "other" }.to_owned()))
    }));
    let mut say = async |text: &str| cache.call(text.to_owned()).await.unwrap();
    assert_eq!(say("models?").await, "other");
    assert_eq!(script.asked.load(Ordering::Relaxed), 0);
    assert_eq!(say("plan: late").await, "late miss");
    tokio::task::yield_now().await;
    let end = |outcome| layer.handle().finish(&Namespace::new("tenant"), &RunId::new("r"), outcome).unwrap();
    assert_eq!(end(RunOutcome::Success).learning, Learning::Queued);
    assert_eq!(say("plan: x").await, "served");
    end(RunOutcome::Unknown);
    assert_eq!(say("plan: y").await, "other miss");
    assert_eq!(end(RunOutcome::Success).learning, Learning::Unreadable);
}
