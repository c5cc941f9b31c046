//! One attempt: the request is sent to one upstream, and the first byte of its reply awaited.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::accounting::Trace;
use crate::app::App;
use crate::flow::read::{Ask, name_model};
use crate::pool::{SlotOutcome, SlotPermit};
use crate::protocol::{Api, Framing};
use crate::upstream::{Blame, Fault, ReplyBody, RequestHead};

/// While other candidates are tried, this much of the body of a declined request is kept, and awaited for this long: it is an error message.
const DECLINED_BODY: usize = 64 * 1024;
const DECLINED_BODY_WAIT: Duration = Duration::from_secs(1);

/// A reply whose first byte is there.
pub(in crate::flow) struct Reply {
    pub(in crate::flow) api: Api,
    pub(in crate::flow) framing: Framing,
    pub(in crate::flow) status: StatusCode,
    pub(in crate::flow) headers: HeaderMap,
    /// The first part of the body.
    pub(in crate::flow) first: Option<Bytes>,
    /// The rest of the body, if there is any.
    pub(in crate::flow) rest: Option<ReplyBody>,
    /// The name of the upstream that answers.
    pub(in crate::flow) upstream: String,
    /// The model's name there, if it is not the one asked for.
    pub(in crate::flow) substitute: Option<String>,
}

/// Why a candidate did not answer.
pub(super) enum AttemptError {
    /// It answered that it cannot serve the request now. The reply is passed on if no other candidate serves it.
    Declined(Box<Reply>),
    /// There is no reply.
    Fault(Fault),
}

/// Sends the request to the upstream whose slot is held.
pub(super) async fn attempt(
    app: &App,
    ask: &Ask,
    permit: &SlotPermit,
    trace: &mut Option<Box<Trace>>,
) -> Result<Reply, AttemptError> {
    trace.iter_mut().for_each(|trace| trace.tries(permit.identity(), permit.model()));
    let reply = send(ask, permit, trace.as_deref());
    let reply = match app.config.timeouts.first_byte {
        None => reply.await,
        Some(limit) => match timeout(limit, reply).await {
            Ok(reply) => reply,
            Err(_) => Err(AttemptError::Fault(Fault::timeout(limit))),
        },
    };
    if let (Err(error), Some(trace)) = (&reply, trace) {
        trace.missed(error.kind(), error.to_string());
    }
    reply
}

/// Sends the request and awaits the first byte of the reply.
async fn send(ask: &Ask, permit: &SlotPermit, trace: Option<&Trace>) -> Result<Reply, AttemptError> {
    let is_substitute = permit.model() != ask.model.name;
    let body = ask.body_for(permit.model());
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
    let mut reply = Reply {
        api: ask.service.api(),
        framing: ask.service.framing(&opened.headers),
        status: opened.status,
        headers: opened.headers,
        first: None,
        rest: None,
        upstream: permit.identity().name.clone(),
        substitute: is_substitute.then(|| permit.model().to_owned()),
    };
    if is_declined(reply.status) {
        reply.keep_declined(body).await;
        return Err(AttemptError::Declined(Box::new(reply)));
    }
    reply.first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().ok(),
        Some(Err(fault)) => return Err(AttemptError::Fault(fault)),
        None => None,
    };
    reply.rest = (!body.is_end_stream()).then_some(body);
    Ok(reply)
}

/// Whether another candidate may be able to serve the request: too many requests, bad gateway, unavailable, gateway timeout.
fn is_declined(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

impl Reply {
    /// Reads the error message of an upstream that declined, so that its slot can go to another request.
    async fn keep_declined(&mut self, body: ReplyBody) {
        let limited = http_body_util::Limited::new(body, DECLINED_BODY);
        let kept = timeout(DECLINED_BODY_WAIT, limited.collect()).await;
        self.first = kept.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes);
        if self.first.is_none() {
            self.headers.remove(CONTENT_LENGTH);
        }
    }
}

impl AttemptError {
    /// The `error.type` of traces.
    fn kind(&self) -> String {
        match self {
            Self::Declined(reply) => reply.status.as_str().to_owned(),
            Self::Fault(fault) => fault.kind.as_str().to_owned(),
        }
    }

    /// What it says about the upstream.
    pub(super) fn outcome(&self) -> SlotOutcome {
        match self {
            Self::Declined(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => SlotOutcome::Neutral,
            Self::Declined(_) => SlotOutcome::Failure,
            Self::Fault(fault) if fault.blame == Blame::Upstream => SlotOutcome::Failure,
            Self::Fault(_) => SlotOutcome::Neutral,
        }
    }
}

impl std::fmt::Display for AttemptError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Declined(reply) => write!(out, "it answered {}", reply.status),
            Self::Fault(fault) => write!(out, "{fault}"),
        }
    }
}
