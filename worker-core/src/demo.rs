//! The built-in demo runtime: an OpenAI-compatible echo, so that a pool can be tried without any LLM.
//!
//! `echo` generates the text; `chat`, `completions`, `responses` and `embeddings` put it into the shape of their API; `sse` streams it;
//! `ask` parses requests and rejects invalid ones.

mod ask;
mod chat;
mod completions;
mod echo;
mod embeddings;
mod models;
mod responses;
mod serve;
mod sse;

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use ask::Fault;

/// The only model of the demo runtime.
pub const MODEL: &str = "llamapool-demo-echo";

/// Largest request: the default limit of a server.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A running demo runtime; dropping it stops it and aborts open responses.
#[derive(Debug)]
pub struct Demo {
    base_url: Url,
    serving: JoinHandle<()>,
}

impl Demo {
    /// Starts it on a free port of the loopback interface.
    ///
    /// # Errors
    /// No port can be opened.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}/")).map_err(io::Error::other)?;
        Ok(Self { base_url, serving: tokio::spawn(serve::serve(listener, router())) })
    }

    /// Its base URL, e.g. `http://127.0.0.1:40123/`.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router() -> Router {
    Router::new()
        .route("/health", get(models::health))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post(chat::answer))
        .route("/v1/completions", post(completions::answer))
        .route("/v1/responses", post(responses::answer))
        .route("/v1/embeddings", post(embeddings::answer))
        .method_not_allowed_fallback(|| async { Fault::wrong_method() })
        .fallback(|| async { Fault::no_such_path() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Seconds since 1970, the API's time format.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// An identifier such as `chatcmpl-0b9c…`.
fn fresh_id(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests;
