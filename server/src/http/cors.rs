//! What browsers ask before a page of another site may use the API (Fetch Standard, "CORS protocol"). It is about every answer below the API's
//! paths, errors and streams included; the dashboard and other programs need none of it.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};

use crate::config::{Cors, Origin};

/// Where the API is.
const PATHS: [&str; 3] = ["/api/", "/v1/", "/healthz"];

/// Every method that the API has.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");

/// What a page may read beside the few headers that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, x-should-retry, retry-after, x-llamapool-worker, x-llamapool-model, x-llamapool-version",
);

/// Seconds a browser may remember a permission: Chromium's own limit, so that a change of the setting is noticed the same day.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What the answer depends on, for caches.
const VARIES: HeaderValue = HeaderValue::from_static("origin");
const PREFLIGHT_VARIES: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// What a runtime or a proxy before it may have said of other sites is not theirs to say.
const OURS_ALONE: &str = "access-control-";

/// Who asks, as far as browsers care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CorsDecision {
    /// Nobody has to be told: no origins are allowed, or it is not about the API.
    Unconcerned,
    /// No page of another site, or one that may not.
    Unknown,
    /// A page that may read the answer. The header to say so.
    Allowed(HeaderValue),
}

impl Cors {
    /// Who asks.
    pub(crate) fn asker(&self, request: &Request<impl Sized>) -> CorsDecision {
        let path = request.uri().path();
        if self.allowed.is_empty() || !PATHS.iter().any(|api| path.starts_with(api)) {
            return CorsDecision::Unconcerned;
        }
        match request.headers().get(ORIGIN) {
            Some(_) if self.allowed.contains(&Origin::Any) => {
                CorsDecision::Allowed(HeaderValue::from_static("*"))
            }
            Some(origin) if self.lists(origin) => CorsDecision::Allowed(origin.clone()),
            _ => CorsDecision::Unknown,
        }
    }

    /// Whether a page from there is among the allowed. `*` counts only if `or_any`: where no key is asked for, it would let every page in the
    /// world give orders.
    pub(crate) fn trusts(&self, origin: &HeaderValue, or_any: bool) -> bool {
        (or_any && self.allowed.contains(&Origin::Any)) || self.lists(origin)
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allowed.iter().any(|allowed| *allowed != Origin::Any && allowed.matches(origin))
    }
}

impl CorsDecision {
    /// The answer to a browser that asks whether a page may ask. No key is needed: browsers send none with this.
    pub(crate) fn preflight(&self, request: &Request<impl Sized>) -> Option<Response> {
        let headers = request.headers();
        let asks = *self != Self::Unconcerned
            && request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(VARY, PREFLIGHT_VARIES);
        if let Self::Allowed(origin) = self {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            // Whatever they are: SDKs send a dozen of their own, and none of them means anything here but the key.
            if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
        }
        Some(response)
    }

    /// Says in any other answer who may read it.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        let theirs = headers.keys().filter(|name| name.as_str().starts_with(OURS_ALONE));
        let theirs: Vec<_> = theirs.cloned().collect(); // nearly always none, which costs nothing
        for name in theirs {
            headers.remove(name);
        }
        if self == Self::Unconcerned {
            return;
        }
        headers.append(VARY, VARIES);
        if let Self::Allowed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
