//! Sends the request to its candidates, one after the other, until the first byte of a reply is there. What happens before that byte the client
//! never sees; after it nothing is tried again.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use llamapool_worker_core::tunnel::frame::Code;
use llamapool_worker_core::tunnel::head::{self, ResponseHead};
use llamapool_worker_core::tunnel::mux::{Lost, OpenError};
use llamapool_worker_core::tunnel::{Exchange, ReplyBody};
use tokio::time::Instant;

use super::read::{Ask, name_model};
use super::route::Plan;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::pool::{Claim, ConnectionId, NoSlot, Worker};
use crate::state::view::RequestState;
use crate::trace::Trace;

/// A worker's own "not now" is kept while others are tried, so much of its body, and so long: it is an error message.
const KEPT_REFUSAL: usize = 64 * 1024;
const KEPT_REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// A reply whose first byte is there.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// What has been read of the body to know that it begins.
    pub(super) first: Option<Bytes>,
    /// The rest, unless that was all.
    pub(super) rest: Option<ReplyBody>,
    /// The worker that answers, and the model's name there if it is not the one asked for.
    pub(super) worker: String,
    pub(super) substitute: Option<String>,
}

/// Why a candidate did not answer.
enum Miss {
    /// It is busy or cannot reach its runtime, and said so.
    Refused(Box<Reply>),
    /// It was lost, or did nothing.
    Lost(String),
    /// Its tunnel has no room at the moment.
    Full,
    /// It was silent too long. The next one is not tried: the client has waited long enough.
    TimedOut(Duration),
    /// The request cannot be sent to anybody.
    Unsendable(ApiError),
}

/// Gets a reply.
///
/// # Errors
/// 404, 503, 502 and 504; but if workers refused, the last one's own words.
pub(super) async fn dispatch(app: &App, plan: Plan, ticket: &mut Ticket) -> Result<Reply, ApiError> {
    let mut tried: Vec<ConnectionId> = Vec::new();
    let mut last: Option<(Arc<Worker>, String, Miss)> = None;
    loop {
        let asked = Instant::now();
        ticket.live.reached(RequestState::Queued);
        let (trace, served_as) = (&mut ticket.trace, &mut ticket.facts.served_as);
        let on_wait = |waiting| {
            app.ledger.queued(waiting);
            *served_as = app.registry.listed_name(&plan.want.name);
            trace.iter_mut().for_each(|trace| trace.queues());
        };
        let claim = app.registry.claim_or_wait(&plan.want, &tried, on_wait).await;
        ticket.facts.queued += asked.elapsed();
        if claim.is_err() && ticket.facts.served_as.is_none() {
            ticket.facts.served_as = app.registry.listed_name(&plan.want.name);
        }
        let claim = match (claim, last.take()) {
            (Ok(claim), missed) => {
                if let Some((worker, model, miss)) = missed {
                    app.ledger.failed_over(&worker.id, &model, &miss.to_string());
                }
                claim
            }
            (Err(_), Some((.., Miss::Refused(reply)))) => return Ok(*reply),
            (Err(_), Some((.., Miss::Lost(why)))) => return Err(ApiError::Backend(why)),
            (Err(_), Some((.., Miss::Full))) => return Err(ApiError::QueueFull(plan.want.name)),
            (Err(no_slot), _) => return Err(refusal(no_slot, &plan.want.name)),
        };
        ticket.is_at(claim.member(), claim.model());
        ticket.facts.failovers = tried.len();
        tried.push(claim.seat());
        match attempt(app, &plan.ask, &claim, &mut ticket.trace).await {
            Ok(reply) => {
                ticket.trace.iter_mut().for_each(|trace| trace.answered(claim.model()));
                ticket.claim = Some(claim);
                ticket.facts.first_byte = Some(ticket.age());
                return Ok(reply);
            }
            Err(Miss::TimedOut(limit)) => return Err(ApiError::Timeout(limit)),
            Err(Miss::Unsendable(refusal)) => return Err(refusal),
            Err(miss) => {
                let trace = ticket.trace.as_deref().map(Trace::id);
                tracing::debug!(
                    request.id = ticket.id(),
                    trace.id = trace,
                    "{} failed a request: {miss}",
                    claim.member().name
                );
                last = Some((claim.member().clone(), claim.model().to_owned(), miss));
            }
        }
    }
}

async fn attempt(app: &App, ask: &Ask, claim: &Claim, trace: &mut Option<Box<Trace>>) -> Result<Reply, Miss> {
    trace.iter_mut().for_each(|trace| trace.tries(claim));
    let reply = answer(app, ask, claim, trace.as_deref()).await;
    if let (Err(miss), Some(trace)) = (&reply, trace) {
        trace.missed(miss.kind(), miss.to_string());
    }
    reply
}

async fn answer(app: &App, ask: &Ask, claim: &Claim, trace: Option<&Trace>) -> Result<Reply, Miss> {
    let exchange = send(ask, claim, trace)?;
    let limit = app.config.timeouts.first_byte;
    let deadline = limit.map(|limit| Instant::now() + limit);
    let reply = receive(exchange, ask, claim);
    match deadline {
        None => reply.await,
        Some(deadline) => match tokio::time::timeout_at(deadline, reply).await {
            Ok(reply) => reply,
            Err(_) => Err(Miss::TimedOut(limit.unwrap_or_default())),
        },
    }
}

fn send(ask: &Ask, claim: &Claim, trace: Option<&Trace>) -> Result<Exchange, Miss> {
    let body = ask.body_for(claim.model());
    let mut headers = Cow::Borrowed(&ask.headers);
    if claim.model() != ask.model.name {
        headers.to_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        name_model(headers.to_mut(), claim.model());
    }
    if let Some(trace) = trace {
        trace.pass_on(headers.to_mut());
    }
    let block = head::encode_request(&http::Method::POST, &ask.target, &headers);
    let block = block.map_err(|_| {
        Miss::Unsendable(ApiError::HeadersTooLarge(llamapool_worker_core::tunnel::frame::MAX_HEAD))
    })?;
    claim.member().link.open(block, body).map_err(|error| match error {
        OpenError::Full => Miss::Full,
        OpenError::Closed => Miss::Lost("The worker was lost before it answered.".to_owned()),
    })
}

async fn receive(mut exchange: Exchange, ask: &Ask, claim: &Claim) -> Result<Reply, Miss> {
    let sent = Instant::now();
    let ResponseHead { status, headers } = exchange.head().await.map_err(|lost| explain(&lost, sent))?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = exchange.into_body(length);
    let mut reply = Reply {
        status,
        headers,
        first: None,
        rest: None,
        worker: claim.member().name.clone(),
        substitute: (claim.model() != ask.model.name).then(|| claim.model().to_owned()),
    };
    if is_refusal(status) {
        reply.keep(body).await;
        return Err(Miss::Refused(Box::new(reply)));
    }
    reply.first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().ok(),
        Some(Err(lost)) => return Err(explain(&lost, sent)),
        None => None,
    };
    reply.rest = (!body.is_end_stream()).then_some(body);
    Ok(reply)
}

impl Reply {
    /// Reads the error message of a worker that refuses, so that its slot can go to somebody else.
    async fn keep(&mut self, body: ReplyBody) {
        let limited = http_body_util::Limited::new(body, KEPT_REFUSAL);
        let kept = tokio::time::timeout(KEPT_REFUSAL_WAIT, limited.collect()).await;
        self.first = kept.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes);
        if self.first.is_none() {
            self.headers.remove(CONTENT_LENGTH);
        }
    }
}

/// "Somebody else may be able to": too many requests, no gateway, not available, no answer.
fn is_refusal(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn explain(lost: &Lost, sent: Instant) -> Miss {
    let why = match lost {
        Lost::Reset(Code::Timeout, _) => return Miss::TimedOut(sent.elapsed()),
        Lost::Reset(Code::Refused, _) => "The worker took no more requests.",
        Lost::Reset(..) => "The model's runtime failed before it answered.",
        Lost::Closed(_) => "The worker was lost before it answered.",
    };
    Miss::Lost(why.to_owned())
}

fn refusal(no_slot: NoSlot, model: &str) -> ApiError {
    let model = model.to_owned();
    match no_slot {
        NoSlot::Unknown => ApiError::UnknownModel(model),
        NoSlot::NobodyReady => ApiError::NobodyReady(model),
        NoSlot::Full => ApiError::QueueFull(model),
        NoSlot::Timeout => ApiError::QueueTimeout(model),
    }
}

impl Miss {
    /// One word of few, for traces.
    fn kind(&self) -> String {
        match self {
            Self::Refused(reply) => reply.status.as_str().to_owned(),
            Self::Lost(_) => "lost".to_owned(),
            Self::Full => "full".to_owned(),
            Self::TimedOut(_) => "timeout".to_owned(),
            Self::Unsendable(refusal) => refusal.code().unwrap_or("invalid_request").to_owned(),
        }
    }
}

impl std::fmt::Display for Miss {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(reply) => write!(out, "it answered {}", reply.status),
            Self::Lost(why) => out.write_str(why),
            Self::Full => out.write_str("its tunnel has no room"),
            Self::TimedOut(limit) => write!(out, "silent for {} s", limit.as_secs_f32()),
            Self::Unsendable(refusal) => write!(out, "{refusal}"),
        }
    }
}
