//! All errors that this server itself reports: status, code, and whether to retry. `message` has the texts,
//! and `openai` renders errors as JSON.
//!
//! Types and codes are those that the official SDKs branch on. SDKs retry 408, 409, 429 and 5xx twice, so permanent errors have other
//! statuses.

mod message;
mod openai;

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::request_id::request_id;
pub(crate) use openai::Envelope;

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The request itself is invalid.
    Invalid {
        /// What is wrong, for the developer of the client.
        message: String,
        /// The invalid field.
        param: Option<&'static str>,
    },
    /// The body exceeds this limit, bytes.
    BodyTooLarge(usize),
    /// The body has an encoding that this server cannot undo. Holds the value of `Content-Encoding`.
    UnsupportedEncoding(String),
    /// The head is larger than this limit, bytes.
    HeadersTooLarge(usize),
    /// The head has more lines than this.
    TooManyHeaders(usize),
    /// The body has a transfer coding that this server does not know.
    UnknownTransferCoding(String),
    /// The client took too long to send its request.
    RequestTimeout,
    /// The path does not exist.
    UnknownPath {
        /// The method and the path.
        asked: String,
        /// The path that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The object to act on does not exist. Holds the message.
    NotFound(&'static str),
    /// The request comes from a page of another site, which the settings do not allow.
    ForeignOrigin,
    /// The `Host` is not a name of this machine.
    ForeignHost,
    /// The path does not accept the method. Holds the methods that it accepts, as in `Allow`.
    UnknownMethod(String),
    /// The path requires a WebSocket.
    NotWebSocket,
    /// The key is missing or wrong. Holds the message.
    Unauthorized(&'static str),
    /// The key's role does not allow the request. Holds the message.
    InsufficientPermissions(String),
    /// The object does not exist, or belongs to another key. Holds its id.
    UnknownObject(String),
    /// This server does not support this part of the API. Holds the message.
    NotSupported(&'static str),
    /// The upstream that has an object is not there. Holds the object's id.
    ObjectAway(String),
    /// The model is unknown.
    UnknownModel {
        /// The name that was asked for.
        model: String,
        /// The model that was probably meant.
        nearest: Option<String>,
    },
    /// The model is known, but no upstream that has it is ready.
    NoUpstreamReady(String),
    /// All upstreams with the model are busy, and its queue is full.
    QueueFull(String),
    /// No upstream became free within the queue timeout.
    QueueTimeout(String),
    /// Too many requests are open, or their bodies take too much memory.
    Overloaded,
    /// The server is shutting down.
    Draining,
    /// The upstream failed, and no other could take over. Holds the message.
    Backend(String),
    /// Upstreams were lost during the request, one after the other. Holds what happened to the last one.
    RepeatedLoss(String),
    /// The upstream sent nothing for this long.
    Timeout(Duration),
    /// An operator cancelled the request.
    Cancelled,
    /// A bug in the server.
    Internal,
}

/// `false` keeps the official SDKs from repeating a request.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// `Retry-After` in seconds: a worker that restarts is back by then.
const RETRY_SOON: u64 = 2;

/// `Retry-After` in seconds while the server itself shuts down.
const RETRY_RESTART: u64 = 5;

impl ApiError {
    /// The name in accounting and metrics of an error without a code.
    pub const INVALID: &'static str = "invalid_request";

    /// The names in accounting and metrics of all errors that a ticket can end with: codes, and [`ApiError::INVALID`].
    pub const CODES: &'static [&'static str] = &[
        Self::INVALID,
        "request_too_large",
        "unsupported_content_encoding",
        "headers_too_large",
        "request_timeout",
        "unknown_url",
        "upgrade_required",
        "invalid_api_key",
        "insufficient_permissions",
        "not_found",
        "model_not_found",
        "no_worker_ready",
        "queue_full",
        "queue_timeout",
        "server_is_overloaded",
        "server_draining",
    ];

    /// The request is invalid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: None }
    }

    /// A field of the request is invalid.
    pub fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: Some(param) }
    }

    /// The path is unknown. `asked` is the method and the path.
    pub fn unknown_path(asked: impl Into<String>) -> Self {
        Self::UnknownPath { asked: asked.into(), nearest: None }
    }

    /// The model is unknown, and no other has a name like it.
    pub fn unknown_model(model: impl Into<String>) -> Self {
        Self::UnknownModel { model: model.into(), nearest: None }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownTransferCoding(_) | Self::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
            Self::HeadersTooLarge(_) | Self::TooManyHeaders(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownPath { .. }
            | Self::NotFound(_)
            | Self::UnknownObject(_)
            | Self::UnknownModel { .. } => StatusCode::NOT_FOUND,
            Self::ForeignOrigin | Self::ForeignHost | Self::InsufficientPermissions(_) => {
                StatusCode::FORBIDDEN
            }
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NoUpstreamReady(_)
            | Self::ObjectAway(_)
            | Self::QueueFull(_)
            | Self::QueueTimeout(_)
            | Self::Overloaded
            | Self::Cancelled
            | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Backend(_) | Self::RepeatedLoss(_) => StatusCode::BAD_GATEWAY,
            Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether an upstream or this server is at fault, not the caller.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Backend(_) | Self::RepeatedLoss(_) | Self::Timeout(_) | Self::Internal)
    }

    /// OpenAI's error type.
    fn kind(&self) -> &'static str {
        match self.status().as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            500 | 502 | 504 => "server_error",
            503 => "service_unavailable_error",
            _ => "invalid_request_error",
        }
    }

    /// The code that programs branch on.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid { .. } => return None,
            Self::BodyTooLarge(_) => "request_too_large",
            Self::UnsupportedEncoding(_) => "unsupported_content_encoding",
            Self::HeadersTooLarge(_) | Self::TooManyHeaders(_) => "headers_too_large",
            Self::UnknownTransferCoding(_) => "unknown_transfer_coding",
            Self::NotSupported(_) => "not_supported",
            Self::RequestTimeout => "request_timeout",
            Self::UnknownPath { .. } => "unknown_url",
            Self::NotFound(_) | Self::UnknownObject(_) => "not_found",
            Self::ForeignOrigin => "foreign_origin",
            Self::ForeignHost => "foreign_host",
            Self::UnknownMethod(_) => "method_not_allowed",
            Self::NotWebSocket => "upgrade_required",
            Self::Unauthorized(_) => "invalid_api_key",
            Self::InsufficientPermissions(_) => "insufficient_permissions",
            Self::UnknownModel { .. } => "model_not_found",
            Self::NoUpstreamReady(_) | Self::ObjectAway(_) => "no_worker_ready",
            Self::QueueFull(_) => "queue_full",
            Self::QueueTimeout(_) => "queue_timeout",
            Self::Overloaded => "server_is_overloaded",
            Self::Draining => "server_draining",
            Self::Backend(_) => "backend_error",
            Self::RepeatedLoss(_) => "repeated_loss",
            Self::Timeout(_) => "backend_timeout",
            Self::Cancelled => "request_cancelled",
            Self::Internal => "internal_error",
        })
    }

    fn param(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { param, .. } => *param,
            Self::UnknownModel { .. } => Some("model"),
            _ => None,
        }
    }

    /// Seconds after which the client should retry; `None` if retrying does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Draining => Some(RETRY_RESTART),
            Self::Cancelled => None,
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_SOON),
            _ => None,
        }
    }

    /// Whether the official SDKs, which repeat every 5xx twice, must not repeat the request: it was cancelled on purpose, takes down upstreams or
    /// this server, or a runtime has been busy with it for as long as a request may take. All other errors of 5xx pass, and 4xx are not repeated,
    /// except a 408, which a better connection mends.
    pub fn forbids_retry(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::RepeatedLoss(_)
                | Self::Timeout(_)
                | Self::Internal
                | Self::UnknownTransferCoding(_)
                | Self::NotSupported(_)
        )
    }

    /// The response to a request with these headers, for requests without a ticket.
    pub fn response_to(&self, headers: &HeaderMap) -> Response {
        self.response(request_id(headers).to_str().unwrap_or_default())
    }

    /// The response, in the shape of OpenAI's API.
    pub fn response(&self, request_id: &str) -> Response {
        let mut response = (self.status(), Body::from(self.openai_json(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.forbids_retry() {
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        match self {
            Self::UnknownMethod(allow) => {
                headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (ALLOW, allow)));
            }
            Self::UnsupportedEncoding(_) => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, zstd"));
            }
            Self::NotWebSocket => {
                headers.insert(http::header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
            }
            Self::Unauthorized(_) => {
                headers.insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repetition_does_not_mend_is_not_repeated() {
        let check = |error: ApiError, forbidden: bool| {
            let response = error.response("r");
            let header = response.headers().get(X_SHOULD_RETRY).map(|value| value.to_str().unwrap());
            assert_eq!(header, forbidden.then_some("false"), "{error}");
            assert!(!forbidden || error.retry_after().is_none(), "{error}");
        };
        check(ApiError::Timeout(Duration::from_secs(1)), true);
        check(ApiError::RepeatedLoss("lost".into()), true);
        check(ApiError::Cancelled, true);
        check(ApiError::Internal, true);
        check(ApiError::UnknownTransferCoding("gzip".into()), true);
        check(ApiError::NotSupported("not here"), true);
        check(ApiError::Backend("lost".into()), false);
        check(ApiError::QueueFull("m".into()), false);
        check(ApiError::QueueTimeout("m".into()), false);
        check(ApiError::NoUpstreamReady("m".into()), false);
        check(ApiError::Overloaded, false);
        check(ApiError::Draining, false);
        check(ApiError::RequestTimeout, false);
    }

    #[test]
    fn temporary_errors_say_when_to_retry() {
        let check = |error: ApiError, status: u16, retry: Option<&str>| {
            let response = error.response("r");
            let after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), after), (status, retry), "{error}");
        };
        check(ApiError::QueueFull("m".into()), 503, Some("2"));
        check(ApiError::Draining, 503, Some("5"));
        check(ApiError::unknown_model("m"), 404, None);
        check(ApiError::Backend("lost".into()), 502, None);
        check(ApiError::Timeout(Duration::from_secs(1)), 504, None);
        check(ApiError::invalid("no"), 400, None);
    }
}
