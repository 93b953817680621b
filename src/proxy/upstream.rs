//! The planners' endpoints: which one serves a model, and how a request goes there.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tokio::sync::OwnedSemaphorePermit;
use tower::Service;

use super::endpoint::Endpoint;
use super::error::Refusal;
use super::headers::{downward, upward};
use super::held::Held;
use super::part::instructed;
use super::secrets::{SecretError, secret};
use super::wire::{Asked, Reply};
use crate::config;

/// Why an upstream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// There is none.
    #[error("no upstream is set; name one under [proxy.upstreams.<name>] with its `base_url`")]
    None,
    /// Its address is no URL.
    #[error("`base_url` of the upstream {name} is no http or https URL: {url}")]
    Url {
        /// Its name.
        name: String,
        /// As it was given.
        url: String,
    },
    /// Its key cannot be had.
    #[error("the key of the upstream {name}")]
    Key {
        /// Its name.
        name: String,
        /// Why.
        source: SecretError,
    },
    /// The client for it cannot be made.
    #[error("the client for upstreams cannot be made")]
    Client(#[from] reqwest::Error),
}

/// One endpoint.
#[derive(Debug)]
pub(super) struct Upstream {
    base: String,
    models: Vec<String>,
    authorization: Option<HeaderValue>,
    pass_client_key: bool,
    pub(super) serve: bool,
    pub(super) usage_in_streams: bool,
}

/// All endpoints, and the client that speaks to them. It never sends a request twice.
#[derive(Debug)]
pub(super) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    client: reqwest::Client,
    forward_headers: Vec<HeaderName>,
}

impl Upstreams {
    pub(super) fn new(settings: &config::Proxy) -> Result<Self, UpstreamError> {
        let all = read(&settings.upstreams)?;
        let limits = settings.limits;
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(limits.connect_seconds))
            .read_timeout(Duration::from_secs(limits.silence_seconds))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .build()?;
        let forward_headers = settings.forward_headers.iter().filter_map(|name| name.parse().ok()).collect();
        Ok(Self { all, client, forward_headers })
    }

    /// The endpoint for a model: the one with the longest name or beginning that fits. Without a
    /// model, the one for all models.
    pub(super) fn of(&self, model: Option<&str>) -> Option<&Arc<Upstream>> {
        let model = model.unwrap_or("");
        let fits = |upstream: &Arc<Upstream>| {
            let lengths = upstream.models.iter().filter_map(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => model.starts_with(beginning).then_some(beginning.len()),
                None => (pattern == model).then_some(usize::MAX),
            });
            lengths.max()
        };
        // Of several that fit as well, the first counts.
        let best = self.all.iter().rev().filter_map(|upstream| Some((fits(upstream)?, upstream)));
        best.max_by_key(|(length, _)| *length).map(|(_, upstream)| upstream)
    }

    /// Every endpoint.
    pub(super) fn all(&self) -> &[Arc<Upstream>] {
        &self.all
    }

    /// A request to be sent to an endpoint: listed headers only, with the endpoint's key.
    pub(super) fn forward(
        &self,
        upstream: &Upstream,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
        permit: OwnedSemaphorePermit,
    ) -> Forward {
        let url = format!("{}{path}", upstream.base);
        let mut sent = upward(headers, &self.forward_headers);
        let own = upstream.pass_client_key.then(|| headers.get(header::AUTHORIZATION)).flatten();
        if let Some(key) = upstream.authorization.as_ref().or(own) {
            sent.insert(header::AUTHORIZATION, key.clone());
        }
        Forward { client: self.client.clone(), method, url, headers: sent, body, permit: Arc::new(permit) }
    }
}

fn read(settings: &BTreeMap<String, config::Upstream>) -> Result<Vec<Arc<Upstream>>, UpstreamError> {
    if settings.is_empty() {
        return Err(UpstreamError::None);
    }
    let one = |(name, own): (&String, &config::Upstream)| {
        let base = own.base_url.trim_end_matches('/').to_owned();
        let is_url = reqwest::Url::parse(&base).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_url {
            return Err(UpstreamError::Url { name: name.clone(), url: own.base_url.clone() });
        }
        let key = secret(own.api_key_env.as_deref(), own.api_key_file.as_deref());
        let key = key.and_then(|key| key.map(|key| bearer(&key)).transpose());
        let authorization = key.map_err(|source| UpstreamError::Key { name: name.clone(), source })?;
        Ok(Arc::new(Upstream {
            base,
            models: own.models.clone(),
            authorization,
            pass_client_key: own.pass_client_key,
            serve: own.serve,
            usage_in_streams: own.usage_in_streams,
        }))
    };
    settings.iter().map(one).collect()
}

fn bearer(key: &str) -> Result<HeaderValue, SecretError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| SecretError::NotText)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A request on its way to an endpoint.
#[derive(Debug)]
pub(super) struct Forward {
    client: reqwest::Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    /// The request's place among those under way; given back when the response has been read.
    permit: Arc<OwnedSemaphorePermit>,
}

impl Forward {
    /// The same request with an instruction below what the user said; `None` if it has no place for one.
    pub(super) fn instructed(&self, endpoint: Endpoint, instruction: &str) -> Option<Self> {
        let body = instructed(endpoint, &self.body, instruction)?;
        Some(Self {
            client: self.client.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body,
            permit: Arc::clone(&self.permit),
        })
    }

    /// Sends it, once. The response's body is passed on as it comes.
    pub(super) async fn send(self) -> Result<Response<Body>, Refusal> {
        let Self { client, method, url, headers, body, permit } = self;
        let sent = client.request(method, url).headers(headers).body(body).send().await;
        let response: Response<reqwest::Body> = match sent {
            Ok(response) => response.into(),
            Err(error) => return Err(refusal(&error)),
        };
        let (mut head, body) = response.into_parts();
        downward(&mut head.headers);
        head.extensions.clear();
        Ok(Response::from_parts(head, Body::new(Held::new(body, permit))))
    }
}

fn refusal(error: &reqwest::Error) -> Refusal {
    // The error's own text may hold the URL.
    if error.is_timeout() {
        let message = "the planner's endpoint did not answer in time";
        return Refusal::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message);
    }
    let message = if error.is_connect() {
        "the planner's endpoint cannot be reached"
    } else {
        "the connection to the planner's endpoint broke"
    };
    Refusal::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", message)
}

/// The planner as a service: what the cache stands in front of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planner {
    /// Only the cache may answer.
    pub(super) only_if_cached: bool,
}

impl Service<Asked> for Planner {
    type Response = Reply;
    /// A response that holds no step, to be passed on as it is.
    type Error = Box<Response<Body>>;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, asked: Asked) -> Self::Future {
        let only_if_cached = self.only_if_cached;
        Box::pin(async move {
            if only_if_cached {
                let message = "no plan answers this, and the request asks for nothing else";
                let refusal = Refusal::new(StatusCode::GATEWAY_TIMEOUT, "only_if_cached", message);
                return Err(Box::new(refusal.response()));
            }
            let Asked { forward, watch, .. } = asked;
            let response = forward.send().await.map_err(|refusal| Box::new(refusal.response()))?;
            if response.status().is_success() {
                Ok(Reply::Planner { response, watch: Some(Box::new(watch)), outcome: None })
            } else {
                Err(Box::new(response))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstreams(text: &str) -> Result<Upstreams, UpstreamError> {
        let all = toml::from_str::<BTreeMap<String, config::Upstream>>(text).unwrap();
        Upstreams::new(&config::Proxy { upstreams: all, ..config::Proxy::default() })
    }

    #[test]
    fn the_longest_model_that_fits_decides() {
        let all = upstreams(
            "[a]\nbase_url = 'https://a/v1'\n[b]\nbase_url = 'https://b/v1/'\nmodels = ['big-*', 'tiny']\n\
             [c]\nbase_url = 'http://c'\nmodels = ['big-2*']\n",
        )
        .unwrap();
        let base = |model| all.of(model).unwrap().base.as_str();
        assert_eq!([base(None), base(Some("x"))], ["https://a/v1"; 2]);
        assert_eq!([base(Some("big-1")), base(Some("tiny"))], ["https://b/v1"; 2]);
        assert_eq!(base(Some("big-22")), "http://c");
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        assert!(matches!(upstreams(""), Err(UpstreamError::None)));
        let error = upstreams("[a]\nbase_url = 'ftp://x'").unwrap_err().to_string();
        assert!(error.contains("the upstream a") && error.contains("ftp://x"), "{error}");
        let missing = upstreams("[a]\nbase_url = 'http://x'\napi_key_env = 'PLANCACHE_NO_SUCH_VARIABLE'");
        assert!(matches!(missing, Err(UpstreamError::Key { .. })));
    }
}
