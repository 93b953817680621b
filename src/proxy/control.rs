//! What a client asks of the cache, in headers or in the body's `cache` member.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

use super::fields::Fields;
use super::headers::text;
use crate::domain::RunOutcome;
use crate::policy::Mode;

/// A client's wishes for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) run: Option<String>,
    pub(super) session: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) outcome: Option<RunOutcome>,
    /// Answer from a template, or not at all.
    pub(super) only_if_cached: bool,
    /// The client's library has sent this request before.
    pub(super) retried: bool,
    pub(super) no_cache: bool,
    pub(super) no_store: bool,
}

/// Headers by which frameworks name a session.
const SESSIONS: [&str; 4] = ["x-session-id", "helicone-session-id", "session-id", "x-conversation-id"];

/// The `cache` member that some gateways understand.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct CacheMember {
    no_cache: bool,
    no_store: bool,
    ttl: Option<f64>,
    s_maxage: Option<f64>,
    namespace: Option<String>,
}

/// A wish that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misunderstood(pub(super) String);

impl Control {
    pub(super) fn read(headers: &HeaderMap, fields: Option<&Fields<'_>>) -> Result<Self, Misunderstood> {
        let named = |name: &str| text(headers, name).map(str::to_owned);
        let mut control = Self {
            run: named("x-plancache-run-id"),
            session: SESSIONS.iter().find_map(|name| named(name)),
            namespace: named("x-plancache-namespace"),
            mode: word(headers, "x-plancache-mode")?,
            outcome: word(headers, "x-plancache-outcome")?,
            retried: text(headers, "x-stainless-retry-count").is_some_and(|count| count != "0"),
            ..Self::default()
        };
        for value in headers.get_all(header::CACHE_CONTROL).iter().filter_map(|v| v.to_str().ok()) {
            for directive in value.split(',') {
                control.directive(&directive.trim().to_ascii_lowercase());
            }
        }
        if let Some(member) = fields.and_then(|fields| fields.get::<CacheMember>("cache")) {
            // A template has no age: what is asked to be young can only be had from the planner.
            control.no_cache |= member.no_cache || member.ttl.or(member.s_maxage).is_some();
            control.no_store |= member.no_store;
            control.namespace = control.namespace.or(member.namespace);
        }
        Ok(control)
    }

    fn directive(&mut self, directive: &str) {
        match directive.split_once('=').map_or(directive, |(name, _)| name) {
            "no-cache" | "max-age" | "s-maxage" => self.no_cache = true,
            "no-store" => self.no_store = true,
            "only-if-cached" => self.only_if_cached = true,
            _ => {}
        }
    }

    /// The mode of the request, which may only restrict that of the client.
    pub(super) fn mode(&self, base: Mode) -> Mode {
        let mode = restricted(base, self.mode.unwrap_or(Mode::On));
        let mode = if self.no_cache { restricted(mode, Mode::WriteOnly) } else { mode };
        if self.no_store { restricted(mode, Mode::ReadOnly) } else { mode }
    }
}

fn restricted(base: Mode, asked: Mode) -> Mode {
    match asked {
        Mode::On => base,
        Mode::Off => Mode::Off,
        Mode::ReadOnly if base.serves() => Mode::ReadOnly,
        Mode::WriteOnly if base.learns() => Mode::WriteOnly,
        Mode::Shadow if base.learns() => Mode::Shadow,
        Mode::ReadOnly | Mode::WriteOnly | Mode::Shadow => Mode::Off,
    }
}

fn word<T: serde::de::DeserializeOwned>(headers: &HeaderMap, name: &str) -> Result<Option<T>, Misunderstood> {
    let Some(word) = text(headers, name) else { return Ok(None) };
    let value = serde_json::Value::from(word.to_ascii_lowercase().replace('-', "_"));
    match serde_json::from_value(value) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Misunderstood(format!("the header {name} is not understood: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(headers: &[(&'static str, &str)], body: &str) -> Control {
        let headers = headers
            .iter()
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap()));
        Control::read(&headers.collect(), Fields::read(body.as_bytes()).as_ref()).unwrap()
    }

    #[test]
    fn directives_restrict_the_mode() {
        let mode = |value, base| control(&[("cache-control", value)], "{}").mode(base);
        assert_eq!(mode("no-cache", Mode::On), Mode::WriteOnly);
        assert_eq!(mode("no-store", Mode::On), Mode::ReadOnly);
        assert_eq!(mode("max-age=60, no-store", Mode::On), Mode::Off);
        assert_eq!(mode("no-cache", Mode::ReadOnly), Mode::Off);
        assert_eq!(mode("no-transform", Mode::Shadow), Mode::Shadow);
        assert!(control(&[("cache-control", "Only-If-Cached")], "{}").only_if_cached);
    }

    #[test]
    fn a_request_cannot_widen_the_mode() {
        let mode = |value, base| control(&[("x-plancache-mode", value)], "{}").mode(base);
        assert_eq!(mode("on", Mode::Off), Mode::Off);
        assert_eq!(mode("on", Mode::Shadow), Mode::Shadow);
        assert_eq!(mode("read-only", Mode::WriteOnly), Mode::Off);
        assert_eq!(mode("shadow", Mode::On), Mode::Shadow);
        let mut headers = HeaderMap::new();
        headers.insert("x-plancache-mode", "loud".parse().unwrap());
        assert!(Control::read(&headers, None).unwrap_err().0.contains("x-plancache-mode"));
    }

    #[test]
    fn the_cache_member_says_the_same() {
        let asked = control(&[], r#"{"cache":{"no-cache":true,"namespace":"n"}}"#);
        assert_eq!((asked.mode(Mode::On), asked.namespace.as_deref()), (Mode::WriteOnly, Some("n")));
        assert_eq!(control(&[], r#"{"cache":{"ttl":5,"no-store":true}}"#).mode(Mode::On), Mode::Off);
    }
}
