//! What the server refuses, as the description has it: statuses, codes and headers come from the refusals themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::http::error::ApiError;

type Answers = BTreeMap<String, RefOr<Response>>;

/// One of the events of a stream (HTML Standard, "Server-sent events"), as `text/event-stream` has them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is there to be described")]
pub(crate) struct Event {
    /// Its name; `message` if it has none.
    #[schema(required = false)]
    event: String,
    /// JSON, or `[DONE]` at the end of OpenAI's streams.
    data: String,
}

/// Of every path that wants a key.
pub(crate) struct Guarded;

/// Of paths with a part that varies.
pub(crate) struct Malformed;

/// Of folders.
pub(crate) struct NoFile;

/// Of metrics, where they have a port of their own.
pub(crate) struct Elsewhere;

/// Of what acts on something.
pub(crate) struct Missing;

/// Of what is about one model.
pub(crate) struct UnknownModel;

/// Of the path that workers connect to.
pub(crate) struct Tunnel;

impl IntoResponses for Guarded {
    fn responses() -> Answers {
        refused(&[
            ApiError::Unauthorized("The key is missing or wrong."),
            ApiError::ForeignOrigin,
            ApiError::ForeignHost,
        ])
    }
}

impl IntoResponses for Malformed {
    fn responses() -> Answers {
        refused(&[ApiError::invalid("A part of the path is not what it should be.")])
    }
}

impl IntoResponses for NoFile {
    fn responses() -> Answers {
        refused(&[ApiError::UnknownPath("that name".to_owned())])
    }
}

impl IntoResponses for Elsewhere {
    fn responses() -> Answers {
        refused(&[ApiError::UnknownPath("this path, if `metrics_port` is set".to_owned())])
    }
}

impl IntoResponses for Missing {
    fn responses() -> Answers {
        refused(&[ApiError::Nothing("It is not there, or not any more.")])
    }
}

impl IntoResponses for UnknownModel {
    fn responses() -> Answers {
        refused(&[ApiError::UnknownModel("MODEL".to_owned())])
    }
}

impl IntoResponses for Tunnel {
    fn responses() -> Answers {
        refused(&[
            ApiError::invalid("The handshake is not complete, or without the subprotocol."),
            ApiError::Unauthorized("The worker's key is missing or wrong."),
            ApiError::ForeignOrigin,
            ApiError::ForeignHost,
            ApiError::NotWebSocket,
            ApiError::Draining,
        ])
    }
}

/// All that a request to a model can be refused with, in the order of the flow's stages.
pub(crate) fn of_the_flow() -> Answers {
    let model = || "MODEL".to_owned();
    refused(&[
        ApiError::Draining,
        ApiError::HeadersTooLarge(0),
        ApiError::Unauthorized("The key is missing or wrong."),
        ApiError::Overloaded,
        ApiError::BodyTooLarge(0),
        ApiError::TooSlow,
        ApiError::invalid(
            "The body is not what it should be, or names no model; or the model's runtime says so.",
        ),
        ApiError::UnknownModel(model()),
        ApiError::NobodyReady(model()),
        ApiError::QueueFull(model()),
        ApiError::QueueTimeout(model()),
        ApiError::Backend("The model's runtime or its machine failed before the answer began.".to_owned()),
        ApiError::Timeout(Duration::ZERO),
        ApiError::Cancelled,
    ])
}

/// One answer for each status among these.
pub(crate) fn refused(refusals: &[ApiError]) -> Answers {
    let mut by_status: BTreeMap<StatusCode, Vec<&ApiError>> = BTreeMap::new();
    for refusal in refusals {
        by_status.entry(refusal.status()).or_default().push(refusal);
    }
    by_status
        .into_iter()
        .map(|(status, refusals)| (status.as_str().to_owned(), answer(&refusals).into()))
        .collect()
}

fn answer(refusals: &[&ApiError]) -> Response {
    let said: Vec<_> = refusals.iter().map(|refusal| said(refusal)).collect();
    let mut answer = ResponseBuilder::new()
        .description(said.join("\n\n"))
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build(),
        )
        .build();
    if refusals.iter().any(|refusal| refusal.retry_after().is_some()) {
        answer.headers.insert("Retry-After".to_owned(), header("RetryAfter"));
    }
    if refusals.contains(&&ApiError::Cancelled) {
        answer.headers.insert("X-Should-Retry".to_owned(), header("ShouldRetry"));
    }
    answer
}

/// A reference to a described header.
pub(crate) fn header(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn said(refusal: &ApiError) -> String {
    // Limits are settings: their numbers are another server's.
    let words = match refusal {
        ApiError::BodyTooLarge(_) => "The body is larger than `max_body`.".to_owned(),
        ApiError::HeadersTooLarge(_) => "The head is larger than `max_headers`.".to_owned(),
        ApiError::Timeout(_) => "The model's runtime sent nothing for `first_byte_timeout`.".to_owned(),
        other => other.to_string(),
    };
    match refusal.code() {
        Some(code) => format!("`{code}`: {words}"),
        None => words,
    }
}
