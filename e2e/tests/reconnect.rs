//! Links break and come back.

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::peer::{Frame, Peer, Received, answer_head};
use llamapool_e2e::server::worker_url;
use llamapool_e2e::{Cut, FakeLlm, MODEL, Pool, Script, Server, Worker, secs, until};

const IMPATIENT: &[(&str, &str)] = &[("KEEPALIVE_TIMEOUT", "3s")];

/// The server is restarted: its workers are back without anybody's help.
#[tokio::test]
async fn workers_come_back_after_a_server_restart() {
    let server = Server::start().await;
    let cut = Cut::before(server.addr).await;
    let mut parts = Vec::new();
    for name in ["a", "b"] {
        let llm = FakeLlm::start(&[MODEL]).await;
        parts.push((Worker::start(name, &worker_url(cut.addr), &llm), llm));
    }
    server.until_owners(MODEL, 2).await;
    server.stop().await;
    let server = Server::start().await;
    cut.lead_to(server.addr);
    server.until_owners(MODEL, 2).await;
    server.chat(MODEL, &Script::tokens(3)).whole().await.expect_ok();

    // And after one that died.
    server.sigkill();
    drop(server);
    let server = Server::start().await;
    cut.lead_to(server.addr);
    server.until_owners(MODEL, 2).await;
    server.chat(MODEL, &Script::tokens(3)).whole().await.expect_ok();
    server.stop().await;
}

/// A worker may be started before its server.
#[tokio::test]
async fn a_worker_waits_for_its_server() {
    let nobody = Cut::before(([127, 0, 0, 1], 1).into()).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let mut worker = Worker::start("early", &worker_url(nobody.addr), &llm);
    until("a few tries", async || (nobody.accepted() >= 2).then_some(())).await;
    assert!(worker.runs());
    let server = Server::start().await;
    nobody.lead_to(server.addr);
    server.until_owners(MODEL, 1).await;
    server.stop().await;
}

/// Unless it was told not to.
#[tokio::test]
async fn a_worker_told_so_gives_up() {
    let nobody = Cut::before(([127, 0, 0, 1], 1).into()).await;
    let env =
        [("SERVER_URL", worker_url(nobody.addr)), ("COMPLETION_BASE_URL", "http://127.0.0.1:1/v1".into())];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut worker = Worker::launch("once", &env, &["--no-reconnect"]);
    assert_eq!(worker.wait_exit(secs(20)).await.1, Some(1));
}

/// The wire breaks: what was waiting is answered with an error or elsewhere, and the worker is back at once.
#[tokio::test]
async fn a_broken_wire_is_mended() {
    let server = Server::start().await;
    let cut = Cut::before(server.addr).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::start("w", &worker_url(cut.addr), &llm);
    server.until_owners(MODEL, 1).await;
    for _ in 0..3 {
        let waiting = tokio::spawn(server.chat(MODEL, &Script::HangBeforeHead).whole());
        llm.until_open(1).await;
        cut.cut();
        let answer = waiting.await.unwrap();
        assert!([502, 503].contains(&answer.status), "{}", answer.text());
        llm.until_open(0).await;
        until("the worker to be back", async || {
            let answer = server.chat(MODEL, &Script::Answer).whole().await;
            (answer.status == 200).then_some(())
        })
        .await;
    }
    server.stop().await;
}

/// The wire falls silent without breaking: both ends notice, clean up, and meet again when it carries again.
#[tokio::test]
async fn a_black_hole_is_noticed_on_both_sides() {
    let server = Server::with(IMPATIENT).await;
    let cut = Cut::before(server.addr).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let _worker = Worker::with("w", &worker_url(cut.addr), &llm, IMPATIENT);
    server.until_owners(MODEL, 1).await;
    let waiting = tokio::spawn(server.chat(MODEL, &Script::HangBeforeHead).whole());
    llm.until_open(1).await;
    let links = cut.accepted();
    cut.stall();
    let answer = tokio::time::timeout(secs(10), waiting).await.expect("the server notices").unwrap();
    assert!([502, 503].contains(&answer.status), "{}", answer.text());
    server.until_owners(MODEL, 0).await;
    // The worker notices too: the runtime is let go, and it dials again.
    llm.until_open(0).await;
    until("the worker to dial again", async || (cut.accepted() > links).then_some(())).await;
    cut.resume();
    server.until_owners(MODEL, 1).await;
    server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    server.stop().await;
}

/// A worker whose old link the server still believes in replaces it at once; other links are not touched.
#[tokio::test]
async fn the_same_id_replaces_the_older_link_at_once() {
    let pool = Pool::start().await;
    pool.llm().step(1);
    let mut stream = pool.server.chat(MODEL, &Script::stepped(3)).send().await;
    stream.data().await;

    let mut old = Peer::join(pool.server.addr, "twin", &["twin-model"], 4).await;
    pool.server.until_owners("twin-model", 1).await;
    let waiting = tokio::spawn(pool.server.post("/v1/chat/completions", &plain_chat("twin-model")).whole());
    old.request().await;
    let mut new = Peer::join(pool.server.addr, "twin", &["twin-model"], 4).await;
    tokio::time::timeout(secs(3), old.closed()).await.expect("the older link is closed at once");
    assert_eq!(pool.server.owners("twin-model").await, 1);

    // What the older link had not begun to answer goes to the newer one or ends clearly; what comes, to the newer one.
    let coming = pool.server.post("/v1/chat/completions", &plain_chat("twin-model")).whole();
    let both = async { (waiting.await.unwrap(), coming.await) };
    let serve = async {
        loop {
            let (id, _) = new.request().await;
            let body = Frame::Data(id, true, "{}".into());
            new.send(&[answer_head(id, false, 200, &[("content-type", "application/json")]), body]).await;
        }
    };
    let (waited, came) = tokio::select! {
        answers = both => answers,
        () = serve => unreachable!("it serves for ever"),
    };
    assert!([200, 502, 503].contains(&waited.status), "{}", waited.text());
    assert_eq!(came.expect_ok().body, "{}");

    pool.llm().step(3);
    assert!(stream.whole().await.text().ends_with("[DONE]\n\n"), "a stream on another link was touched");
    new.say(&serde_json::json!({"t": "bye", "code": "stopping", "reason": "done"})).await;
    drop(new);
    pool.server.until_owners("twin-model", 0).await;
    pool.stop().await;
}

/// A silent server is no server: a peer that answers no ping is closed, one that does is kept.
#[tokio::test]
async fn a_peer_is_pinged_while_it_is_silent() {
    let server = Server::with(IMPATIENT).await;
    let mut peer = Peer::join(server.addr, "quiet", &["m"], 1).await;
    // Answering pings is all that this peer does for twice the time.
    let quiet = async {
        loop {
            if let Received::Closed(code) = peer.next().await {
                return code;
            }
        }
    };
    let closed = tokio::time::timeout(secs(7), quiet).await;
    assert!(closed.is_err(), "a peer that answers pings was closed: {closed:?}");
    drop(peer);
    server.stop().await;
}

/// The process of a worker is killed and started again behind a wire that carries nothing any more: the server still believes in the older
/// connection. The new process has its ID at once, because the older one gives no sign of life when it is asked.
#[tokio::test]
async fn a_worker_that_is_started_again_gets_its_id_back_from_its_lost_connection() {
    let server = Server::start().await;
    let cut = Cut::before(server.addr).await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let old = Worker::start("desk", &worker_url(cut.addr), &llm);
    server.until_owners(MODEL, 1).await;
    cut.stall();
    old.sigkill();
    let mut new = Worker::start("desk", &server.worker_url(), &llm);
    new.until_log("its connection", |line| line.contains("Connected to").then_some(())).await;
    assert!(!new.has_logged("Another connected worker"), "it has an ID of its own");
    until("the new process alone", async || {
        let state = server.get("/api/state").whole().await.json();
        let connected = state["workers"].as_array()?.iter().filter(|worker| worker["status"] != "gone");
        let ids: Vec<_> = connected.map(|worker| worker["id"].clone()).collect();
        (ids == ["id-of-desk"]).then_some(())
    })
    .await;
    server.chat(MODEL, &Script::Answer).whole().await.expect_ok();
    server.stop().await;
}
