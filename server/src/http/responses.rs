//! Responses in the OpenAPI description. Statuses, codes and headers of errors come from [`ApiError`] itself.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::http::error::ApiError;
use crate::http::head;

type Responses = BTreeMap<String, RefOr<Response>>;

/// One event of a stream (HTML Standard, "Server-sent events"), as in `text/event-stream`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it exists to be described")]
pub(crate) struct Event {
    /// The name of the event; `message` if absent.
    #[schema(required = false)]
    event: String,
    /// JSON, or `[DONE]` at the end of OpenAI's streams.
    data: String,
}

/// Errors of paths that accept an API key with any role.
pub(crate) struct KeyRequired;

/// Errors of paths that need the role `user` or `admin`.
pub(crate) struct UserRequired;

/// 501: the API has it, this server does not.
pub(crate) struct NotSupported;

/// Errors of paths that need the role `viewer` or `admin`.
pub(crate) struct ViewerRequired;

/// Errors of paths that need the role `admin`.
pub(crate) struct AdminRequired;

/// 400: a path parameter is invalid.
pub(crate) struct BadPathParam;

/// 400: a query parameter is invalid.
pub(crate) struct BadQuery;

/// 400: the body is invalid.
pub(crate) struct InvalidBody;

/// 404: there is no file with that name.
pub(crate) struct FileNotFound;

/// 404: metrics have their own port.
pub(crate) struct OnMetricsPort;

/// 404: the object to act on does not exist.
pub(crate) struct NotFound;

/// 404: the model is unknown. 503: this cannot be told yet.
pub(crate) struct ModelNotFound;

/// Errors of the path that workers connect to.
pub(crate) struct WorkerHandshake;

impl IntoResponses for KeyRequired {
    fn responses() -> Responses {
        errors(&authentication())
    }
}

impl IntoResponses for UserRequired {
    fn responses() -> Responses {
        errors(&[authentication(), vec![role("`user` or `admin`")]].concat())
    }
}

impl IntoResponses for NotSupported {
    fn responses() -> Responses {
        errors(&[ApiError::NotSupported("This server does not offer it.")])
    }
}

impl IntoResponses for ViewerRequired {
    fn responses() -> Responses {
        errors(&[authentication(), vec![role("`viewer` or `admin`")]].concat())
    }
}

impl IntoResponses for AdminRequired {
    fn responses() -> Responses {
        errors(&[authentication(), vec![role("`admin`")]].concat())
    }
}

impl IntoResponses for BadPathParam {
    fn responses() -> Responses {
        errors(&[ApiError::invalid("A path parameter is invalid.")])
    }
}

impl IntoResponses for BadQuery {
    fn responses() -> Responses {
        errors(&[ApiError::invalid("A query parameter is invalid.")])
    }
}

impl IntoResponses for InvalidBody {
    fn responses() -> Responses {
        errors(&[ApiError::invalid("The body is invalid.")])
    }
}

impl IntoResponses for FileNotFound {
    fn responses() -> Responses {
        errors(&[ApiError::unknown_path("GET /api/client/NAME")])
    }
}

impl IntoResponses for OnMetricsPort {
    fn responses() -> Responses {
        errors(&[ApiError::unknown_path("GET /metrics (if `metrics_port` is set)")])
    }
}

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        errors(&[ApiError::NotFound("It does not exist, or no longer exists.")])
    }
}

impl IntoResponses for ModelNotFound {
    fn responses() -> Responses {
        errors(&[ApiError::unknown_model("MODEL"), ApiError::NoUpstreamReady("MODEL".to_owned())])
    }
}

impl IntoResponses for WorkerHandshake {
    fn responses() -> Responses {
        errors(&[
            ApiError::invalid("The handshake is incomplete, or does not offer the subprotocol."),
            ApiError::Unauthorized("The worker's key is missing or wrong."),
            ApiError::ForeignOrigin,
            ApiError::ForeignHost,
            ApiError::NotWebSocket,
            ApiError::Draining,
        ])
    }
}

fn authentication() -> Vec<ApiError> {
    let missing = ApiError::Unauthorized("The API key is missing or wrong.");
    vec![missing, ApiError::ForeignOrigin, ApiError::ForeignHost]
}

fn role(needed: &str) -> ApiError {
    ApiError::InsufficientPermissions(format!("The API key does not have the role {needed}."))
}

/// All errors of a request to a model, in the order of the flow's stages.
pub(crate) fn model_request_errors() -> Responses {
    let model = || "MODEL".to_owned();
    errors(&[
        ApiError::Draining,
        ApiError::HeadersTooLarge(0),
        ApiError::TooManyHeaders(head::MAX_LINES),
        ApiError::UnknownTransferCoding("gzip".to_owned()),
        ApiError::Unauthorized("The API key is missing or wrong."),
        role("`user` or `admin`"),
        ApiError::ForeignOrigin,
        ApiError::ForeignHost,
        ApiError::Overloaded,
        ApiError::BodyTooLarge(0),
        ApiError::RequestTimeout,
        ApiError::UnsupportedEncoding("br".to_owned()),
        ApiError::invalid(
            "The body is invalid or names no model, or the model's runtime rejects the request.",
        ),
        ApiError::unknown_model(model()),
        ApiError::UnknownObject("resp_ID".to_owned()),
        ApiError::NoUpstreamReady(model()),
        ApiError::QueueFull(model()),
        ApiError::QueueTimeout(model()),
        ApiError::Backend("The model's runtime or its machine failed before the response began.".to_owned()),
        ApiError::RepeatedLoss("The model's runtime failed before it responded.".to_owned()),
        ApiError::Timeout(Duration::ZERO),
        ApiError::Cancelled,
    ])
}

/// One response for each status among these errors.
pub(crate) fn errors(errors: &[ApiError]) -> Responses {
    let mut by_status: BTreeMap<StatusCode, Vec<&ApiError>> = BTreeMap::new();
    for error in errors {
        by_status.entry(error.status()).or_default().push(error);
    }
    by_status
        .into_iter()
        .map(|(status, errors)| (status.as_str().to_owned(), response(&errors).into()))
        .collect()
}

fn response(errors: &[&ApiError]) -> Response {
    let descriptions: Vec<_> = errors.iter().map(|error| description(error)).collect();
    let mut response = ResponseBuilder::new()
        .description(descriptions.join("\n\n"))
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build(),
        )
        .build();
    if errors.iter().any(|error| error.retry_after().is_some()) {
        response.headers.insert("Retry-After".to_owned(), header("RetryAfter"));
    }
    if errors.iter().any(|error| error.forbids_retry()) {
        response.headers.insert("X-Should-Retry".to_owned(), header("ShouldRetry"));
    }
    response
}

/// A reference to a described header.
pub(crate) fn header(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn description(error: &ApiError) -> String {
    // Limits are settings, so the descriptions name the setting instead of a number.
    let message = match error {
        ApiError::BodyTooLarge(_) => "The body is larger than `max_body`.".to_owned(),
        ApiError::HeadersTooLarge(_) => "The headers are larger than `max_headers`.".to_owned(),
        ApiError::Timeout(_) => "The model's runtime sent nothing for `first_byte_timeout`.".to_owned(),
        other => other.to_string(),
    };
    match error.code() {
        Some(code) => format!("`{code}`: {message}"),
        None => message,
    }
}
