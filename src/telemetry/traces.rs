//! Traces by OpenTelemetry, sent where its own variables say (`OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED`, ..). Without them nothing is recorded.
//!
//! Names follow the conventions for generative AI where they fit, and begin with `plancache.`
//! elsewhere. A span holds no content: no text, no argument, no run, no tenant.

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

const NAME: &str = "plancache";
/// What the conventions call a request for a model's next message, at whichever endpoint.
const OPERATION: &str = "chat";

/// Sends traces as long as it lives; what is left is sent when it is dropped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send traces, if the environment says where to.
    pub fn start() -> Option<Self> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
        let disabled = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if disabled || endpoints.into_iter().all(|name| set(name).is_none()) {
            return None;
        }
        let exporter = match SpanExporter::builder().with_http().build() {
            Ok(exporter) => exporter,
            Err(error) => {
                tracing::warn!(%error, "traces are not sent");
                return None;
            }
        };
        let service = set("OTEL_SERVICE_NAME").unwrap_or_else(|| NAME.to_owned());
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_batch_exporter(exporter)
            .build();
        global::set_tracer_provider(provider.clone());
        Some(Self(provider))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

struct Parent<'p>(&'p str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The span of one planning call at the proxy.
#[derive(Debug)]
pub struct RequestSpan(Context);

impl RequestSpan {
    /// Begins below the caller's span, if it brought one (`traceparent`, W3C Trace Context).
    pub fn begin(parent: Option<&str>, endpoint: &'static str) -> Self {
        let parent = TraceContextPropagator::new().extract(&Parent(parent.unwrap_or_default()));
        let tracer = global::tracer(NAME);
        let builder = tracer.span_builder(OPERATION).with_kind(SpanKind::Server).with_attributes([
            KeyValue::new("gen_ai.operation.name", OPERATION),
            KeyValue::new("plancache.endpoint", endpoint),
        ]);
        let span = tracer.build_with_context(builder, &parent);
        Self(parent.with_span(span))
    }

    /// The model that is asked for, which is part of the span's name.
    pub fn model(&self, model: &str) {
        let span = self.0.span();
        span.update_name(format!("{OPERATION} {model}"));
        span.set_attribute(KeyValue::new("gen_ai.request.model", model.to_owned()));
    }

    /// The `traceparent` for the planner, if the call is recorded.
    pub fn traceparent(&self) -> Option<String> {
        let span = self.0.span();
        let context = span.span_context();
        let (trace, id) = (context.trace_id(), context.span_id());
        let flags = context.trace_flags().to_u8();
        context.is_valid().then(|| format!("00-{trace}-{id}-{flags:02x}"))
    }

    /// Ends with the response's head.
    pub fn end(self, status: u16, did: &str, reason: &str) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        span.set_attribute(KeyValue::new("plancache.result", did.to_ascii_lowercase()));
        span.set_attribute(KeyValue::new("plancache.reason", reason.to_owned()));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}
