//! What the proxy costs. `miss`: the same requests to several addresses in turn (the planner itself,
//! the proxy, another gateway), at a steady rate. `hit`: served steps, at several numbers of
//! templates. See `eval/record/speed/proxy.sh`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use plancache::config;
use plancache::domain::{Namespace, Part, RunOutcome, TemplateId, TemplateRecord};
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::proxy::{Proxy, Setup};
use plancache::store::{Change, MemoryStore, Store};
use plancache_agents::import::{read_effects, read_runs, read_tools};
use plancache_eval::tasks::read_tasks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(name = "proxy-speed", version)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Requests that no plan answers, to each target in turn
    Miss {
        /// NAME=BASE_URL, the planner itself first
        #[arg(long = "target", required = true, value_parser = target)]
        targets: Vec<(String, String)>,
        /// Requests a second
        #[arg(long, default_value_t = 500)]
        rate: u32,
        /// Seconds of one round
        #[arg(long, default_value_t = 5)]
        seconds: u32,
        /// Rounds, in each of which every target has its turn
        #[arg(long, default_value_t = 4)]
        rounds: u32,
        /// Ask for streams
        #[arg(long)]
        stream: bool,
    },
    /// Served steps
    Hit {
        /// Numbers of templates
        #[arg(long, value_delimiter = ',', default_value = "100,10000,100000")]
        templates: Vec<usize>,
        /// Requests for each number
        #[arg(long, default_value_t = 2_000)]
        requests: usize,
    },
}

fn target(text: &str) -> Result<(String, String), String> {
    let (name, url) = text.split_once('=').ok_or("expected NAME=BASE_URL")?;
    Ok((name.to_owned(), url.trim_end_matches('/').to_owned()))
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail")
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match &options.what {
        What::Miss { targets, rate, seconds, rounds, stream } => {
            misses(targets, *rate, *seconds, *rounds, *stream).await
        }
        What::Hit { templates, requests } => hits(templates, *requests).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "proxy-speed: {error}");
            ExitCode::from(2)
        }
    }
}

/// A request with all tools, the shop's rules and a task, as an agent sends it.
fn request(model: &str, instruction: &str, stream: bool) -> Result<String, Failure> {
    let system = std::fs::read_to_string(data().join("policy.md"))?;
    let tools = read_tools(&data().join("tools.json"))?.0;
    let messages = json!([
        {"role": "system", "content": system}, {"role": "user", "content": instruction},
    ]);
    Ok(json!({"model": model, "messages": messages, "tools": tools, "stream": stream}).to_string())
}

#[derive(Default)]
struct Times {
    all: Vec<Duration>,
    failed: usize,
}

impl Times {
    fn add(&mut self, taken: Option<Duration>) {
        match taken {
            Some(taken) => self.all.push(taken),
            None => self.failed += 1,
        }
    }

    fn at(&self, share: f64) -> f64 {
        let at = (self.all.len().saturating_sub(1)) as f64 * share;
        self.all.get(at as usize).map_or(f64::NAN, |taken| taken.as_secs_f64() * 1_000.0)
    }

    fn line(&mut self, name: &str) -> String {
        self.all.sort_unstable();
        let (n, failed) = (self.all.len(), self.failed);
        let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(|share| self.at(share));
        format!("{name:<12} {n:>7} {failed:>6} {p50:>9.3} {p90:>9.3} {p99:>9.3} {most:>9.3}")
    }
}

const HEAD: &str = "target             n failed    p50 ms    p90 ms    p99 ms    max ms";

async fn once(http: &reqwest::Client, url: &str, body: &str) -> Option<Duration> {
    let asked = Instant::now();
    let sent =
        http.post(url).header("content-type", "application/json").header("authorization", "Bearer sk-x");
    let response = sent.body(body.to_owned()).send().await.ok()?;
    let good = response.status().is_success();
    let read = response.bytes().await.ok()?;
    (good && !read.is_empty()).then(|| asked.elapsed())
}

async fn misses(
    targets: &[(String, String)],
    rate: u32,
    seconds: u32,
    rounds: u32,
    stream: bool,
) -> Result<(), Failure> {
    let body: Arc<str> =
        request("fixed", "Please tell me whether the shop is open on Sundays.", stream)?.into();
    let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let mut times: Vec<Times> = targets.iter().map(|_| Times::default()).collect();
    for round in 0..=rounds {
        for ((_, base), times) in targets.iter().zip(&mut times) {
            let url: Arc<str> = format!("{base}/chat/completions").into();
            let mut waiting = Vec::new();
            // The first round warms connections and caches up, and does not count.
            let n = if round == 0 { rate } else { rate * seconds };
            let began = Instant::now();
            for nth in 0..n {
                let due = began + Duration::from_secs_f64(f64::from(nth) / f64::from(rate));
                tokio::time::sleep_until(due.into()).await;
                let (http, url, body) = (http.clone(), Arc::clone(&url), Arc::clone(&body));
                waiting.push(tokio::spawn(async move { once(&http, &url, &body).await }));
            }
            for taken in waiting {
                let taken = taken.await?;
                if round > 0 {
                    times.add(taken);
                }
            }
        }
    }
    say(&format!(
        "{rate} requests a second, stream: {stream}, {rounds} rounds of {seconds} s, {} bytes",
        body.len()
    ))?;
    say(HEAD)?;
    for ((name, _), times) in targets.iter().zip(&mut times) {
        say(&times.line(name))?;
    }
    let added = |share| {
        let direct = times.first().map_or(f64::NAN, |times| times.at(share));
        targets.iter().zip(&times).skip(1).map(move |((name, _), times)| (name, times.at(share) - direct))
    };
    for ((name, p50), (_, p99)) in added(0.5).zip(added(0.99)) {
        say(&format!("{name} adds {p50:.3} ms at p50, {p99:.3} ms at p99"))?;
    }
    Ok(())
}

async fn hits(sizes: &[usize], requests: usize) -> Result<(), Failure> {
    let (_, tools) = read_tools(&data().join("tools.json"))?;
    let runs = read_runs(&data().join("tau_retail_oracle.jsonl"), &tools)?;
    let effects = read_effects(&data().join("effects.toml"))?;
    let policy = Policy { effects, ..Policy::default() };
    let learner = Engine::open(policy.clone(), Arc::new(MemoryStore::default()), None).await?;
    for run in runs.iter().take(200) {
        let mut trace = run.trace.clone();
        trace.outcome = RunOutcome::Success;
        learner.admit(&trace).await?;
    }
    let learnt = learner.templates(None);
    let tasks = read_tasks(&data().join("tasks_train.jsonl"))?;
    say(&format!("first steps of runs, one request at a time, {requests} requests"))?;
    say(&HEAD.replace("target   ", "templates"))?;
    for size in sizes {
        let store = Arc::new(MemoryStore::default());
        let mut put: Vec<TemplateRecord> =
            learnt.iter().map(|record| TemplateRecord::clone(record)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        while put.len() < *size {
            let at = random.random_range(0..learnt.len());
            put.push(other(&learnt[at], put.len(), &mut random));
        }
        store.apply(Change { put, ..Change::default() }).await?;
        let engine = Arc::new(Engine::open(policy.clone(), store, None).await?);
        let address = proxy(engine).await?;
        let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
        let url = format!("http://{address}/v1/chat/completions");
        let mut served = Vec::new();
        for task in &tasks[200..] {
            let body = request("recorded", &task.instruction, false)?;
            let sent = http.post(&url).body(body.clone()).send().await?;
            if sent.headers().get("x-plancache").is_some_and(|did| did == "HIT") {
                served.push(body);
            }
        }
        let mut times = Times::default();
        for nth in 0..if served.is_empty() { 0 } else { requests } {
            times.add(once(&http, &url, &served[nth % served.len()]).await);
        }
        say(&times.line(&size.to_string()))?;
    }
    Ok(())
}

/// The same plan for another intent: its first word and its keywords are others, by Zipf's law.
fn other(record: &TemplateRecord, nth: usize, random: &mut ChaCha8Rng) -> TemplateRecord {
    let mut other = record.clone();
    let template = Arc::make_mut(&mut other.template);
    template.id = TemplateId::new(format!("{}-{nth}", template.id));
    if let Some(Part::Literal(word)) =
        template.pattern.parts.iter_mut().find(|p| matches!(p, Part::Literal(_)))
    {
        *word = format!("word{nth}");
    }
    for keyword in &mut template.keywords {
        let rank = 50_000_f64.powf(random.random::<f64>()) as u64;
        *keyword = format!("word{rank}");
    }
    template.version = template.content_version();
    other
}

/// A proxy on this engine, without a planner behind it. The plans were learnt without a system
/// prompt, so it is no part of the contract here.
async fn proxy(engine: Arc<Engine>) -> Result<std::net::SocketAddr, Failure> {
    let mut settings =
        config::Proxy { system_prompt: config::SystemPrompt::Ignore, ..config::Proxy::default() };
    let nowhere: Value = json!({"base_url": "http://127.0.0.1:9/v1"});
    settings.upstreams.insert("none".into(), serde_json::from_value(nowhere)?);
    let proxy = Proxy::new(Setup {
        settings,
        layer: Default::default(),
        namespace: Namespace::default(),
        mode: None,
        cache: Ok(engine),
        secret: [0; 32],
    })?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { proxy.serve(listener, std::future::pending()).await });
    Ok(address)
}
