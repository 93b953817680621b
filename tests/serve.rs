//! `plancache serve` as a program: its address, its log, its signals, its faults.
#![cfg(all(unix, feature = "proxy"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SECRET: &str = "a word of the user that no log may hold";

/// A collector of traces: keeps what it is sent.
#[cfg(feature = "otel")]
fn collector() -> (String, std::sync::Arc<std::sync::Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let kept = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = kept.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut bytes) {
                keep.lock().unwrap().extend_from_slice(&bytes[..n]);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (format!("http://{address}"), kept)
}

#[cfg(feature = "otel")]
#[test]
fn traces_are_sent_without_content() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, kept) = collector();
    let settings =
        format!("policy.filler = false\n[proxy.upstreams.one]\nbase_url = '{}'\n", planner(Duration::ZERO));
    let mut command = command(folder.path(), &settings);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let served = Served::start(command);
    assert!(served.ask().starts_with("HTTP/1.1 200 OK"));
    let (code, log) = served.stop();
    assert_eq!(code, Some(0), "{log}");
    let kept = String::from_utf8_lossy(&kept.lock().unwrap()).into_owned();
    for name in ["POST /v1/traces", "gen_ai.operation.name", "plancache.result", "no_candidate"] {
        assert!(kept.contains(name), "{name}: {kept}");
    }
    assert!(!kept.contains(SECRET) && !kept.contains("run_"), "{kept}");
}

/// A planner that answers everything with the same completion, after a while.
fn planner(wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut byte = [0; 1024];
                while !String::from_utf8_lossy(&request).trim_end().ends_with('}') {
                    match stream.read(&mut byte) {
                        Ok(0) | Err(_) => return,
                        Ok(n) => request.extend_from_slice(&byte[..n]),
                    }
                }
                std::thread::sleep(wait);
                let body =
                    r#"{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            });
        }
    });
    format!("http://{address}/v1")
}

struct Served {
    child: Child,
    address: String,
}

fn command(folder: &Path, settings: &str) -> Command {
    let file = folder.join("plancache.toml");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plancache"));
    command.current_dir(folder).arg("serve").arg("--config").arg(&file);
    command.arg("--store").arg(folder.join("plans")).args(["--listen", "127.0.0.1:0"]);
    command.env("PLANCACHE_LOG", "debug").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn serve(folder: &Path, upstream: &str) -> Served {
    let settings = format!("policy.filler = false\n[proxy.upstreams.one]\nbase_url = '{upstream}'\n");
    Served::start(command(folder, &settings))
}

impl Served {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Self { address: address.trim_end_matches("/v1").to_owned(), child }
    }

    fn get(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    fn ask(&self) -> String {
        let tool = r#"{"type":"function","function":{"name":"look","parameters":{}}}"#;
        let body = format!(r#"{{"messages":[{{"role":"user","content":"{SECRET}"}}],"tools":[{tool}]}}"#);
        self.get(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Ends it as a supervisor does; gives back its exit code and its log.
    fn stop(mut self) -> (Option<i32>, String) {
        self.signal();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    fn signal(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

#[test]
fn it_serves_logs_without_content_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), &planner(Duration::ZERO));
    let response = served.ask();
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(
        response.contains("x-plancache: MISS") && response.ends_with("\"finish_reason\":\"stop\"}]}"),
        "{response}"
    );
    let health = served.get("GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(health.ends_with(r#"{"status":"ok"}"#), "{health}");
    let (code, log) = served.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(SECRET), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), &planner(Duration::from_millis(600)));
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| served.ask());
        std::thread::sleep(Duration::from_millis(250));
        served.signal();
        assert!(asked.join().unwrap().starts_with("HTTP/1.1 200 OK"));
    });
    let began = Instant::now();
    assert_eq!(served.stop().0, Some(0));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_store_that_another_process_holds_is_a_bypass() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = planner(Duration::ZERO);
    let first = serve(folder.path(), &upstream);
    let second = serve(folder.path(), &upstream);
    assert!(first.ask().contains("x-plancache: MISS"));
    let response = second.ask();
    assert!(response.contains("cache-status: plancache; fwd=bypass; detail=fault"), "{response}");
    let (code, log) = second.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("out of use"), "{log}");
    first.stop();
}

#[test]
fn what_is_not_set_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, word) in [
        ("", "no upstream is set"),
        (
            "[proxy.upstreams.u]\nbase_url = 'http://x'\nmodles = []",
            "did you mean `proxy.upstreams.u.models`?",
        ),
        (
            "[proxy.upstreams.u]\nbase_url = 'http://x'\napi_key_env = 'PLANCACHE_NO_SUCH'",
            "PLANCACHE_NO_SUCH is not set",
        ),
        (
            "[proxy.upstreams.u]\nbase_url = 'http://x'\n[proxy.clients.c]\nnamespace = 'n'",
            "the client c has no key",
        ),
    ] {
        let output = command(folder.path(), settings).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word), "{said}");
    }
    let mut open = Command::new(env!("CARGO_BIN_EXE_plancache"));
    let file = folder.path().join("plancache.toml");
    std::fs::write(&file, "store = 'plans'\n[proxy.upstreams.u]\nbase_url = 'http://x'").unwrap();
    open.current_dir(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]);
    let said = String::from_utf8(open.output().unwrap().stderr).unwrap();
    assert!(said.contains("loopback addresses only"), "{said}");
}
