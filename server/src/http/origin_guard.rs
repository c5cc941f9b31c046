//! Requests that pages of other sites make a browser send. CORS keeps such a page from the answer, not from asking: what asks for a key is safe,
//! since the page has none, and what does not is guarded here.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request};
use llamapool_worker_core::tunnel::control::CONNECT_PATH;

use crate::app::App;
use crate::http::error::ApiError;

/// What uses the models or tells of them. The dashboard's files are the same for everybody.
const GUARDED: [&str; 3] = ["/api/", "/v1/", "/metrics"];

/// Looks at a request to a server that asks for no key. Everybody who reaches it may use it, but a page that its user happens to visit is not
/// its user.
///
/// # Errors
/// 403 for pages of sites that the settings do not allow, and for names that are not this machine's where it listens to itself only: any name can be made to
/// mean 127.0.0.1 (DNS rebinding), and then the page is of the same site.
pub(crate) fn check_read(app: &App, request: &Request<impl Sized>) -> Result<(), ApiError> {
    let (path, headers) = (request.uri().path(), request.headers());
    let keys = if path == CONNECT_PATH { &app.worker_keys } else { &app.keys };
    if !keys.is_open() || !GUARDED.iter().any(|guarded| path.starts_with(guarded)) {
        return Ok(());
    }
    if app.config.is_at_home() && !host(headers).is_none_or(|host| is_here(&host) || names(app, &host)) {
        return Err(ApiError::ForeignHost);
    }
    is_of_known_site(app, headers, true)
}

/// Looks at what changes something: that is for the dashboard's own pages and those of the sites that the settings allow, key or not.
///
/// # Errors
/// 403 for other pages.
pub(crate) fn check_write(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    is_of_known_site(app, headers, !app.keys.is_open())
}

/// `or_any` is whether `*` among the allowed sites counts.
fn is_of_known_site(app: &App, headers: &HeaderMap, or_any: bool) -> Result<(), ApiError> {
    let known = |origin| is_ours(origin, headers) || app.config.cors.trusts(origin, or_any);
    if headers.get_all(ORIGIN).iter().all(known) { Ok(()) } else { Err(ApiError::ForeignOrigin) }
}

fn is_ours(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

/// The name that the request was sent to; none in HTTP/1.0, which no browser speaks.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let only = hosts.next().map(|host| Authority::try_from(host.as_bytes()))?;
    Some(only.ok().filter(|_| hosts.next().is_none()).unwrap_or_else(|| Authority::from_static("invalid")))
}

/// An address, or a name that browsers resolve to this machine by themselves.
fn is_here(host: &Authority) -> bool {
    let host = host.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok() || host == "localhost" || host.ends_with(".localhost")
}

/// The site of a proxy before us, which the settings name.
fn names(app: &App, host: &Authority) -> bool {
    let lists = |scheme: &str| {
        let origin = HeaderValue::try_from(format!("{scheme}://{}", host.as_str().to_ascii_lowercase()));
        origin.is_ok_and(|origin| app.config.cors.trusts(&origin, false))
    };
    lists("https") || lists("http")
}
