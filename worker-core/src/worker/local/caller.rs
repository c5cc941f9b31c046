//! Access control of the local API. It listens on loopback, but any web page can make a browser on this machine send requests to it, under any name
//! that resolves to 127.0.0.1. A request must therefore have a loopback `Host`, no foreign `Origin`, and for controls the token.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, Version};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::ApiState;

/// The header with the control token.
const TOKEN_HEADER: &str = "x-auth-token";

/// The port of a host without one.
const HTTP_PORT: u16 = 80;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Foreign {
    #[error(
        "this page is served only under this machine's own names (localhost, 127.0.0.1, [::1]) with the right port"
    )]
    Host,
    #[error("this page is not served to other web sites")]
    Origin,
}

/// Rejects requests that a foreign web page made a browser send.
pub(super) async fn is_local(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    match look(request.version(), request.uri(), request.headers(), api.port) {
        Ok(()) => next.run(request).await,
        Err(foreign) => (StatusCode::FORBIDDEN, format!("{foreign}\n")).into_response(),
    }
}

/// Accepts callers on this machine that have the token.
pub(super) async fn authorize(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if !peer.is_some_and(|ConnectInfo(peer)| peer.ip().is_loopback()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let given = request.headers().get(TOKEN_HEADER).map_or(&[][..], |token| token.as_bytes());
    if !bool::from(api.token.expose_secret().as_bytes().ct_eq(given)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

fn look(version: Version, uri: &Uri, headers: &HeaderMap, port: u16) -> Result<(), Foreign> {
    let origins: Vec<_> = headers.get_all(ORIGIN).iter().collect();
    let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
    let is_ours = |host: &[u8]| Authority::try_from(host).is_ok_and(|host| is_ours(&host, port));
    let named = match hosts[..] {
        [host] => is_ours(host.as_bytes()),
        // HTTP/1.0 has no `Host`. No browser uses it.
        [] => version <= Version::HTTP_10 && origins.is_empty(),
        _ => false,
    };
    if !named || uri.authority().is_some_and(|host| !self::is_ours(host, port)) {
        return Err(Foreign::Host);
    }
    let own = |origin: &[u8]| origin.strip_prefix(b"http://").is_some_and(is_ours);
    if origins.iter().all(|origin| own(origin.as_bytes())) { Ok(()) } else { Err(Foreign::Origin) }
}

/// Whether this is a loopback name or address of this machine. Names are compared, not resolved.
fn is_ours(authority: &Authority, port: u16) -> bool {
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let loopback =
        host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    loopback && !authority.as_str().contains('@') && authority.port_u16().unwrap_or(HTTP_PORT) == port
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn seen(uri: &str, version: Version, headers: &[(HeaderName, &str)]) -> Result<(), Foreign> {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>();
        look(version, &uri.parse().unwrap(), &headers, 4555)
    }

    #[test]
    fn the_host_is_this_machine_and_this_port() {
        let check = |host, expect| {
            assert_eq!(seen("/status", Version::HTTP_11, &[(HOST, host)]), expect, "{host}");
        };
        for ours in ["localhost:4555", "LocalHost:4555", "127.0.0.1:4555", "127.8.8.8:4555", "[::1]:4555"] {
            check(ours, Ok(()));
        }
        for foreign in [
            "evil.example:4555",
            "localhost.evil.example:4555",
            "127.0.0.1.nip.io:4555",
            "localhost:80",
            "localhost",
            "127.0.0.1:45550",
            "192.0.2.1:4555",
            "[::2]:4555",
            "0.0.0.0:4555",
            "me@localhost:4555",
            "",
            "localhost:4555, evil.example",
        ] {
            check(foreign, Err(Foreign::Host));
        }
        assert_eq!(look(Version::HTTP_11, &"/".parse().unwrap(), &HeaderMap::new(), 80), Err(Foreign::Host));
        let plain = [(HOST, "localhost".parse().unwrap())].into_iter().collect();
        assert_eq!(look(Version::HTTP_11, &"/".parse().unwrap(), &plain, 80), Ok(()));
    }

    #[test]
    fn a_target_with_a_host_and_a_second_host_are_looked_at_too() {
        let both = [(HOST, "localhost:4555")];
        assert_eq!(seen("http://localhost:4555/status", Version::HTTP_11, &both), Ok(()));
        assert_eq!(seen("http://evil.example:4555/status", Version::HTTP_11, &both), Err(Foreign::Host));
        let mut headers = HeaderMap::new();
        headers.append(HOST, "localhost:4555".parse().unwrap());
        headers.append(HOST, "evil.example".parse().unwrap());
        assert_eq!(look(Version::HTTP_11, &"/status".parse().unwrap(), &headers, 4555), Err(Foreign::Host));
    }

    #[test]
    fn without_a_host_only_programs_of_old_are_answered() {
        assert_eq!(seen("/status", Version::HTTP_10, &[]), Ok(()));
        assert_eq!(seen("/status", Version::HTTP_11, &[]), Err(Foreign::Host));
        let origin = [(ORIGIN, "http://localhost:4555")];
        assert_eq!(seen("/status", Version::HTTP_10, &origin), Err(Foreign::Host));
    }

    #[test]
    fn an_origin_is_ours_or_none() {
        let check = |origin, expect| {
            let headers = [(HOST, "localhost:4555"), (ORIGIN, origin)];
            assert_eq!(seen("/status", Version::HTTP_11, &headers), expect, "{origin}");
        };
        check("http://localhost:4555", Ok(()));
        check("http://127.0.0.1:4555", Ok(()));
        for foreign in [
            "https://evil.example",
            "http://localhost:8080",
            "https://localhost:4555",
            "null",
            "",
            "http://localhost:4555/",
            "http://localhost:4555 http://evil.example",
        ] {
            check(foreign, Err(Foreign::Origin));
        }
    }
}
