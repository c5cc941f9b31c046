//! Who is let in, and what the others are told.

use http::Method;
use llamapool_e2e::server::{API_KEY, CLIENT_KEY};
use llamapool_e2e::{Ask, FakeLlm, MODEL, Pool, Script, Server, Worker, chat, until};

/// Every way in which clients send a key.
#[tokio::test]
async fn keys_are_taken_in_every_usual_way() {
    let pool = Pool::with(1, &[("API_KEY", "sk-test-caller,second-key")], &[]).await;
    let ask = || {
        Ask::new(pool.server.addr, Method::POST, "/v1/chat/completions").json(&chat(MODEL, &Script::Answer))
    };
    for (name, value) in [
        ("authorization", "Bearer sk-test-caller"),
        ("authorization", "bearer sk-test-caller"),
        ("authorization", "BEARER second-key"),
        ("x-api-key", "sk-test-caller"),
        ("X-API-Key", "second-key"),
        ("authorization", "sk-test-caller"),
        ("api-key", "sk-test-caller"),
    ] {
        ask().header(name, value).whole().await.expect_ok();
    }
    for (name, value) in [
        ("x-nothing", ""),
        ("authorization", "Bearer wrong"),
        ("authorization", "Bearer "),
        ("authorization", "Bearer sk-test-calle"),
        ("authorization", "Bearer sk-test-caller,second-key"),
        ("authorization", "Basic sk-test-caller"),
        ("authorization", "sk-test-calle"),
        ("x-api-key", ""),
        ("x-api-key", "wrong"),
    ] {
        let error = ask().header(name, value).whole().await.expect_error(401);
        assert_eq!(error["type"], "authentication_error", "{name}: {value}");
    }
    // The worker's key opens the worker's door only.
    ask().key(CLIENT_KEY).whole().await.expect_error(401);
    assert_eq!(pool.llm().seen().len(), 7);
    pool.stop().await;
}

/// Models need a key, health does not.
#[tokio::test]
async fn only_health_is_open() {
    let pool = Pool::start().await;
    for path in ["/api/v1/models", "/v1/models", "/v1/models/x"] {
        Ask::new(pool.server.addr, Method::GET, path).whole().await.expect_error(401);
    }
    pool.server.healthz().await.expect_ok();
    pool.stop().await;
}

/// A user key uses models, a viewer key reads the state, and only the admin key administers.
#[tokio::test]
async fn each_key_has_the_role_of_its_list() {
    let pool = Pool::with(1, &[("USER_KEY", "sk-user"), ("VIEWER_KEY", "sk-viewer")], &[]).await;
    let status = async |method: Method, path: &str, key: &str| {
        let ask = Ask::new(pool.server.addr, method, path).json(&chat(MODEL, &Script::Answer));
        ask.key(key).whole().await.status
    };
    let chat_path = "/v1/chat/completions";
    let cancel_path = "/api/state/requests/999999/cancel";
    for (key, used, seen, cancelled) in
        [("sk-user", 200, 403, 403), ("sk-viewer", 403, 200, 403), (API_KEY, 200, 200, 404)]
    {
        assert_eq!(status(Method::GET, "/v1/models", key).await, 200, "{key}");
        assert_eq!(status(Method::POST, chat_path, key).await, used, "{key}");
        assert_eq!(status(Method::GET, "/api/state", key).await, seen, "{key}");
        assert_eq!(status(Method::GET, "/metrics", key).await, seen, "{key}");
        assert_eq!(status(Method::POST, cancel_path, key).await, cancelled, "{key}");
    }
    let refused = Ask::new(pool.server.addr, Method::GET, "/api/state").key("sk-user");
    let error = refused.whole().await.expect_error(403);
    assert_eq!(error["code"], "insufficient_permissions");
    assert_eq!(error["type"], "permission_error");
    assert_eq!(pool.llm().seen().len(), 2);
    pool.stop().await;
}

/// One user key closes the whole API, and the log warns that nobody can administer the server.
#[tokio::test]
async fn without_an_admin_key_nobody_administers() {
    let server = Server::with(&[("API_KEY", ""), ("USER_KEY", "sk-user")]).await;
    until("the warning", async || server.has_logged("no key can administer").then_some(())).await;
    let state = || Ask::new(server.addr, Method::GET, "/api/state");
    state().whole().await.expect_error(401);
    state().key("sk-user").whole().await.expect_error(403);
    server.stop().await;

    let mut refused = Server::launch(&[("USER_KEY", API_KEY)], &[]);
    let (_, code) = refused.wait_exit(llamapool_e2e::secs(10)).await;
    assert_eq!(code, Some(64));
    assert!(refused.log().iter().any(|line| line.contains("have a key in common")), "{:?}", refused.log());
}

/// The caller's keys stop at the server; the runtime gets the worker's.
#[tokio::test]
async fn the_runtime_gets_the_workers_key_only() {
    let pool = Pool::with(1, &[], &[("COMPLETION_API_KEY", "sk-runtime")]).await;
    let ask = pool.server.chat(MODEL, &Script::Answer).header("x-api-key", API_KEY);
    ask.header("proxy-authorization", "Basic c2VjcmV0")
        .header("cookie", "session=secret")
        .whole()
        .await
        .expect_ok();
    let seen = pool.llm().last();
    assert_eq!(seen.header("authorization"), "Bearer sk-runtime");
    let all = format!("{:?}", seen.headers);
    assert!(!all.contains(API_KEY) && !all.contains("c2VjcmV0"), "{all}");
    pool.stop().await;
}

/// A worker with the wrong key says so, keeps trying, and is no bother.
#[tokio::test]
async fn a_worker_with_a_wrong_key_says_so_and_keeps_trying() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let mut worker = Worker::with("stranger", &server.worker_url(), &llm, &[("CLIENT_KEY", "wrong-key")]);
    worker.until_log("that the key is refused", |line| line.contains("CLIENT_KEY").then_some(())).await;
    assert!(worker.runs());
    assert!(server.models().await.is_empty());
    worker.stop().await;
    server.stop().await;
}

/// Keys are in no log, prompts neither.
#[tokio::test]
async fn logs_tell_no_secrets() {
    let env = &[("LOG_LEVEL", "trace"), ("DEBUG", "true")];
    let pool = Pool::with(1, env, &[env[0], env[1], ("COMPLETION_API_KEY", "sk-runtime")]).await;
    let mut body = chat(MODEL, &Script::Answer);
    body["messages"][0]["content"] = "my-secret-prompt".into();
    pool.server.post("/v1/chat/completions", &body).whole().await.expect_ok();
    Ask::new(pool.server.addr, Method::GET, "/v1/models").key("sk-wrong-guess").whole().await;
    for process in [&*pool.server, &*pool.workers[0]] {
        for secret in [API_KEY, CLIENT_KEY, "sk-runtime", "my-secret-prompt", "sk-wrong-guess"] {
            let line = process.log().into_iter().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} in a log");
        }
    }
    pool.stop().await;
}

/// Without keys the server keeps to this machine and says so; anonymous access must be asked for by name.
#[tokio::test]
async fn without_keys_the_server_keeps_to_itself() {
    let open = [("API_KEY", ""), ("CLIENT_KEY", ""), ("LISTEN_ADDR", "")];
    let server = Server::with(&open).await;
    assert!(server.addr.ip().is_loopback());
    until("a clear line", async || server.has_logged("API_KEY").then_some(())).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::with("w", &server.worker_url(), &llm, &[("CLIENT_KEY", "")]);
    until("an answer without a key", async || {
        let ask =
            Ask::new(server.addr, Method::POST, "/v1/chat/completions").json(&chat(MODEL, &Script::Answer));
        (ask.whole().await.status == 200).then_some(())
    })
    .await;
    server.stop().await;

    let mut refused = Server::launch(&[("API_KEY", ""), ("CLIENT_KEY", ""), ("LISTEN_ADDR", "0.0.0.0")], &[]);
    let (_, code) = refused.wait_exit(llamapool_e2e::secs(10)).await;
    assert_ne!(code, Some(0), "an open server on all interfaces without being asked by name");
    assert!(
        refused.log().iter().any(|line| line.to_lowercase().contains("anonymous")),
        "{:?}",
        refused.log()
    );
    let mut allowed = Server::launch(
        &[("API_KEY", ""), ("CLIENT_KEY", ""), ("LISTEN_ADDR", "0.0.0.0")],
        &["--allow-anonymous"],
    );
    allowed.until_log("that it listens", |line| line.contains("Listening on").then_some(())).await;
}

/// Nothing but an address tells a page of another site from the user, where no key does: its requests are refused, whatever they are sent to.
#[tokio::test]
async fn without_keys_pages_of_other_sites_are_kept_out() {
    let open = [("API_KEY", ""), ("CLIENT_KEY", ""), ("ALLOWED_ORIGINS", "https://app.test")];
    let server = Server::with(&open).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::with("w", &server.worker_url(), &llm, &[("CLIENT_KEY", "")]);
    let post = |headers: &[(&'static str, String)]| {
        let ask =
            Ask::new(server.addr, Method::POST, "/v1/chat/completions").json(&chat(MODEL, &Script::Answer));
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    };
    until("an answer without a key", async || (post(&[]).whole().await.status == 200).then_some(())).await;
    let (addr, port) = (server.addr, server.addr.port());
    let welcome = [
        vec![("origin", format!("http://{addr}"))],
        vec![("origin", "https://app.test".to_owned())],
        vec![("host", format!("localhost:{port}")), ("origin", format!("http://localhost:{port}"))],
        vec![("host", format!("pool.localhost:{port}"))],
        vec![("host", "app.test".to_owned())],
    ];
    for headers in &welcome {
        post(headers).whole().await.expect_ok();
    }
    let seen = llm.seen().len();
    for (headers, code) in [
        (vec![("origin", "https://elsewhere.test".to_owned())], "foreign_origin"),
        (vec![("origin", "null".to_owned())], "foreign_origin"),
        (vec![("host", format!("rebound.test:{port}"))], "foreign_host"),
        (vec![("host", "x@localhost:1:2".to_owned())], "foreign_host"),
    ] {
        let error = post(&headers).whole().await.expect_error(403);
        assert_eq!(error["code"], code, "{headers:?}");
        let state = Ask::new(addr, Method::GET, "/api/state");
        let state = headers.iter().fold(state, |ask, (name, value)| ask.header(name, value));
        assert_eq!(state.whole().await.expect_error(403)["code"], code, "{headers:?}");
    }
    assert_eq!(llm.seen().len(), seen, "none of them got to the runtime");
    server.stop().await;
}
