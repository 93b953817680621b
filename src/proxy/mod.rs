//! The OpenAI-compatible proxy: any agent framework gets plan caching by another `base_url`.
//!
//! - `server.rs`, `router.rs`: connections, routes, health, draining.
//! - `calls.rs`: one request, from its arrival to its answer; what owns the control flow.
//! - `endpoint.rs`, `chat/`, `responses/`: what the endpoints' requests and responses say.
//! - `turn.rs`, `told.rs`, `planning.rs`, `tracker.rs`, `call_id.rs`: which run a request belongs to, and what
//!   was done in it. All of it is in the request, so any replica can go on with any run.
//! - `wire.rs`, `modes.rs`: the middleware's protocol, and one layer for each mode.
//! - `upstream.rs`, `tee.rs`, `frames.rs`: to the planner and back. Bytes pass through unchanged;
//!   what they say is read on the side.
//! - `runs.rs`, `outcomes.rs`: how runs end.
//!
//! # Faults
//! A cache that cannot be opened, a decision that fails, a request that is not understood: the
//! request goes to the planner as it is, and `Cache-Status` says why. The proxy never sends a request
//! twice and never repeats a response.

mod call_id;
mod calls;
mod chat;
mod clients;
mod content;
mod control;
mod endpoint;
mod error;
mod fields;
mod frames;
mod headers;
mod held;
mod metrics;
mod modes;
mod outcomes;
mod part;
mod planning;
mod probe;
mod reply;
mod responses;
mod router;
mod runs;
mod secrets;
mod server;
mod shared;
mod tee;
mod told;
mod tracker;
mod turn;
mod upstream;
mod wire;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use clients::ClientError;
pub use probe::{Finding, probe};
pub(crate) use runs::marked;
pub use secrets::{SecretError, kept};
pub use upstream::UpstreamError;

use crate::config;
use crate::domain::Namespace;
use crate::engine::Engine;
use crate::layer::Settings;
use crate::policy::Mode;
use shared::Shared;

/// What a proxy is made of.
#[derive(Debug)]
pub struct Setup {
    /// The proxy's settings.
    pub settings: config::Proxy,
    /// Bounds of the middleware.
    pub layer: Settings,
    /// The namespace of those who have none of their own.
    pub namespace: Namespace,
    /// The mode; by default that of the engine's policy.
    pub mode: Option<Mode>,
    /// The cache, or what keeps it from being used: then everything passes through.
    pub cache: Result<Arc<Engine>, String>,
    /// Signs tool-call ids. Replicas that serve the same runs share it.
    pub secret: [u8; 32],
}

/// Why a proxy cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An upstream.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The secret.
    #[error("the secret that signs tool-call ids")]
    Secret(#[source] SecretError),
    /// Everyone could call from everywhere.
    #[error(
        "without clients the proxy listens on loopback addresses only, and {0} is none; name clients under \
         [proxy.clients.<name>] or listen on 127.0.0.1"
    )]
    Open(String),
    /// The address cannot be listened on.
    #[error("{listen} cannot be listened on")]
    Listen {
        /// The address.
        listen: String,
        /// The reason.
        source: std::io::Error,
    },
}

/// The secret that signs tool-call ids: as the settings say, else kept in this file.
///
/// # Errors
/// When it cannot be had.
pub fn signing_secret(settings: &config::Proxy, kept_at: &Path) -> Result<[u8; 32], ProxyError> {
    let named = secrets::secret(settings.secret_env.as_deref(), settings.secret_file.as_deref());
    match named.map_err(ProxyError::Secret)? {
        Some(text) => Ok(secrets::key_of(&text)),
        None => kept(kept_at).map_err(ProxyError::Secret),
    }
}

/// The proxy. Clones share everything.
#[derive(Clone, Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
}

impl Proxy {
    /// Sets a proxy up. A cache that cannot be used is no error.
    ///
    /// # Errors
    /// When clients or upstreams cannot be used as they are set.
    pub fn new(setup: Setup) -> Result<Self, ProxyError> {
        Ok(Self { shared: Arc::new(Shared::new(setup)?) })
    }

    /// Listens on the address of the settings.
    ///
    /// # Errors
    /// When it cannot, or when everyone could then call from everywhere.
    pub async fn listen(&self) -> Result<TcpListener, ProxyError> {
        let listen = self.shared.settings.listen.clone();
        let wrong = |source| ProxyError::Listen { listen: listen.clone(), source };
        let addresses: Vec<_> = tokio::net::lookup_host(&listen).await.map_err(wrong)?.collect();
        if self.shared.clients.open() && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(ProxyError::Open(listen));
        }
        TcpListener::bind(addresses.as_slice()).await.map_err(wrong)
    }

    /// Answers requests until `stop` is done, then lets those under way end.
    ///
    /// # Errors
    /// When connections can no longer be accepted.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        server::serve(Arc::clone(&self.shared), listener, stop).await?;
        self.flush().await;
        Ok(())
    }

    /// Waits until everything that ended so far has been learnt.
    pub async fn flush(&self) {
        for handle in self.shared.modes.handles() {
            handle.flush().await;
        }
    }
}
