//! Detects that the runtime does not have a model that it listed: its list is then read again immediately.

use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;
use tokio::sync::Notify;

use crate::runtime::{LONGEST_ERROR, Operation, may_miss_model, misses_model};

/// Watches one response. Almost all are of no interest, and cost nothing.
pub(super) struct Watch(Option<Box<Refusal>>);

/// The beginning of a response that may report that the model does not exist.
struct Refusal {
    alarm: Arc<Notify>,
    body: BytesMut,
}

impl Watch {
    /// Notifies `alarm` if a response with this status says that the model does not exist.
    pub(super) fn new(operation: Operation, status: StatusCode, alarm: Arc<Notify>) -> Self {
        let may_say_so = operation.names_model() && may_miss_model(status);
        Self(may_say_so.then(|| Box::new(Refusal { alarm, body: BytesMut::new() })))
    }

    /// The next chunk of the response body. A runtime's body may arrive long after the head, and in chunks.
    pub(super) fn see(&mut self, piece: &[u8]) {
        let Self(Some(refusal)) = self else { return };
        if refusal.body.len() + piece.len() > LONGEST_ERROR {
            self.0 = None;
        } else {
            refusal.body.extend_from_slice(piece);
        }
    }

    /// The body is whole.
    pub(super) fn end(self) {
        if let Self(Some(refusal)) = self
            && misses_model(&refusal.body)
        {
            refusal.alarm.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::Method;

    use super::*;

    const GONE: &str = r#"{"error":{"message":"model 'm:latest' not found","type":"not_found_error"}}"#;

    fn check(path: &str, status: StatusCode, pieces: &[&[u8]], expect: bool) {
        let alarm = Arc::new(Notify::new());
        let operation = Operation::find(&Method::POST, path).unwrap();
        let mut watch = Watch::new(operation, status, alarm.clone());
        pieces.iter().for_each(|piece| watch.see(piece));
        watch.end();
        let notified = alarm.notified().now_or_never().is_some();
        assert_eq!(notified, expect, "{path} {status}");
    }

    #[test]
    fn a_refusal_is_understood_however_it_comes() {
        let chat = "/v1/chat/completions";
        for status in [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST] {
            check(chat, status, &[GONE.as_bytes()], true);
            check(chat, status, &GONE.as_bytes().chunks(7).collect::<Vec<_>>(), true);
        }
        check(chat, StatusCode::OK, &[GONE.as_bytes()], false);
        check(chat, StatusCode::NOT_FOUND, &[b"404 page not found"], false);
        check(chat, StatusCode::NOT_FOUND, &[], false);
        check("/v1/responses/resp_1/cancel", StatusCode::NOT_FOUND, &[GONE.as_bytes()], false);
    }

    #[test]
    fn no_more_than_an_error_is_kept() {
        let blanks = vec![b' '; LONGEST_ERROR];
        check("/v1/chat/completions", StatusCode::NOT_FOUND, &[&blanks, GONE.as_bytes()], false);
    }
}
