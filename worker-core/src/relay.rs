//! Relays requests from the tunnel to the runtime and its answers back: unchanged but for what ends at this hop. Never follows a redirect, never
//! decompresses, and keeps connections to the runtime alive.

pub mod client;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming as Answer;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::ledger::{Asked, Job, JobSpan, Ledger, Outcome};
use crate::runtime::{HiddenModels, Kind, MAX_NAME, Target};
use client::{Client, Failure};
use llamapool_telemetry::trace::Tracer;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::{Incoming, RequestBody, Responder, head};

/// The runtime to relay to, as last probed.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) target: Target,
    pub(crate) is_tls: bool,
    pub(crate) kind: Kind,
}

/// The server gives a slot to the next request when it has cancelled the former one; that one's task may need a moment to notice. A request
/// that finds no slot waits so long before it is refused.
const JOB_GRACE: Duration = Duration::from_secs(1);

/// Takes requests and answers each in a task of its own.
pub(crate) struct Relay {
    setup: Setup,
    destination: watch::Receiver<Option<Destination>>,
    current: Option<(Target, Arc<Client<RequestBody>>)>,
    ledger: Ledger,
    tasks: TaskTracker,
    /// Rung when the runtime cannot be reached: it is to be probed at once.
    alarm: Arc<Notify>,
}

/// What does not change while the worker runs.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Requests at once.
    pub(crate) most: u32,
    /// `Authorization` for the runtime.
    pub(crate) key: Option<HeaderValue>,
    pub(crate) connect_timeout: Duration,
    /// Longest silence of the runtime; `None` leaves that to the server.
    pub(crate) silence: Option<Duration>,
    pub(crate) ca_file: Option<std::path::PathBuf>,
    pub(crate) tracer: Option<Arc<Tracer>>,
    /// Models that are not served, whoever asks.
    pub(crate) withheld: HiddenModels,
}

impl Relay {
    pub(crate) fn new(
        setup: Setup,
        destination: watch::Receiver<Option<Destination>>,
        ledger: Ledger,
        tasks: TaskTracker,
        alarm: Arc<Notify>,
    ) -> Self {
        Self { setup, destination, current: None, ledger, tasks, alarm }
    }

    /// Answers a request, in a task of its own that ends when the client or the tunnel is gone.
    pub(crate) fn take(&mut self, mut incoming: Incoming) {
        let asked = asked(&mut incoming);
        let span = self.span(&incoming.head.headers, &asked);
        if let Some(model) = asked.model.as_ref().filter(|model| self.setup.withheld.covers(model)) {
            answer_hidden(incoming.responder, model);
            let mut job = self.ledger.enter(asked);
            job.span = span;
            return job.end(Outcome::Failed);
        }
        let (client, target) = match self.client() {
            Ok(found) => found,
            Err(why) => {
                answer_unreachable(incoming.responder, &why);
                let mut job = self.ledger.enter(asked);
                job.span = span;
                return job.end(Outcome::Failed);
            }
        };
        let exchange = Exchange { client, target, setup: self.setup.clone(), alarm: self.alarm.clone() };
        let (ledger, most) = (self.ledger.clone(), self.setup.most);
        self.tasks.spawn(async move {
            let job = tokio::select! {
                biased;
                job = tokio::time::timeout(JOB_GRACE, ledger.enter_when_free(most, asked)) => job,
                _ = incoming.responder.stopped() => return,
            };
            match job {
                Ok(mut job) => {
                    job.span = span;
                    let outcome = exchange.run(incoming, &mut job).await;
                    job.end(outcome);
                }
                Err(_) => {
                    incoming.responder.fail(Code::Refused, "the worker is busy");
                    span.into_iter().for_each(|span| span.refused("busy", "The worker is busy."));
                }
            }
        });
    }

    /// Begins the request's span, if somebody collects them.
    fn span(&self, headers: &HeaderMap, asked: &Asked) -> Option<JobSpan> {
        let tracer = self.setup.tracer.as_ref()?;
        let kind = self.destination.borrow().as_ref().map_or(Kind::Auto, |destination| destination.kind);
        Some(JobSpan::begin(tracer, headers, asked, kind))
    }

    /// The client for where the runtime is now; one client per place, so that connections are kept.
    fn client(&mut self) -> Result<(Arc<Client<RequestBody>>, Target), String> {
        let destination = self.destination.borrow_and_update();
        let Some(Destination { target, is_tls, .. }) = destination.as_ref() else {
            return Err("no runtime was found".to_owned());
        };
        match &self.current {
            Some((current, client)) if current == target => Ok((client.clone(), current.clone())),
            _ => {
                let Setup { connect_timeout, ca_file, .. } = &self.setup;
                let client = Client::new(*is_tls, *connect_timeout, ca_file.as_deref());
                let client = Arc::new(client.map_err(|error| format!("{error:#}"))?);
                self.current = Some((target.clone(), client.clone()));
                Ok((client, target.clone()))
            }
        }
    }
}

/// What the books say of a request. The model's name is taken out of the head: it was for this worker.
fn asked(incoming: &mut Incoming) -> Asked {
    let Incoming { head, body, .. } = incoming;
    let model =
        head.headers.remove(head::MODEL).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
    let path = head.target.split('?').next().unwrap_or_default().to_owned();
    Asked {
        path,
        model: model.filter(|name| name.len() <= MAX_NAME),
        bytes: body.size_hint().exact().unwrap_or(0),
    }
}

struct Exchange {
    client: Arc<Client<RequestBody>>,
    target: Target,
    setup: Setup,
    alarm: Arc<Notify>,
}

impl Exchange {
    async fn run(self, incoming: Incoming, job: &mut Job) -> Outcome {
        let Incoming { head, body, mut responder } = incoming;
        let uri = match self.target.endpoint(&head.target) {
            Ok(uri) => uri,
            Err(error) => {
                answer_error(responder, StatusCode::NOT_FOUND, "not_found_error", &error.to_string());
                return Outcome::Failed;
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers(head.headers);
        job.span.iter().for_each(|span| span.pass_on(request.headers_mut()));

        let answered = tokio::select! {
            biased; // a client that leaves in mid-upload is no failure of the runtime
            stopped = responder.stopped() => return job.unwanted(stopped),
            answered = quiet_for(self.setup.silence, self.client.request(request)) => answered,
        };
        match answered {
            Ok(Ok(response)) => return stream(response, responder, self.setup.silence, job).await,
            Ok(Err(Failure::Unreachable(why))) => {
                self.alarm.notify_one();
                answer_unreachable(responder, &why);
            }
            Ok(Err(Failure::Broken(why))) => {
                self.alarm.notify_one();
                let message = format!("The model's runtime failed before it answered: {why}.");
                answer_error(responder, StatusCode::BAD_GATEWAY, "server_error", &message);
            }
            Err(Silent) => {
                let message = "The model's runtime was silent for too long.";
                answer_error(responder, StatusCode::GATEWAY_TIMEOUT, "server_error", message);
            }
        }
        Outcome::Failed
    }

    /// The host is the runtime's, and so is the key.
    fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        headers.remove(HOST);
        headers.remove(AUTHORIZATION);
        headers.extend(self.setup.key.clone().map(|key| (AUTHORIZATION, key)));
        headers
    }
}

/// Sends the answer on as it comes. What is there with the head goes with it.
async fn stream(
    response: Response<Answer>,
    mut responder: Responder,
    silence: Option<Duration>,
    job: &mut Job,
) -> Outcome {
    let (parts, mut body) = response.into_parts();
    let block = match head::encode_response(parts.status, &parts.headers) {
        Ok(block) => block,
        Err(error) => {
            responder.fail(Code::Protocol, &format!("the runtime's answer cannot be passed on: {error}"));
            return Outcome::Failed;
        }
    };
    job.answered(parts.status);
    drop(parts); // its headers would keep a buffer of the connection alive as long as the stream
    let next = match next_now(&mut body) {
        Some(Ok(chunk)) => {
            let after = next_now(&mut body);
            job.pass(&chunk);
            responder.respond(block, chunk, is_done(after.as_ref()));
            after
        }
        Some(Err(End::Done)) => {
            responder.respond(block, Bytes::new(), true);
            return job.whole();
        }
        other => {
            responder.respond(block, Bytes::new(), false);
            other
        }
    };
    pour(body, next, responder, silence, job).await
}

/// Sends on what follows, beginning with `next` if that is there already. A chunk is held no longer than it takes to see whether it is the last.
async fn pour(
    mut body: Answer,
    mut next: Option<Result<Bytes, End>>,
    mut responder: Responder,
    silence: Option<Duration>,
    job: &mut Job,
) -> Outcome {
    loop {
        let chunk = match next.take() {
            Some(chunk) => chunk,
            None => tokio::select! {
                biased;
                chunk = quiet_for(silence, next_chunk(&mut body)) => chunk.unwrap_or(Err(End::Silent)),
                stopped = responder.stopped() => return job.unwanted(stopped),
            },
        };
        let (code, why) = match chunk {
            Ok(chunk) => {
                if let Err(stopped) = responder.ready().await {
                    return job.unwanted(stopped);
                }
                next = next_now(&mut body);
                job.pass(&chunk);
                responder.send(chunk, is_done(next.as_ref()));
                continue;
            }
            Err(End::Done) => return finish(responder, job).await,
            Err(End::Broken(why)) => (Code::Backend, why),
            Err(End::Silent) => (Code::Timeout, "the runtime was silent for too long".to_owned()),
        };
        responder.fail(code, &why);
        return Outcome::Failed;
    }
}

/// The body is complete: waits until the last chunk is on its way, and ends the answer if that chunk did not.
async fn finish(mut responder: Responder, job: &mut Job) -> Outcome {
    match responder.ready().await {
        Ok(()) => responder.send(Bytes::new(), true),
        Err(_) if responder.is_sent() => {}
        Err(stopped) => return job.unwanted(stopped),
    }
    job.whole()
}

/// How a body ended.
enum End {
    Done,
    Broken(String),
    Silent,
}

fn is_done(next: Option<&Result<Bytes, End>>) -> bool {
    matches!(next, Some(Err(End::Done)))
}

/// The next chunk if it is there already.
fn next_now(body: &mut Answer) -> Option<Result<Bytes, End>> {
    next_chunk(body).now_or_never()
}

async fn next_chunk(body: &mut Answer) -> Result<Bytes, End> {
    loop {
        if body.is_end_stream() {
            return Err(End::Done);
        }
        match body.frame().await {
            None => return Err(End::Done),
            Some(Err(error)) => return Err(End::Broken(error.to_string())),
            // Trailers end here: nobody between a runtime and a browser passes them on.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) if !chunk.is_empty() => return Ok(chunk),
                _ => {}
            },
        }
    }
}

/// Nothing came in time.
struct Silent;

async fn quiet_for<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Silent> {
    match limit {
        None => Ok(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| Silent),
    }
}

fn answer_unreachable(responder: Responder, why: &str) {
    let message = format!("The worker cannot reach its model runtime: {why}.");
    answer_error(responder, StatusCode::BAD_GATEWAY, "server_error", &message);
}

/// The model is hidden: callers see that it does not exist.
fn answer_hidden(responder: Responder, model: &str) {
    let message = format!("The model `{model}` does not exist, or is not offered here.");
    let error = serde_json::json!({
        "message": message, "type": "not_found_error", "param": "model", "code": "model_not_found",
    });
    answer(responder, StatusCode::NOT_FOUND, &error);
}

/// An answer of our own, in the shape of the API's errors.
fn answer_error(responder: Responder, status: StatusCode, kind: &str, message: &str) {
    let code = if status == StatusCode::NOT_FOUND { "unknown_url" } else { "backend_error" };
    let error = serde_json::json!({ "message": message, "type": kind, "param": null, "code": code });
    answer(responder, status, &error);
}

fn answer(mut responder: Responder, status: StatusCode, error: &serde_json::Value) {
    let body = serde_json::json!({ "error": error }).to_string();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    let block = head::encode_response(status, &headers).expect("two short headers");
    responder.respond(block, body.into(), true);
}
