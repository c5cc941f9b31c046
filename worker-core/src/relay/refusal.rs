//! Error responses of the worker itself, in the shape of the API's errors.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use llamapool_tunnel::{Responder, head};
use serde_json::{Value, json};

/// Why the worker refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not an operation that is relayed.
    UnknownUrl,
    /// The model is hidden or remote: callers see an unknown model.
    NotOffered(String),
    /// The runtime may read a different model than the worker.
    Ambiguous(&'static str),
    /// The runtime was silent for too long.
    Silent,
}

impl Refusal {
    pub(super) fn answer(&self, mut responder: Responder) {
        let (status, error) = self.error();
        let body = json!({ "error": error }).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, body.len().into());
        let block = head::encode_response(status, &headers).expect("two short headers");
        responder.respond(block, body.into(), true);
    }

    fn error(&self) -> (StatusCode, Value) {
        let error = |message: &str, kind, param: Option<&str>, code| json!({ "message": message, "type": kind, "param": param, "code": code });
        match self {
            Self::UnknownUrl => {
                let message = "The worker does not relay this method and path to its runtime.";
                (StatusCode::NOT_FOUND, error(message, "not_found_error", None, "unknown_url"))
            }
            Self::NotOffered(model) => {
                let message = format!("The model `{model}` does not exist, or is not offered here.");
                (StatusCode::NOT_FOUND, error(&message, "not_found_error", Some("model"), "model_not_found"))
            }
            Self::Ambiguous(why) => (
                StatusCode::BAD_REQUEST,
                error(why, "invalid_request_error", Some("model"), "ambiguous_model"),
            ),
            Self::Silent => {
                let message = "The model's runtime was silent for too long.";
                (StatusCode::GATEWAY_TIMEOUT, error(message, "server_error", None, "backend_error"))
            }
        }
    }
}
