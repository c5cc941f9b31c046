//! The WebSocket handshake, and what an unexpected response means.

use std::time::Duration;

use http::header::{AUTHORIZATION, DATE, HOST, LOCATION, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use http::{HeaderValue, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{self, Error};
use url::Url;

use super::connect::HANDSHAKE_TIMEOUT;
use super::host_port::HostPort;
use super::{DialError, Dialed, Wire, websocket_config};
use crate::control::SUBPROTOCOL;
use crate::lenient::is_printable;

/// Longest part of a peer's message that is shown to the user, in characters.
const MAX_MESSAGE: usize = 300;
/// Longest wait that a server can impose.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Performs the handshake on an open connection.
pub(super) async fn shake(wire: Wire, request: Request, host_port: &HostPort) -> Result<Dialed, DialError> {
    let shaking = tokio_tungstenite::client_async_with_config(request, wire, Some(websocket_config()));
    match timeout(HANDSHAKE_TIMEOUT, Box::pin(shaking)).await {
        Err(_) => Err(DialError::Unreachable(format!(
            "{} accepted the connection, but did not respond within {} s",
            host_port.authority(),
            HANDSHAKE_TIMEOUT.as_secs()
        ))),
        Ok(Ok((socket, answer))) => {
            let server_version = text(&answer, super::VERSION_HEADER);
            Ok(Dialed { socket, server_version, date: text(&answer, DATE.as_str()) })
        }
        Ok(Err(error)) => Err(meaning(error)),
    }
}

/// The handshake request. It has no `Origin`, because we are not a browser.
pub(super) fn request(
    url: &Url,
    host_port: &HostPort,
    bearer: Option<&SecretString>,
    user_agent: &str,
) -> Result<Request, DialError> {
    let scheme = if host_port.secure { "wss" } else { "ws" };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request = format!("{scheme}://{}{}{query}", host_port.authority(), url.path())
        .into_client_request()
        .map_err(|error| DialError::Settings(format!("SERVER_URL cannot be used: {error}")))?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Some(host) = host_header(url) {
        headers.insert(HOST, host);
    }
    if let Ok(name) = HeaderValue::from_str(user_agent) {
        headers.insert(USER_AGENT, name);
    }
    if let Some(key) = bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| {
            DialError::Settings("CLIENT_KEY contains characters that are not allowed in keys".to_owned())
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// The default port is omitted, as browsers do: some virtual hosts compare the whole value.
fn host_header(url: &Url) -> Option<HeaderValue> {
    let host = url.host_str()?;
    let value = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::from_str(&value).ok()
}

fn meaning(error: Error) -> DialError {
    match error {
        Error::Http(answer) => refusal(&answer),
        Error::Io(error) => DialError::Unreachable(format!("connection lost in the handshake: {error}")),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake) => {
            DialError::Unreachable("the connection was closed in the handshake".to_owned())
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => DialError::NotLlamapool(format!(
            "the WebSocket does not support `{SUBPROTOCOL}` (is the server older?)"
        )),
        other => DialError::NotLlamapool(clean(&other.to_string())),
    }
}

fn refusal(answer: &tungstenite::handshake::client::Response) -> DialError {
    let status = answer.status();
    let message = said(answer);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            DialError::Unauthorized { status: status.as_u16(), message }
        }
        _ if status.is_redirection() => {
            let to = text(answer, LOCATION.as_str()).unwrap_or_else(|| "another address".to_owned());
            DialError::NotLlamapool(format!("HTTP {} redirects to {to}", status.as_u16()))
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::UPGRADE_REQUIRED => {
            DialError::NotLlamapool(format!("HTTP {}: {message}", status.as_u16()))
        }
        _ if status.is_client_error() || status.is_server_error() => {
            DialError::Refused { status: status.as_u16(), message, retry_after: retry_after(answer) }
        }
        _ => DialError::NotLlamapool(format!("HTTP {} instead of a WebSocket", status.as_u16())),
    }
}

/// The peer's message: an OpenAI-shaped error, a short text, or nothing but its status.
fn said(answer: &tungstenite::handshake::client::Response) -> String {
    let body = answer.body().as_deref().unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    let fault = serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default();
    let message = fault["error"]["message"].as_str().or_else(|| fault["error"].as_str());
    let is_text = text(answer, "content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let said = clean(message.unwrap_or(if is_text { &body } else { "" }));
    if said.is_empty() {
        answer.status().canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        said
    }
}

fn retry_after<B>(answer: &Response<B>) -> Option<Duration> {
    let seconds = text(answer, RETRY_AFTER.as_str())?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

fn text<B>(answer: &Response<B>, name: &str) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(clean)
}

/// An unknown peer's text, made safe for a log line and a terminal.
fn clean(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| is_printable(*c)).take(MAX_MESSAGE).collect()
}
