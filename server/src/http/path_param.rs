//! A part of a path.

use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// What stands at the place of a `{name}`. Where nothing of the kind can stand there, the request is refused in the shape of every other error.
pub(crate) struct PathParam<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(head, state).await {
            Ok(Path(part)) => Ok(Self(part)),
            Err(_) => {
                let wrong = ApiError::invalid("A part of the path is not what it should be.");
                Err(wrong.answer(&head.headers))
            }
        }
    }
}
