//! Protection against requests that a page of another site makes a browser send. CORS keeps such a page from reading the response, but not from
//! sending the request. API keys protect against that, because the page does not have one; this module protects servers without API keys.

use std::net::{IpAddr, Ipv4Addr};

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request};

use crate::config::Config;
use crate::http::error::ApiError;

/// Paths that use models or reveal the state. The dashboard's files are public.
const GUARDED: [&str; 3] = ["/api/", "/v1/", "/metrics"];

/// Checks a request to a path for which the server requires no key. Programs that reach the server may use it, but pages that a user happens to
/// visit may not.
///
/// # Errors
/// 403 for pages of sites that the settings do not allow. If the server listens on loopback only, also for host names that are not this machine's:
/// an attacker's name may resolve to 127.0.0.1 (DNS rebinding), which makes the page same-origin.
pub(crate) fn check_read(config: &Config, request: &Request<impl Sized>) -> Result<(), ApiError> {
    let (path, headers) = (request.uri().path(), request.headers());
    if !GUARDED.iter().any(|guarded| path.starts_with(guarded)) {
        return Ok(());
    }
    let is_known = |host: Authority| is_local(&host) || is_allowed_site(config, &host);
    if config.listens_on_loopback() && !is_plainly_local(headers) && !host(headers).is_none_or(is_known) {
        return Err(ApiError::ForeignHost);
    }
    check_origin(config, headers, true)
}

/// Checks a request that changes something: only the dashboard's own pages and those of allowed sites may send it, with a key or without.
/// `*` in `allowed_origins` counts only if the server requires a key.
///
/// # Errors
/// 403 for pages of other sites.
pub(crate) fn check_write(config: &Config, headers: &HeaderMap, key_required: bool) -> Result<(), ApiError> {
    check_origin(config, headers, key_required)
}

fn check_origin(config: &Config, headers: &HeaderMap, wildcard_counts: bool) -> Result<(), ApiError> {
    let is_known = |origin| is_same_origin(origin, headers) || config.cors.trusts(origin, wildcard_counts);
    if headers.get_all(ORIGIN).iter().all(is_known) { Ok(()) } else { Err(ApiError::ForeignOrigin) }
}

fn is_same_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

/// The host name of the request. HTTP/1.0 has none, but no browser uses that.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let only = hosts.next().map(|host| Authority::try_from(host.as_bytes()))?;
    Some(only.ok().filter(|_| hosts.next().is_none()).unwrap_or_else(|| Authority::from_static("invalid")))
}

/// Whether the only host is `localhost` or an IPv4 address, as it is in nearly all requests: this needs no parser.
fn is_plainly_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let only = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    only.is_some_and(|host| {
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        name == "localhost" || name.parse::<Ipv4Addr>().is_ok()
    })
}

/// Whether browsers resolve the host to this machine without DNS, or it is an IP address.
fn is_local(host: &Authority) -> bool {
    let host = host.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok() || host == "localhost" || host.ends_with(".localhost")
}

/// Whether the settings name the host, for example that of a reverse proxy.
fn is_allowed_site(config: &Config, host: &Authority) -> bool {
    let is_listed = |scheme: &str| {
        let origin = HeaderValue::try_from(format!("{scheme}://{}", host.as_str().to_ascii_lowercase()));
        origin.is_ok_and(|origin| config.cors.trusts(&origin, false))
    };
    is_listed("https") || is_listed("http")
}
