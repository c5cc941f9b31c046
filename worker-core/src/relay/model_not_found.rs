//! Notices that the runtime does not have a model that it listed: its list is to be read at once.

use std::sync::Arc;

use http::StatusCode;
use memchr::memmem;
use tokio::sync::Notify;

use crate::runtime::Operation;

/// How much of an error is looked at, bytes: the sentence stands at its begin.
const LOOKED_AT: usize = 1024;

/// How runtimes say that they do not have a model, in lower case.
const MISSING: [&[u8]; 5] = [b"not found", b"does not exist", b"not_found", b"no such", b"unknown model"];

/// Watches one response.
pub(super) struct Watch(Option<Arc<Notify>>);

impl Watch {
    /// Notifies `alarm` if a response with this status says that the model does not exist. vLLM and Ollama say 404, LM Studio and llama.cpp 400.
    pub(super) fn new(operation: Operation, status: StatusCode, alarm: Arc<Notify>) -> Self {
        let may_say_so = matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST);
        Self((operation.names_model() && may_say_so).then_some(alarm))
    }

    /// The first piece of the response's body.
    pub(super) fn first(self, piece: &[u8]) {
        if let Self(Some(alarm)) = self
            && says_so(&piece[..piece.len().min(LOOKED_AT)])
        {
            alarm.notify_one();
        }
    }
}

fn says_so(piece: &[u8]) -> bool {
    let lower = piece.to_ascii_lowercase();
    memmem::find(&lower, b"model").is_some()
        && MISSING.iter().any(|words| memmem::find(&lower, words).is_some())
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[tokio::test]
    async fn what_runtimes_say() {
        let check = async |path: &str, status: StatusCode, body: &str, expect: bool| {
            let alarm = Arc::new(Notify::new());
            let operation = Operation::find(&Method::POST, path).unwrap();
            Watch::new(operation, status, alarm.clone()).first(body.as_bytes());
            let notified = tokio::time::timeout(std::time::Duration::ZERO, alarm.notified()).await.is_ok();
            assert_eq!(notified, expect, "{status} {body}");
        };
        let chat = "/v1/chat/completions";
        for (status, body) in [
            (404, r#"{"error":{"message":"model 'm:latest' not found","type":"not_found_error"}}"#),
            (
                404,
                r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Model \"m\" not found. Please specify a valid model.","code":"model_not_found"}}"#,
            ),
            (400, r#"{"error":{"code":400,"message":"model 'm' not found","type":"invalid_request_error"}}"#),
        ] {
            check(chat, StatusCode::from_u16(status).unwrap(), body, true).await;
        }
        check(
            chat,
            StatusCode::BAD_REQUEST,
            r#"{"error":{"message":"The model's context is 4096 tokens."}}"#,
            false,
        )
        .await;
        check(chat, StatusCode::NOT_FOUND, "404 page not found", false).await;
        check(chat, StatusCode::OK, r#"{"content":"model not found"}"#, false).await;
        check("/v1/responses/resp_1/cancel", StatusCode::NOT_FOUND, "model not found", false).await;
    }
}
