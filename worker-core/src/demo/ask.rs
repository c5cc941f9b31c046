//! Requests to the demo, parsed like the OpenAI API, with errors in its shape.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::MODEL;

/// A valid JSON request body for the demo's model.
pub(super) struct Ask<T>(pub(super) T);

/// An error in OpenAI's shape.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
}

/// `input` and `prompt`: one or many texts, or one or many lists of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

impl Input {
    /// One text per input; tokens are replaced by their numbers.
    pub(super) fn texts(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
            Self::Tokens(tokens) => vec![numbers(&tokens)],
            Self::TokenLists(lists) => lists.iter().map(|tokens| numbers(tokens)).collect(),
        }
    }
}

fn numbers(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Ask<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let body = Bytes::from_request(request, state).await.map_err(|error| Fault {
            status: error.status(),
            code: None,
            param: None,
            message: error.body_text(),
        })?;
        for_our_model(&body)?;
        serde_json::from_slice(&body).map(Self).map_err(|error| Fault::bad(None, error.to_string()))
    }
}

fn for_our_model(body: &[u8]) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct For {
        model: Option<String>,
    }
    let wanted: For = serde_json::from_slice(body)
        .map_err(|error| Fault::bad(None, format!("the request is not valid JSON: {error}")))?;
    match wanted.model {
        None => Err(Fault::bad(Some("model"), "you must provide a model".to_owned())),
        Some(model) if model != MODEL => Err(Fault::no_such_model(&model)),
        Some(_) => Ok(()),
    }
}

impl Fault {
    pub(super) fn bad(param: Option<&'static str>, message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: None, param, message }
    }

    pub(super) fn no_such_model(model: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: Some("model_not_found"),
            param: Some("model"),
            message: format!("the model `{model}` does not exist: the demo has only `{MODEL}`"),
        }
    }

    pub(super) fn no_such_path() -> Self {
        let message = "unknown path".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: None, param: None, message }
    }

    pub(super) fn wrong_method() -> Self {
        let message = "this path does not accept the method".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: None, param: None, message }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "error": {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        } });
        (self.status, Json(body)).into_response()
    }
}
