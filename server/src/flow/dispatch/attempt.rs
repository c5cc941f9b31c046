//! One attempt: sends the request to one upstream, and waits for the first byte of its reply.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use llamapool_worker_core::runtime::{LONGEST_ERROR, may_miss_model, misses_model};
use tokio::time::{Instant, timeout, timeout_at};

use super::not_here;
use crate::accounting::Trace;
use crate::body_memory::Exhausted;
use crate::flow::read::{Ask, name_model};
use crate::pool::{SlotOutcome, SlotPermit};
use crate::protocol::{Framing, Service, Terminal};
use crate::upstream::{Blame, Fault, FaultKind, ReplyBody, RequestHead};

/// How much of the body of a declined request's response is kept while other candidates are tried, and how long it may take: it is an error message.
/// The rest of a longer or slower one is left unread.
const DECLINED_BODY: usize = LONGEST_ERROR;
const DECLINED_BODY_WAIT: Duration = Duration::from_secs(1);

/// A reply whose first byte has arrived.
pub(in crate::flow) struct Reply {
    pub(in crate::flow) service: Service,
    pub(in crate::flow) framing: Framing,
    pub(in crate::flow) status: StatusCode,
    pub(in crate::flow) headers: HeaderMap,
    /// The first part of the body.
    pub(in crate::flow) first: Option<Bytes>,
    /// The rest of the body, if any.
    pub(in crate::flow) rest: Option<ReplyBody>,
    /// The name of the upstream that responded.
    pub(in crate::flow) upstream: String,
    /// The upstream's name for the model, if it is not the requested one.
    pub(in crate::flow) substitute: Option<String>,
}

/// Why a candidate did not serve the request.
pub(super) enum AttemptError {
    /// It responded that it cannot serve the request now. The reply is passed on if no other candidate serves the request.
    Declined(Box<Reply>),
    /// It responded that it does not have the model. The reply is passed on in the same case.
    ModelGone(Box<Reply>),
    /// It responded that it does not have the object that the request names, or does not store such objects. The reply is passed on in the same case.
    NotHere(Box<Reply>),
    /// There is no reply.
    Fault(Fault),
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeLimit {
    /// The time left for it.
    pub(super) left: Duration,
    /// The limit for all attempts, for the error message.
    pub(super) total: Duration,
}

/// Sends the request to the upstream whose slot is held.
pub(super) async fn attempt(
    ask: &Ask,
    permit: &SlotPermit,
    limit: Option<TimeLimit>,
    trace: &mut Option<Box<Trace>>,
) -> Result<Box<Reply>, AttemptError> {
    trace.iter_mut().for_each(|trace| trace.tries(permit.identity(), permit.model()));
    let reply = send(ask, permit, trace.as_deref());
    let reply = match limit {
        None => reply.await,
        Some(TimeLimit { left, total }) => match timeout(left, reply).await {
            Ok(reply) => reply,
            Err(_) => Err(AttemptError::Fault(Fault::timeout(total))),
        },
    };
    if let (Err(error), Some(trace)) = (&reply, trace) {
        trace.missed(error.kind(), error.to_string());
    }
    reply
}

/// Sends the request and waits for the first byte of the reply.
async fn send(ask: &Ask, permit: &SlotPermit, trace: Option<&Trace>) -> Result<Box<Reply>, AttemptError> {
    let is_substitute = permit.model() != ask.model.name;
    let body = ask.body_for(permit.model()).map_err(|Exhausted| AttemptError::Fault(Fault::no_memory()))?;
    let mut headers = Cow::Borrowed(&ask.headers);
    if is_substitute {
        headers.to_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        name_model(headers.to_mut(), permit.model());
    }
    if let Some(trace) = trace {
        trace.pass_on(headers.to_mut());
    }
    let head = RequestHead { method: &ask.method, target: &ask.target, headers: &headers };
    let opened = permit.upstream().open(head, body).await.map_err(AttemptError::Fault)?;
    let mut body = opened.body;
    let mut reply = Box::new(Reply {
        service: ask.service,
        framing: ask.service.framing(&opened.headers),
        status: opened.status,
        headers: opened.headers,
        first: None,
        rest: None,
        upstream: permit.identity().name.clone(),
        substitute: is_substitute.then(|| permit.model().to_owned()),
    });
    if is_declined(reply.status) {
        reply.keep(body).await.map_err(AttemptError::Fault)?;
        return Err(AttemptError::Declined(reply));
    }
    if !ask.names_model && not_here::is_said_by(reply.status) {
        reply.keep(body).await.map_err(AttemptError::Fault)?;
        return Err(AttemptError::NotHere(reply));
    }
    if may_miss_model(reply.status) {
        reply.keep(body).await.map_err(AttemptError::Fault)?;
        return reply.or_missing(ask);
    }
    reply.first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().ok(),
        Some(Err(fault)) => return Err(AttemptError::Fault(fault)),
        None => None,
    };
    if reply.is_promised_stream() && reply.first.is_none() {
        return Err(AttemptError::Fault(Fault::lost(
            "The model's runtime ended its response before the first event.",
        )));
    }
    reply.rest = (!body.is_end_stream()).then_some(body);
    if !ask.names_model && not_here::is_unknown_path(reply.first.as_deref().unwrap_or_default()) {
        reply.status = StatusCode::NOT_FOUND; // LM Studio says 200, and is not to be taken by its word
        return Err(AttemptError::NotHere(reply));
    }
    Ok(reply)
}

/// Whether another candidate may be able to serve the request: too many requests, an error of the runtime, bad gateway, service unavailable, gateway
/// timeout.
fn is_declined(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

impl Reply {
    /// Whether the reply is a stream of events that must not end without its terminal mark.
    pub(in crate::flow) fn is_promised_stream(&self) -> bool {
        let has_mark = self.service.terminal() != Terminal::Unknown;
        self.status.is_success() && self.framing.is_events() && has_mark
    }

    /// The reply, or what it says is missing: the model, or what the request continues.
    fn or_missing(self: Box<Self>, ask: &Ask) -> Result<Box<Self>, AttemptError> {
        let body = self.first.as_deref().filter(|_| self.rest.is_none()).unwrap_or_default();
        if misses_model(body) {
            Err(AttemptError::ModelGone(self))
        } else if not_here::says_so(body, &ask.links.named) {
            Err(AttemptError::NotHere(self))
        } else {
            Ok(self)
        }
    }

    /// Reads the error message of an upstream that declined, so that its slot can go to another request.
    async fn keep(&mut self, mut body: ReplyBody) -> Result<(), Fault> {
        let deadline = Instant::now() + DECLINED_BODY_WAIT;
        let mut kept = BytesMut::new();
        self.rest = loop {
            if body.is_end_stream() {
                break None;
            }
            match timeout_at(deadline, body.frame()).await {
                Ok(Some(Ok(frame))) => kept.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Ok(Some(Err(fault))) => return Err(fault),
                Ok(None) => break None,
                Err(_) => break Some(body),
            }
            if kept.len() >= DECLINED_BODY {
                break (!body.is_end_stream()).then_some(body);
            }
        };
        self.first = (!kept.is_empty()).then(|| kept.freeze());
        Ok(())
    }
}

impl AttemptError {
    /// The `error.type` of traces.
    fn kind(&self) -> String {
        match self {
            Self::Declined(reply) | Self::ModelGone(reply) | Self::NotHere(reply) => {
                reply.status.as_str().to_owned()
            }
            Self::Fault(fault) => fault.kind.as_str().to_owned(),
        }
    }

    /// Whether the upstream has started the request, as far as is known.
    pub(super) fn was_begun(&self) -> bool {
        match self {
            Self::Declined(_) => true,
            Self::ModelGone(_) | Self::NotHere(_) => false,
            Self::Fault(fault) => {
                !matches!(fault.kind, FaultKind::Refused | FaultKind::Full | FaultKind::NoMemory)
            }
        }
    }

    /// Whether the upstream or its runtime was lost under the request.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self, Self::Fault(Fault { kind: FaultKind::Lost, .. }))
    }

    /// Whether the reply is complete, so that the slot is free.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Declined(reply) | Self::NotHere(reply) => reply.rest.is_none(),
            Self::ModelGone(_) | Self::Fault(_) => true,
        }
    }

    /// What the result says about the upstream.
    pub(super) fn outcome(&self) -> SlotOutcome {
        match self {
            Self::Declined(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => SlotOutcome::Neutral,
            Self::ModelGone(_) | Self::NotHere(_) => SlotOutcome::Neutral,
            Self::Declined(_) => SlotOutcome::Failure,
            Self::Fault(fault) if fault.blame == Blame::Upstream => SlotOutcome::Failure,
            Self::Fault(_) => SlotOutcome::Neutral,
        }
    }
}

impl std::fmt::Display for AttemptError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Declined(reply) => write!(out, "it responded with {}", reply.status),
            Self::ModelGone(reply) => {
                write!(out, "it responded with {}: it does not have the model", reply.status)
            }
            Self::NotHere(reply) => {
                write!(out, "it responded with {}: it does not have what the request names", reply.status)
            }
            Self::Fault(fault) => write!(out, "{fault}"),
        }
    }
}
