//! The tracer, based on OpenTelemetry's SDK. The caller or the sampler decides which requests are traced; a context that is not sampled is passed on
//! without a span.
//!
//! Requests never wait for traces: finished spans go through a bounded queue to the exporting task, and are dropped when it cannot keep up.

mod export;
mod receiver;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter as _};

use super::{Service, TraceConfig};
use export::Sending;
use receiver::{Cause, Receiver};

/// The headers of a trace context (W3C Trace Context).
const CONTEXT: [&str; 2] = ["traceparent", "tracestate"];

/// Creates spans and exports them. Dropping it ends the export immediately; [`Tracer::finish`] exports the rest first.
pub struct Tracer {
    sdk: SdkTracer,
    sending: Sending,
}

/// A span. It ends when it is dropped.
pub struct Span(opentelemetry_sdk::trace::Span);

impl Tracer {
    /// A tracer on the current runtime, if the settings contain a receiver. If it cannot be created, a warning is logged: requests matter more than
    /// traces.
    pub fn start(config: &TraceConfig, service: &Service<'_>) -> Option<Arc<Self>> {
        let url = config.traces_url()?;
        match Self::new(config, &url, service) {
            Ok(tracer) => {
                tracing::info!("Exporting traces to {url}");
                Some(Arc::new(tracer))
            }
            Err(error) => {
                tracing::warn!("Tracing is off: {error:#}");
                None
            }
        }
    }

    fn new(config: &TraceConfig, url: &url::Url, service: &Service<'_>) -> anyhow::Result<Self> {
        let resource = resource(config, service);
        let headers = config
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let cause = Cause::default();
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Receiver::new(url.scheme() == "https", cause.clone())?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url.as_str())
            .with_headers(headers.collect())
            .build()
            .context("set up the export of traces")?;
        exporter.set_resource(&resource);
        let (sending, queue) = Sending::start(exporter, cause);
        let provider = SdkTracerProvider::builder().with_resource(resource).with_span_processor(queue);
        Ok(Self { sdk: provider.build().tracer("llamapool"), sending })
    }

    /// A span for the request with these headers: continues the caller's trace, or starts one.
    pub fn continued(
        &self,
        headers: &HeaderMap,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
    ) -> Span {
        let parent =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        self.span(&parent, name.into(), kind, attributes)
    }

    /// A span inside another one.
    pub fn within(
        &self,
        parent: &Span,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
    ) -> Span {
        self.span(&context(parent.0.span_context()), name.into(), kind, attributes)
    }

    fn span(
        &self,
        parent: &Context,
        name: Cow<'static, str>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
    ) -> Span {
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        Span(self.sdk.build_with_context(builder, parent))
    }

    /// Exports the remaining spans for at most `limit`, and none from then on.
    pub async fn finish(&self, limit: Duration) {
        self.sending.finish(limit).await;
    }
}

impl Span {
    /// The trace id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.0.span_context().trace_id().to_string()
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(key, value));
    }

    /// Replaces the name by a more specific one.
    pub fn rename(&mut self, name: String) {
        self.0.update_name(name);
    }

    /// Records an event at this moment.
    pub fn event(&mut self, name: &'static str) {
        self.0.add_event(name, Vec::new());
    }

    /// Marks the span as failed; `kind` is one of a few words, `why` a sentence.
    pub fn failed(&mut self, kind: impl Into<Value>, why: impl Into<Cow<'static, str>>) {
        self.0.set_attribute(KeyValue::new("error.type", kind));
        self.0.set_status(Status::error(why));
    }

    /// Makes it the parent of the receiver's spans, through these headers. The sampling decision is passed on, too.
    pub fn pass_on(&self, headers: &mut HeaderMap) {
        CONTEXT.iter().for_each(|name| drop(headers.remove(*name)));
        let context = context(self.0.span_context());
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
        if headers.get(CONTEXT[1]).is_some_and(|state| state.is_empty()) {
            headers.remove(CONTEXT[1]);
        }
    }
}

fn context(span: &SpanContext) -> Context {
    Context::new().with_remote_span_context(span.clone())
}

/// The resource: attributes from the environment (`OTEL_RESOURCE_ATTRIBUTES`), and the program's name.
fn resource(config: &TraceConfig, service: &Service<'_>) -> Resource {
    let name = config.service_name.clone().unwrap_or_else(|| service.name.to_owned());
    let instance = service.instance.map(|id| KeyValue::new("service.instance.id", id.to_owned()));
    Resource::builder()
        .with_service_name(name)
        .with_attribute(KeyValue::new("service.version", llamapool_settings::build::VERSION))
        .with_attributes(instance)
        .build()
}

#[cfg(test)]
mod tests;
