//! Who may call, and in which namespaces.

use std::collections::HashMap;

use axum::http::{HeaderMap, StatusCode, header};

use super::control::Control;
use super::error::Refusal;
use super::secrets::{SecretError, secret};
use crate::config;
use crate::domain::Namespace;
use crate::policy::Mode;

/// Why the clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A client's key cannot be had.
    #[error("the key of the client {name}")]
    Key {
        /// The client.
        name: String,
        /// Why.
        source: SecretError,
    },
    /// A client has no key.
    #[error("the client {0} has no key; name one by `key_env` or `key_file`")]
    NoKey(String),
    /// Two clients have the same key.
    #[error("the client {0} has the key of another client")]
    SameKey(String),
}

/// One client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) namespace: Namespace,
    may_use: Vec<Namespace>,
    pub(super) mode: Mode,
}

/// All clients, by the hash of their key, so that looking one up says nothing of the others' keys.
#[derive(Debug)]
pub(super) struct Clients {
    by_key: HashMap<blake3::Hash, Client>,
    /// Everyone, where no clients are set.
    anyone: Option<Client>,
}

impl Clients {
    pub(super) fn new(
        settings: &config::Proxy,
        default: &Namespace,
        mode: Mode,
    ) -> Result<Self, ClientError> {
        let mut by_key = HashMap::new();
        for (name, own) in &settings.clients {
            let key = secret(own.key_env.as_deref(), own.key_file.as_deref())
                .map_err(|source| ClientError::Key { name: name.clone(), source })?
                .ok_or_else(|| ClientError::NoKey(name.clone()))?;
            let client = Client {
                namespace: own.namespace.clone(),
                may_use: own.may_use.clone(),
                mode: own.mode.unwrap_or(mode),
            };
            if by_key.insert(blake3::hash(key.as_bytes()), client).is_some() {
                return Err(ClientError::SameKey(name.clone()));
            }
        }
        let all = Client { namespace: default.clone(), may_use: Vec::new(), mode };
        let anyone = by_key.is_empty().then_some(all);
        Ok(Self { by_key, anyone })
    }

    /// Whether everyone may call.
    pub(super) fn open(&self) -> bool {
        self.anyone.is_some()
    }

    /// The client of a request, by its bearer token or `api-key`.
    pub(super) fn of(&self, headers: &HeaderMap) -> Result<&Client, Refusal> {
        if let Some(client) = &self.anyone {
            return Ok(client);
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key)
        });
        let key = bearer.or_else(|| text("api-key")).unwrap_or_default().trim();
        self.by_key.get(&blake3::hash(key.as_bytes())).ok_or_else(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "the key is not one of this proxy's clients",
            )
        })
    }
}

impl Client {
    /// The tenant of a request: the client's own, or one that it may use and asks for. Without
    /// clients, everyone has only the default.
    pub(super) fn tenant(&self, control: &Control) -> Result<Namespace, Refusal> {
        let Some(asked) = &control.namespace else { return Ok(self.namespace.clone()) };
        let all = std::iter::once(&self.namespace).chain(&self.may_use);
        let found = all.into_iter().find(|own| own.as_str() == asked);
        found.cloned().ok_or_else(|| {
            Refusal::new(StatusCode::FORBIDDEN, "namespace", "the key may not use this namespace")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(files: &[(&str, &str)]) -> Result<Clients, ClientError> {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = config::Proxy::default();
        for (name, key) in files {
            let file = folder.path().join(name);
            std::fs::write(&file, key).unwrap();
            let client = config::Client {
                key_env: None,
                key_file: Some(file),
                namespace: Namespace::new(format!("{name}-space")),
                may_use: vec![Namespace::new("shared")],
                mode: None,
            };
            settings.clients.insert((*name).to_owned(), client);
        }
        Clients::new(&settings, &Namespace::new("default"), Mode::On)
    }

    #[test]
    fn a_key_opens_its_own_namespaces_alone() {
        let clients = clients(&[("a", "key-a"), ("b", "key-b")]).unwrap();
        let headers = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            headers
        };
        let a = clients.of(&headers("Bearer key-a")).unwrap();
        let tenant = |asked: Option<&str>| {
            a.tenant(&Control { namespace: asked.map(str::to_owned), ..Control::default() })
        };
        assert_eq!(tenant(None).unwrap().as_str(), "a-space");
        assert_eq!(tenant(Some("shared")).unwrap().as_str(), "shared");
        assert_eq!(tenant(Some("b-space")).unwrap_err().status, StatusCode::FORBIDDEN);
        for wrong in ["Bearer key-c", "key-a", "Bearer "] {
            assert_eq!(clients.of(&headers(wrong)).unwrap_err().status, StatusCode::UNAUTHORIZED);
        }
        assert!(!clients.open());
    }

    #[test]
    fn without_clients_everyone_is_in_the_default() {
        let clients = clients(&[]).unwrap();
        assert!(clients.open());
        let all = clients.of(&HeaderMap::new()).unwrap();
        assert_eq!(all.namespace.as_str(), "default");
    }

    #[test]
    fn two_clients_need_two_keys() {
        assert!(matches!(clients(&[("a", "k"), ("b", "k")]), Err(ClientError::SameKey(_))));
    }
}
