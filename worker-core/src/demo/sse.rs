//! Server-sent events at the speed of a model, so that streaming is visible.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

/// Time between two events: 50 tokens per second, as on a fast machine.
const PACE: Duration = Duration::from_millis(20);

/// The last event of chat and completions streams.
pub(super) const DONE: &str = "data: [DONE]\n\n";

/// An event without a name.
pub(super) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event whose name is its `type`, as in the Responses API.
pub(super) fn named(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}

/// A response that sends the events one after the other.
pub(super) fn paced<E>(events: E) -> Response
where
    E: Iterator<Item = String> + Send + 'static,
{
    let mut beat = interval(PACE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let body = stream::unfold((events, beat), |(mut events, mut beat)| async move {
        let event = events.next()?;
        beat.tick().await;
        Some((Ok::<_, Infallible>(Bytes::from(event)), (events, beat)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
