use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server on this machine that answers every request with one response, after a while.
struct Server {
    url: String,
    /// Heads and bodies of the requests.
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

async fn serve(status: &'static str, body: String, delay: Duration) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (log, body) = (Arc::clone(&log), body.clone());
            tokio::spawn(async move {
                let mut request = Vec::new();
                let (head, sent) = loop {
                    assert!(stream.read_buf(&mut request).await.unwrap() > 0);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let Some((head, sent)) = text.split_once("\r\n\r\n") else { continue };
                    let head = head.to_lowercase();
                    let length = head.split_once("content-length: ").unwrap().1;
                    if sent.len() == length.lines().next().unwrap().parse::<usize>().unwrap() {
                        break (head, serde_json::from_str(sent).unwrap());
                    }
                };
                log.lock().unwrap().push((head, sent));
                tokio::time::sleep(delay).await;
                let response = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    });
    Server { url, seen }
}

/// A response whose message is `content`.
fn completion(content: &str) -> String {
    json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": { "role": "assistant", "content": content }
        }]
    })
    .to_string()
}

fn question(choice: Choice) -> FillQuestion {
    FillQuestion {
        prefix_key: "k".into(),
        prefix: "Which colour?".into(),
        task: "The blue one.".into(),
        choice,
        deadline: Duration::from_secs(20),
    }
}

fn colours() -> Choice {
    Choice::Candidates(vec!["red".into(), "blue".into()])
}

async fn answer(content: &str, choice: Choice) -> (Result<FillAnswer, FillError>, Value) {
    let server = serve("200 OK", completion(content), Duration::ZERO).await;
    let filler = EndpointFiller::new(EndpointSettings::new(server.url, "m")).unwrap();
    let answer = filler.fill(question(choice)).await;
    let (head, body) = server.seen.lock().unwrap().remove(0);
    assert!(head.starts_with("post /v1/chat/completions"), "{head}");
    (answer, body)
}

#[tokio::test]
async fn a_candidate_is_chosen_through_an_enumeration() {
    let (chosen, sent) = answer("{\"answer\": \"blue\"}", colours()).await;
    assert_eq!(chosen.unwrap(), FillAnswer::Chosen { index: 1, margin: f32::INFINITY });
    let format = &sent["response_format"];
    assert_eq!(format["type"], "json_schema");
    let schema = &format["json_schema"]["schema"];
    assert_eq!(schema["properties"]["answer"]["enum"], json!(["red", "blue", null]));
    assert_eq!(sent["messages"][1]["content"], "The blue one.");
    assert_eq!(sent["temperature"], 0.0);
}

#[tokio::test]
async fn anything_but_a_candidate_is_an_abstention() {
    for content in ["{\"answer\": null}", "{\"answer\": \"green\"}", "I would say blue", ""] {
        assert_eq!(answer(content, colours()).await.0.unwrap(), FillAnswer::Abstained, "{content}");
    }
    let bare = answer("blue", colours()).await.0.unwrap();
    assert_eq!(bare, FillAnswer::Chosen { index: 1, margin: f32::INFINITY });
}

#[tokio::test]
async fn a_written_value_must_follow_its_schema() {
    let schema = json!({ "$ref": "#/$defs/n", "$defs": { "n": { "type": "integer", "minimum": 3 } } });
    let choice = || Choice::Schema { schema: schema.clone(), max_tokens: 9 };
    let (written, sent) = answer("{\"answer\": 4}", choice()).await;
    assert_eq!(written.unwrap(), FillAnswer::Written(json!(4)));
    let sent = &sent["response_format"]["json_schema"]["schema"];
    assert_eq!(sent["properties"]["answer"], json!({ "$ref": "#/$defs/n" }));
    assert_eq!(sent["$defs"]["n"]["minimum"], 3);
    let error = answer("{\"answer\": 2}", choice()).await.0.unwrap_err().to_string();
    assert!(error.contains("does not follow the schema"), "{error}");
    let error = answer("four", choice()).await.0.unwrap_err().to_string();
    assert!(error.contains("not the JSON asked for"), "{error}");
}

#[tokio::test]
async fn a_late_answer_is_a_deadline_and_a_full_filler_is_busy() {
    let server = serve("200 OK", completion("{\"answer\": \"red\"}"), Duration::from_secs(30)).await;
    let mut settings = EndpointSettings::new(server.url, "m");
    settings.concurrency = 1;
    let filler = Arc::new(EndpointFiller::new(settings).unwrap());
    let deadline = Duration::from_millis(300);
    let first = {
        let filler = Arc::clone(&filler);
        tokio::spawn(async move { filler.fill(FillQuestion { deadline, ..question(colours()) }).await })
    };
    while server.seen.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = filler.fill(question(colours())).await;
    assert!(matches!(second, Err(FillError::Busy { waiting: 1 })), "{second:?}");
    let first = first.await.unwrap();
    assert!(matches!(first, Err(FillError::Deadline(d)) if d == deadline), "{first:?}");
}

#[tokio::test]
async fn a_refusal_and_a_dead_endpoint_are_said_with_their_reason() {
    let refusal =
        json!({ "error": { "message": "no such model", "type": "x", "param": null, "code": null } });
    let server = serve("404 Not Found", refusal.to_string(), Duration::ZERO).await;
    let filler = EndpointFiller::new(EndpointSettings::new(server.url, "m")).unwrap();
    let error = filler.fill(question(colours())).await.unwrap_err().to_string();
    assert!(error.contains("no such model"), "{error}");
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let filler = EndpointFiller::new(EndpointSettings::new(format!("http://{address}/v1"), "m")).unwrap();
    let error = filler.fill(question(colours())).await.unwrap_err().to_string();
    assert!(error.contains("refused") && error.contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn only_the_named_key_is_sent() {
    let server = serve("200 OK", completion("{\"answer\": \"red\"}"), Duration::ZERO).await;
    let mut settings = EndpointSettings::new(server.url, "m");
    // Any variable that is set will do as a key.
    settings.key_env = Some("CARGO_PKG_NAME".to_owned());
    let filler = EndpointFiller::new(settings).unwrap();
    filler.fill(question(colours())).await.unwrap();
    let (head, _) = server.seen.lock().unwrap().remove(0);
    assert!(head.contains("authorization: bearer plancache"), "{head}");
}

#[test]
fn wrong_settings_are_said() {
    let error = EndpointFiller::new(EndpointSettings::new("localhost", "m")).unwrap_err().to_string();
    assert!(error.contains("`localhost`") && error.contains("http://localhost:11434/v1"), "{error}");
    let error = EndpointFiller::new(EndpointSettings::new("ftp://x/v1", "m")).unwrap_err().to_string();
    assert!(error.contains("neither http nor https"), "{error}");
    let mut settings = EndpointSettings::new("http://x/v1", "m");
    settings.key_env = Some("NO_SUCH_VARIABLE".to_owned());
    assert!(EndpointFiller::new(settings).unwrap_err().to_string().contains("`NO_SUCH_VARIABLE`"));
}
