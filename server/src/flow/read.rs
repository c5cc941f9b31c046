//! Reads the body once, up to a limit, because a failover may need it again, and finds the model in it. The body is never serialised again.

mod body;
mod encoding;
mod form;
mod json;
mod links;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use llamapool_tunnel::head::{MODEL, keep_request_headers};

use body::Bounds;
use encoding::Encoding;
use links::Links;

use super::accept::Arrival;
use super::limit::Admitted;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::auth::Caller;
use crate::body_memory::{BodyMemory, Exhausted};
use crate::http::error::ApiError;
use crate::objects::{NotYours, ObjectIds, is_id};
use crate::protocol::Service;

/// Longest model name, bytes. Some are file paths on a worker.
const MAX_MODEL: usize = 512;

/// The header with which a client names the conversation that a request belongs to.
const SESSION: HeaderName = HeaderName::from_static("x-session-id");

/// Longest session name, bytes; a longer one is ignored.
const MAX_SESSION: usize = 256;

/// A larger body is searched on another thread, so that it does not block this one.
const INLINE_PEEK: usize = 256 * 1024;

/// A request that is ready to be sent to an upstream.
pub(super) struct Ask {
    /// The caller.
    pub(super) caller: Caller,
    /// The requested path, and its API.
    pub(super) service: Service,
    pub(super) method: Method,
    /// The canonical path, and the query.
    pub(super) target: String,
    /// The headers to pass on.
    pub(super) headers: HeaderMap,
    /// The model that the request names; if it names none, the model that made the object that it names, or an empty name if that is unknown.
    pub(super) model: Model,
    /// Whether the request itself names the model.
    pub(super) names_model: bool,
    /// Whether the client asks for a stream.
    pub(super) stream: bool,
    /// The conversation that the request belongs to, if the client names one.
    pub(super) session: Option<String>,
    /// The stored objects that the request names, and whether its reply becomes one.
    pub(super) links: Links,
    /// The body as the client sent it, without its content encoding. It holds its memory.
    pub(super) body: Bytes,
    /// Memory for copies of the body.
    memory: BodyMemory,
}

/// What the flow needs to know about a body.
#[derive(Debug, PartialEq, Eq)]
struct Peek {
    model: Model,
    stream: bool,
}

/// The model that a body names, and its position.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    at: Range<usize>,
    spelling: Spelling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// A JSON string, including its quotes.
    Json,
    /// The bare text of a form field.
    Form,
}

impl Ask {
    /// The body with another name for the model. Everything else stays the same, byte for byte. A copy takes memory for bodies like the body itself.
    ///
    /// # Errors
    /// A copy is necessary, and there is no memory for it.
    pub(super) fn body_for(&self, model: &str) -> Result<Bytes, Exhausted> {
        if !self.model.is_rewritten_as(model) {
            return Ok(self.body.clone());
        }
        let mut memory = self.memory.permit();
        memory.grow(self.body.len() + model.len())?;
        Ok(memory.hold(self.model.rewritten_in(&self.body, model)))
    }
}

impl Model {
    /// Whether the body has to be changed for this name of the model.
    fn is_rewritten_as(&self, model: &str) -> bool {
        self.name != model && !self.at.is_empty()
    }

    fn rewritten_in(&self, body: &Bytes, model: &str) -> Bytes {
        let Self { at, spelling, .. } = self;
        if !self.is_rewritten_as(model) {
            return body.clone();
        }
        let new = match spelling {
            Spelling::Json => serde_json::to_string(model).expect("a string is JSON"),
            Spelling::Form => model.to_owned(),
        };
        let mut rewritten = BytesMut::with_capacity(body.len() + new.len());
        rewritten.extend_from_slice(&body[..at.start]);
        rewritten.extend_from_slice(new.as_bytes());
        rewritten.extend_from_slice(&body[at.end..]);
        rewritten.freeze()
    }
}

/// Reads the body and finds the model.
///
/// # Errors
/// 413, 408, 415, 503 if the memory for bodies is exhausted, and 400 for a body that does not name a model.
pub(super) async fn read(
    app: &App,
    admitted: Admitted,
    arrival: Arrival,
    ticket: &mut Ticket,
) -> Result<Box<Ask>, ApiError> {
    let Arrival { service, mut head, body } = arrival;
    let Admitted { caller, mut memory } = admitted;
    let bounds = Bounds { most: app.config.limits.max_body, silence: app.config.timeouts.body };
    let encoding = Encoding::of(&head.headers)?;
    let body = body::collect(body, &head.headers, bounds, &mut memory).await?;
    ticket.record.received = body.len();
    let (body, memory) = match encoding {
        Some(encoding) => encoding.decode(body, bounds.most, memory).await?,
        None => (body, memory),
    };
    let body = json::without_mark(memory.hold(body));
    let object = head.extensions.remove::<ObjectIds>();
    let names_model = service.names_model();
    let (Peek { model, stream }, links) = if names_model {
        (peek(&head.headers, body.clone()).await?, links::find(service, &body).await)
    } else {
        without_model(app, &caller, object.as_ref())?
    };
    if !model.name.is_empty() {
        ticket.asks_for(&model.name);
    }
    ticket.counts_usage = names_model;

    let session = session(&head.headers);
    let mut headers = head.headers;
    keep_request_headers(&mut headers);
    headers.insert(CONTENT_LENGTH, body.len().into());
    if object.is_some() && body.is_empty() {
        headers.remove(CONTENT_LENGTH);
    }
    headers.insert(REQUEST_ID, ticket.id.clone());
    name_model(&mut headers, &model.name);
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Box::new(Ask {
        caller,
        service,
        // HEAD is GET without the body, which the connection leaves out.
        method: if head.method == Method::HEAD { Method::GET } else { head.method },
        target: target(service, object.as_ref()) + &query,
        session,
        headers,
        model,
        names_model,
        stream,
        links,
        body,
        memory: app.body_memory.clone(),
    }))
}

/// The canonical path, with the ids in it.
fn target(service: Service, object: Option<&ObjectIds>) -> String {
    let Some(ObjectIds(ids)) = object else { return service.path().to_owned() };
    let mut ids = ids.iter();
    let segments = service.path().split('/');
    let filled =
        segments.map(|part| if part.starts_with('{') { ids.next().map_or(part, |id| id) } else { part });
    filled.collect::<Vec<_>>().join("/")
}

/// The facts about a request that names no model: it makes an object, or is about one, and is then for the upstream that made it.
///
/// # Errors
/// 404 if there cannot be such an object, or it belongs to another key.
fn without_model(app: &App, caller: &Caller, object: Option<&ObjectIds>) -> Result<(Peek, Links), ApiError> {
    let ids = object.map_or(&[][..], |ObjectIds(ids)| ids);
    let unknown = |id: &String| ApiError::UnknownObject(id.clone());
    if let Some(no_id) = ids.iter().find(|id| !is_id(id)) {
        return Err(unknown(no_id));
    }
    let named = ids.first();
    let origin = match named {
        Some(id) => app.objects.origin(id, caller).map_err(|NotYours| unknown(id))?,
        None => None,
    };
    let name = origin.map(|origin| origin.model.to_string()).unwrap_or_default();
    let model = Model { name, at: 0..0, spelling: Spelling::Json };
    let links = Links { named: named.into_iter().cloned().collect(), is_kept: object.is_none() };
    Ok((Peek { model, stream: false }, links))
}

/// Sets the header that names the model to the worker, and removes the client's own.
pub(super) fn name_model(headers: &mut HeaderMap, model: &str) {
    let named = (!model.is_empty()).then(|| HeaderValue::from_bytes(model.as_bytes()));
    match named {
        Some(Ok(model)) => headers.insert(MODEL, model),
        _ => headers.remove(MODEL),
    };
}

fn session(headers: &HeaderMap) -> Option<String> {
    let session = headers.get(SESSION)?.to_str().ok()?.trim();
    (1..=MAX_SESSION).contains(&session.len()).then(|| session.to_owned())
}

async fn peek(headers: &HeaderMap, body: Bytes) -> Result<Peek, ApiError> {
    if body.is_empty() {
        return Err(ApiError::invalid("The request has no body. It must name a `model`."));
    }
    let boundary = match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(content_type) => form::boundary(content_type)?,
        None => None,
    };
    let find = move |body: &Bytes| match &boundary {
        Some(boundary) => form::peek(body, boundary),
        None => json::peek(body),
    };
    let peek = if body.len() <= INLINE_PEEK {
        find(&body)
    } else {
        tokio::task::spawn_blocking(move || find(&body)).await.map_err(|_| ApiError::Internal)?
    }?;
    if peek.model.name.is_empty() {
        return Err(ApiError::field("model", "`model` must not be empty."));
    }
    if peek.model.name.len() > MAX_MODEL {
        return Err(ApiError::field("model", format!("`model` must not be longer than {MAX_MODEL} bytes.")));
    }
    Ok(peek)
}

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
mod tests;
