//! Reads the body once, up to the limit, because a failover may need it again, and finds the model in it. The body is never re-serialised.

mod body;
mod form;
mod json;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue};
use llamapool_worker_core::tunnel::head::MODEL;

use body::Bounds;
pub(super) use body::linger;

use super::accept::Arrival;
use super::limit::Admitted;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::auth::drop_credentials;
use crate::body_memory::BodyMemoryPermit;
use crate::http::error::ApiError;

/// Longest model name, bytes. Paths of files on a worker have been seen as names.
const MAX_MODEL: usize = 512;

/// A body larger than this is looked through on a thread of its own: the shard must not stand still for it.
const INLINE_PEEK: usize = 256 * 1024;

/// A request as the rest of the flow sees it.
pub(super) struct Ask {
    /// Path below `/v1`, and query.
    pub(super) target: String,
    /// What travels on: no credentials, nothing of the connection.
    pub(super) headers: HeaderMap,
    pub(super) model: Model,
    pub(super) body: Bytes,
    _share: BodyMemoryPermit,
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
/// 413, 408, 503 for want of memory, and 400 for anything that does not name a model.
pub(super) async fn read(
    app: &App,
    admitted: Admitted,
    arrival: Arrival,
    ticket: &mut Ticket,
) -> Result<Ask, ApiError> {
    let Arrival { service, mut head, body } = arrival;
    let Admitted { mut share } = admitted;
    let bounds = Bounds { most: app.config.limits.max_body, silence: app.config.timeouts.body };
    let body = body::collect(body, &head.headers, bounds, &mut share).await?;
    ticket.facts.received = body.len();
    let model = find_model(&head.headers, body.clone()).await?;
    ticket.asks_for(&model.name);

    let headers = &mut head.headers;
    drop_credentials(headers);
    headers.remove(EXPECT);
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(REQUEST_ID, ticket.id.clone());
    name_model(headers, &model.name);
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Ask {
        target: format!("{}{query}", service.path()),
        headers: head.headers,
        model,
        body,
        _share: share,
    })
}

/// Tells the worker which model is meant. Whatever a client wrote there goes.
pub(super) fn name_model(headers: &mut HeaderMap, model: &str) {
    headers.remove(MODEL);
    headers.extend(HeaderValue::from_bytes(model.as_bytes()).ok().map(|model| (MODEL, model)));
}

async fn find_model(headers: &HeaderMap, body: Bytes) -> Result<Model, ApiError> {
    if body.is_empty() {
        return Err(ApiError::invalid("The request has no body. It must name a `model`."));
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
        tokio::task::spawn_blocking(move || find(&body)).await.map_err(|_| ApiError::Internal)?
    }?;
    if model.name.is_empty() {
        return Err(ApiError::field("model", "`model` must not be empty."));
    }
    if model.name.len() > MAX_MODEL {
        return Err(ApiError::field("model", format!("`model` must not be longer than {MAX_MODEL} bytes.")));
    }
    Ok(model)
}

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
mod tests;
