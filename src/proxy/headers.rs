//! Which headers go upstream, which come back, and those that say what the cache did.

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

use crate::domain::{Outcome, RunId, Served};
use crate::telemetry::labels;

/// Request headers that go upstream. Settings may add others.
const UPWARD: [&str; 15] = [
    "accept",
    "accept-language",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-client-request-id",
    "x-request-id",
    "x-stainless-retry-count",
    "x-stainless-lang",
];

/// Headers that are between two neighbours only (RFC 9110, section 7.6.1).
const HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
];

/// A header's text, if it is there and not empty.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// The request headers that go upstream: those of the list and of `more`.
pub(super) fn upward(headers: &HeaderMap, more: &[HeaderName]) -> HeaderMap {
    let mut out = HeaderMap::new();
    let listed = |name: &HeaderName| UPWARD.contains(&name.as_str()) || more.contains(name);
    for (name, value) in headers.iter().filter(|(name, _)| listed(name)) {
        out.append(name.clone(), value.clone());
    }
    out
}

/// Takes out what is between the proxy and the upstream only.
pub(super) fn downward(headers: &mut HeaderMap) {
    for name in HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// What the cache did with a request.
#[derive(Debug)]
pub(super) enum Did<'a> {
    /// It was asked. `served`: it answered; `shadow`: it only would have.
    Decided { outcome: &'a Outcome, served: bool, shadow: bool },
    /// It was not asked, for this reason.
    Unfit(&'static str),
}

/// Says what the cache did (RFC 9211, and headers of its own).
pub(super) fn say(headers: &mut HeaderMap, did: &Did<'_>, run: Option<&RunId>) {
    let (word, forward, reason) = match did {
        Did::Unfit(reason) => ("BYPASS", "bypass", *reason),
        Did::Decided { outcome, served, shadow } => {
            let reason = labels(outcome).1;
            match outcome {
                _ if *shadow => ("SHADOW", "bypass", reason),
                Outcome::Hit { .. } if *served => ("HIT", "", reason),
                Outcome::Hit { .. } | Outcome::PlannerAnswer { .. } | Outcome::Miss(_) => {
                    ("MISS", "miss", reason)
                }
                Outcome::PlannerPart { .. } => ("PART", "partial", reason),
                Outcome::Bypass(_) => ("BYPASS", "bypass", reason),
                Outcome::Diverged(_) => ("DIVERGED", "miss", reason),
            }
        }
    };
    let templates = match did {
        Did::Decided { outcome, .. } => outcome.templates().unwrap_or_default(),
        Did::Unfit(_) => &[],
    };
    let status = match did {
        Did::Decided { outcome: Outcome::Hit { step, .. }, served: true, .. } => {
            let key =
                if templates.is_empty() { String::new() } else { format!(" key=\"{}\";", key(templates)) };
            format!("plancache; hit;{key} detail=step-{step}")
        }
        _ => format!("plancache; fwd={forward}; detail={reason}"),
    };
    // An upstream may have a cache of its own, whose words stay.
    if let Ok(status) = HeaderValue::from_str(&status) {
        headers.append("cache-status", status);
    }
    put(headers, "x-plancache", word);
    put(headers, "x-plancache-reason", reason);
    if let Some(run) = run {
        put(headers, "x-plancache-run-id", run.as_str());
    }
    if !templates.is_empty() {
        let ids: Vec<&str> = templates.iter().map(|t| t.id.as_str()).collect();
        put(headers, "x-plancache-template-id", &ids.join(", "));
    }
}

/// The templates with their versions, cut to what is enough to tell them apart.
fn key(templates: &[Served]) -> String {
    let short = |t: &Served| format!("{}@{:.12}", t.id, t.version.as_str());
    templates.iter().map(short).collect::<Vec<_>>().join("+")
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // What a header cannot hold (a run id of the caller's, say) is left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Miss, TemplateId, TemplateVersion};

    fn said(did: &Did<'_>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        say(&mut headers, did, Some(&RunId::new("r")));
        let mut all: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        all.sort();
        all
    }

    #[test]
    fn what_was_done_is_said() {
        let served = Served {
            id: TemplateId::new("t1"),
            version: TemplateVersion::new("0123456789abcdef"),
            loosely: false,
        };
        let hit = Outcome::Hit { templates: vec![served], step: 2, slots: vec![] };
        assert_eq!(
            said(&Did::Decided { outcome: &hit, served: true, shadow: false }),
            [
                "cache-status: plancache; hit; key=\"t1@0123456789ab\"; detail=step-2",
                "x-plancache-reason: served",
                "x-plancache-run-id: r",
                "x-plancache-template-id: t1",
                "x-plancache: HIT",
            ]
        );
        // A look at what there is comes of no template.
        let look = Outcome::Hit { templates: vec![], step: 0, slots: vec![] };
        assert_eq!(
            said(&Did::Decided { outcome: &look, served: true, shadow: false })[0],
            "cache-status: plancache; hit; detail=step-0"
        );
        let miss = Outcome::Miss(Miss::NoCandidate);
        assert_eq!(
            said(&Did::Decided { outcome: &miss, served: false, shadow: false })[0],
            "cache-status: plancache; fwd=miss; detail=no_candidate"
        );
        assert_eq!(said(&Did::Unfit("field"))[3], "x-plancache: BYPASS");
    }

    #[test]
    fn only_listed_headers_go_upstream() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "cookie", "user-agent", "x-team", "x-plancache-run-id", "host"] {
            headers.insert(name, HeaderValue::from_static("v"));
        }
        let more = [HeaderName::from_static("x-team")];
        let mut names: Vec<String> = upward(&headers, &more).keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["user-agent", "x-team"]);
    }
}
