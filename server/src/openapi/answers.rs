//! What the server refuses, as the description has it: statuses, codes and headers come from the refusals themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};

use crate::refusal::Refusal;

type Answers = BTreeMap<String, RefOr<Response>>;

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
            Refusal::Unauthorized("The key is missing or wrong."),
            Refusal::ForeignOrigin,
            Refusal::ForeignHost,
        ])
    }
}

impl IntoResponses for Malformed {
    fn responses() -> Answers {
        refused(&[Refusal::invalid("A part of the path is not what it should be.")])
    }
}

impl IntoResponses for NoFile {
    fn responses() -> Answers {
        refused(&[Refusal::UnknownPath("that name".to_owned())])
    }
}

impl IntoResponses for Elsewhere {
    fn responses() -> Answers {
        refused(&[Refusal::UnknownPath("this path, if `metrics_port` is set".to_owned())])
    }
}

impl IntoResponses for Missing {
    fn responses() -> Answers {
        refused(&[Refusal::Nothing("It is not there, or not any more.")])
    }
}

impl IntoResponses for UnknownModel {
    fn responses() -> Answers {
        refused(&[Refusal::UnknownModel("MODEL".to_owned())])
    }
}

impl IntoResponses for Tunnel {
    fn responses() -> Answers {
        refused(&[
            Refusal::invalid("The handshake is not complete, or without the subprotocol."),
            Refusal::Unauthorized("The worker's key is missing or wrong."),
            Refusal::ForeignOrigin,
            Refusal::ForeignHost,
            Refusal::NotWebSocket,
            Refusal::Draining,
        ])
    }
}

/// All that a request to a model can be refused with, in the order of the flow's stages.
pub(super) fn of_the_flow() -> Answers {
    let model = || "MODEL".to_owned();
    refused(&[
        Refusal::Draining,
        Refusal::HeadersTooLarge(0),
        Refusal::Unauthorized("The key is missing or wrong."),
        Refusal::Overloaded,
        Refusal::BodyTooLarge(0),
        Refusal::TooSlow,
        Refusal::invalid(
            "The body is not what it should be, or names no model; or the model's runtime says so.",
        ),
        Refusal::UnknownModel(model()),
        Refusal::NobodyReady(model()),
        Refusal::QueueFull(model()),
        Refusal::QueueTimeout(model()),
        Refusal::Backend("The model's runtime or its machine failed before the answer began.".to_owned()),
        Refusal::Timeout(Duration::ZERO),
        Refusal::Cancelled,
    ])
}

/// One answer for each status among these.
pub(super) fn refused(refusals: &[Refusal]) -> Answers {
    let mut by_status: BTreeMap<StatusCode, Vec<&Refusal>> = BTreeMap::new();
    for refusal in refusals {
        by_status.entry(refusal.status()).or_default().push(refusal);
    }
    by_status
        .into_iter()
        .map(|(status, refusals)| (status.as_str().to_owned(), answer(&refusals).into()))
        .collect()
}

fn answer(refusals: &[&Refusal]) -> Response {
    let said: Vec<_> = refusals.iter().map(|refusal| said(refusal)).collect();
    let mut answer = ResponseBuilder::new()
        .description(said.join("\n\n"))
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build(),
        )
        .build();
    if refusals.iter().any(|refusal| refusal.retry_after().is_some()) {
        answer.headers.insert("Retry-After".to_owned(), super::header("RetryAfter"));
    }
    if refusals.contains(&&Refusal::Cancelled) {
        answer.headers.insert("X-Should-Retry".to_owned(), super::header("ShouldRetry"));
    }
    answer
}

fn said(refusal: &Refusal) -> String {
    // Limits are settings: their numbers are another server's.
    let words = match refusal {
        Refusal::BodyTooLarge(_) => "The body is larger than `max_body`.".to_owned(),
        Refusal::HeadersTooLarge(_) => "The head is larger than `max_headers`.".to_owned(),
        Refusal::Timeout(_) => "The model's runtime sent nothing for `first_byte_timeout`.".to_owned(),
        other => other.to_string(),
    };
    match refusal.code() {
        Some(code) => format!("`{code}`: {words}"),
        None => words,
    }
}
