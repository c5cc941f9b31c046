//! Files. Each machine keeps its own; `flow` relays requests that make one, or name one.

use axum::response::Response;
use http::HeaderMap;

use crate::http::error::ApiError;
use crate::http::responses::{NotSupported, UserRequired};

const NO_LIST: &str = "The files are on several machines, so this server does not list them. `GET /v1/files/{id}` has each of them.";

/// List files
///
/// Not supported, because each machine has its own files. Use a file's id to find it.
#[utoipa::path(
    get, path = "/v1/files", operation_id = "files", tag = "Models",
    responses(NotSupported, UserRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn list(headers: HeaderMap) -> Response {
    ApiError::NotSupported(NO_LIST).response_to(&headers)
}
