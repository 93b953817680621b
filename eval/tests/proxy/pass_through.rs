use bytes::Bytes;
use plancache_agents::fixture::{Canned, Instead};
use serde_json::{Value, json};

use crate::agent::{Agent, Api};
use crate::world::World;

/// Bodies as providers send them, with what no client library knows.
const WHOLE: [&str; 5] = [
    r#"{"id":"x","object":"chat.completion", "choices":[{"index":0,"message":{"role":"assistant","content":"Hi","unknown":[1, 2.0,1e3]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.10},"new":{"a":null}}"#,
    r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"","reasoning_content":"Let me think…","thinking_blocks":[{"type":"thinking","signature":"AbC="}]},"finish_reason":"stop"}]}"#,
    r#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"I can't."},"finish_reason":"stop"}]}"#,
    "{ \"choices\" : [ ] }\n\n",
    "no JSON at all",
];

const STREAMS: [&str; 5] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"H\"},\"p\":\"abc\"}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    ": keep-alive\n\n: another\r\n\r\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"…\"}}]}\r\n\r\ndata: [DONE]\r\n\r\n",
    "event: x\nid: 1\nretry: 5\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"no\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"cut",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]",
];

fn canned(stream: bool, body: &str, cut: usize) -> Instead {
    let kind = if stream { "text/event-stream" } else { "application/json" };
    let headers = [("content-type", kind), ("x-request-id", "r1"), ("openai-version", "1"), ("x-odd", "ü")];
    let chunks = body.as_bytes().chunks(cut.max(1)).map(Bytes::copy_from_slice).collect();
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Instead::Canned(Canned { status: 200, headers, chunks })
}

async fn sent(world: &World, url: String, body: &Value) -> (reqwest::header::HeaderMap, Bytes) {
    let sent = world.http.post(url).body(body.to_string()).send().await.unwrap();
    (sent.headers().clone(), sent.bytes().await.unwrap())
}

#[tokio::test]
async fn a_miss_is_byte_for_byte_what_the_planner_sent() {
    let world = World::start().await;
    for api in [Api::Chat, Api::Responses] {
        for stream in [false, true] {
            for body in if stream { STREAMS } else { WHOLE } {
                for cut in [1, 7, 1_000] {
                    let agent = Agent::new(&world, api, stream);
                    let path = if api == Api::Chat { "/v1/chat/completions" } else { "/v1/responses" };
                    let mut request = agent.body(&[json!({"role": "user", "content": "Is it so?"})]);
                    if stream && api == Api::Chat {
                        request["stream_options"] = json!({"include_usage": true});
                    }
                    world.fixture.next([canned(stream, body, cut), canned(stream, body, cut)]);
                    let direct = sent(&world, format!("http://{}{path}", world.upstream), &request).await;
                    let (mut headers, bytes) = sent(&world, world.url(path), &request).await;
                    assert_eq!(bytes, direct.1, "{api:?} {stream} {cut}");
                    assert_eq!(bytes, body.as_bytes());
                    assert_eq!(headers["x-plancache"], "MISS");
                    for own in ["cache-status", "x-plancache", "x-plancache-reason", "x-plancache-run-id"] {
                        headers.remove(own).unwrap();
                    }
                    let mut direct_headers = direct.0;
                    for headers in [&mut headers, &mut direct_headers] {
                        headers.remove("date");
                    }
                    assert_eq!(headers, direct_headers);
                }
            }
        }
    }
    world.flush().await;
    assert!(world.engine.templates(None).is_empty());
}

#[tokio::test]
async fn the_request_goes_up_as_it_came_with_listed_headers_only() {
    let world = World::with(|settings| settings.forward_headers = vec!["x-team".into()]).await;
    let agent = Agent::new(&world, Api::Chat, false);
    let body =
        agent.body(&[json!({"role": "user", "content": "Is it so?"})]).to_string().replace(',', " ,\n");
    let request = world.http.post(world.url("/v1/chat/completions?api-version=2")).body(body.clone());
    let headers =
        [("authorization", "Bearer k"), ("cookie", "c"), ("x-team", "t"), ("x-plancache-run-id", "r")];
    headers.into_iter().fold(request, |r, (n, v)| r.header(n, v)).send().await.unwrap();
    let seen = world.fixture.take_seen().pop().unwrap();
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(seen.path, "/v1/chat/completions?api-version=2");
    let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"x-team"), "{names:?}");
    for kept in ["authorization", "cookie", "x-plancache-run-id"] {
        assert!(!names.contains(&kept), "{names:?}");
    }
}

#[tokio::test]
async fn usage_is_asked_for_in_streams_and_kept_from_clients_that_did_not() {
    let world = World::start().await;
    let task = crate::world::alike()[0];
    let agent = Agent::new(&world, Api::Chat, true);
    let mut request = agent.body(&[json!({"role": "user", "content": task.instruction})]);
    request["cache"] = json!({"no-store": true});
    let (_, bytes) = sent(&world, world.url("/v1/chat/completions"), &request).await;
    let seen: Value = serde_json::from_slice(&world.fixture.take_seen().pop().unwrap().body).unwrap();
    assert_eq!(seen["stream_options"], json!({"include_usage": true}));
    assert_eq!(seen.get("cache"), None, "the alias is for the proxy");
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(!text.contains("prompt_tokens") && text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn what_is_no_planning_call_passes_through() {
    let world = World::start().await;
    let get = async |url: String| world.http.get(url).send().await.unwrap().bytes().await.unwrap();
    let models = get(world.url("/v1/models")).await;
    assert_eq!(models, get(format!("http://{}/v1/models", world.upstream)).await);
    let other = world.http.post(world.url("/v1/embeddings")).body("{\"model\":\"recorded\"}");
    assert_eq!(other.send().await.unwrap().status(), 404, "the provider's own answer");
    let broken = world.http.post(world.url("/v1/chat/completions")).body("{").send().await.unwrap();
    assert_eq!(broken.status(), 400);
    assert_eq!(broken.headers()["x-plancache-reason"], "body");
    assert!(broken.text().await.unwrap().contains("the body is no JSON"), "the provider's own words");
    let nowhere = world.http.get(world.url("/nowhere")).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    assert!(nowhere.text().await.unwrap().contains("\"code\":\"not_found\""));
}

#[tokio::test]
async fn requests_that_a_plan_cannot_honour_are_bypassed_with_the_reason() {
    let world = World::start().await;
    let agent = Agent::new(&world, Api::Chat, false);
    let task = crate::world::alike()[0];
    for (key, value, reason) in [
        ("n", json!(2), "field"),
        ("logprobs", json!(true), "field"),
        ("tools", json!([]), "no_tools"),
        ("tool_choice", json!("none"), "tool_choice"),
    ] {
        let mut request = agent.body(&[json!({"role": "user", "content": task.instruction})]);
        request[key] = value;
        let (headers, _) = sent(&world, world.url("/v1/chat/completions"), &request).await;
        assert_eq!(headers["cache-status"], format!("plancache; fwd=bypass; detail={reason}"));
    }
}
