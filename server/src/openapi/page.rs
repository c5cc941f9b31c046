//! Swagger UI on the description. Its script and its styles are part of this program; the page around them is ours, since it may run no script that
//! stands in the page itself, and ask nobody but this server.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use utoipa_swagger_ui::Config;

use crate::http::answers::{Malformed, NoFile};
use crate::http::dashboard;
use crate::http::error::ApiError;
use crate::http::path_param::PathParam;

/// Browsers ask whether it has changed, which it does with each version of the server.
const CACHE: &str = "no-cache";

/// The files of Swagger UI that the page needs, of about a dozen.
static SCRIPT: LazyLock<Bytes> = LazyLock::new(|| vendored("swagger-ui-bundle.js"));
static STYLES: LazyLock<Bytes> = LazyLock::new(|| vendored("swagger-ui.css"));

/// The page's address with its slash
#[utoipa::path(
    get, path = "/api/client", operation_id = "client_slash", tag = "Pages", security(()),
    responses((status = 307, description = "It is at `/api/client/`.")),
)]
pub(crate) async fn slash() -> Response {
    // Relative, so that it holds behind a proxy that has put a prefix before it.
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "client/")]).into_response()
}

/// A page to read this description and to try things out
#[utoipa::path(
    get, path = "/api/client/", operation_id = "client", tag = "Pages", security(()),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String)),
)]
pub(crate) async fn page() -> Response {
    dashboard::file("text/html; charset=utf-8", CACHE, include_str!("page/index.html"))
}

/// A file of the page
#[utoipa::path(
    get, path = "/api/client/{file}", operation_id = "client_file", tag = "Pages", security(()),
    params(("file" = String, Path, description = "Its name.")),
    responses(
        (status = 200, description = "The file.", content_type = "text/*", body = String),
        NoFile,
        Malformed,
    ),
)]
pub(crate) async fn file(PathParam(name): PathParam<String>, headers: HeaderMap) -> Response {
    const SCRIPTS: &str = "text/javascript; charset=utf-8";
    const STYLE: &str = "text/css; charset=utf-8";
    match name.as_str() {
        "start.js" => dashboard::file(SCRIPTS, CACHE, include_str!("page/start.js")),
        "page.css" => dashboard::file(STYLE, CACHE, include_str!("page/page.css")),
        "swagger-ui.js" => packed(SCRIPTS, &SCRIPT),
        "swagger-ui.css" => packed(STYLE, &STYLES),
        _ => ApiError::UnknownPath(format!("GET /api/client/{name}")).answer(&headers),
    }
}

/// A file that is kept as gzip has packed it. Every browser unpacks it, and nobody else asks.
fn packed(content_type: &'static str, bytes: &Bytes) -> Response {
    let mut response = dashboard::file(content_type, CACHE, Body::from(bytes.clone()));
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn vendored(name: &str) -> Bytes {
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    let found = found.expect("only its start script is made anew").expect("Swagger UI has this file");
    debug_assert!(found.gzpipped, "it says so in our Cargo.toml");
    Bytes::from(found.bytes.into_owned())
}
