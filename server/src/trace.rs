//! The trace of a request, as the server sees it: one span for the whole, and in it one for each step that can be long, the wait in a line and
//! every try at a worker. Names follow OpenTelemetry's conventions for generative AI and HTTP, what they have no name for is `llamapool.*`.
//! Never content.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderMap};
use http::uri::Authority;
use llamapool_worker_core::trace::{KeyValue, Span, SpanKind, Tracer, operation};

use crate::flow::Service;
use crate::pool::Claim;
use crate::state::view::{EndedAs, FinishedRequest};

/// What the conventions call the maker of the models: for those who ask here, that is the pool.
const PROVIDER: &str = "llamapool";

/// A request that is traced. What it holds ends with it.
pub(crate) struct Trace {
    tracer: Arc<Tracer>,
    operation: &'static str,
    request: Span,
    /// Where it is now: in a line, or at a worker.
    step: Option<Span>,
    /// The step is at a worker that answers.
    answered: bool,
}

impl Trace {
    /// Begins with the request's head.
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

    /// No worker is free: it waits in a line.
    pub(crate) fn queues(&mut self) {
        self.step("queue".to_owned(), SpanKind::Internal, Vec::new());
    }

    /// A worker gets it now.
    pub(crate) fn tries(&mut self, claim: &Claim) {
        let member = claim.member();
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", self.operation),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("gen_ai.request.model", claim.model().to_owned()),
            KeyValue::new("server.address", member.name.clone()),
            KeyValue::new("llamapool.worker.id", member.id.clone()),
            KeyValue::new("llamapool.worker.name", member.name.clone()),
        ];
        self.step(format!("{} {}", self.operation, claim.model()), SpanKind::Client, attributes);
    }

    /// Makes the step the parent of what its worker does.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        self.step.as_ref().unwrap_or(&self.request).pass_on(headers);
    }

    /// The try came to nothing; another may follow. `kind` is one word of few, `why` a sentence.
    pub(crate) fn missed(&mut self, kind: String, why: String) {
        if let Some(mut step) = self.step.take() {
            step.failed(kind, why);
        }
    }

    /// The first byte of the answer is there.
    pub(crate) fn answered(&mut self, model: &str) {
        for span in self.step.iter_mut().chain([&mut self.request]) {
            span.event("first_byte");
            span.set("gen_ai.response.model", model.to_owned());
        }
        self.answered = true;
    }

    /// The request has ended; `key` is the name of the caller's.
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

/// What a span says of an answer. Statuses from `bad` on are errors: a client's mistake is none of the server's.
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

/// What went wrong, in one word of few.
fn kind(ended: &FinishedRequest, bad: u16) -> Option<String> {
    let status = ended.status.filter(|status| *status >= bad).map(|status| status.to_string());
    match ended.outcome {
        EndedAs::Done => status,
        EndedAs::Refused => ended.reason.clone(),
        EndedAs::Failed => status.or_else(|| Some("broken_off".to_owned())),
        EndedAs::Left | EndedAs::Cancelled => None,
    }
}

/// The name by which the client knows this server.
fn addressed(headers: &HeaderMap) -> Vec<KeyValue> {
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let Some(host) = host else { return Vec::new() };
    let port = host.port_u16().map(|port| KeyValue::new("server.port", i64::from(port)));
    let address = host.host().trim_matches(['[', ']']).to_owned();
    port.into_iter().chain([KeyValue::new("server.address", address)]).collect()
}
