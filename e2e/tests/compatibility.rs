//! A worker and a server of different versions work together. A recorded conversation of an earlier version stands for either of them.
//!
//! To record one with the programs of this tree: `RECORD_TUNNEL=/tmp/FILE cargo test -p llamapool-e2e --test compatibility record`.

use std::path::Path;

use bytes::Buf;
use http::Method;
use llamapool_e2e::peer::{Frame, Peer, Received, request_line};
use llamapool_e2e::recording::{Exchange, From, Recorder, Recording};
use llamapool_e2e::server::{CLIENT_KEY, worker_url};
use llamapool_e2e::wait::PATIENCE;
use llamapool_e2e::{FakeLlm, MODEL, Script, Server, Worker, chat};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// Recorded with the programs of commit c9787f9 (0.1.0).
fn recorded() -> Recording {
    Recording::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/0.1.0-c9787f9.jsonl"))
}

/// What is asked in the recording, one after the other.
fn scripts() -> [Script; 3] {
    [Script::Answer, Script::tokens(5), Script::status(400)]
}

/// The older worker at the server of this tree.
#[tokio::test]
async fn an_older_worker_serves_through_this_server() {
    let recording = recorded();
    let server = Server::start().await;
    let mut worker = Peer::connect(server.addr, CLIENT_KEY).await.expect("the key is right");
    let reports = recording.control(From::Worker, "report");
    let (last, reports) = reports.split_last().expect("a worker reports");
    for text in recording.control(From::Worker, "hello").iter().chain(reports) {
        worker.send_raw(Message::text(text.clone())).await;
    }
    worker.control("hello").await;
    server.until_models(&[MODEL]).await;
    let exchanges = recording.exchanges();
    assert_eq!(exchanges.len(), scripts().len());
    for (id, exchange) in &exchanges {
        let (path, body) = (path(&exchange.request), Exchange::body(&exchange.request));
        let ask =
            server.ask(Method::POST, &path).header("content-type", "application/json").body(body.clone());
        let answered = tokio::spawn(ask.whole());
        let (stream, line) = worker.request().await;
        assert_eq!((stream, line), (*id, format!("POST {path}")));
        assert_eq!(request_body(&mut worker, *id).await, body);
        worker.send(&exchange.response).await;
        let answer = answered.await.expect("the client does not panic");
        assert_eq!(answer.broken, None);
        assert_eq!(answer.status, status(&exchange.response));
        assert_eq!(answer.body, Exchange::body(&exchange.response));
    }
    for text in [last].into_iter().chain(&recording.control(From::Worker, "bye")) {
        worker.send_raw(Message::text(text.clone())).await;
    }
    server.until_models(&[]).await;
    server.stop().await;
}

/// The worker of this tree at the older server.
#[tokio::test]
async fn this_worker_serves_an_older_server() {
    let recording = recorded();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let llm = FakeLlm::start(&[MODEL]).await;
    let url = worker_url(listener.local_addr().expect("an address"));
    let worker = Worker::start("recorded", &url, &llm);
    let mut server = tokio::time::timeout(PATIENCE, Peer::accept(&listener)).await.expect("the worker dials");
    let hello = server.control("hello").await;
    assert_eq!(hello["id"], "id-of-recorded");
    for text in recording.control(From::Server, "hello") {
        server.send_raw(Message::text(text)).await;
    }
    let report = server.until(|received| match received {
        Received::Text(text) if text["state"] == "ready" => Some(text.clone()),
        _ => None,
    });
    assert_eq!(report.await["models"][0]["name"], MODEL);
    for (id, exchange) in &recording.exchanges() {
        server.send(&exchange.request).await;
        let response = response(&mut server, *id).await;
        assert_eq!(status(&response), status(&exchange.response));
        assert_eq!(Exchange::body(&response), Exchange::body(&exchange.response));
    }
    worker.stop().await;
}

/// Records a conversation, and keeps it if `RECORD_TUNNEL` names a file (an absolute path).
#[tokio::test]
async fn record() {
    let server = Server::start().await;
    let llm = FakeLlm::start(&[MODEL]).await;
    let recorder = Recorder::start(server.addr, CLIENT_KEY).await;
    let worker = Worker::start("recorded", &recorder.url, &llm);
    server.until_models(&[MODEL]).await;
    for script in scripts() {
        let answer = server.post("/v1/chat/completions", &chat(MODEL, &script)).whole().await;
        assert_eq!(answer.broken, None);
    }
    worker.stop().await;
    server.until_models(&[]).await;
    let recording = recorder.recording();
    assert_eq!(recording.exchanges().len(), scripts().len());
    if let Some(file) = std::env::var_os("RECORD_TUNNEL") {
        recording.save(Path::new(&file));
    }
    server.stop().await;
}

/// The path of a recorded request.
fn path(request: &[Frame]) -> String {
    let Some(Frame::Head(_, _, block)) = request.first() else { panic!("a request begins with its head") };
    request_line(block).split_once(' ').expect("a method and a path").1.to_owned()
}

fn status(response: &[Frame]) -> u16 {
    let Some(Frame::Head(_, _, block)) = response.first() else { panic!("a response begins with its head") };
    block.clone().get_u16_le()
}

/// The body of request `id`, to its end.
async fn request_body(worker: &mut Peer, id: u32) -> bytes::Bytes {
    let mut frames = Vec::new();
    worker
        .until(|received| match received {
            Received::Frame(frame @ Frame::Data(of, end, _)) if *of == id => {
                frames.push(frame.clone());
                end.then_some(())
            }
            _ => None,
        })
        .await;
    Exchange::body(&frames)
}

/// The frames of response `id`, to its end.
async fn response(server: &mut Peer, id: u32) -> Vec<Frame> {
    let mut frames = Vec::new();
    server
        .until(|received| match received {
            Received::Frame(frame @ (Frame::Head(of, end, _) | Frame::Data(of, end, _))) if *of == id => {
                frames.push(frame.clone());
                end.then_some(())
            }
            Received::Frame(Frame::Reset(of, code)) if *of == id => panic!("stream {id} was reset: {code}"),
            _ => None,
        })
        .await;
    frames
}
