//! Cross-origin requests from browsers (Fetch Standard, "CORS protocol"): whether pages of other sites may read the API's responses, errors and
//! streams included. The dashboard is same-origin and needs none of this.
//!
//! tower-http's `CorsLayer` does not replace this module. It answers every `OPTIONS` request with 200, also without `Origin`; it sends
//! `Vary` and `Access-Control-Expose-Headers` on all paths and to origins that are not allowed; it sends the other preflight headers to those
//! too; and it leaves a runtime's own `Access-Control-*` headers in place. Wrapping it to correct that takes more code than the few lines below.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};

use crate::config::{Cors, Origin};

/// The first path segments of the dashboard and of `/metrics`, which are not part of the API. Unknown paths are part of it, because
/// most of them are misspelt, and a page should be able to read the hint.
const NOT_OF_THE_API: [&str; 3] = ["", "state", "metrics"];

/// All methods of the API.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");

/// Response headers that a page may read, besides those that the Fetch Standard always allows.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, x-should-retry, retry-after, x-llamapool-worker, x-llamapool-model, x-llamapool-version",
);

/// Seconds for which a browser may cache a preflight response. It is also Chromium's upper limit.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Request headers that the response depends on.
const VARIES: HeaderValue = HeaderValue::from_static("origin");
const PREFLIGHT_VARIES: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// Prefix of headers that only this server may set. Those of a runtime, or of a proxy in front of it, are removed.
const OURS_ALONE: &str = "access-control-";

/// The result of the CORS check of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CorsDecision {
    /// CORS does not apply: no origins are allowed, or the path is not part of the API.
    NotApplicable,
    /// The request has no `Origin`, or one that is not allowed.
    Denied,
    /// The page may read the response. Holds the value of `Access-Control-Allow-Origin`.
    Allowed(HeaderValue),
}

impl Cors {
    /// Checks where a request comes from.
    pub(crate) fn check(&self, request: &Request<impl Sized>) -> CorsDecision {
        let first = request.uri().path().split('/').nth(1).unwrap_or_default();
        if self.allowed.is_empty() || NOT_OF_THE_API.contains(&first) {
            return CorsDecision::NotApplicable;
        }
        match request.headers().get(ORIGIN) {
            Some(_) if self.allowed.contains(&Origin::Any) => {
                CorsDecision::Allowed(HeaderValue::from_static("*"))
            }
            Some(origin) if self.lists(origin) => CorsDecision::Allowed(origin.clone()),
            _ => CorsDecision::Denied,
        }
    }

    /// Whether pages of `origin` are allowed. `*` counts only if `wildcard_counts`: on a server without API keys it would let any page in the
    /// world change something. `null` likewise, because every page can make a frame that has this origin.
    pub(crate) fn trusts(&self, origin: &HeaderValue, wildcard_counts: bool) -> bool {
        let is_listed = self.lists(origin) && (wildcard_counts || origin != "null");
        is_listed || (wildcard_counts && self.allowed.contains(&Origin::Any))
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allowed.iter().any(|allowed| *allowed != Origin::Any && allowed.matches(origin))
    }
}

impl CorsDecision {
    /// The response to a preflight request; `None` for any other request. Browsers send preflight requests without a key.
    pub(crate) fn preflight(&self, request: &Request<impl Sized>) -> Option<Response> {
        let headers = request.headers();
        let is_preflight = *self != Self::NotApplicable
            && request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let out = response.headers_mut();
        out.insert(VARY, PREFLIGHT_VARIES);
        if let Self::Allowed(origin) = self {
            out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            out.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            out.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            // All of them: SDKs send a dozen of their own, and only the key matters here.
            if let Some(requested) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                out.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
            }
        }
        Some(response)
    }

    /// Adds the CORS headers to any other response.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        let foreign = headers.keys().filter(|name| name.as_str().starts_with(OURS_ALONE));
        let foreign: Vec<_> = foreign.cloned().collect(); // nearly always none, which costs nothing
        for name in foreign {
            headers.remove(name);
        }
        if self == Self::NotApplicable {
            return;
        }
        headers.append(VARY, VARIES);
        if let Self::Allowed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
