//! The trace of a request: one span for the whole, and one inside for each step that can be long, which are the wait in the queue and every
//! attempt at an upstream. Names follow OpenTelemetry's conventions for generative AI and HTTP; names of our own begin with `llamapool.`.
//! Traces never hold content.

use std::sync::Arc;

use http::header::{HOST, HeaderMap};
use http::uri::Authority;
use llamapool_telemetry::trace::{KeyValue, Span, SpanKind, Tracer, operation};

use super::record::{EndedRequest, Outcome, OutcomeKind};
use crate::upstream::Identity;

/// The provider of the models in terms of the conventions: for callers, that is the pool.
const PROVIDER: &str = "llamapool";

/// The trace of one request. Its spans end when it is dropped.
pub(crate) struct Trace {
    tracer: Arc<Tracer>,
    operation: &'static str,
    request: Span,
    /// The current step: in the queue, or at an upstream.
    step: Option<Span>,
    /// Whether the upstream of the current step has responded.
    answered: bool,
}

impl Trace {
    /// Begins with the request's head.
    pub(crate) fn begin(tracer: &Arc<Tracer>, path: &'static str, headers: &HeaderMap, id: &str) -> Self {
        let operation = operation(path);
        let mut attributes = vec![
            KeyValue::new("gen_ai.operation.name", operation),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("http.route", path),
            KeyValue::new("url.path", path),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("llamapool.request.id", id.to_owned()),
        ];
        attributes.extend(addressed(headers));
        let request = tracer.continued(headers, operation, SpanKind::Server, attributes);
        Self { tracer: tracer.clone(), operation, request, step: None, answered: false }
    }

    /// The id of the trace, for logs.
    pub(crate) fn id(&self) -> String {
        self.request.trace_id()
    }

    /// Records the model.
    pub(crate) fn asks_for(&mut self, model: &str) {
        self.request.rename(format!("{} {model}", self.operation));
        self.request.set("gen_ai.request.model", model.to_owned());
    }

    /// The request waits in the queue.
    pub(crate) fn queues(&mut self) {
        self.step("queue".to_owned(), SpanKind::Internal, Vec::new());
    }

    /// The request is sent to an upstream, which calls the model `model`.
    pub(crate) fn tries(&mut self, upstream: &Identity, model: &str) {
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", self.operation),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("gen_ai.request.model", model.to_owned()),
            KeyValue::new("server.address", upstream.name.clone()),
            KeyValue::new("llamapool.worker.id", upstream.id.clone()),
            KeyValue::new("llamapool.worker.name", upstream.name.clone()),
        ];
        self.step(format!("{} {model}", self.operation), SpanKind::Client, attributes);
    }

    /// Makes the current step the parent of the upstream's spans.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        self.step.as_ref().unwrap_or(&self.request).pass_on(headers);
    }

    /// The attempt failed; another may follow. `kind` is the `error.type`, `why` a sentence.
    pub(crate) fn missed(&mut self, kind: String, why: String) {
        if let Some(mut step) = self.step.take() {
            step.failed(kind, why);
        }
    }

    /// The first byte of the reply has arrived.
    pub(crate) fn answered(&mut self, model: &str) {
        for span in self.step.iter_mut().chain([&mut self.request]) {
            span.event("first_byte");
            span.set("gen_ai.response.model", model.to_owned());
        }
        self.answered = true;
    }

    /// The request has ended.
    pub(super) fn end(mut self, ended: &EndedRequest) {
        let record = &ended.record;
        if let Some(step) = &mut self.step {
            step.set("llamapool.outcome", ended.outcome().as_str());
            if self.answered {
                conclude(step, ended, 400);
            } else if let Some(reason) = record.outcome.reason() {
                step.failed(kind(ended, 500).unwrap_or_default(), reason.to_owned());
            }
        }
        let span = &mut self.request;
        span.set("llamapool.outcome", ended.outcome().as_str());
        span.set("llamapool.failovers", record.failovers as i64);
        span.set("llamapool.queue.duration", record.queued.as_millis() as f64 / 1000.0);
        span.set("http.request.body.size", record.received as i64);
        span.set("http.response.body.size", ended.bytes_out as i64);
        if let Some(key) = record.key_name() {
            span.set("llamapool.key", key.to_string());
        }
        if let Some(worker) = &record.worker {
            span.set("llamapool.worker.name", worker.name.clone());
        }
        conclude(span, ended, 500);
    }

    fn step(&mut self, name: String, kind: SpanKind, attributes: Vec<KeyValue>) {
        self.step = Some(self.tracer.within(&self.request, name, kind, attributes));
    }
}

/// Sets the attributes of a response. Statuses from `bad` on are errors: for a server's span, errors of the client are not.
fn conclude(span: &mut Span, ended: &EndedRequest, bad: u16) {
    let record = &ended.record;
    if let Some(status) = record.status {
        span.set("http.response.status_code", i64::from(status));
    }
    if let Some(usage) = ended.usage {
        span.set("gen_ai.usage.input_tokens", usage.tokens_in as i64);
        span.set("gen_ai.usage.output_tokens", usage.tokens_out as i64);
    }
    let Some(kind) = kind(ended, bad) else { return };
    if ended.outcome() == OutcomeKind::Failed || record.status.is_some_and(|status| status >= bad) {
        span.failed(kind, record.outcome.reason().unwrap_or_default().to_owned());
    } else {
        span.set("error.type", kind);
    }
}

/// The `error.type`: one word out of a small set.
fn kind(ended: &EndedRequest, bad: u16) -> Option<String> {
    let status = ended.record.status.filter(|status| *status >= bad).map(|status| status.to_string());
    match ended.record.outcome {
        Outcome::Done => status,
        Outcome::Refused(code) | Outcome::Blocked(code) => Some(code.to_owned()),
        Outcome::Failed(_) => status.or_else(|| Some("broken_off".to_owned())),
        Outcome::Left | Outcome::Cancelled => None,
    }
}

/// The address under which the client reaches this server.
fn addressed(headers: &HeaderMap) -> Vec<KeyValue> {
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let Some(host) = host else { return Vec::new() };
    let port = host.port_u16().map(|port| KeyValue::new("server.port", i64::from(port)));
    let address = host.host().trim_matches(['[', ']']).to_owned();
    port.into_iter().chain([KeyValue::new("server.address", address)]).collect()
}
