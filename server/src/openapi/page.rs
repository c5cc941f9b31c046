//! The API page: Swagger UI for the description. It is part of the program if the Cargo feature `api-docs` is on.

use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};

use crate::http::error::ApiError;
use crate::http::path_param::PathParam;
use crate::http::responses::{BadPathParam, FileNotFound};

#[cfg(feature = "api-docs")]
mod swagger;

/// Without the feature there are no files.
#[cfg(not(feature = "api-docs"))]
mod swagger {
    pub(super) fn file(_name: &str) -> Option<axum::response::Response> {
        None
    }
}

/// The response of a server that was built without the feature.
const NOT_BUILT: &str = "This server was built without its API page (Cargo feature `api-docs`). \
     The OpenAPI description is available at /api/client/openapi.json.";

/// Redirect to the API page
#[utoipa::path(
    get, path = "/api/client", operation_id = "client_slash", tag = "Pages", security(()),
    responses((status = 307, description = "The page is at `/api/client/`.")),
)]
pub(crate) async fn slash() -> Response {
    // Relative, so that it also works behind a proxy that adds a path prefix.
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "client/")]).into_response()
}

/// The API page
///
/// Shows this description, and sends requests from it.
#[utoipa::path(
    get, path = "/api/client/", operation_id = "client", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        (status = 404, description = "This server was built without its API page.", content_type = "text/plain", body = String),
    ),
)]
pub(crate) async fn page() -> Response {
    swagger::file("index.html").unwrap_or_else(|| (StatusCode::NOT_FOUND, NOT_BUILT).into_response())
}

/// A file of the API page
#[utoipa::path(
    get, path = "/api/client/{file}", operation_id = "client_file", tag = "Pages", security(()),
    params(("file" = String, Path, description = "The file's name.")),
    responses(
        (status = 200, description = "The file.", content_type = "text/*", body = String),
        FileNotFound,
        BadPathParam,
    ),
)]
pub(crate) async fn file(PathParam(name): PathParam<String>, headers: HeaderMap) -> Response {
    let unknown = || ApiError::unknown_path(format!("GET /api/client/{name}")).response_to(&headers);
    swagger::file(&name).unwrap_or_else(unknown)
}
