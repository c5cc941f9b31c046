//! The two programs as people and service managers start them.

use std::process::Output;

use http::Method;
use llamapool_e2e::process::{binary, clean_command};
use llamapool_e2e::{Ask, FakeLlm, MODEL, Pool, Script, Server, Worker, secs, until};
use serde_json::json;

const PROGRAMS: [&str; 2] = ["llamapool-server", "llamapool-worker"];

async fn run(program: &str, args: &[&str], env: &[(&str, String)]) -> Output {
    let mut command = clean_command(binary(program), env);
    command.args(args).kill_on_drop(true);
    tokio::time::timeout(secs(10), command.output()).await.expect("it ends by itself").expect("it starts")
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `--version` is one line that scripts can read.
#[tokio::test]
async fn version_is_one_line() {
    for program in PROGRAMS {
        let output = run(program, &["--version"], &[]).await;
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        let start = format!("{program} version={}", env!("CARGO_PKG_VERSION"));
        assert!(text.starts_with(&start) && text.lines().count() == 1, "{text}");
        assert!(text.contains(" sha=") && text.contains(" date="), "{text}");
    }
}

/// `--help` names the flags.
#[tokio::test]
async fn help_names_the_flags() {
    for (program, flags) in
        PROGRAMS.into_iter().zip([["--port", "--api-key"], ["--server-url", "--max-concurrency"]])
    {
        let output = run(program, &["--help"], &[]).await;
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(flags.iter().all(|flag| text.contains(flag)), "{text}");
    }
}

/// Bad usage is 64, with a word about what is wrong.
#[tokio::test]
async fn bad_usage_is_64() {
    for program in PROGRAMS {
        for args in [&["--no-such-flag"][..], &["stray"], &["--config"]] {
            let output = run(program, args, &[]).await;
            assert_eq!(output.status.code(), Some(64), "{program} {args:?}: {}", both(&output));
            assert!(!output.stderr.is_empty());
        }
    }
}

/// `--check-config` says yes, or all that is wrong with file and line, and starts nothing.
#[tokio::test]
async fn check_config_tells_all_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("llamapool.yaml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = write("port: 0\napi_key: a\nclient_key: b\n");
    let output = run("llamapool-server", &["--check-config", "--config", &good], &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let unknown = write("port: 0\nqueue_sice: 5\n");
    let output = run("llamapool-server", &["--check-config", "--config", &unknown], &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    assert!(
        ["queue_sice", "queue_size"].iter().all(|words| both(&output).contains(words)),
        "{}",
        both(&output)
    );
    let bad = write("port: 70000\nqueue_size: many\n\nkeepalive_timeout: 1s\n");
    let output = run("llamapool-server", &["--check-config", "--config", &bad], &[]).await;
    let said = both(&output);
    assert!(matches!(output.status.code(), Some(1 | 64)), "{:?}: {said}", output.status);
    for words in ["70000", "many", "1s", "llamapool.yaml:1", "llamapool.yaml:2", "llamapool.yaml:4"] {
        assert!(said.contains(words), "no {words} in {said}");
    }
    let output = run("llamapool-server", &["--config", &bad], &[]).await;
    assert!(matches!(output.status.code(), Some(1 | 64)), "it started: {}", both(&output));

    let good = write("server_url: wss://example.com\nmax_concurrency: 4\n");
    let output = run("llamapool-worker", &["--check-config"], &[("CONFIG_FILE", good)]).await;
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let output = run("llamapool-worker", &["--check-config"], &[("MAX_CONCURRENCY", "0".into())]).await;
    assert!(
        matches!(output.status.code(), Some(1 | 64)) && both(&output).contains("MAX_CONCURRENCY"),
        "{}",
        both(&output)
    );
    let missing = folder.path().join("missing.yaml").display().to_string();
    let output = run("llamapool-server", &["--check-config", "--config", &missing], &[]).await;
    assert_ne!(output.status.code(), Some(0), "a config file that was asked for by name is missing");
}

/// Flags win over the environment, that over the file.
#[tokio::test]
async fn flag_before_environment_before_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.yaml");
    std::fs::write(&path, "api_key: from-file\nmax_body: 1KiB\n").unwrap();
    let path = path.display().to_string();
    let mut server =
        Server::launch(&[("CONFIG_FILE", &path), ("API_KEY", "from-env")], &["--api-key", "from-flag"]);
    let addr = server.until_address("Listening on").await.parse().unwrap();
    let models = |key: &str| Ask::new(addr, Method::GET, "/v1/models").key(key).whole();
    assert_eq!(models("from-flag").await.status, 200);
    assert_eq!(models("from-env").await.status, 401);
    assert_eq!(models("from-file").await.status, 401);
    let large =
        Ask::new(addr, Method::POST, "/v1/embeddings").key("from-flag").body(vec![b' '; 2000]).whole().await;
    large.expect_error(413);
}

/// A start that fails is 1, with the reason.
#[tokio::test]
async fn a_failed_start_is_1() {
    let server = Server::start().await;
    let port = server.addr.port().to_string();
    let output =
        run("llamapool-server", &[], &[("PORT", port.clone()), ("LISTEN_ADDR", "127.0.0.1".into())]).await;
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(both(&output).contains(&port), "{}", both(&output));
    server.stop().await;
}

const STATUS: &[(&str, &str)] = &[("STATUS_ADDR", "127.0.0.1:0")];

/// The status server tells how the worker is.
#[tokio::test]
async fn status_tells_how_the_worker_is() {
    let mut pool = Pool::with(1, &[], STATUS).await;
    let status = pool.workers[0].status().await;
    let idle = status.status().await;
    for (name, value) in [
        ("state", json!("connected_idle")),
        ("connected_to_server", json!(true)),
        ("connected_to_backend", json!(true)),
        ("current_jobs", json!(0)),
        ("max_concurrency", json!(64)),
        ("models", json!([MODEL])),
        ("last_error", json!("")),
        ("worker_id", json!("id-of-w0")),
        ("worker_name", json!("w0")),
    ] {
        assert_eq!(idle[name], value, "{name} in {idle}");
    }
    assert!(idle["last_heartbeat"].as_str().is_some_and(|at| at.starts_with("20")), "{idle}");
    let waiting = tokio::spawn(pool.server.chat(MODEL, &Script::stepped(1)).whole());
    pool.llm().until_open(1).await;
    let busy = until("the worker to say that it is busy", async || {
        let busy = status.status().await;
        (busy["state"] == "connected_busy").then_some(busy)
    });
    assert_eq!(busy.await["current_jobs"], 1);
    pool.llm().step(2);
    waiting.await.unwrap().expect_ok();
    let version = Ask::new(status.addr, Method::GET, "/version").whole().await.expect_ok().json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["build_sha"].is_string() && version["build_date"].is_string(), "{version}");
    pool.stop().await;
}

/// Drain: nothing new, what is open is finished, the link stays; undrain: as before; shutdown: the end, code 0.
#[tokio::test]
async fn drain_undrain_and_shutdown() {
    let mut pool = Pool::with(1, &[], STATUS).await;
    let status = pool.workers[0].status().await;
    for wrong in ["", "wrong"] {
        assert_eq!(status.control("drain", wrong).await.status, 401);
    }
    let get = Ask::new(status.addr, Method::GET, "/control/drain").header("x-auth-token", &status.token);
    assert_eq!(get.whole().await.status, 405);
    assert_eq!(status.status().await["state"], "connected_idle");

    let open = tokio::spawn(pool.server.chat(MODEL, &Script::stepped(1)).whole());
    pool.llm().until_open(1).await;
    assert_eq!(status.control("drain", &status.token).await.status, 200);
    until("no new work to be taken", async || {
        let answer = pool.server.chat(MODEL, &Script::Answer).whole().await;
        (answer.status == 503).then_some(())
    })
    .await;
    let seen = pool.llm().seen().len();
    assert_eq!(status.status().await["state"], "draining");
    pool.llm().step(2);
    open.await.unwrap().expect_ok();
    until("the job to be done", async || (status.status().await["current_jobs"] == 0).then_some(())).await;
    llamapool_e2e::holds(secs(1), "the worker", async || pool.workers[0].runs()).await;
    assert_eq!(pool.server.chat(MODEL, &Script::Answer).whole().await.status, 503);
    assert_eq!(pool.llm().seen().len(), seen);
    assert_eq!(status.status().await["connected_to_server"], true);

    assert_eq!(status.control("undrain", &status.token).await.status, 200);
    until("work to be taken again", async || {
        (pool.server.chat(MODEL, &Script::Answer).whole().await.status == 200).then_some(())
    })
    .await;

    let open = tokio::spawn(pool.server.chat(MODEL, &Script::stepped(1)).whole());
    pool.llm().until_open(1).await;
    assert_eq!(status.control("shutdown", &status.token).await.status, 200);
    until("the end to be announced", async || {
        (status.status().await["state"] == "terminating").then_some(())
    })
    .await;
    pool.llm().step(2);
    open.await.unwrap().expect_ok();
    assert_eq!(pool.workers[0].wait_exit(secs(5)).await.1, Some(0));
    pool.stop().await;
}

/// The token is nobody else's to read, and stays over restarts.
#[cfg(unix)]
#[tokio::test]
async fn the_token_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let mut pool = Pool::with(1, &[], STATUS).await;
    let status = pool.workers[0].status().await;
    // Beside the configuration file, which every worker here has a folder of its own for.
    let file = pool.workers[0].state_dir().join("worker.token");
    let metadata = std::fs::metadata(&file).expect("the token lies beside the configuration file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(status.token.len(), 64);
    pool.stop().await;
}

/// `--demo` needs no runtime at all and looks like nothing but an echo.
#[tokio::test]
async fn the_demo_runtime_echoes() {
    let server = Server::start().await;
    let url = server.worker_url();
    let _worker = Worker::launch("demo", &[("SERVER_URL", &url)], &["--demo"]);
    let ids = until("a model", async || Some(server.models().await).filter(|ids| !ids.is_empty())).await;
    let model = ids[0].as_str();
    assert!(["demo", "echo"].iter().any(|word| model.contains(word)), "{model} could be taken for an LLM");
    let ask = json!({"model": model, "messages": [{"role": "user", "content": "llamas are 🦙"}]});
    let answer = server.post("/v1/chat/completions", &ask).whole().await.expect_ok().json();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("llamas are 🦙"), "{text}");
    let mut streamed = ask.clone();
    streamed["stream"] = true.into();
    let stream = server.post("/v1/chat/completions", &streamed).whole().await.expect_ok().text();
    assert!(stream.ends_with("data: [DONE]\n\n") && stream.matches("data: ").count() > 3, "{stream}");
    let ask = json!({"model": model, "input": ["a", "b"]});
    let embeddings = server.post("/v1/embeddings", &ask).whole().await.expect_ok().json();
    assert_eq!(embeddings["data"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

/// The names of the older systems are still understood.
#[tokio::test]
async fn older_names_of_settings_are_understood() {
    let server = Server::with(&[("CLIENT_KEY", ""), ("WORKER_KEY", "older")]).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let url = server.worker_url();
    let base = llm.url() + "/v1";
    let env = [
        ("SERVER_URL", &*url),
        ("CLIENT_KEY", ""),
        ("WORKER_KEY", "older"),
        ("CLIENT_NAME", ""),
        ("WORKER_NAME", "old-hand"),
        ("OLLAMA_BASE_URL", &base),
    ];
    let _worker = Worker::launch("w", &env, &["-r"]);
    server.until_owners(MODEL, 1).await;
    let model = server.get(&format!("/v1/models/{MODEL}")).whole().await.json();
    assert_eq!(model["owned_by"], "old-hand");
    server.stop().await;
}

/// `join` warns about a connection that is not encrypted if a key is sent over it: the one of the link, or one that is kept or set.
#[tokio::test]
async fn join_warns_about_a_key_that_others_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.yaml").display().to_string();
    let host = "ws://192.0.2.7:8080/api/workers/connect";
    let join = async |link: &str, env: &[(&str, &str)]| {
        let _ = std::fs::remove_file(&file);
        let mut env: Vec<_> = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        env.push(("HOME", folder.path().display().to_string()));
        let output = run("llamapool-worker", &["--config", &file, "join", link], &env).await;
        assert_eq!(output.status.code(), Some(0), "{}", both(&output));
        both(&output).contains("Warning: the connection to 192.0.2.7 is not encrypted")
    };
    assert!(!join(host, &[]).await, "there is no key to read");
    assert!(join(host, &[("CLIENT_KEY", "from-the-environment")]).await);
    assert!(join(&format!("llamapool://join?server={host}&key=of-the-link"), &[]).await);
    let safe = host.replace("ws://", "wss://");
    assert!(!join(&format!("llamapool://join?server={safe}&key=of-the-link"), &[]).await);
}
