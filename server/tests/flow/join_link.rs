//! Join links for the desktop app, as the dashboard gets them.

use http::StatusCode;
use llamapool_server::config::Keys;
use llamapool_worker_core::invitation::Invitation;
use secrecy::ExposeSecret;

use crate::support::TestServer;

async fn server(api: &[&str], client: &[&str]) -> TestServer {
    let list = |keys: &[&str]| keys.iter().map(|key| (*key).into()).collect();
    let keys = Keys { api: list(api), user: Vec::new(), viewer: Vec::new(), client: list(client) };
    TestServer::with(move |config| config.keys = keys).await
}

impl TestServer {
    fn join_link(&self) -> reqwest::RequestBuilder {
        self.client.get(format!("{}/api/workers/join-link", self.url)).bearer_auth("admin")
    }
}

async fn link(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    body["link"].as_str().unwrap().to_owned()
}

async fn refusal(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, body["error"]["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_link_names_the_server_as_the_client_reached_it_and_the_first_worker_key() {
    let server = server(&["admin"], &["a+b", "second"]).await;
    let direct = link(server.join_link().header("host", "192.0.2.7:8080")).await;
    assert_eq!(direct, "llamapool://join?server=ws://192.0.2.7:8080&key=a%2Bb");
    let through_proxy = |proto: &'static str| {
        link(server.join_link().header("host", "pool.example").header("x-forwarded-proto", proto))
    };
    let secure = "llamapool://join?server=wss://pool.example&key=a%2Bb";
    assert_eq!(through_proxy("https").await, secure);
    assert_eq!(through_proxy("HTTPS, http").await, secure);
    assert_eq!(through_proxy("http").await, "llamapool://join?server=ws://pool.example&key=a%2Bb");
    server.stop().await;
}

#[tokio::test]
async fn the_app_reads_what_the_server_wrote() {
    let server = server(&["admin"], &["sk-/?&=%"]).await;
    let invitation = Invitation::read(&link(server.join_link()).await).unwrap();
    assert_eq!(invitation.key.unwrap().expose_secret(), "sk-/?&=%");
    let connect = format!("{}/api/workers/connect", server.url.replace("http://", "ws://"));
    assert_eq!(invitation.server.as_str(), connect);
    server.stop().await;
}

#[tokio::test]
async fn a_host_cannot_add_to_the_link() {
    let server = server(&["admin"], &["worker"]).await;
    let with_host = |host: &'static str| server.join_link().header("host", host);
    assert_eq!(refusal(with_host("me:pass@pool")).await.0, 400);
    assert_eq!(refusal(with_host("pool/x")).await.0, 400);
    let odd = link(with_host("pool&key=mine")).await;
    assert_eq!(odd, "llamapool://join?server=ws://pool%26key%3Dmine&key=worker");
    server.stop().await;
}

#[tokio::test]
async fn without_a_worker_key_there_is_no_link() {
    let server = server(&["admin"], &[]).await;
    let (status, message) = refusal(server.join_link()).await;
    assert_eq!(status, 404);
    assert!(message.contains("CLIENT_KEY"), "{message}");
    server.stop().await;
}

/// Otherwise everyone who reaches the server could read the key of its workers.
#[tokio::test]
async fn without_api_keys_nobody_gets_the_worker_key() {
    let server = server(&[], &["worker"]).await;
    let (status, message) = refusal(server.join_link()).await;
    assert_eq!(status, 404);
    assert!(message.contains("API_KEY") && !message.contains("worker&"), "{message}");
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_link() {
    let server = server(&["admin"], &["worker"]).await;
    let foreign = server.join_link().header("origin", "https://elsewhere.example");
    assert_eq!(refusal(foreign).await.0, 403);
    server.stop().await;
}
