//! How much the server logs, changed while it runs.

use http::Method;
use llamapool_e2e::{Ask, Server, Whole};
use serde_json::json;

async fn set(server: &Server, body: &str) -> Whole {
    server.ask(Method::PUT, "/api/log-level").body(body.to_owned()).whole().await
}

async fn level(server: &Server) -> String {
    let answer = server.get("/api/log-level").whole().await;
    answer.expect_ok().json()["level"].as_str().expect("a level").to_owned()
}

/// A level that is set counts at once, for those who have the key and come from here.
#[tokio::test]
async fn it_is_read_and_set_over_the_api() {
    let mut server = Server::start().await;
    assert_eq!(level(&server).await, "info");
    let answer = set(&server, r#"{"level": "llamapool_server=debug,warn"}"#).await;
    assert_eq!(answer.expect_ok().json(), json!({"level": level(&server).await}));
    assert!(level(&server).await.contains("llamapool_server=debug"));
    // What is said of the change is said on the new terms.
    server.until_log("the change", |line| line.contains("Log level changed").then_some(())).await;
    set(&server, r#"{"level": "off"}"#).await.expect_ok();
    let lines = server.log().len();
    server.get("/v1/nothing").whole().await.expect_error(404);
    set(&server, r#"{"level": "info"}"#).await.expect_ok();
    server.until_log("the last change", |line| line.contains(r#""log.level":"info""#).then_some(())).await;
    assert!(!server.log()[lines..].iter().any(|line| line.contains("unknown path")), "{:?}", server.log());

    let before = level(&server).await;
    for wrong in ["", "debug", "{}", r#"{"level": 3}"#, r#"{"level": "debgu"}"#, &"x".repeat(10_000)] {
        set(&server, wrong).await.expect_error(400);
    }
    let strange = Ask::new(server.addr, Method::PUT, "/api/log-level").body(r#"{"level": "debug"}"#);
    strange.whole().await.expect_error(401);
    let foreign = server.ask(Method::PUT, "/api/log-level").header("origin", "https://elsewhere.test");
    foreign.body(r#"{"level": "debug"}"#).whole().await.expect_error(403);
    Ask::new(server.addr, Method::GET, "/api/log-level").whole().await.expect_error(401);
    assert_eq!(level(&server).await, before);
    server.stop().await;
}

/// SIGHUP reads the level from the file again, and leaves it as it is if the file is wrong.
#[tokio::test]
async fn it_is_read_again_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    std::fs::write(&file, "log_level: info\n").unwrap();
    let mut server = Server::with(&[("CONFIG_FILE", file.to_str().unwrap())]).await;
    std::fs::write(&file, "log_level: llamapool_server=debug\nport: 1\n").unwrap();
    server.sighup();
    server.until_log("the new level", |line| line.contains("Log level reloaded").then_some(())).await;
    assert_eq!(level(&server).await, "llamapool_server=debug");
    std::fs::write(&file, "log_level: loud\n").unwrap();
    server.sighup();
    server.until_log("the mistake", |line| line.contains("stays the same").then_some(())).await;
    assert_eq!(level(&server).await, "llamapool_server=debug");
    server.stop().await;
}
