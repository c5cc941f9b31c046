//! `llamapool-worker doctor` and `join` as people call them, with real servers.

use std::process::{Output, Stdio};

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::process::{binary, clean_command};
use llamapool_e2e::server::CLIENT_KEY;
use llamapool_e2e::tls_front::TlsFront;
use llamapool_e2e::{FakeLlm, MODEL, Pool, Server, Worker, secs};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

/// A worker's folder in which commands are called.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        std::fs::write(home.file("worker.yaml"), "").expect("a temporary folder takes files");
        home
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    async fn call(&self, args: &[&str], env: &[(&str, &str)], stdin: &str) -> Output {
        let folder = self.0.path().display().to_string();
        let config = self.file("worker.yaml");
        let mut all = vec![("CONFIG_FILE", config), ("STATE_DIR", folder.clone()), ("HOME", folder)];
        all.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut command = clean_command(binary("llamapool-worker"), &all);
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let mut pipe = child.stdin.take().expect("stdin is piped");
        pipe.write_all(stdin.as_bytes()).await.expect("it takes its input");
        drop(pipe);
        tokio::time::timeout(secs(40), child.wait_with_output()).await.expect("it ends").expect("it ran")
    }

    /// What the doctor says, and its exit code.
    async fn doctor(&self, env: &[(&str, &str)]) -> (Value, Option<i32>) {
        let output = self.call(&["doctor", "--json"], env, "").await;
        let json = serde_json::from_slice(&output.stdout);
        (json.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
    }
}

#[track_caller]
fn outcomes(said: &Value, expect: &[(&str, &str)]) {
    for (id, outcome) in expect {
        assert_eq!(check(said, id)["outcome"], **outcome, "{id} in {said:#}");
    }
}

fn check<'v>(said: &'v Value, id: &str) -> &'v Value {
    let all = said["checks"].as_array().expect("a list of checks");
    all.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id} in {said:#}"))
}

/// All is well: a real server, a runtime. The server sees no worker come.
#[tokio::test]
async fn all_is_well() {
    let (server, llm) = (Server::start().await, FakeLlm::start(&[MODEL, "other"]).await);
    let (url, base) = (server.worker_url(), llm.url() + "/v1");
    let env = [
        ("SERVER_URL", &*url),
        ("CLIENT_KEY", CLIENT_KEY),
        ("COMPLETION_BASE_URL", &base),
        ("MODELS_WITHHELD", "oth*"),
    ];
    let (said, code) = Home::new().doctor(&env).await;
    assert_eq!((code, &said["well"]), (Some(0), &true.into()), "{said:#}");
    let good =
        ["config", "version", "permissions", "worker", "proxy", "tcp", "tls", "websocket", "key", "clock"];
    outcomes(&said, &good.map(|id| (id, "ok")));
    outcomes(&said, &[("server_version", "ok"), ("runtime", "ok"), ("models", "ok"), ("dns", "skipped")]);
    assert!(check(&said, "models")["found"].as_str().unwrap().contains("1 of 2"), "{said:#}");
    let state = server.get("/api/state").whole().await.expect_ok().json();
    assert_eq!(state["workers"].as_array().map(Vec::len), Some(0), "{state}");

    let output = Home::new().call(&["doctor"], &env, "").await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.starts_with("ok       Key")) && !text.contains('\u{1b}'), "{text}");
    server.stop().await;
}

/// A worker that runs goes on, though the doctor comes with its id and key.
#[tokio::test]
async fn a_running_worker_is_not_disturbed() {
    let mut pool = Pool::with(1, &[], &[("STATUS_ADDR", "127.0.0.1:0")]).await;
    let status = pool.workers[0].status().await.addr.to_string();
    let state = pool.workers[0].state_dir().display().to_string();
    let url = pool.server.worker_url();
    let env = [
        ("SERVER_URL", &*url),
        ("CLIENT_KEY", CLIENT_KEY),
        ("CLIENT_ID", "id-of-w0"),
        ("STATE_DIR", &state),
        ("STATUS_ADDR", &status),
        ("DEMO", "true"),
    ];
    let (said, code) = Home::new().doctor(&env).await;
    assert_eq!(code, Some(0), "{said:#}");
    let worker = check(&said, "worker")["found"].as_str().unwrap();
    assert!(worker.contains("running (connected_idle)"), "{worker}");
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
    let connected = pool.workers[0].log().iter().filter(|line| line.contains("Connected to")).count();
    assert_eq!(connected, 1, "it never had to connect again");
    pool.stop().await;
}

/// A worker whose logs cannot be written works, and the doctor says what is wrong with it.
#[tokio::test]
async fn a_running_worker_that_cannot_write_its_logs() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::write(&logs, "in the way").unwrap();
    let settings = [("STATUS_ADDR", "127.0.0.1:0"), ("LOG_DIR", logs.to_str().unwrap())];
    let mut pool = Pool::with(1, &[], &settings).await;
    let status = pool.workers[0].status().await.addr.to_string();
    let url = pool.server.worker_url();
    let env = [("SERVER_URL", &*url), ("CLIENT_KEY", CLIENT_KEY), ("STATUS_ADDR", &status), ("DEMO", "true")];
    let (said, code) = Home::new().doctor(&env).await;
    assert_eq!(code, Some(0), "{said:#}");
    let worker = check(&said, "worker");
    let problem = format!("running (connected_idle): Logs cannot be written to {}", logs.display());
    assert!(worker["found"].as_str().unwrap().starts_with(&problem), "{worker}");
    assert_eq!(worker["outcome"], "warning");
    assert!(worker["fix"].as_str().unwrap().contains("log_dir"), "{worker}");
    pool.stop().await;
}

/// A key that is wrong, or missing, is told apart from a server that is not there.
#[tokio::test]
async fn a_key_that_is_refused() {
    let server = Server::start().await;
    let url = server.worker_url();
    for key in ["wrong-key-of-mine", ""] {
        let env = [("SERVER_URL", &*url), ("CLIENT_KEY", key), ("DEMO", "true")];
        let (said, code) = Home::new().doctor(&env).await;
        assert_eq!(code, Some(1), "{said:#}");
        outcomes(&said, &[("tcp", "ok"), ("websocket", "ok"), ("key", "failed"), ("clock", "skipped")]);
        assert!(check(&said, "key")["fix"].as_str().unwrap().contains("client_key"), "{said:#}");
        assert!(key.is_empty() || !said.to_string().contains(key), "{said:#}");
    }
    server.stop().await;
}

/// A name that nobody has, a port where nobody listens, a runtime that is away: each is said, and what depends on it skipped.
#[tokio::test]
async fn nobody_there() {
    let no_name =
        [("SERVER_URL", "wss://no-such-host.invalid"), ("COMPLETION_BASE_URL", "http://127.0.0.1:1/v1")];
    let (said, code) = Home::new().doctor(&no_name).await;
    assert_eq!(code, Some(1));
    outcomes(&said, &[("dns", "failed"), ("tcp", "skipped"), ("tls", "skipped"), ("key", "skipped")]);
    outcomes(&said, &[("runtime", "failed"), ("models", "skipped")]);
    assert!(check(&said, "runtime")["fix"].as_str().unwrap().contains("completion_base_url"));

    let (said, _) = Home::new().doctor(&[("SERVER_URL", "ws://localhost:1"), ("DEMO", "true")]).await;
    outcomes(&said, &[("dns", "ok"), ("tcp", "failed"), ("tls", "skipped"), ("runtime", "ok")]);

    let (said, code) = Home::new().doctor(&[("SERVER_URL", "ftp://x"), ("MAX_CONCURRENCY", "0")]).await;
    assert_eq!(code, Some(1));
    outcomes(&said, &[("config", "failed"), ("tcp", "skipped"), ("runtime", "skipped")]);
    assert!(check(&said, "config")["found"].as_str().unwrap().contains("MAX_CONCURRENCY"));
}

/// A certificate that is not trusted: whose it is, and what to do. Trusted: until when.
#[tokio::test]
async fn certificates_that_are_trusted_or_not() {
    let server = Server::start().await;
    let front = TlsFront::before(server.addr).await;
    let url = format!("wss://localhost:{}", front.addr.port());
    let env = [("SERVER_URL", &*url), ("CLIENT_KEY", CLIENT_KEY), ("DEMO", "true")];
    let (said, code) = Home::new().doctor(&env).await;
    assert_eq!(code, Some(1));
    outcomes(&said, &[("tcp", "ok"), ("tls", "failed"), ("websocket", "skipped")]);
    let tls = check(&said, "tls");
    assert!(tls["found"].as_str().unwrap().contains("llamapool test authority"), "{tls:#}");
    assert!(tls["fix"].as_str().unwrap().contains("ca_file"), "{tls:#}");

    let authority = front.authority().display().to_string();
    let trusting = [env[0], env[1], env[2], ("CA_FILE", &*authority)];
    let (said, code) = Home::new().doctor(&trusting).await;
    assert_eq!(code, Some(0), "{said:#}");
    outcomes(&said, &[("tls", "ok"), ("websocket", "ok"), ("key", "ok")]);
    server.stop().await;
}

/// The report is a zip, its owner's alone, and never written over something.
#[tokio::test]
async fn a_report_is_saved() {
    let home = Home::new();
    let path = home.file("report.zip");
    let env =
        [("SERVER_URL", "ws://127.0.0.1:1"), ("CLIENT_KEY", "sk-keep-this-to-yourself"), ("DEMO", "true")];
    let output = home.call(&["doctor", "--report", &path], &env, "").await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("worker.yaml"), "{text}");
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"PK") && !text.contains("sk-keep"));
    let again = home.call(&["doctor", "--report", &path], &env, "").await;
    assert!(String::from_utf8_lossy(&again.stderr).contains("report.zip"), "{again:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

/// From a link on the standard input to a served request.
#[tokio::test]
async fn a_link_is_all_it_takes() {
    let server = Server::start().await;
    let home = Home::new();
    std::fs::write(home.file("worker.yaml"), "# mine\nmax_concurrency: 3 # enough\n").unwrap();
    let link = format!("llamapool://join?server={}&key={CLIENT_KEY}\n", server.worker_url());
    let output = home.call(&["join", "-"], &[], &link).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = std::fs::read_to_string(home.file("worker.yaml")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["# mine", "max_concurrency: 3 # enough"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains(CLIENT_KEY));

    let env = [("CONFIG_FILE", &*home.file("worker.yaml")), ("CLIENT_KEY", "")];
    let _worker = Worker::launch("joined", &env, &["--demo"]);
    llamapool_e2e::until("a model", async || Some(server.models().await).filter(|ids| !ids.is_empty())).await;

    for wrong in ["llamapool://join?server=ftp://x&key=hush", "", "llamapool://leave?key=hush"] {
        let output = home.call(&["join", "-"], &[], wrong).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && !told.is_empty() && !told.contains("hush"), "{told}");
    }
    assert_eq!(std::fs::read_to_string(home.file("worker.yaml")).unwrap(), text);
    server.stop().await;
}
