use std::sync::Arc;
use std::time::{Duration, Instant};

use plancache::config::Limits;
use plancache::proxy::{Proxy, Setup};
use plancache_agents::fixture::{Fault, Instead};
use serde_json::json;
use tokio::net::TcpListener;

use crate::agent::{Agent, Api};
use crate::world::{World, alike};

const PATH: &str = "/v1/chat/completions";

fn request(world: &World, stream: bool) -> reqwest::RequestBuilder {
    let agent = Agent::new(world, Api::Chat, stream);
    let body = agent.body(&[json!({"role": "user", "content": alike()[0].instruction})]);
    world.http.post(world.url(PATH)).header("x-plancache-outcome", "success").body(body.to_string())
}

#[tokio::test]
async fn errors_of_the_planner_pass_through_and_nothing_is_sent_twice() {
    let world = World::start().await;
    for (fault, status) in [(Fault::TooMany, 429), (Fault::Broken, 500), (Fault::Reset, 502)] {
        world.fixture.next([Instead::Fault(fault)]);
        let before = world.fixture.counts().asked;
        let sent = request(&world, false).send().await.unwrap();
        assert_eq!(sent.status(), status);
        assert_eq!(world.fixture.counts().asked - before, 1, "{fault:?}");
        if fault == Fault::TooMany {
            assert_eq!(
                (&sent.headers()["retry-after"], &sent.headers()["retry-after-ms"]),
                (&"2".parse().unwrap(), &"150".parse().unwrap())
            );
        }
        assert_eq!(sent.headers()["x-plancache"], "MISS");
        assert!(sent.text().await.unwrap().starts_with("{\"error\":{"));
    }
}

#[tokio::test]
async fn a_broken_stream_is_passed_on_as_it_is_and_not_learnt() {
    for fault in [Fault::Half, Fault::Malformed] {
        let world = World::start().await;
        world.fixture.next([Instead::Fault(fault)]);
        let sent = request(&world, true).send().await.unwrap();
        let text = sent.text().await.unwrap();
        match fault {
            Fault::Half => assert!(!text.contains("[DONE]"), "{text}"),
            _ => assert!(text.contains("data: {\"choices\": [\n\n"), "{text}"),
        }
        world.flush().await;
        assert!(world.engine.templates(None).is_empty());
    }
}

#[tokio::test]
async fn a_run_whose_last_answer_broke_off_is_not_learnt() {
    for fault in [Fault::Half, Fault::Malformed] {
        let world = World::start().await;
        let mut agent = Agent::new(&world, Api::Chat, true);
        let steps = {
            let before = world.fixture.counts().asked;
            agent.run(&world, alike()[0]).await;
            world.fixture.counts().asked - before
        };
        assert!(steps > 2);
        // Everything but the last answer is whole.
        agent = agent.saying("x-plancache-outcome", "success");
        agent.tolerant = true;
        let whole = std::iter::repeat_n(Instead::Nothing, steps as usize - 1);
        world.fixture.next(whole.chain([Instead::Fault(fault)]));
        let ended = agent.run(&world, alike()[0]).await;
        assert_eq!((ended.did.len(), ended.answer.as_str()), (steps as usize, ""));
        world.flush().await;
        assert!(world.engine.templates(None).is_empty(), "{fault:?}");
        agent.run(&world, alike()[0]).await;
        world.flush().await;
        assert!(!world.engine.templates(None).is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_retried_counts_once_and_the_run_is_learnt() {
    let world = World::start().await;
    world.fixture.next([Instead::Fault(Fault::Broken)]);
    assert_eq!(request(&world, false).send().await.unwrap().status(), 500);
    let sent = request(&world, false).header("x-stainless-retry-count", "1").send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let run = sent.headers()["x-plancache-run-id"].to_str().unwrap().to_owned();
    let url = world.url(&format!("/plancache/runs/{run}/outcome"));
    let report = world.http.post(url).body(r#"{"outcome":"unknown"}"#).send().await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&report.text().await.unwrap()).unwrap();
    assert_eq!(report["planner_calls"], 1, "{report}");
}

#[tokio::test]
async fn a_client_that_goes_away_is_gone_for_the_planner_within_a_second() {
    let world = World::start().await;
    for stream in [false, true] {
        world.fixture.next([Instead::Fault(Fault::Stall)]);
        let before = world.fixture.counts().cancelled;
        let sent = tokio::spawn(request(&world, stream).send());
        if stream {
            let response = sent.await.unwrap().unwrap();
            drop(response);
        } else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sent.abort();
        }
        let gone = Instant::now();
        while world.fixture.counts().cancelled == before {
            assert!(gone.elapsed() < Duration::from_secs(1), "stream: {stream}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_planner_that_is_silent_for_too_long_is_an_error_in_time() {
    let world = World::with(|s| s.limits = Limits { silence_seconds: 1, ..Limits::default() }).await;
    world.fixture.next([Instead::Fault(Fault::Stall)]);
    let began = Instant::now();
    let sent = request(&world, false).send().await.unwrap();
    assert_eq!(sent.status(), 504);
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back() {
    let world = World::with(|s| s.limits = Limits { in_flight: 1, ..Limits::default() }).await;
    world.fixture.next([Instead::Fault(Fault::Stall)]);
    let first = tokio::spawn(request(&world, false).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = request(&world, false).send().await.unwrap();
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    first.abort();
}

#[tokio::test]
async fn bodies_and_heads_are_bounded() {
    let world = World::with(|s| s.limits = Limits { body_bytes: 100, ..Limits::default() }).await;
    let sent = request(&world, false).send().await.unwrap();
    assert_eq!(sent.status(), 413);
    let head = world.http.get(world.url("/health")).header("x-long", "x".repeat(200_000)).send().await;
    assert!(head.is_err() || head.unwrap().status().as_u16() == 431);
}

#[tokio::test]
async fn a_cache_that_cannot_be_opened_is_a_bypass() {
    let world = World::start().await;
    let upstream = toml::from_str(&format!("base_url = 'http://{}/v1'", world.upstream)).unwrap();
    let settings =
        plancache::config::Proxy { upstreams: [("u".to_owned(), upstream)].into(), ..Default::default() };
    let proxy = Proxy::new(Setup {
        settings,
        layer: Default::default(),
        namespace: Default::default(),
        mode: None,
        cache: Err("the store is locked".into()),
        secret: [0; 32],
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { proxy.serve(listener, std::future::pending()).await });
    let agent = Agent { addresses: vec![address], ..Agent::new(&world, Api::Chat, true) };
    let ended = agent.run(&world, alike()[0]).await;
    assert!(ended.did.iter().all(|did| did == "BYPASS"), "{:?}", ended.did);
    let ready = world.http.get(format!("http://{address}/ready")).send().await.unwrap();
    assert_eq!(ready.text().await.unwrap(), r#"{"status":"ready","cache":"fault"}"#);
}

#[tokio::test]
async fn requests_under_way_end_before_the_proxy_does() {
    let world = World::start().await;
    let slow =
        plancache_agents::fixture::Fixture::clone(&world.fixture).with_delay(Duration::from_millis(400));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream =
        toml::from_str(&format!("base_url = 'http://{}/v1'", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(slow.serve(listener));
    let settings =
        plancache::config::Proxy { upstreams: [("u".to_owned(), upstream)].into(), ..Default::default() };
    let cache = Ok(Arc::clone(&world.engine));
    let setup = Setup {
        settings,
        layer: Default::default(),
        namespace: Default::default(),
        mode: None,
        cache,
        secret: [0; 32],
    };
    let proxy = Proxy::new(setup).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { proxy.serve(listener, async { drop(stopped.await) }).await });
    let agent = Agent::new(&world, Api::Chat, false);
    let body = agent.body(&[json!({"role": "user", "content": alike()[0].instruction})]).to_string();
    let asked = tokio::spawn(world.http.post(format!("http://{address}{PATH}")).body(body).send());
    tokio::time::sleep(Duration::from_millis(150)).await;
    stop.send(()).unwrap();
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap();
    ended.unwrap().unwrap();
    assert!(world.http.get(format!("http://{address}/health")).send().await.is_err());
}
