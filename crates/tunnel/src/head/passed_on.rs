//! The headers that are passed on between a client and a runtime: one list per direction, for server and worker alike. All other headers belong to
//! the connection or site they were sent from, or to a party that the other side does not know. `docs/api.md` has both lists.

use http::header::{HeaderMap, HeaderName};

use super::named_by_connection;

/// Prefixes of header names that runtimes get: options of APIs and of their client libraries.
const FAMILIES_OF_REQUESTS: &[&str] = &["anthropic-", "openai-", "x-stainless-"];

/// Prefixes of headers in which runtimes report limits, versions and times, for example `openai-processing-ms`.
const FAMILIES_OF_RESPONSES: &[&str] = &["anthropic-", "openai-", "ratelimit-", "x-compute-", "x-ratelimit-"];

/// Whether runtimes use this request header. Not listed: credentials; `Origin`, `Referer`, `Sec-…` and `Cookie`, because the pool decides who may send
/// requests, and Ollama answers 403 to pages that it does not know; `Forwarded` and similar ones; `Accept-Encoding`, because a compressed response
/// hides its usage.
fn is_for_runtimes(name: &str) -> bool {
    let is_listed = matches!(
        name,
        "accept"
            | "accept-language"
            | "baggage"
            | "content-language"
            | "content-type"
            | "idempotency-key"
            | "traceparent"
            | "tracestate"
            | "user-agent"
            | "x-client-request-id"
            | "x-request-id"
            | "x-session-id"
    );
    is_listed || FAMILIES_OF_REQUESTS.iter().any(|family| name.starts_with(family))
}

/// Whether clients get this response header: those listed describe the body, or tell the client what to do next. A browser acts on any other header
/// as if the server had sent it.
fn is_for_clients(name: &str) -> bool {
    let is_listed = matches!(
        name,
        "cache-control"
            | "content-disposition"
            | "content-encoding"
            | "content-language"
            | "content-type"
            | "etag"
            | "expires"
            | "last-modified"
            | "request-id"
            | "retry-after"
            | "retry-after-ms"
            | "vary"
            | "x-accel-buffering"
            | "x-should-retry"
    );
    is_listed || FAMILIES_OF_RESPONSES.iter().any(|family| name.starts_with(family))
}

/// Removes the headers of a request that are not passed on to the runtime.
pub fn keep_request_headers(headers: &mut HeaderMap) {
    keep(headers, is_for_runtimes);
}

/// Removes the headers of a response that are not passed on to the client, and its length: see [`content_length`](super::content_length).
pub fn keep_response_headers(headers: &mut HeaderMap) {
    keep(headers, is_for_clients);
}

/// Removes all headers that are not listed, and those that `Connection` names. Most of a map stays, so it is not copied.
fn keep(headers: &mut HeaderMap, is_listed: impl Fn(&str) -> bool) {
    let named = named_by_connection(headers);
    let is_kept = |name: &HeaderName| {
        is_listed(name.as_str()) && !named.iter().any(|named| named.eq_ignore_ascii_case(name.as_str()))
    };
    let removed: Vec<HeaderName> = headers.keys().filter(|name| !is_kept(name)).cloned().collect();
    for name in removed {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> HeaderMap {
        names.iter().map(|name| (name.parse::<HeaderName>().unwrap(), "1".parse().unwrap())).collect()
    }

    fn kept_of_request(mut headers: HeaderMap) -> HeaderMap {
        keep_request_headers(&mut headers);
        headers
    }

    fn kept_of_response(mut headers: HeaderMap) -> HeaderMap {
        keep_response_headers(&mut headers);
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_a_page_or_a_connection_does_not_reach_the_runtime() {
        let listed =
            ["accept", "anthropic-version", "baggage", "content-type", "openai-organization", "traceparent"];
        let ends_here = [
            "accept-encoding",
            "api-key",
            "authorization",
            "cookie",
            "forwarded",
            "host",
            "origin",
            "referer",
            "sec-ch-ua",
            "sec-fetch-mode",
            "upgrade",
            "via",
            "x-anything",
            "x-api-key",
            "x-forwarded-for",
            "x-llamapool-model",
        ];
        assert_eq!(names(&kept_of_request(headers(&[&listed[..], &ends_here].concat()))), listed);
    }

    #[test]
    fn what_acts_on_a_site_or_a_connection_does_not_reach_the_client() {
        let listed =
            ["content-type", "openai-processing-ms", "retry-after", "x-ratelimit-remaining-requests"];
        let ends_here = [
            "access-control-allow-origin",
            "alt-svc",
            "clear-site-data",
            "connection",
            "content-length",
            "content-security-policy",
            "date",
            "keep-alive",
            "location",
            "refresh",
            "server",
            "set-cookie",
            "strict-transport-security",
            "transfer-encoding",
            "upgrade",
            "www-authenticate",
            "x-accel-redirect",
            "x-llamapool-worker",
            "x-request-id",
        ];
        assert_eq!(names(&kept_of_response(headers(&[&listed[..], &ends_here].concat()))), listed);
    }

    #[test]
    fn every_value_passes_on_unless_the_connection_names_its_header() {
        let mut sent = HeaderMap::new();
        for value in ["a", "b"] {
            sent.append("openai-beta", value.parse().unwrap());
        }
        let kept = kept_of_request(sent.clone());
        assert_eq!(kept.get_all("openai-beta").iter().collect::<Vec<_>>(), ["a", "b"]);
        sent.insert("connection", "OpenAI-Beta".parse().unwrap());
        assert_eq!(kept_of_request(sent).len(), 0);
    }
}
