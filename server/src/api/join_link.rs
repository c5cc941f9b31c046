//! The link with which the desktop app joins this pool. It contains a worker key, so only admins get it, and it is never logged or cached.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName};
use llamapool_worker_core::config::server_url;
use llamapool_worker_core::invitation::Invitation;
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::responses::{AdminRequired, InvalidBody, NotFound};

/// Set by a proxy that ends TLS in front of this server.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Without API keys, everyone who reaches the server is an admin: the link would give the worker key to everyone.
const NO_API_KEY: ApiError = ApiError::NotFound(
    "This server requires no API key, so it does not reveal its worker key. Set API_KEY to get join links.",
);

const NO_CLIENT_KEY: ApiError = ApiError::NotFound(
    "This server has no worker key, so there is no join link: without CLIENT_KEY, workers only need its address.",
);

/// A join link.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoinLink {
    /// Opens the desktop app, which then joins this pool. It contains the first worker key (`CLIENT_KEY`).
    #[schema(example = "llamapool://join?server=wss://pool.example&key=KEY")]
    link: String,
}

/// Get a join link for the desktop app
///
/// The server's address in it is that of this request: its `Host`, and `wss` if `X-Forwarded-Proto` is `https`. Whoever has the link can connect
/// workers.
#[utoipa::path(
    get, path = "/api/workers/join-link", operation_id = "join_link", tag = "State",
    responses((status = 200, description = "The link.", body = JoinLink), AdminRequired, InvalidBody, NotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match invitation(&app, &headers) {
        Ok(invitation) => {
            let link = invitation.link().expose_secret().to_owned();
            ([(CACHE_CONTROL, "no-store")], Json(JoinLink { link })).into_response()
        }
        Err(error) => error.response_to(&headers),
    }
}

fn invitation(app: &App, headers: &HeaderMap) -> Result<Invitation, ApiError> {
    if app.keys.is_open() {
        return Err(NO_API_KEY);
    }
    let key = app.config.keys.client.first().ok_or(NO_CLIENT_KEY)?;
    let scheme = if is_encrypted(headers) { "wss" } else { "ws" };
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let server = host.and_then(|host| server_url(&format!("{scheme}://{host}")));
    let server = server.ok_or_else(|| ApiError::invalid("The request has no valid `Host` header."))?;
    Ok(Invitation { server, key: Some(key.clone()) })
}

/// Whether the client's connection is encrypted, as the proxy says that is nearest to the client. This server itself has no TLS.
fn is_encrypted(headers: &HeaderMap) -> bool {
    let schemes = headers.get(X_FORWARDED_PROTO).and_then(|schemes| schemes.to_str().ok());
    let first = schemes.and_then(|schemes| schemes.split(',').next());
    first.is_some_and(|scheme| matches!(scheme.trim().to_ascii_lowercase().as_str(), "https" | "wss"))
}
