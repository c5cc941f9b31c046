//! Workers behind a company's proxy, and servers behind TLS.

use llamapool_e2e::connect_proxy::{ConnectProxy, HIDDEN};
use llamapool_e2e::server::worker_url;
use llamapool_e2e::tls_front::TlsFront;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, until};

/// A server with TLS before it, and a runtime.
async fn secure() -> (Server, TlsFront, FakeLlm, String) {
    let server = Server::start().await;
    let front = TlsFront::before(server.addr).await;
    let url = format!("wss://localhost:{}/api/workers/connect", front.addr.port());
    (server, front, FakeLlm::start(&[MODEL]).await, url)
}

/// The same server by a name that only a proxy can find.
fn hidden(front: &TlsFront) -> String {
    format!("wss://{HIDDEN}:{}/api/workers/connect", front.addr.port())
}

async fn expect_served(server: &Server) {
    server.until_owners(MODEL, 1).await;
    server.chat(MODEL, &Script::tokens(100)).whole().await.expect_ok();
}

/// `wss://` with a private authority works if the worker is given its certificate.
#[tokio::test]
async fn wss_with_an_own_authority() {
    let (server, front, llm, url) = secure().await;
    let authority = front.authority().display().to_string();
    let _worker = Worker::with("w", &url, &llm, &[("CA_FILE", &authority)]);
    expect_served(&server).await;
    server.stop().await;
}

/// Without it the worker does not trust the server, and says why.
#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let (server, _front, llm, url) = secure().await;
    let mut worker = Worker::with("w", &url, &llm, &[]);
    worker
        .until_log("that the certificate is not trusted", |line| {
            line.to_lowercase().contains("certificate").then_some(())
        })
        .await;
    assert!(server.models().await.is_empty());
    assert!(worker.runs());
    server.stop().await;
}

/// `HTTPS_PROXY` is used for `wss://`, with its user and password.
#[tokio::test]
async fn a_worker_dials_through_a_proxy() {
    let (server, front, llm, _) = secure().await;
    // user:p@ss
    let proxy = ConnectProxy::start(Some("Basic dXNlcjpwQHNz"), front.addr).await;
    let authority = front.authority().display().to_string();
    let address = format!("http://user:p%40ss@{}", proxy.addr);
    let _worker =
        Worker::with("w", &hidden(&front), &llm, &[("CA_FILE", &authority), ("HTTPS_PROXY", &address)]);
    expect_served(&server).await;
    let asked = proxy.requests();
    assert!(
        asked[0].starts_with(&format!("CONNECT {HIDDEN}:{} HTTP/1.1\r\n", front.addr.port())),
        "{asked:?}"
    );
    server.stop().await;
}

/// Requests to the runtime on this machine never go through a proxy.
#[tokio::test]
async fn the_runtime_is_never_behind_the_proxy() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let proxy = ConnectProxy::start(None, server.addr).await;
    let address = format!("http://{}", proxy.addr);
    let env =
        [("HTTP_PROXY", &*address), ("http_proxy", &address), ("ALL_PROXY", &address), ("NO_PROXY", "")];
    let _worker = Worker::with("w", &server.worker_url(), &llm, &env);
    expect_served(&server).await;
    let to_runtime: Vec<_> =
        proxy.requests().into_iter().filter(|head| head.contains(&llm.addr.to_string())).collect();
    assert!(to_runtime.is_empty(), "{to_runtime:?}");
    server.stop().await;
}

/// `NO_PROXY` names hosts that are dialled directly, even if that fails.
#[tokio::test]
async fn no_proxy_is_respected() {
    let (server, front, llm, _) = secure().await;
    let proxy = ConnectProxy::start(None, front.addr).await;
    let authority = front.authority().display().to_string();
    let address = format!("http://{}", proxy.addr);
    let env = [("CA_FILE", &*authority), ("HTTPS_PROXY", &address), ("NO_PROXY", "example.com,.test")];
    let mut worker = Worker::with("w", &hidden(&front), &llm, &env);
    let failed = |line: &str| line.contains("No connection to the server").then_some(());
    worker.until_log("that it finds no such host", failed).await;
    assert!(proxy.requests().is_empty());
    server.stop().await;
}

/// A proxy that refuses is named, so that people know whom to ask; and the worker keeps trying.
#[tokio::test]
async fn a_refusing_proxy_is_named() {
    let (server, front, llm, _) = secure().await;
    let proxy = ConnectProxy::start(Some("Basic nobody-knows"), front.addr).await;
    let authority = front.authority().display().to_string();
    let address = format!("http://{}", proxy.addr);
    let mut worker =
        Worker::with("w", &hidden(&front), &llm, &[("CA_FILE", &authority), ("HTTPS_PROXY", &address)]);
    worker
        .until_log("that the proxy refuses", |line| {
            (line.contains("the proxy refused the connection") && line.contains(&address)).then_some(())
        })
        .await;
    until("another try", async || (proxy.requests().len() >= 2).then_some(())).await;
    assert!(worker.runs());
    server.stop().await;
}

/// A plain `ws://` address works without any of this.
#[tokio::test]
async fn plain_ws_needs_nothing() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::start("w", &worker_url(server.addr), &llm);
    expect_served(&server).await;
    server.stop().await;
}
