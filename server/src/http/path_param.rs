//! Parameters in paths.

use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// The value of a `{name}` in a path. An invalid one is a 400 in the shape of every other error.
pub(crate) struct PathParam<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(head, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::invalid("A path parameter is invalid.").response_to(&head.headers)),
        }
    }
}

/// The values of all `{name}`s in a path, in their order.
pub(crate) struct PathParams(pub(crate) Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathParams {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Response> {
        let PathParam(named) = PathParam::<Vec<(String, String)>>::from_request_parts(head, state).await?;
        Ok(Self(named.into_iter().map(|(_, value)| value).collect()))
    }
}
