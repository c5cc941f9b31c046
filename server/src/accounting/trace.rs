//! The trace of a request: one span for the whole, and one inside for each step that can be long, which are the wait in the queue and every
//! attempt at an upstream. Names follow OpenTelemetry's conventions for generative AI and HTTP; names of our own begin with `llamapool.`.
//! Traces never hold content.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderMap};
use http::uri::Authority;
use llamapool_worker_core::trace::{KeyValue, Span, SpanKind, Tracer, operation};

use crate::protocol::Service;
use crate::state::view::{EndedAs, FinishedRequest};
use crate::upstream::Identity;

/// The provider of the models, as the conventions call it: for callers that is the pool.
const PROVIDER: &str = "llamapool";

/// The trace of one request. Its spans end when it is dropped.
pub(crate) struct Trace {
    tracer: Arc<Tracer>,
    operation: &'static str,
    request: Span,
    /// The current step: in the queue, or at an upstream.
    step: Option<Span>,
    /// Whether the upstream of the current step answers.
    answered: bool,
}

impl Trace {
    /// Begins a trace, or continues the one that the headers name.
    pub(crate) fn begin(tracer: &Arc<Tracer>, service: Service, headers: &HeaderMap, id: &str) -> Self {
        let (operation, path) = (operation(service.path()), service.path());
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

    /// The model is known.
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

    /// The request has ended; `key` is the name of the caller's key.
    pub(crate) fn end(mut self, ended: &FinishedRequest, key: Option<&str>) {
        if let Some(step) = &mut self.step {
            step.set("llamapool.outcome", ended.outcome.word());
            if self.answered {
                conclude(step, ended, 400);
            } else if let Some(reason) = &ended.reason {
                step.failed(kind(ended, 500).unwrap_or_default(), reason.clone());
            }
        }
        let span = &mut self.request;
        span.set("llamapool.outcome", ended.outcome.word());
        span.set("llamapool.failovers", i64::from(ended.failovers));
        span.set("llamapool.queue.duration", Duration::from_millis(ended.queue_ms).as_secs_f64());
        span.set("http.request.body.size", ended.bytes_in as i64);
        span.set("http.response.body.size", ended.bytes_out as i64);
        if let Some(key) = key {
            span.set("llamapool.key", key.to_owned());
        }
        if let Some(worker) = &ended.worker {
            span.set("llamapool.worker.name", worker.clone());
        }
        conclude(span, ended, 500);
    }

    fn step(&mut self, name: String, kind: SpanKind, attributes: Vec<KeyValue>) {
        self.step = Some(self.tracer.within(&self.request, name, kind, attributes));
    }
}

/// Adds the result to a span. Statuses from `bad` on are errors: a client's mistake is not an error of the server.
fn conclude(span: &mut Span, ended: &FinishedRequest, bad: u16) {
    if let Some(status) = ended.status {
        span.set("http.response.status_code", i64::from(status));
    }
    if let (Some(tokens_in), Some(tokens_out)) = (ended.tokens_in, ended.tokens_out) {
        span.set("gen_ai.usage.input_tokens", tokens_in as i64);
        span.set("gen_ai.usage.output_tokens", tokens_out as i64);
    }
    let Some(kind) = kind(ended, bad) else { return };
    if ended.outcome == EndedAs::Failed || ended.status.is_some_and(|status| status >= bad) {
        span.failed(kind, ended.reason.clone().unwrap_or_default());
    } else {
        span.set("error.type", kind);
    }
}

/// The `error.type` of a request that did not succeed.
fn kind(ended: &FinishedRequest, bad: u16) -> Option<String> {
    let status = ended.status.filter(|status| *status >= bad).map(|status| status.to_string());
    match ended.outcome {
        EndedAs::Done => status,
        EndedAs::Refused => ended.reason.clone(),
        EndedAs::Failed => status.or_else(|| Some("broken_off".to_owned())),
        EndedAs::Left | EndedAs::Cancelled => None,
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
