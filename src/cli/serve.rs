use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::output::Output;
use super::stop::stopped;
use super::{Common, Failure, Status};
use crate::config::Config;
use crate::engine::Engine;
use crate::models::ChoiceError;
use crate::proxy::{Proxy, ProxyError, Setup, signing_secret};
use crate::store::SledStore;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", env = "PLANCACHE_LISTEN")]
    listen: Option<String>,
}

pub(super) fn run(verb: &Serve, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    let mut config = Config::load(common.config.as_deref(), common.overrides())?;
    if let Some(listen) = &verb.listen {
        config.proxy.listen.clone_from(listen);
    }
    // Before the runtime: what is left of the traces is sent when it has ended.
    let _traces = crate::telemetry::Traces::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, out))?;
    Ok(Status::Done)
}

async fn serve(config: Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let folder = config.store_dir()?;
    let secret = signing_secret(&config.proxy, &kept_at(&folder))?;
    let cache = open(&config, &folder).await;
    if let Err(error) = &cache {
        // The agents go on; only the cache does not.
        tracing::error!(%error, "the cache is out of use: everything passes through to the planner");
    }
    let proxy = Proxy::new(Setup {
        settings: config.proxy,
        layer: config.layer.into(),
        namespace: config.namespace,
        mode: Some(config.policy.mode),
        cache: cache.map(Arc::new),
        secret,
    })?;
    let listener = proxy.listen().await?;
    let address = listener
        .local_addr()
        .map_err(|source| ProxyError::Listen { listen: "the address".to_owned(), source })?;
    out.line(format!("listening on http://{address}/v1"))?;
    out.flush()?;
    proxy.serve(listener, stopped()).await?;
    Ok(())
}

async fn open(config: &Config, folder: &Path) -> Result<Engine, String> {
    let store = SledStore::open(folder).map_err(|error| super::chain(&error))?;
    // Without a filler, what exact binding cannot fill is a miss; without an embedder, only learnt words
    // are read.
    let filler = config.policy.filler.then(|| config.model.open()).and_then(|it| usable(it, "filler"));
    let natural = config.policy.natural.on;
    let embedder = natural.then(|| config.embedder.open()).and_then(|it| usable(it, "embedder"));
    let engine = Engine::open(config.policy.clone(), Arc::new(store), filler).await;
    engine.map(|engine| engine.with_embedder(embedder)).map_err(|error| super::chain(&error))
}

/// A model that was opened; one that cannot be used is done without.
fn usable<T>(opened: Result<Option<T>, ChoiceError>, what: &str) -> Option<T> {
    opened.inspect_err(|error| tracing::warn!(%error, "the {what} is out of use")).ok().flatten()
}

/// The secret lies beside the store, not in it: the folder is the store's own.
fn kept_at(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".secret");
    folder.with_file_name(name)
}
