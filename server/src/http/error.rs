//! Whose fault it is, whether to try again, and what the caller may read: every error this server makes is born here, in OpenAI's shape.
//!
//! Types and codes are those the official SDKs branch on. SDKs repeat 408, 409, 429 and 5xx twice, which is why the permanent ones are not
//! among them.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounting::ticket::request_id;

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The request itself is wrong; `param` names the field.
    Invalid {
        /// What is wrong, for the person who wrote the client.
        message: String,
        /// The field at fault.
        param: Option<&'static str>,
    },
    /// The body is larger than this server takes, bytes.
    BodyTooLarge(usize),
    /// The head is larger than this server takes, bytes.
    HeadersTooLarge(usize),
    /// The client took too long to send its request.
    TooSlow,
    /// There is no such path.
    UnknownPath(String),
    /// What is to be acted on is not there.
    Nothing(&'static str),
    /// A page of another site asks.
    ForeignOrigin,
    /// It was sent to a name that is not this machine's.
    ForeignHost,
    /// The path is known, the method is not.
    UnknownMethod(String),
    /// The path wants a WebSocket.
    NotWebSocket,
    /// The key is missing or wrong.
    Unauthorized(&'static str),
    /// No worker has the model.
    UnknownModel(String),
    /// Workers have the model, but none is ready.
    NobodyReady(String),
    /// All workers with the model are busy, and so many requests wait already.
    QueueFull(String),
    /// No worker became free in time.
    QueueTimeout(String),
    /// As many requests are open as this server takes.
    Overloaded,
    /// The server is about to stop.
    Draining,
    /// The worker was lost or its runtime failed, and no other could take over.
    Backend(String),
    /// The runtime was silent for too long.
    Timeout(Duration),
    /// Somebody on this side has ended the request.
    Cancelled,
    /// A bug of ours.
    Internal,
}

/// Keeps the official SDKs from repeating what somebody has ended on purpose.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Seconds after which a client should try again: a worker that restarts is back by then.
const RETRY_SOON: u64 = 2;

/// The same when the server itself goes away.
const RETRY_RESTART: u64 = 5;

impl ApiError {
    /// What books and metrics call a refusal that has no code.
    pub const INVALID: &'static str = "invalid_request";

    /// How books and metrics name what may become of a ticket that is refused: codes, and [`ApiError::INVALID`].
    pub const CODES: &'static [&'static str] = &[
        Self::INVALID,
        "request_too_large",
        "headers_too_large",
        "request_timeout",
        "unknown_url",
        "upgrade_required",
        "invalid_api_key",
        "model_not_found",
        "no_worker_ready",
        "queue_full",
        "queue_timeout",
        "server_is_overloaded",
        "server_draining",
    ];

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: None }
    }

    /// A field of the request is wrong.
    pub fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: Some(param) }
    }

    /// The HTTP status it is sent with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadersTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownPath(_) | Self::Nothing(_) | Self::UnknownModel(_) => StatusCode::NOT_FOUND,
            Self::ForeignOrigin | Self::ForeignHost => StatusCode::FORBIDDEN,
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NobodyReady(_)
            | Self::QueueFull(_)
            | Self::QueueTimeout(_)
            | Self::Overloaded
            | Self::Cancelled
            | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Backend(_) => StatusCode::BAD_GATEWAY,
            Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether a worker or runtime, or we, are to blame, and not who asked.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Backend(_) | Self::Timeout(_) | Self::Internal)
    }

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

    /// What programs branch on.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid { .. } => return None,
            Self::BodyTooLarge(_) => "request_too_large",
            Self::HeadersTooLarge(_) => "headers_too_large",
            Self::TooSlow => "request_timeout",
            Self::UnknownPath(_) => "unknown_url",
            Self::Nothing(_) => "not_found",
            Self::ForeignOrigin => "foreign_origin",
            Self::ForeignHost => "foreign_host",
            Self::UnknownMethod(_) => "method_not_allowed",
            Self::NotWebSocket => "upgrade_required",
            Self::Unauthorized(_) => "invalid_api_key",
            Self::UnknownModel(_) => "model_not_found",
            Self::NobodyReady(_) => "no_worker_ready",
            Self::QueueFull(_) => "queue_full",
            Self::QueueTimeout(_) => "queue_timeout",
            Self::Overloaded => "server_is_overloaded",
            Self::Draining => "server_draining",
            Self::Backend(_) => "backend_error",
            Self::Timeout(_) => "backend_timeout",
            Self::Cancelled => "request_cancelled",
            Self::Internal => "internal_error",
        })
    }

    fn param(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { param, .. } => *param,
            Self::UnknownModel(_) => Some("model"),
            _ => None,
        }
    }

    /// Seconds after which it is worth trying again, if it is.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Draining => Some(RETRY_RESTART),
            Self::Cancelled => None,
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_SOON),
            _ => None,
        }
    }

    /// The error as JSON.
    pub fn json(&self, request_id: &str) -> String {
        serde_json::to_string(&Envelope { error: self.error(request_id) }).expect("plain data")
    }

    fn error<'a>(&self, request_id: &'a str) -> Error<'a> {
        Error {
            message: self.to_string(),
            kind: self.kind(),
            param: self.param(),
            code: self.code(),
            request_id,
        }
    }

    /// The error as an event of the Responses API has it: with a type, and its parts at the top; the whole as well, for clients that look there.
    pub fn typed_json(&self, request_id: &str) -> String {
        let error = self.error(request_id);
        let event = Event {
            kind: "error",
            code: error.code,
            message: &error.message,
            param: error.param,
            error: &error,
        };
        serde_json::to_string(&event).expect("plain data")
    }

    /// The error as a response to a request with these headers, for whoever keeps no ticket of it.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        self.response(request_id(headers).to_str().unwrap_or_default())
    }

    /// The error as a response.
    pub fn response(&self, request_id: &str) -> Response {
        let mut response = (self.status(), Body::from(self.json(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        match self {
            Self::UnknownMethod(allow) => {
                headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (ALLOW, allow)));
            }
            Self::Cancelled => {
                headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
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

impl std::fmt::Display for ApiError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid { message, .. } => out.write_str(message),
            Self::BodyTooLarge(most) => write!(out, "The request body is larger than {most} bytes."),
            Self::HeadersTooLarge(most) => write!(out, "The request's headers are larger than {most} bytes."),
            Self::TooSlow => out.write_str("The request took too long to arrive."),
            Self::UnknownPath(path) => write!(out, "There is nothing at {path}."),
            Self::Nothing(message) => out.write_str(message),
            Self::ForeignOrigin => out.write_str("Pages of other sites may not do that."),
            Self::ForeignHost => out.write_str(
                "A server without keys that listens on this machine only answers to localhost and to addresses, unless `allowed_origins` lists the site.",
            ),
            Self::UnknownMethod(allow) => write!(out, "This path takes {allow} only."),
            Self::NotWebSocket => out.write_str("This path is for workers, which speak WebSocket."),
            Self::Unauthorized(message) => out.write_str(message),
            Self::UnknownModel(model) => {
                write!(out, "The model `{model}` does not exist here. GET /v1/models lists those that do.")
            }
            Self::NobodyReady(model) => {
                write!(out, "The workers that have the model `{model}` are not ready. Try again soon.")
            }
            Self::QueueFull(model) => {
                write!(
                    out,
                    "All workers with the model `{model}` are busy and the queue is full. Try again soon."
                )
            }
            Self::QueueTimeout(model) => {
                write!(out, "No worker with the model `{model}` became free in time. Try again soon.")
            }
            Self::Overloaded => out.write_str("The server has too many open requests. Try again soon."),
            Self::Draining => out.write_str("The server is about to stop and takes no new requests."),
            Self::Backend(message) => out.write_str(message),
            Self::Timeout(limit) => {
                write!(out, "The model's runtime sent nothing for {} s.", limit.as_secs_f32())
            }
            Self::Cancelled => out.write_str("The request was cancelled by the operator of this server."),
            Self::Internal => {
                out.write_str("The server made a mistake. Its log says more under the request id.")
            }
        }
    }
}

/// An error as OpenAI's clients know it.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Envelope<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: Option<&'static str>,
    message: &'a str,
    param: Option<&'static str>,
    error: &'a Error<'a>,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
struct Error<'a> {
    /// For people.
    message: String,
    /// Whose fault it is: `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`, `server_error` or
    /// `service_unavailable_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The field of the request at fault.
    #[schema(required)]
    param: Option<&'static str>,
    /// What programs branch on.
    #[schema(required)]
    code: Option<&'static str>,
    /// As `X-Request-Id` has it, and the server's log. Errors of a model's runtime have none.
    #[schema(required = false)]
    request_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_that_sdks_read() {
        let refusal = ApiError::UnknownModel("gpt-9\"".into());
        let json: serde_json::Value = serde_json::from_str(&refusal.json("req-1")).unwrap();
        let error = &json["error"];
        assert_eq!(error["type"], "not_found_error");
        assert_eq!((&error["param"], &error["code"]), (&"model".into(), &"model_not_found".into()));
        assert_eq!(error["request_id"], "req-1");
        assert!(error["message"].as_str().unwrap().contains("gpt-9\""));
    }

    #[test]
    fn who_may_come_back_is_told_when() {
        let check = |refusal: ApiError, status: u16, retry: Option<&str>| {
            let response = refusal.response("r");
            let after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), after), (status, retry), "{refusal}");
        };
        check(ApiError::QueueFull("m".into()), 503, Some("2"));
        check(ApiError::Draining, 503, Some("5"));
        check(ApiError::UnknownModel("m".into()), 404, None);
        check(ApiError::Backend("lost".into()), 502, None);
        check(ApiError::Timeout(Duration::from_secs(1)), 504, None);
        check(ApiError::invalid("no"), 400, None);
    }
}
