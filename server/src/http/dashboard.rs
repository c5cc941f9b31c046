//! The dashboard's files, which `npm run build` writes to `ui/dist/dashboard` and which are embedded in the program. The page loads nothing from
//! other sites.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use rust_embed::RustEmbed;

use crate::http::path_param::PathParam;
use crate::http::responses::BadPathParam;

/// What our pages may do (CSP Level 3): load their own scripts, styles and images, and send requests to this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The response of a server that was built without the dashboard.
const NOT_BUILT: &str = "This server was built without its dashboard. Run `scripts/dashboard`, then build the server again. \
     The state is available at /api/state.";

#[derive(RustEmbed)]
#[folder = "../ui/dist/dashboard"]
#[allow_missing = true]
struct Files;

/// The dashboard
#[utoipa::path(
    get, path = "/state", operation_id = "dashboard", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String),
        (status = 404, description = "This server was built without its dashboard.", content_type = "text/plain", body = String),
    ),
)]
pub(crate) async fn page() -> Response {
    match Files::get("index.html") {
        Some(page) => file("text/html; charset=utf-8", "no-cache", page.data.into_owned()),
        None => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
    }
}

/// A file of the dashboard
///
/// Unknown paths return `index.html`.
#[utoipa::path(
    get, path = "/state/{path}", operation_id = "dashboard_file", tag = "Pages", security(()),
    params(("path" = String, Path, description = "The file's name.")),
    responses(
        (status = 200, description = "The file.", content_type = "*/*", body = String),
        (status = 404, description = "This server was built without its dashboard.", content_type = "text/plain", body = String),
        BadPathParam,
    ),
)]
pub(crate) async fn asset(PathParam(path): PathParam<String>) -> Response {
    let Some(found) = Files::get(&path) else { return page().await };
    // Names below `assets` contain a hash of the content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    file(content_type(&path), cache, found.data.into_owned())
}

/// The response for a file of one of our pages, with headers that restrict what the page can do.
pub(crate) fn file(content_type: &'static str, cache: &'static str, bytes: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, cache),
        (HeaderName::from_static("content-security-policy"), CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, bytes.into()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("html") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
