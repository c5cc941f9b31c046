//! A runtime that is one step ahead of the worker: it has refused, closed or lost the model while the request was on its way.

use llamapool_e2e::client::plain_chat;
use llamapool_e2e::raw_runtime::{RawRuntime, response};
use llamapool_e2e::{Ask, MODEL, Server, Whole, Worker, holds, millis};
use tokio::task::JoinHandle;

/// A request body that no socket buffers hold.
const LARGE: usize = 24 << 20;

const REFUSAL: &str = r#"{"error":{"message":"the prompt is too large","type":"fake_error"}}"#;

struct Rig {
    server: Server,
    runtime: RawRuntime,
    worker: Worker,
}

impl Rig {
    async fn start() -> Self {
        let (server, runtime) = tokio::join!(Server::start(), RawRuntime::start(&[MODEL]));
        let settings = [("MODEL_POLL_INTERVAL", "1h")];
        let worker = Worker::at("w", &server.worker_url(), &runtime.base_url(), &settings);
        server.until_owners(MODEL, 1).await;
        Self { server, runtime, worker }
    }

    fn chat(&self) -> Ask {
        self.server.post("/v1/chat/completions", &plain_chat(MODEL))
    }

    fn ask(&self) -> JoinHandle<Whole> {
        tokio::spawn(self.chat().whole())
    }
}

/// The runtime refuses after the head, while the body is on its way, and reads on or closes at once, which resets the connection.
#[tokio::test]
async fn an_early_refusal_arrives_although_writing_fails() {
    let mut rig = Rig::start().await;
    let body = format!(r#"{{"model":"{MODEL}","messages":[],"user":"{}"}}"#, "x".repeat(LARGE));
    for round in 1..=10 {
        let refused = tokio::spawn(rig.chat().body(body.clone()).whole());
        let mut request = rig.runtime.next().await;
        let answer =
            response("413 Payload Too Large", REFUSAL).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        request.write(&answer).await;
        match round % 2 {
            0 => drop(request),
            _ => request.drain().await,
        }
        let refused = refused.await.unwrap();
        assert_eq!((refused.status, refused.text().as_str()), (413, REFUSAL), "round {round}");
        assert_eq!(rig.runtime.arrived(), round, "it is the client's mistake, and sent nowhere else");
    }
    rig.server.stop().await;
}

/// The runtime closes a kept connection just before the next request, which is served on a new one. Whether the worker sees the end of the connection
/// before it writes to it or after is a matter of microseconds; the client's own tests have the second case in hand.
#[tokio::test]
async fn a_request_after_the_end_of_a_kept_connection_is_served() {
    let mut rig = Rig::start().await;
    for round in 1..=10 {
        let first = rig.ask();
        let mut kept = rig.runtime.next().await;
        kept.answer().await;
        first.await.unwrap().expect_ok();

        // The worker finds both when it wakes: the end of the connection, and a request for it.
        rig.worker.sigstop();
        drop(kept);
        let second = rig.ask();
        until_sent(&rig, round).await;
        rig.worker.sigcont();
        let mut again = rig.runtime.next().await;
        again.answer().await;
        second.await.unwrap().expect_ok();
        assert_eq!(rig.runtime.arrived(), 2 * round, "it arrives once");
        drop(again);
    }
    rig.server.stop().await;
}

/// Waits until the server has sent the request to the worker.
async fn until_sent(rig: &Rig, round: usize) {
    llamapool_e2e::until(&format!("request {round} at the worker"), async || {
        let state = rig.server.get("/api/state").whole().await.json();
        let live = state["live"].as_array()?.first()?.clone();
        (live["state"] == "waiting").then_some(())
    })
    .await;
}

/// The runtime reads a request on a kept connection and breaks off: it may have begun to serve it.
#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_again() {
    let mut rig = Rig::start().await;
    let first = rig.ask();
    let mut kept = rig.runtime.next().await;
    kept.answer().await;
    first.await.unwrap().expect_ok();

    let second = rig.ask();
    let mut read = kept.next().await;
    read.body().await;
    drop(read);
    second.await.unwrap().expect_error(502);
    holds(millis(300), "the number of requests", async || rig.runtime.arrived()).await;
    assert_eq!(rig.runtime.arrived(), 1, "the second one came on the first one's connection only");
    rig.server.stop().await;
}

/// The runtime says that the model is gone, long after the head of its response: its list is read at once, and is what the pool has.
#[tokio::test]
async fn a_model_that_is_gone_leaves_the_pool_however_the_runtime_says_so() {
    let mut rig = Rig::start().await;
    let gone = rig.ask();
    let mut refusing = rig.runtime.next().await;
    refusing.body().await;
    let answer = response("404 Not Found", &format!(r#"{{"error":"model '{MODEL}' not found"}}"#));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    refusing.write(&format!("{head}\r\n\r\n")).await;
    // The worker has seen the head when the next request is through.
    let next = rig.ask();
    rig.runtime.next().await.answer().await;
    next.await.unwrap().expect_ok();
    rig.runtime.set_models(&[]);
    let lists = rig.runtime.lists();
    let (begin, end) = body.split_at(10);
    refusing.write(begin).await;
    refusing.write(end).await;
    assert_eq!(gone.await.unwrap().status, 404);
    llamapool_e2e::until("the list to be read", async || (rig.runtime.lists() > lists).then_some(())).await;
    rig.server.until_models(&[]).await;
    rig.server.stop().await;
}
