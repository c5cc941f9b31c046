//! A request's part of a trace: the time that it spends at this worker. Its parent is the server's span, and it is the parent of the
//! runtime's spans.

use http::{HeaderMap, StatusCode};

use super::{Asked, Outcome};
use crate::runtime::Kind;
use crate::usage::Usage;
use llamapool_telemetry::trace::{self, KeyValue, Span, SpanKind, Tracer};

/// The span of a job. Dropped without [`JobSpan::end`], it is recorded as cancelled.
pub(crate) struct JobSpan {
    span: Span,
    status: Option<StatusCode>,
}

impl JobSpan {
    /// Starts with the request's head, as received over the tunnel.
    pub(crate) fn begin(tracer: &Tracer, headers: &HeaderMap, asked: &Asked, runtime: Kind) -> Self {
        let operation = trace::operation(&asked.path);
        let mut attributes = vec![
            KeyValue::new("gen_ai.operation.name", operation),
            KeyValue::new("gen_ai.provider.name", runtime.to_string()),
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("url.path", asked.path.clone()),
        ];
        let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        attributes.extend(id.map(|id| KeyValue::new("llamapool.request.id", id.to_owned())));
        attributes.extend(asked.model.clone().map(|model| KeyValue::new("gen_ai.request.model", model)));
        let name = match &asked.model {
            Some(model) => format!("{operation} {model}"),
            None => operation.to_owned(),
        };
        Self { span: tracer.continued(headers, name, SpanKind::Server, attributes), status: None }
    }

    /// Makes it the parent of the runtime's spans.
    pub(crate) fn pass_on(&self, headers: &mut HeaderMap) {
        self.span.pass_on(headers);
    }

    /// The runtime has sent its response head.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.span.set("http.response.status_code", i64::from(status.as_u16()));
    }

    /// The first byte of the body has arrived.
    pub(crate) fn first_byte(&mut self) {
        self.span.event("first_byte");
    }

    /// Records that the request was refused: no slot, or no runtime.
    pub(crate) fn refused(mut self, kind: &'static str, why: &str) {
        self.span.failed(kind, why.to_owned());
    }

    /// The job has ended.
    pub(super) fn end(mut self, outcome: Outcome, usage: Option<Usage>) {
        let (word, span) = (outcome.as_str(), &mut self.span);
        span.set("llamapool.outcome", word);
        if let Some(usage) = usage {
            span.set("gen_ai.usage.input_tokens", usage.tokens_in as i64);
            span.set("gen_ai.usage.output_tokens", usage.tokens_out as i64);
        }
        if outcome == Outcome::Failed {
            let status = self.status.filter(StatusCode::is_server_error);
            let kind = status.map_or(word.to_owned(), |status| status.as_str().to_owned());
            span.failed(kind, "The runtime failed.");
        }
    }
}
