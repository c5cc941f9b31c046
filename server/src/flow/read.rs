//! Reads the body once, up to the limit, because a failover may need it again, and finds the model in it. The body is never re-serialised.

mod form;
mod json;

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;

use super::accept::Arrival;
use super::authenticate::{Caller, drop_credentials};
use crate::app::App;
use crate::refusal::Refusal;
use crate::ticket::{REQUEST_ID, Ticket};

/// Longest model name, bytes. Paths of files on a worker have been seen as names.
const MAX_MODEL: usize = 512;

/// A body larger than this is looked through on a thread of its own: the shard must not stand still for it.
const INLINE_PEEK: usize = 256 * 1024;

/// Memory set aside at once for a body that says how long it is; more follows as it comes.
const FIRST_ALLOCATION: usize = 1024 * 1024;

/// After a refusal, what the client still sends is read and thrown away, so much and so long, because most clients read the answer only when
/// they have sent everything.
const LINGER_BYTES: usize = 32 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(3);

/// A request as the rest of the flow sees it.
pub(super) struct Ask {
    /// Path below `/v1`, and query.
    pub(super) target: String,
    /// What travels on: no credentials, nothing of the connection.
    pub(super) headers: HeaderMap,
    pub(super) model: Model,
    pub(super) body: Bytes,
}

/// The model a body names, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    at: Range<usize>,
    spelling: Spelling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// A JSON string, quotes included.
    Json,
    /// The bare text of a form field.
    Form,
}

impl Ask {
    /// The body with another name for the model; everything else stays, byte for byte.
    pub(super) fn body_for(&self, model: &str) -> Bytes {
        let Model { name, at, spelling } = &self.model;
        if name == model {
            return self.body.clone();
        }
        let new = match spelling {
            Spelling::Json => serde_json::to_string(model).expect("a string is JSON"),
            Spelling::Form => model.to_owned(),
        };
        let mut body = BytesMut::with_capacity(self.body.len() + new.len());
        body.extend_from_slice(&self.body[..at.start]);
        body.extend_from_slice(new.as_bytes());
        body.extend_from_slice(&self.body[at.end..]);
        body.freeze()
    }
}

/// Reads the body and finds the model.
///
/// # Errors
/// 413, 408, and 400 for anything that does not name a model.
pub(super) async fn read(
    app: &App,
    _caller: Caller,
    arrival: Arrival,
    ticket: &mut Ticket,
) -> Result<Ask, Refusal> {
    let Arrival { service, mut head, body } = arrival;
    let limits = &app.config.limits;
    let body = collect(body, &head.headers, limits.max_body, app.config.timeouts.body).await?;
    ticket.facts.received = body.len();
    let model = find_model(&head.headers, body.clone()).await?;
    ticket.asks_for(&model.name);

    let headers = &mut head.headers;
    drop_credentials(headers);
    headers.remove(EXPECT);
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(REQUEST_ID, ticket.id.clone());
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Ask { target: format!("{}{query}", service.path()), headers: head.headers, model, body })
}

async fn collect(
    mut body: Body,
    headers: &HeaderMap,
    most: usize,
    silence: Duration,
) -> Result<Bytes, Refusal> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|declared| declared > most) {
        linger(body, headers).await;
        return Err(Refusal::BodyTooLarge(most));
    }
    let Some(first) = next(&mut body, silence).await? else { return Ok(Bytes::new()) };
    if declared == Some(first.len()) {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.unwrap_or(first.len()).min(FIRST_ALLOCATION));
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        if whole.len() + bytes.len() > most {
            linger(body, headers).await;
            return Err(Refusal::BodyTooLarge(most));
        }
        whole.extend_from_slice(&bytes);
        chunk = next(&mut body, silence).await?;
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Body, silence: Duration) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = tokio::time::timeout(silence, body.frame()).await.map_err(|_| Refusal::TooSlow)?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(_)) => return Err(Refusal::invalid("The request's body was cut off.")),
        }
    }
}

async fn linger(mut body: Body, headers: &HeaderMap) {
    if headers.contains_key(EXPECT) {
        return; // the client asked first, and sends nothing now
    }
    let mut left = LINGER_BYTES;
    let drain = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}

async fn find_model(headers: &HeaderMap, body: Bytes) -> Result<Model, Refusal> {
    if body.is_empty() {
        return Err(Refusal::invalid("The request has no body. It must name a `model`."));
    }
    let boundary = match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(content_type) => form::boundary(content_type)?,
        None => None,
    };
    let find = move |body: &Bytes| match &boundary {
        Some(boundary) => form::find_model(body, boundary),
        None => json::find_model(body),
    };
    let model = if body.len() <= INLINE_PEEK {
        find(&body)
    } else {
        tokio::task::spawn_blocking(move || find(&body)).await.map_err(|_| Refusal::Internal)?
    }?;
    if model.name.is_empty() {
        return Err(Refusal::field("model", "`model` must not be empty."));
    }
    if model.name.len() > MAX_MODEL {
        return Err(Refusal::field("model", format!("`model` must not be longer than {MAX_MODEL} bytes.")));
    }
    Ok(model)
}

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
mod tests;
