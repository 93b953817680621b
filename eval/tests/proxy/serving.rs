use serde_json::{Value, json};

use crate::agent::{Agent, Api, Ended};
use crate::world::{World, alike, data};
use plancache::config::{Completed, EarlierTurns};
use plancache_eval::tasks::TaskInput;

/// Runs a task, judges it, and says how it went.
async fn told(world: &World, agent: &Agent, task: &TaskInput) -> (Ended, Value) {
    let ended = agent.run(world, task).await;
    let right = data().scorer.judge(&task.task_id, &ended.shop, Some(&ended.answer)).is_right();
    let report = say(world, &ended.run, if right { "success" } else { "failure" }).await;
    assert!(right, "{}: {:?} {:?}", task.task_id, ended.did, ended.tools);
    (ended, report)
}

async fn say(world: &World, run: &str, outcome: &str) -> Value {
    let url = world.url(&format!("/plancache/runs/{run}/outcome"));
    let body = json!({"outcome": outcome, "wait": true}).to_string();
    let response = world.http.post(url).body(body).send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["status"] = json!(status.as_u16());
    report
}

#[tokio::test]
async fn what_was_learnt_is_served_through_every_endpoint_without_the_planner() {
    let world = World::start().await;
    let forms = [(Api::Chat, false), (Api::Chat, true), (Api::Responses, false), (Api::Responses, true)];
    let mut hits = [0; 4];
    for (nth, task) in alike().into_iter().take(48).enumerate() {
        // Plans are shared by the endpoints, as long as the instructions are the same.
        let form = nth % 4;
        let agent = Agent::new(&world, forms[form].0, forms[form].1);
        let before = world.fixture.counts();
        let (ended, report) = told(&world, &agent, task).await;
        let after = world.fixture.counts();
        let calls = (after.planned - before.planned) as usize;
        if ended.did[0] == "HIT" {
            assert_eq!(calls, 0, "{:?}", ended.did);
            assert!(ended.ids.iter().all(|id| id.starts_with("pc_") && id.len() <= 40));
            assert!(ended.did[..ended.did.len() - 1].iter().all(|did| did == "HIT"));
            hits[form] += 1;
        } else {
            assert_eq!(calls, ended.tools.len());
            assert_eq!(report["learning"], "queued", "{report}");
        }
    }
    assert!(hits.iter().all(|n| *n >= 3), "{hits:?}");
    let metrics = world.metrics().await;
    assert!(metrics.contains("plancache_requests_total{result=\"hit\",reason=\"served\"}"), "{metrics}");
    assert!(metrics.contains("plancache_proxy_in_flight 0"), "{metrics}");
}

/// Teaches a world until a task is served; gives back the tasks that follow.
pub async fn taught(world: &World) -> std::vec::IntoIter<&'static TaskInput> {
    let mut tasks = alike().into_iter();
    for task in tasks.by_ref().take(24) {
        told(world, &Agent::new(world, Api::Chat, false), task).await;
    }
    tasks
}

/// The next task that is served to its end by templates.
pub async fn next_hit(
    world: &World,
    agent: &Agent,
    tasks: &mut impl Iterator<Item = &'static TaskInput>,
) -> (Ended, &'static TaskInput) {
    for task in tasks.by_ref().take(12) {
        let ended = agent.run(world, task).await;
        if ended.did[0] == "HIT" {
            return (ended, task);
        }
    }
    panic!("no task was served");
}

#[tokio::test]
async fn a_hit_in_a_stream_and_whole_is_the_same() {
    let world = World::with(|settings| settings.answer_text = Some("It is done.".into())).await;
    let mut tasks = taught(&world).await;
    let whole = Agent::new(&world, Api::Chat, false);
    let (ended, task) = next_hit(&world, &whole, &mut tasks).await;
    assert!(ended.is_hit(), "the answer is the proxy's too: {:?}", ended.did);
    assert_eq!(ended.answer, "It is done.");
    for (api, stream) in [(Api::Chat, true), (Api::Responses, false), (Api::Responses, true)] {
        let again = Agent::new(&world, api, stream).run(&world, task).await;
        assert_eq!((again.tools, again.answer), (ended.tools.clone(), ended.answer.clone()));
        assert!(again.ids.iter().all(|id| !ended.ids.contains(id)), "ids are always fresh");
    }
}

#[tokio::test]
async fn what_nobody_calls_a_success_is_not_learnt() {
    let world = World::start().await;
    for task in alike().into_iter().take(6) {
        let ended = Agent::new(&world, Api::Chat, false).run(&world, task).await;
        assert!(ended.did.iter().all(|did| did == "MISS"), "{:?}", ended.did);
    }
    world.flush().await;
    assert!(world.engine.templates(None).is_empty());
}

#[tokio::test]
async fn outcomes_come_by_header_or_by_the_settings() {
    let world = World::start().await;
    let agent = Agent::new(&world, Api::Chat, true).saying("x-plancache-outcome", "success");
    for task in alike().into_iter().take(2) {
        let ended = agent.run(&world, task).await;
        world.flush().await;
        assert_eq!(say(&world, &ended.run, "success").await["status"], 404, "it has ended");
    }
    assert!(!world.engine.templates(None).is_empty());

    let world = World::with(|settings| settings.completed = Completed::Success).await;
    Agent::new(&world, Api::Responses, true).run(&world, alike()[0]).await;
    world.flush().await;
    assert!(!world.engine.templates(None).is_empty());
}

#[tokio::test]
async fn agents_with_other_instructions_share_nothing() {
    let world = World::start().await;
    let mut tasks = taught(&world).await;
    let mut other = Agent::new(&world, Api::Chat, false);
    other.system = "You may look, but not touch.".into();
    for task in tasks.by_ref().take(3) {
        assert_eq!(other.run(&world, task).await.did[0], "MISS");
    }
    next_hit(&world, &Agent::new(&world, Api::Chat, false), &mut tasks).await;
}

#[tokio::test]
async fn modes_and_directives_are_honoured() {
    let world = World::with(|settings| settings.answer_text = Some("It is done.".into())).await;
    let mut tasks = taught(&world).await;
    let (_, task) = next_hit(&world, &Agent::new(&world, Api::Chat, false), &mut tasks).await;
    for (name, value, first) in [
        ("cache-control", "no-cache", "MISS"),
        ("x-plancache-mode", "off", "BYPASS"),
        ("x-plancache-mode", "shadow", "SHADOW"),
        ("x-plancache-mode", "read-only", "HIT"),
        ("cache-control", "only-if-cached", "HIT"),
    ] {
        let agent = Agent::new(&world, Api::Chat, false).saying(name, value);
        let ended = agent.run(&world, task).await;
        let expected = if value == "no-cache" { ["MISS", "BYPASS"].as_slice() } else { &[first] };
        assert!(expected.contains(&ended.did[0].as_str()), "{name}: {value}: {:?}", ended.did);
        if value == "shadow" {
            let report = say(&world, &ended.run, "success").await;
            assert_eq!(report["shadow"], "would_have_hit", "{report}");
        }
    }
}

#[tokio::test]
async fn a_turn_that_follows_others_goes_to_the_planner() {
    for (earlier, did) in [(EarlierTurns::Bypass, "BYPASS"), (EarlierTurns::Ignore, "HIT")] {
        let world = World::with(|settings| settings.earlier_turns = earlier).await;
        let mut tasks = taught(&world).await;
        let agent = Agent::new(&world, Api::Chat, false);
        let (_, task) = next_hit(&world, &agent, &mut tasks).await;
        let body = agent.body(&[
            json!({"role": "system", "content": agent.system}),
            json!({"role": "user", "content": "Hello."}),
            json!({"role": "assistant", "content": "Hello, what can I do?"}),
            json!({"role": "user", "content": task.instruction}),
        ]);
        let request = world.http.post(world.url("/v1/chat/completions")).body(body.to_string());
        assert_eq!(request.send().await.unwrap().headers()["x-plancache"], did);
    }
}

#[tokio::test]
async fn a_run_that_diverges_goes_on_with_the_planner_and_repeats_nothing() {
    let world = World::start().await;
    let mut tasks = taught(&world).await;
    let agent = Agent::new(&world, Api::Chat, false);
    let (_, task) = next_hit(&world, &agent, &mut tasks).await;
    // The first call is served; its result is not as it was when the plan was learnt.
    let mut conversation = vec![
        json!({"role": "system", "content": agent.system}),
        json!({"role": "user", "content": task.instruction}),
    ];
    let ask = async |conversation: &[Value]| {
        let body = agent.body(conversation).to_string();
        let sent = world.http.post(world.url("/v1/chat/completions")).body(body).send().await.unwrap();
        let did = sent.headers()["x-plancache"].to_str().unwrap().to_owned();
        let status = sent.headers()["cache-status"].to_str().unwrap().to_owned();
        (did, status, serde_json::from_str::<Value>(&sent.text().await.unwrap()).unwrap())
    };
    let (did, status, whole) = ask(&conversation).await;
    assert_eq!(did, "HIT");
    assert!(status.starts_with("plancache; hit; key=\""), "{status}");
    let message = whole["choices"][0]["message"].clone();
    let call = message["tool_calls"][0].clone();
    assert_eq!(whole["usage"]["total_tokens"], 0);
    conversation.push(message);
    conversation
        .push(json!({"role": "tool", "tool_call_id": call["id"], "content": "Error: user not found"}));
    world.fixture.take_seen();
    let (did, status, _) = ask(&conversation).await;
    assert_eq!(did, "DIVERGED", "{status}");
    assert!(status.starts_with("plancache; fwd=miss; detail="), "{status}");
    let seen = world.fixture.take_seen();
    assert_eq!(seen.len(), 1, "sent once");
    let body: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(body["messages"], json!(conversation), "with what was really done");
}

#[tokio::test]
async fn a_client_may_go_on_from_a_served_response_by_its_id() {
    let world = World::with(|settings| settings.answer_text = Some("It is done.".into())).await;
    let mut tasks = taught(&world).await;
    let agent = Agent::new(&world, Api::Responses, false);
    let (_, task) = next_hit(&world, &agent, &mut tasks).await;
    let ask = async |body: Value| {
        let sent = world.http.post(world.url("/v1/responses")).body(body.to_string()).send().await.unwrap();
        let did = sent.headers()["x-plancache"].to_str().unwrap().to_owned();
        (did, serde_json::from_str::<Value>(&sent.text().await.unwrap()).unwrap())
    };
    let (did, first) = ask(agent.body(&[json!({"role": "user", "content": task.instruction})])).await;
    assert_eq!(did, "HIT");
    let call = &first["output"][0]["call_id"];
    for (output, expected) in [("somebody_1", "HIT"), ("Error: not found", "DIVERGED")] {
        let mut body =
            agent.body(&[json!({"type": "function_call_output", "call_id": call, "output": output})]);
        body["previous_response_id"] = first["id"].clone();
        world.fixture.take_seen();
        let (did, next) = ask(body).await;
        assert_eq!(did, expected, "{next}");
        if expected == "DIVERGED" {
            let seen: Value = serde_json::from_slice(&world.fixture.take_seen()[0].body).unwrap();
            assert_eq!(seen.get("previous_response_id"), None, "the provider does not know it");
            assert_eq!(seen["input"].as_array().unwrap().len(), 3);
        }
    }
}

#[tokio::test]
async fn what_served_a_run_that_went_wrong_is_withdrawn_also_after_its_end() {
    let world = World::with(|settings| {
        settings.answer_text = Some("It is done.".into());
        settings.completed = Completed::Success;
    })
    .await;
    let agent = Agent::new(&world, Api::Chat, false);
    let mut tasks = alike().into_iter();
    for task in tasks.by_ref().take(24) {
        agent.run(&world, task).await;
    }
    world.flush().await;
    let (ended, task) = next_hit(&world, &agent, &mut tasks).await;
    let report = say(&world, &ended.run, "failure").await;
    assert!(report["withdrawn"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(agent.run(&world, task).await.did[0], "MISS");
}
