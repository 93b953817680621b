//! A provider, a cache and proxies, each on a port of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use plancache::config::{Proxy as Settings, Upstream};
use plancache::domain::Namespace;
use plancache::engine::Engine;
use plancache::policy::Policy;
use plancache::proxy::{Proxy, Setup};
use plancache::store::MemoryStore;
use plancache_agents::fixture::Fixture;
use plancache_agents::import::{read_effects, read_runs, read_tools};
use plancache_agents::retail::Retail;
use plancache_agents::tokens::Prompt;
use plancache_eval::score::Scorer;
use plancache_eval::tasks::{TaskInput, read_tasks};
use serde_json::Value;
use tokio::net::TcpListener;

pub struct Data {
    pub tasks: Vec<TaskInput>,
    /// The tools as a chat completion's request has them.
    pub tools: Value,
    pub shop: Retail,
    pub scorer: Scorer,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail")
}

pub fn data() -> &'static Data {
    static DATA: OnceLock<Data> = OnceLock::new();
    DATA.get_or_init(|| {
        let shop = Retail::load(&folder()).unwrap();
        let tasks = folder().join("tasks_train.jsonl");
        Data {
            tasks: read_tasks(&tasks).unwrap(),
            tools: Value::Array(read_tools(&folder().join("tools.json")).unwrap().0),
            scorer: Scorer::load(&tasks, shop.clone()).unwrap(),
            shop,
        }
    })
}

/// The tasks that ask for one thing only, of the same kind: they are soon served.
pub fn alike() -> Vec<&'static TaskInput> {
    let one = |task: &&TaskInput| {
        let text = &task.instruction;
        text.contains(" Return #")
            && !text.contains(" Cancel ")
            && !text.contains("odify")
            && text.matches('#').count() == 1
    };
    data().tasks.iter().filter(one).collect()
}

pub struct World {
    pub fixture: Fixture,
    pub upstream: SocketAddr,
    pub engine: Arc<Engine>,
    store: Arc<MemoryStore>,
    pub http: reqwest::Client,
    settings: Settings,
    proxy: Option<Proxy>,
    pub address: SocketAddr,
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose proxy has other settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::under(Policy::default(), change).await
    }

    /// A world whose cache has another policy, and whose proxy has other settings.
    pub async fn under(policy: Policy, change: impl FnOnce(&mut Settings)) -> Self {
        let (raw, tools) = read_tools(&folder().join("tools.json")).unwrap();
        let runs = read_runs(&folder().join("tau_retail_oracle.jsonl"), &tools).unwrap();
        let effects = read_effects(&folder().join("effects.toml")).unwrap();
        let reads = effects
            .iter()
            .filter(|(_, class)| **class == plancache::domain::EffectClass::Read)
            .map(|(tool, _)| tool.clone());
        let fixture = Fixture::new(runs, reads, Prompt { system: String::new(), tools: raw });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        tokio::spawn(fixture.clone().serve(listener));

        let policy = Policy { effects: effects.clone(), ..policy };
        let store = Arc::new(MemoryStore::default());
        let engine = Arc::new(Engine::open(policy, store.clone(), None).await.unwrap());
        let mut settings = Settings::default();
        let text = format!("base_url = 'http://{upstream}/v1'");
        settings.upstreams.insert("fixture".into(), toml::from_str::<Upstream>(&text).unwrap());
        change(&mut settings);
        let http = reqwest::Client::builder().retry(reqwest::retry::never()).build().unwrap();
        let mut world =
            Self { fixture, upstream, engine, store, http, settings, proxy: None, address: upstream };
        let (proxy, address) = world.replica().await;
        (world.proxy, world.address) = (Some(proxy), address);
        world
    }

    /// A further proxy on the same engine, which remembers nothing of the others' runs.
    pub async fn replica(&self) -> (Proxy, SocketAddr) {
        let proxy = Proxy::new(Setup {
            settings: self.settings.clone(),
            layer: Default::default(),
            namespace: Namespace::default(),
            mode: None,
            cache: Ok(Arc::clone(&self.engine)),
            secret: [5; 32],
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = proxy.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        (proxy, address)
    }

    /// The same store in a new cache behind a new proxy, as after a restart.
    pub async fn restart(&mut self) {
        let policy = self.engine.policy().clone();
        self.engine = Arc::new(Engine::open(policy, self.store.clone(), None).await.unwrap());
        let (proxy, address) = self.replica().await;
        (self.proxy, self.address) = (Some(proxy), address);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn flush(&self) {
        self.proxy.as_ref().unwrap().flush().await;
    }

    pub async fn metrics(&self) -> String {
        self.http.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap()
    }
}
