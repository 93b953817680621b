//! What a Prometheus server reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use crate::telemetry::{self, Snapshot};

/// Upper bounds of the buckets of a response's time, in milliseconds, up to its head.
const BUCKETS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000, 120_000];

/// Counts of the proxy's own.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By endpoint and class of status.
    responses: BTreeMap<(&'static str, u16), u64>,
    /// Requests that the cache was not asked about, by reason.
    unfit: BTreeMap<&'static str, u64>,
    /// By endpoint: how many up to each bound, all, and their sum in milliseconds.
    times: BTreeMap<&'static str, ([u64; BUCKETS.len()], u64, f64)>,
}

impl Metrics {
    /// Counts a response, when its head is there.
    pub(super) fn answered(&self, endpoint: &'static str, status: StatusCode, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.responses.entry((endpoint, status.as_u16() / 100)).or_default() += 1;
        let milliseconds = took.as_secs_f64() * 1_000.0;
        let (buckets, all, sum) = counts.times.entry(endpoint).or_default();
        let within = |bound: u64| took <= Duration::from_millis(bound);
        buckets.iter_mut().zip(BUCKETS).filter(|(_, bound)| within(*bound)).for_each(|(n, _)| *n += 1);
        *all += 1;
        *sum += milliseconds;
    }

    /// Counts a request that the cache was not asked about.
    pub(super) fn unfit(&self, reason: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.unfit.entry(reason).or_default() += 1;
    }

    /// All counts in the text format, version 0.0.4.
    pub(super) fn text(&self, snapshots: &[Snapshot], in_flight: usize) -> String {
        let mut page = Page::default();
        page.cache(snapshots);
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        page.head(telemetry::PROXY_RESPONSES_TOTAL, "counter", "Responses by endpoint and class of status.");
        for ((endpoint, class), n) in &counts.responses {
            let labels = format!("endpoint=\"{endpoint}\",status=\"{class}xx\"");
            page.line(telemetry::PROXY_RESPONSES_TOTAL, &labels, n);
        }
        page.head(telemetry::PROXY_UNFIT_TOTAL, "counter", "Requests that the cache was not asked about.");
        for (reason, n) in &counts.unfit {
            page.line(telemetry::PROXY_UNFIT_TOTAL, &format!("reason=\"{reason}\""), n);
        }
        page.head(telemetry::PROXY_IN_FLIGHT, "gauge", "Requests under way.");
        page.line(telemetry::PROXY_IN_FLIGHT, "", in_flight);
        let name = telemetry::PROXY_RESPONSE_MILLISECONDS;
        page.head(name, "histogram", "Time to a response's head.");
        for (endpoint, (buckets, all, sum)) in &counts.times {
            for (n, bound) in buckets.iter().zip(BUCKETS) {
                page.line(&format!("{name}_bucket"), &format!("endpoint=\"{endpoint}\",le=\"{bound}\""), n);
            }
            page.line(&format!("{name}_bucket"), &format!("endpoint=\"{endpoint}\",le=\"+Inf\""), all);
            page.line(&format!("{name}_sum"), &format!("endpoint=\"{endpoint}\""), sum);
            page.line(&format!("{name}_count"), &format!("endpoint=\"{endpoint}\""), all);
        }
        page.0
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    // Writing to a string cannot fail.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(name, "", value);
    }

    /// The middleware's counts, of all modes together.
    fn cache(&mut self, snapshots: &[Snapshot]) {
        let by = |of: fn(&Snapshot) -> &BTreeMap<String, u64>| {
            let mut all = BTreeMap::<&str, u64>::new();
            for (label, n) in snapshots.iter().flat_map(of) {
                *all.entry(label).or_default() += n;
            }
            all
        };
        let sum = |of: fn(&Snapshot) -> u64| snapshots.iter().map(of).sum::<u64>();
        self.head(telemetry::REQUESTS_TOTAL, "counter", "Planning calls by result and reason.");
        for (label, n) in by(|counts| &counts.requests) {
            let (result, reason) = label.split_once('/').unwrap_or((label, ""));
            let labels = format!("result=\"{result}\",reason=\"{reason}\"");
            self.line(telemetry::REQUESTS_TOTAL, &labels, n);
        }
        self.head(telemetry::RUNS_TOTAL, "counter", "Ended runs by kind.");
        for (kind, n) in by(|counts| &counts.runs) {
            self.line(telemetry::RUNS_TOTAL, &format!("kind=\"{kind}\""), n);
        }
        self.head(telemetry::SHADOW_TOTAL, "counter", "Ended shadow runs by verdict.");
        for (verdict, n) in by(|counts| &counts.shadow) {
            self.line(telemetry::SHADOW_TOTAL, &format!("verdict=\"{verdict}\""), n);
        }
        self.counter(
            telemetry::STEPS_SERVED_TOTAL,
            "Steps answered from templates.",
            sum(|c| c.steps_served),
        );
        self.counter(
            telemetry::RUNS_EXPIRED_TOTAL,
            "Runs of which nobody said the end.",
            sum(|c| c.runs_expired),
        );
        self.counter(telemetry::DROPPED_TOTAL, "Background work dropped.", sum(|c| c.dropped));
        self.counter(
            telemetry::STORE_ERRORS_TOTAL,
            "Writes to the store that failed.",
            sum(|c| c.store_errors),
        );
        self.head(telemetry::TEMPLATES_TOTAL, "counter", "Templates learnt and merged, and parts rejected.");
        for (what, n) in
            [("learnt", sum(|c| c.learnt)), ("merged", sum(|c| c.merged)), ("rejected", sum(|c| c.rejected))]
        {
            self.line(telemetry::TEMPLATES_TOTAL, &format!("what=\"{what}\""), n);
        }
        self.decisions(snapshots);
    }

    fn decisions(&mut self, snapshots: &[Snapshot]) {
        let name = telemetry::DECISION_MICROSECONDS;
        self.head(name, "histogram", "Time of a decision.");
        let mut buckets = BTreeMap::<u64, u64>::new();
        for (bound, n) in snapshots.iter().flat_map(|counts| &counts.decision_microseconds) {
            *buckets.entry(*bound).or_default() += n;
        }
        let mut all = 0;
        for (bound, n) in buckets {
            all += n;
            if bound != u64::MAX {
                self.line(&format!("{name}_bucket"), &format!("le=\"{bound}\""), all);
            }
        }
        self.line(&format!("{name}_bucket"), "le=\"+Inf\"", all);
        self.line(&format!("{name}_count"), "", all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_in_the_text_format() {
        let metrics = Metrics::default();
        metrics.answered("chat", StatusCode::OK, Duration::from_millis(3));
        metrics.unfit("field");
        let mut counts = Snapshot::default();
        counts.requests.insert("miss/not_covered".into(), 2);
        counts.decision_microseconds = BTreeMap::from([(50, 1), (u64::MAX, 1)]);
        let text = metrics.text(&[counts.clone(), counts], 4);
        for line in [
            "plancache_requests_total{result=\"miss\",reason=\"not_covered\"} 4",
            "plancache_decision_microseconds_bucket{le=\"50\"} 2",
            "plancache_decision_microseconds_bucket{le=\"+Inf\"} 4",
            "plancache_proxy_responses_total{endpoint=\"chat\",status=\"2xx\"} 1",
            "plancache_proxy_unfit_total{reason=\"field\"} 1",
            "plancache_proxy_in_flight 4",
            "plancache_proxy_response_milliseconds_bucket{endpoint=\"chat\",le=\"2\"} 0",
            "plancache_proxy_response_milliseconds_bucket{endpoint=\"chat\",le=\"5\"} 1",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
    }
}
