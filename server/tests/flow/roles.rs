//! Roles of API keys: every described path, called with a key of each role.

use http::{Method, StatusCode};
use llamapool_server::config::Keys;

use crate::support::{ScriptedWorker, TestServer};

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Everyone,
    Workers,
    AnyKey,
    UserAndAdmin,
    ViewerAndAdmin,
    Admin,
}

use Allowed::{Admin, AnyKey, Everyone, UserAndAdmin, ViewerAndAdmin, Workers};

/// The expected decision for each operation. It repeats the table in `routes.rs` on purpose: a new path fails here until somebody decides who may
/// use it. Paths below `/v1` also exist below `/api/v1`.
const DECISIONS: &[(&str, &str, Allowed)] = &[
    ("get", "/", Everyone),
    ("get", "/healthz", Everyone),
    ("get", "/state", Everyone),
    ("get", "/state/{path}", Everyone),
    ("get", "/api/client", Everyone),
    ("get", "/api/client/", Everyone),
    ("get", "/api/client/{file}", Everyone),
    ("get", "/api/client/openapi.json", Everyone),
    ("get", "/api/workers/connect", Workers),
    ("get", "/api/workers/join-link", Admin),
    ("get", "/api/state", ViewerAndAdmin),
    ("get", "/api/state/models", ViewerAndAdmin),
    ("get", "/api/state/stream", ViewerAndAdmin),
    ("get", "/metrics", ViewerAndAdmin),
    ("get", "/api/log-level", ViewerAndAdmin),
    ("put", "/api/log-level", Admin),
    ("post", "/api/state/workers/{id}/drain", Admin),
    ("post", "/api/state/workers/{id}/undrain", Admin),
    ("post", "/api/state/requests/{number}/cancel", Admin),
    ("post", "/api/state/drain", Admin),
    ("get", "/v1/models", AnyKey),
    ("get", "/v1/models/{id}", AnyKey),
    ("post", "/v1/chat/completions", UserAndAdmin),
    ("post", "/v1/completions", UserAndAdmin),
    ("post", "/v1/embeddings", UserAndAdmin),
    ("post", "/v1/responses", UserAndAdmin),
    ("get", "/v1/responses/{id}", UserAndAdmin),
    ("delete", "/v1/responses/{id}", UserAndAdmin),
    ("post", "/v1/responses/{id}/cancel", UserAndAdmin),
    ("get", "/v1/responses/{id}/input_items", UserAndAdmin),
    ("get", "/v1/chat/completions/{id}", UserAndAdmin),
    ("post", "/v1/chat/completions/{id}", UserAndAdmin),
    ("delete", "/v1/chat/completions/{id}", UserAndAdmin),
    ("get", "/v1/chat/completions/{id}/messages", UserAndAdmin),
    ("post", "/v1/conversations", UserAndAdmin),
    ("get", "/v1/conversations/{id}", UserAndAdmin),
    ("post", "/v1/conversations/{id}", UserAndAdmin),
    ("delete", "/v1/conversations/{id}", UserAndAdmin),
    ("get", "/v1/conversations/{id}/items", UserAndAdmin),
    ("post", "/v1/conversations/{id}/items", UserAndAdmin),
    ("get", "/v1/conversations/{id}/items/{item}", UserAndAdmin),
    ("delete", "/v1/conversations/{id}/items/{item}", UserAndAdmin),
    ("get", "/v1/files", UserAndAdmin),
    ("post", "/v1/files", UserAndAdmin),
    ("get", "/v1/files/{id}", UserAndAdmin),
    ("delete", "/v1/files/{id}", UserAndAdmin),
    ("get", "/v1/files/{id}/content", UserAndAdmin),
    ("post", "/v1/rerank", UserAndAdmin),
    ("post", "/v1/moderations", UserAndAdmin),
    ("post", "/v1/images/generations", UserAndAdmin),
    ("post", "/v1/images/edits", UserAndAdmin),
    ("post", "/v1/images/variations", UserAndAdmin),
    ("post", "/v1/audio/speech", UserAndAdmin),
    ("post", "/v1/audio/transcriptions", UserAndAdmin),
    ("post", "/v1/audio/translations", UserAndAdmin),
];

/// Stops the server, so it is called last.
const DRAIN: &str = "/api/state/drain";

const KEYS: [Option<&str>; 5] = [None, Some("wrong"), Some("user"), Some("viewer"), Some("admin")];

impl Allowed {
    fn of(method: &str, path: &str) -> Self {
        let path =
            path.strip_prefix("/api/v1/").map_or_else(|| path.to_owned(), |rest| format!("/v1/{rest}"));
        let decision = DECISIONS.iter().find(|(known, at, _)| *known == method && *at == path);
        decision.unwrap_or_else(|| panic!("nobody has decided who may use {method} {path}")).2
    }

    /// The status of the refusal; `None` if the request reaches its handler.
    fn refusal(self, key: Option<&str>) -> Option<u16> {
        match (self, key) {
            (Everyone | Workers, _) => None, // without an upgrade, no worker key is asked for
            (_, None | Some("wrong")) => Some(401),
            (AnyKey, _) => None,
            (UserAndAdmin, Some("viewer")) | (ViewerAndAdmin, Some("user")) => Some(403),
            (Admin, Some("user" | "viewer")) => Some(403),
            (UserAndAdmin | ViewerAndAdmin | Admin, _) => None,
        }
    }
}

fn keys() -> Keys {
    Keys {
        api: vec!["admin".into()],
        user: vec!["user".into()],
        viewer: vec!["viewer".into()],
        client: Vec::new(),
    }
}

async fn server(keys: Keys) -> TestServer {
    TestServer::with(move |config| config.keys = keys).await
}

impl TestServer {
    async fn call(&self, method: &str, path: &str, key: Option<&str>) -> reqwest::Response {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
        let path = path.replace("{number}", "1").replace(['{', '}'], "");
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.send().await.unwrap()
    }

    /// Each described operation: its method, its path and its description.
    async fn operations(&self) -> Vec<(String, String, serde_json::Value)> {
        let document = self.call("get", "/api/client/openapi.json", None).await.bytes().await.unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let operations = |(path, item): (String, serde_json::Value)| {
            let item = item.as_object().unwrap().clone();
            item.into_iter().map(move |(method, operation)| (method, path.clone(), operation))
        };
        paths.into_iter().flat_map(operations).collect()
    }
}

async fn check(server: &TestServer, method: &str, path: &str, operation: &serde_json::Value) {
    for key in KEYS {
        let refusal = Allowed::of(method, path).refusal(key);
        let response = server.call(method, path, key).await;
        let status = response.status().as_u16();
        match refusal {
            Some(expected) => {
                assert_eq!(status, expected, "{method} {path} with {key:?}");
                let described = &operation["responses"][status.to_string()]["description"];
                let error: serde_json::Value =
                    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
                let code = error["error"]["code"].as_str().unwrap();
                assert!(described.as_str().unwrap().contains(code), "{method} {path}: {described}");
            }
            None => assert!(![401, 403].contains(&status), "{method} {path} with {key:?}: {status}"),
        }
    }
}

#[tokio::test]
async fn every_path_checks_the_role_of_the_key() {
    let server = server(keys()).await;
    let mut operations = server.operations().await;
    assert!(operations.len() >= DECISIONS.len(), "{} operations are described", operations.len());
    operations.sort_by_key(|(_, path, _)| path == DRAIN);
    for (method, path, operation) in &operations {
        check(&server, method, path, operation).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_has_the_shape_that_sdks_expect_and_names_both_roles() {
    let server = server(keys()).await;
    let response = server.call("get", "/api/state", Some("user")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let error: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let error = &error["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&"permission_error".into(), &"insufficient_permissions".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("role `user`") && message.contains("`viewer` or `admin`"), "{message}");
    server.stop().await;
}

#[tokio::test]
async fn a_user_key_uses_models_and_a_viewer_key_does_not() {
    let server = server(keys()).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    let is_listed = async || {
        let models = server.call("get", "/v1/models", Some("viewer")).await;
        models.status() == 200 && models.text().await.unwrap().contains("\"m\"")
    };
    while !is_listed().await {
        tokio::task::yield_now().await;
    }
    let used = server.chat("m").bearer_auth("user").send();
    let (used, ()) = tokio::join!(used, worker.answer(200, "{}"));
    assert_eq!(used.unwrap().status(), 200);
    let refused = server.chat("m").bearer_auth("viewer").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(!worker.is_asked());
    let metrics = server.call("get", "/metrics", Some("viewer")).await.text().await.unwrap();
    let counted = r#"llamapool_rejects_total{reason="insufficient_permissions"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    server.stop().await;
}

/// Any key closes the whole API. If none of them is an admin key, nobody administers the server.
#[tokio::test]
async fn with_user_keys_only_the_state_is_closed() {
    let server = server(Keys { api: Vec::new(), viewer: Vec::new(), ..keys() }).await;
    for (method, path) in [("get", "/api/state"), ("post", DRAIN), ("put", "/api/log-level")] {
        assert_eq!(server.call(method, path, None).await.status(), 401, "{path}");
        assert_eq!(server.call(method, path, Some("user")).await.status(), 403, "{path}");
    }
    assert_eq!(server.call("get", "/v1/models", Some("user")).await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn without_api_keys_everyone_is_admin() {
    let server = server(Keys { client: vec!["worker".into()], ..no_keys() }).await;
    assert_eq!(server.call("get", "/api/state", None).await.status(), 200);
    assert_eq!(server.call("post", "/api/state/requests/{number}/cancel", None).await.status(), 404);
    server.stop().await;
}

fn no_keys() -> Keys {
    Keys { api: Vec::new(), user: Vec::new(), viewer: Vec::new(), client: Vec::new() }
}
