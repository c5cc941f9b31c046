//! Fake runtimes with scripted responses, each on a port of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// Answers `GET`s by path; everything else gets the fallback.
pub(super) struct Fake {
    pub(super) base: Url,
    script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, (u16, String)>,
    fallback: Fallback,
    key: Option<&'static str>,
    headers: HeaderMap,
    keys_seen: Vec<Option<String>>,
}

enum Fallback {
    Says(u16, String),
    Endless,
    Redirect(String),
    Hangs,
}

impl Default for Fallback {
    fn default() -> Self {
        Self::Says(404, json!({"detail": "Not Found"}).to_string())
    }
}

impl Fake {
    /// Answers 404 in JSON, like the usual frameworks, until it is told otherwise.
    pub(super) async fn start() -> Self {
        Self::serve(Script::default(), 0).await
    }

    pub(super) async fn with_fallback(status: u16, body: &str) -> Self {
        let fallback = Fallback::Says(status, body.to_owned());
        Self::serve(Script { fallback, ..Script::default() }, 0).await
    }

    pub(super) async fn endless() -> Self {
        Self::serve(Script { fallback: Fallback::Endless, ..Script::default() }, 0).await
    }

    pub(super) async fn redirecting(to: &Url) -> Self {
        let fallback = Fallback::Redirect(to.as_str().trim_end_matches('/').to_owned());
        Self::serve(Script { fallback, ..Script::default() }, 0).await
    }

    pub(super) async fn hanging() -> Self {
        Self::serve(Script { fallback: Fallback::Hangs, ..Script::default() }, 0).await
    }

    pub(super) fn says(self, path: &str, status: u16, body: Value) -> Self {
        self.change(path, status, body);
        self
    }

    pub(super) fn change(&self, path: &str, status: u16, body: Value) {
        self.script.lock().unwrap().answers.insert(path.to_owned(), (status, body.to_string()));
    }

    /// Answers 401 to requests without this key.
    pub(super) fn locked(self, key: &'static str) -> Self {
        self.script.lock().unwrap().key = Some(key);
        self
    }

    pub(super) fn with_header(self, name: &'static str, value: &'static str) -> Self {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        self.script.lock().unwrap().headers.insert(name, value);
        self
    }

    /// The `Authorization` of every request so far.
    pub(super) fn keys_seen(&self) -> Vec<Option<String>> {
        self.script.lock().unwrap().keys_seen.clone()
    }

    pub(super) fn port(&self) -> u16 {
        self.base.port().unwrap()
    }

    /// Stops listening; returns the port, on which nothing listens any more.
    pub(super) async fn stop(self) -> u16 {
        let port = self.port();
        self.serving.abort();
        let _ = self.serving.await;
        port
    }

    /// The same runtime, at another port.
    pub(super) async fn also_at(self, port: u16) -> Self {
        let script = std::mem::take(&mut *self.script.lock().unwrap());
        Self::serve(script, port).await
    }

    async fn serve(script: Script, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let script = Arc::new(Mutex::new(script));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, script, serving }
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let hangs = matches!(script.lock().unwrap().fallback, Fallback::Hangs);
    if hangs {
        std::future::pending::<()>().await;
    }
    let mut script = script.lock().unwrap();
    let key = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let is_open = script.key.is_none_or(|wanted| key == Some(format!("Bearer {wanted}")));
    script.keys_seen.push(key);
    let mut reply = if is_open {
        script.reply(uri.path())
    } else {
        plain(401, &json!({"error": {"message": "Invalid API Key"}}).to_string())
    };
    reply.headers_mut().extend(script.headers.clone());
    reply
}

impl Script {
    fn reply(&self, path: &str) -> Response<Body> {
        if let Some((status, body)) = self.answers.get(path) {
            return plain(*status, body);
        }
        match &self.fallback {
            Fallback::Says(status, body) => plain(*status, body),
            Fallback::Endless => {
                let piece = Bytes::from(r#"{"id":"x"},"#.repeat(1_000));
                let pieces = stream::repeat_with(move || Ok::<_, Infallible>(piece.clone()));
                Response::new(Body::from_stream(pieces))
            }
            Fallback::Redirect(base) => {
                let mut reply = plain(307, "");
                reply.headers_mut().insert(LOCATION, format!("{base}{path}").parse().unwrap());
                reply
            }
            Fallback::Hangs => unreachable!("answered above: never"),
        }
    }
}

fn plain(status: u16, body: &str) -> Response<Body> {
    let mut reply = Response::new(Body::from(body.to_owned()));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

pub(super) async fn ollama() -> Fake {
    let llama = json!({"name": "llama3.1:latest", "model": "llama3.1:latest", "modified_at": "2026-01-01T00:00:00Z",
        "size": 4_661_224_676_u64, "digest": "42182419e950", "details": {"parent_model": "", "format": "gguf",
        "family": "llama", "families": ["llama"], "parameter_size": "8.0B", "quantization_level": "Q4_0"}});
    let nomic = json!({"name": "nomic-embed-text:latest", "model": "nomic-embed-text:latest",
        "size": 274_302_450, "digest": "0a109f422b47", "details": {"format": "gguf", "family": "nomic-bert",
        "families": ["nomic-bert"], "parameter_size": "137M", "quantization_level": "F16"}});
    let running = json!({"name": "llama3.1:latest", "size": 6_654_289_920_u64, "size_vram": 6_654_289_920_u64,
        "expires_at": "2026-01-01T00:05:00Z", "context_length": 8_192});
    let listed = json!([{"id": "nomic-embed-text:latest", "object": "model", "created": 1, "owned_by": "library"},
        {"id": "llama3.1:latest", "object": "model", "created": 1, "owned_by": "library"}]);
    Fake::start()
        .await
        .says("/api/version", 200, json!({"version": "0.14.2"}))
        .says("/api/tags", 200, json!({"models": [nomic, llama]}))
        .says("/api/ps", 200, json!({"models": [running]}))
        .says("/v1/models", 200, json!({"object": "list", "data": listed}))
}

/// It also imitates Ollama's `/api/tags`.
pub(super) async fn llama_cpp() -> Fake {
    let entry = json!({"id": "llama-3.1-8b", "aliases": [], "object": "model", "created": 1, "owned_by": "llamacpp",
        "meta": {"vocab_type": 2, "n_vocab": 128_256, "n_ctx_train": 131_072, "n_embd": 4_096,
        "n_params": 8_030_261_312_u64, "size": 4_912_898_304_u64, "ftype": "Q4_K - Medium"}});
    let shown =
        json!({"name": "llama-3.1-8b", "model": "llama-3.1-8b", "size": "", "details": {"format": "gguf"}});
    let listing = json!({"models": [shown], "object": "list", "data": [entry]});
    Fake::start()
        .await
        .with_header("server", "llama.cpp")
        .says("/health", 200, json!({"status": "ok"}))
        .says("/v1/models", 200, listing.clone())
        .says("/api/tags", 200, listing)
        .says(
            "/props",
            200,
            json!({"default_generation_settings": {"n_ctx": 16_384}, "total_slots": 4, "model_alias": "llama-3.1-8b",
                "model_path": "/m/llama.gguf", "build_info": "b8681-a1b2c3", "is_sleeping": false}),
        )
}

/// It answers every unknown path with 200.
pub(super) async fn lm_studio() -> Fake {
    let listed = json!([{"id": "qwen2.5-7b-instruct", "object": "model", "owned_by": "organization_owner"},
        {"id": "qwen2-vl-7b-instruct", "object": "model", "owned_by": "organization_owner"}]);
    let first = json!([
        {"id": "qwen2-vl-7b-instruct", "object": "model", "type": "vlm", "publisher": "mlx-community",
         "arch": "qwen2_vl", "compatibility_type": "mlx", "quantization": "4bit", "state": "not-loaded",
         "max_context_length": 32_768},
        {"id": "qwen2.5-7b-instruct", "object": "model", "type": "llm", "arch": "qwen2", "quantization": "Q4_K_M",
         "state": "loaded", "max_context_length": 1_010_000, "loaded_context_length": 4_096}]);
    let second = json!([
        {"key": "qwen2.5-7b-instruct", "type": "llm", "architecture": "qwen2", "size_bytes": 4_683_073_888_u64,
         "quantization": {"name": "Q4_K_M", "bits_per_weight": 4}, "params_string": "7B",
         "loaded_instances": [{"id": "qwen2.5-7b-instruct", "config": {"context_length": 4_096}}],
         "max_context_length": 1_010_000},
        {"key": "qwen2-vl-7b-instruct", "type": "llm", "architecture": "qwen2_vl", "loaded_instances": [],
         "quantization": {"name": "4bit"}, "params_string": null, "max_context_length": 32_768}]);
    Fake::with_fallback(200, r#"{"error":"Unexpected endpoint or method. (GET /x)"}"#)
        .await
        .says("/v1/models", 200, json!({"object": "list", "data": listed}))
        .says("/api/v0/models", 200, json!({"object": "list", "data": first}))
        .says("/api/v1/models", 200, json!({"models": second}))
}

pub(super) async fn vllm() -> Fake {
    let entry = json!({"id": "meta-llama/Llama-3.1-8B-Instruct", "object": "model", "created": 1, "owned_by": "vllm",
        "root": "meta-llama/Llama-3.1-8B-Instruct", "parent": null, "max_model_len": 131_072,
        "permission": [{"id": "modelperm-1", "object": "model_permission"}]});
    Fake::start()
        .await
        .says("/health", 200, json!(null))
        .says("/version", 200, json!({"version": "0.11.1"}))
        .says("/v1/models", 200, json!({"object": "list", "data": [entry]}))
}
