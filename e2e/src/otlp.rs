//! A receiver of traces, as collectors are: OTLP over HTTP. It keeps the spans it gets, in a shape that tests can look at.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::wait::until;

/// Longest batch taken, bytes: some hundred spans have a few hundred kilobytes.
const MAX_BATCH: usize = 4 << 20;

/// A running receiver; dropping it closes the port.
pub struct Otlp {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    _accept: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Shared {
    hangs: bool,
    spans: Mutex<Vec<Span>>,
    heads: Mutex<Vec<(String, HeaderMap)>>,
    tasks: TaskTracker,
}

/// A span as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// `service.name` of who sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `server`, `client` or `internal`.
    pub kind: &'static str,
    /// Its trace, in hexadecimal.
    pub trace_id: String,
    /// Itself, in hexadecimal.
    pub id: String,
    /// What it is a part of, in hexadecimal; empty for the first of a trace.
    pub parent: String,
    /// What is said of it.
    pub attributes: BTreeMap<String, Value>,
    /// What happened in it, by name.
    pub events: Vec<String>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// From when to when, Unix nanoseconds.
    pub time: (u64, u64),
}

impl Otlp {
    /// A receiver that takes everything.
    pub async fn start() -> Self {
        Self::with(false).await
    }

    /// A receiver that takes connections and requests, and never answers.
    pub async fn hanging() -> Self {
        Self::with(true).await
    }

    async fn with(hangs: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared { hangs, ..Shared::default() });
        let accept = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        Self { addr, shared, _accept: accept }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    /// Path and headers of all batches so far.
    pub fn heads(&self) -> Vec<(String, HeaderMap)> {
        lock(&self.shared.heads).clone()
    }

    /// Waits until `n` spans have arrived, and gives back all that have, in the order in which they began.
    pub async fn until_spans(&self, n: usize) -> Vec<Span> {
        let mut spans = until(&format!("{n} spans"), async || {
            let spans = self.spans();
            (spans.len() >= n).then_some(spans)
        })
        .await;
        spans.sort_by_key(|span| span.time.0);
        spans
    }
}

impl Span {
    /// An attribute as text; empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        self.attributes.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = Arc::clone(&shared);
        let service = service_fn(move |request| take(request, Arc::clone(&served)));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        shared.tasks.spawn(async move {
            // Senders that leave end here.
            let _ = connection.await;
        });
    }
}

async fn take(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    lock(&shared.heads).push((head.uri.path().to_owned(), head.headers));
    if shared.hangs {
        std::future::pending::<()>().await;
    }
    let body = Limited::new(body, MAX_BATCH).collect().await.map(http_body_util::Collected::to_bytes);
    let batch = body.ok().and_then(|body| ExportTraceServiceRequest::decode(body).ok());
    let status = match &batch {
        Some(_) => StatusCode::OK,
        None => StatusCode::BAD_REQUEST,
    };
    lock(&shared.spans).extend(batch.map(spans).unwrap_or_default());
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    Ok(response)
}

fn spans(batch: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_service in batch.resource_spans {
        let resource = attributes(of_service.resource.unwrap_or_default().attributes);
        let service = resource["service.name"].as_str().unwrap_or_default();
        for scope in of_service.scope_spans {
            spans.extend(scope.spans.into_iter().map(|span| read(span, service)));
        }
    }
    spans
}

fn read(span: proto::Span, service: &str) -> Span {
    let kind = match span.kind() {
        proto::span::SpanKind::Server => "server",
        proto::span::SpanKind::Client => "client",
        _ => "internal",
    };
    let status = span.status.unwrap_or_default();
    let failed = status.code() == proto::status::StatusCode::Error;
    Span {
        service: service.to_owned(),
        name: span.name,
        kind,
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(|event| event.name).collect(),
        error: failed.then_some(status.message),
        time: (span.start_time_unix_nano, span.end_time_unix_nano),
    }
}

/// Panics if one is given twice: receivers keep either.
fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for pair in pairs {
        let value = value(pair.value.unwrap_or_default());
        assert!(all.insert(pair.key.clone(), value).is_none(), "{} is there twice", pair.key);
    }
    all
}

fn value(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::BoolValue(yes)) => json!(yes),
        other => panic!("a value of a kind that nothing of ours has: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
