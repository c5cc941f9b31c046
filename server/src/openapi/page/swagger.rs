//! Swagger UI. Its script and styles are embedded in the program. The page around them is ours, because it may run no inline script and load
//! nothing from other sites.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_ENCODING;
use utoipa_swagger_ui::Config;

use crate::http::dashboard;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Browsers check whether a file has changed, which it does with each version of the server.
const CACHE: &str = "no-cache";

/// The two files of Swagger UI that the page needs, out of about a dozen.
static BUNDLE: LazyLock<Bytes> = LazyLock::new(|| vendored("swagger-ui-bundle.js"));
static STYLES: LazyLock<Bytes> = LazyLock::new(|| vendored("swagger-ui.css"));

/// A file of the page; `None` if there is none with that name.
pub(super) fn file(name: &str) -> Option<Response> {
    Some(match name {
        "index.html" => dashboard::file(HTML, CACHE, include_str!("index.html")),
        "start.js" => dashboard::file(SCRIPT, CACHE, include_str!("start.js")),
        "page.css" => dashboard::file(STYLE, CACHE, include_str!("page.css")),
        "swagger-ui.js" => compressed(SCRIPT, &BUNDLE),
        "swagger-ui.css" => compressed(STYLE, &STYLES),
        _ => return None,
    })
}

/// A file that is stored compressed. It is sent as it is, because all browsers accept gzip, and no other client loads this page.
fn compressed(content_type: &'static str, bytes: &Bytes) -> Response {
    let mut response = dashboard::file(content_type, CACHE, Body::from(bytes.clone()));
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn vendored(name: &str) -> Bytes {
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    let file = file.expect("only its start script is generated").expect("Swagger UI has this file");
    debug_assert!(file.gzpipped, "Cargo.toml turns its feature `gzip` on");
    Bytes::from(file.bytes.into_owned())
}
