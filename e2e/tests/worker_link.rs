//! A worker alone with a server that says exactly what the test tells it to.

use llamapool_e2e::peer::{CANCEL, Frame, Peer, REFUSED, Received, request_head};
use llamapool_e2e::wait::PATIENCE;
use llamapool_e2e::{FakeLlm, MODEL, Script, Worker, chat, millis, secs};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WebSocketFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

const CHAT: (&str, &str) = ("POST", "/v1/chat/completions");
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// A worker that dials the test.
struct Alone {
    listener: TcpListener,
    llm: FakeLlm,
    worker: Worker,
}

impl Alone {
    async fn start(env: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let llm = FakeLlm::start(&[MODEL]).await;
        let url = llamapool_e2e::server::worker_url(listener.local_addr().expect("an address"));
        let worker = Worker::with("alone", &url, &llm, env);
        Self { listener, llm, worker }
    }

    async fn redials(&self) -> Peer {
        tokio::time::timeout(PATIENCE, Peer::accept(&self.listener)).await.expect("the worker dials again")
    }
}

fn ask(id: u32, script: &Script) -> [Frame; 2] {
    let body = chat(MODEL, script).to_string();
    [request_head(id, false, CHAT, JSON), Frame::Data(id, true, body.into())]
}

/// It introduces itself, reports what it has, and reports again while nothing changes.
#[tokio::test]
async fn a_worker_introduces_itself_and_reports() {
    let alone = Alone::start(&[]).await;
    let (mut server, hello) = Peer::welcome(&alone.listener).await;
    assert_eq!((&hello["id"], &hello["name"]), (&"id-of-alone".into(), &"alone".into()));
    assert!(
        hello["version"].is_string() && hello["instance"].is_string() && hello["max_streams"].is_u64(),
        "{hello}"
    );
    let report = server
        .until(|received| match received {
            Received::Text(text) if text["state"] == "ready" => Some(text.clone()),
            _ => None,
        })
        .await;
    assert_eq!((&report["models"][0]["name"], &report["capacity"]), (&MODEL.into(), &64.into()));
    tokio::time::timeout(secs(7), server.control("report")).await.expect("a report at least every 5 s");
}

/// A request is forwarded, a reset cancels it in the runtime, and frames for it afterwards do no harm.
#[tokio::test]
async fn a_reset_cancels_in_the_runtime() {
    let alone = Alone::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    for id in 1..=20 {
        server.send(&ask(id, &Script::HangBeforeHead)).await;
    }
    alone.llm.until_open(20).await;
    let cancels: Vec<_> = (1..=20).flat_map(|id| [Frame::Reset(id, CANCEL), Frame::Credit(id, 9)]).collect();
    server.send(&cancels).await;
    alone.llm.until_open(0).await;
    server.send(&ask(21, &Script::Answer)).await;
    assert_eq!(server.answer(21).await, Ok(200));
}

/// It takes no more at once than it was told, and says of the rest that nothing was done.
#[tokio::test]
async fn beyond_its_concurrency_it_refuses() {
    let alone = Alone::start(&[("MAX_CONCURRENCY", "2")]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    for id in 1..=3 {
        server.send(&ask(id, &Script::HangBeforeHead)).await;
    }
    assert_eq!(server.answer(3).await, Err(REFUSED));
    alone.llm.until_open(2).await;
    server.send(&[Frame::Reset(1, CANCEL)]).await;
    alone.llm.until_open(1).await;
    server.send(&ask(4, &Script::Answer)).await;
    assert_eq!(server.answer(4).await, Ok(200));
    assert_eq!(alone.llm.seen().len(), 3);
}

/// What its owner keeps back is not reported, and not served to a server that asks all the same.
#[tokio::test]
async fn a_withheld_model_is_neither_offered_nor_served() {
    let alone = Alone::start(&[("MODELS_WITHHELD", "other, *SECRET*")]).await;
    alone.llm.set_models(&[MODEL, "my-secret-model"]);
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    let report = server.until(|received| match received {
        Received::Text(text) if text["state"] == "ready" => Some(text.clone()),
        _ => None,
    });
    let names = report.await["models"].clone();
    assert!(names.as_array().is_some_and(|all| all.len() == 1 && all[0]["name"] == MODEL), "{names}");
    let named = [("content-type", "application/json"), ("x-llamapool-model", "My-Secret-Model")];
    server.send(&[request_head(1, true, CHAT, &named)]).await;
    assert_eq!(server.answer(1).await, Ok(404));
    assert_eq!(alone.llm.seen().len(), 0);
    server.send(&ask(2, &Script::Answer)).await;
    assert_eq!(server.answer(2).await, Ok(200));
}

/// A server that names another model than the body does, or none, gets nothing that is hidden. The runtime never has such a request whole.
#[tokio::test]
async fn a_hidden_model_is_not_served_to_a_server_that_lies() {
    let alone = Alone::start(&[("MODELS_WITHHELD", "secret")]).await;
    alone.llm.set_models(&[MODEL, "secret"]);
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    let ready = |received: &Received| {
        matches!(received, Received::Text(text) if text["state"] == "ready").then_some(())
    };
    server.until(ready).await;
    let lies = [("content-type", "application/json"), ("x-llamapool-model", MODEL)];
    let twice = format!(r#"{{"model":"{MODEL}","Model":"secret"}}"#);
    let bodies = [(r#"{"messages":[],"model":"secret"}"#, 404), (&twice, 400), ("{}", 400)];
    for (id, (body, expect)) in (1..).step_by(2).zip(bodies) {
        for (id, headers) in [(id, JSON), (id + 1, &lies[..])] {
            server
                .send(&[
                    request_head(id, false, CHAT, headers),
                    Frame::Data(id, true, body.to_owned().into()),
                ])
                .await;
            assert_eq!(server.answer(id).await, Ok(expect), "{body}");
        }
    }
    assert!(
        alone.llm.seen().iter().all(|seen| !seen.body.ends_with(b"}")),
        "a refused request reached the runtime whole"
    );
    server.send(&ask(21, &Script::Answer)).await;
    assert_eq!(server.answer(21).await, Ok(200));
}

/// What is not an operation of a known API is for the runtime's owner only, and what belongs to a page stays outside.
#[tokio::test]
async fn only_known_operations_and_headers_reach_the_runtime() {
    let alone = Alone::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    let foreign = [
        ("DELETE", "/v1/models/m"),
        ("POST", "/v1/load_lora_adapter"),
        ("DELETE", "/v1/..%2fapi/delete"),
        ("DELETE", "/v1/responses/..%2f..%2fapi%2fdelete"),
        ("PATCH", "/v1/chat/completions"),
        ("POST", "/api/delete"),
    ];
    for (id, line) in (1..).zip(foreign) {
        server.send(&[request_head(id, true, line, JSON)]).await;
        assert_eq!(server.answer(id).await, Ok(404), "{line:?}");
    }
    assert_eq!(alone.llm.seen().len(), 0);
    let of_a_page = [
        ("content-type", "application/json"),
        ("origin", "https://app.example.com"),
        ("referer", "https://app.example.com/chat"),
        ("cookie", "session=1"),
        ("sec-fetch-site", "cross-site"),
        ("openai-organization", "org-1"),
    ];
    let body = chat(MODEL, &Script::Answer).to_string();
    server.send(&[request_head(9, false, CHAT, &of_a_page), Frame::Data(9, true, body.into())]).await;
    assert_eq!(server.answer(9).await, Ok(200));
    let seen = format!("{:?}", alone.llm.last()).to_lowercase();
    assert!(
        seen.contains("openai-organization") && !seen.contains("example.com") && !seen.contains("session=1"),
        "{seen}"
    );
    assert!(!seen.contains("sec-fetch"), "{seen}");
}

/// Frames may come in pieces and packs, between pings and words from the future.
#[tokio::test]
async fn fragments_packs_and_pings_are_taken() {
    let alone = Alone::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    server.send_raw(Message::text(r#"{"t":"from the future","x":{}}"#)).await;
    server.send_raw(Message::Ping("hello".into())).await;
    let many: Vec<_> = (1..=10).flat_map(|id| ask(id, &Script::Answer)).collect();
    server.send(&many).await;
    for id in 1..=10 {
        assert_eq!(server.answer(id).await, Ok(200));
    }
    let bytes = Frame::encode_all(&ask(11, &Script::Answer));
    let mut pieces = bytes.chunks(7).peekable();
    let mut opcode = OpCode::Data(Data::Binary);
    while let Some(piece) = pieces.next() {
        let frame = WebSocketFrame::message(piece.to_vec(), opcode, pieces.peek().is_none());
        server.send_raw(Message::Frame(frame)).await;
        server.send_raw(Message::Ping("between".into())).await;
        opcode = OpCode::Data(Data::Continue);
    }
    assert_eq!(server.answer(11).await, Ok(200));
}

/// A request can only ever reach the worker's own runtime.
#[tokio::test]
async fn a_request_cannot_lead_elsewhere() {
    let alone = Alone::start(&[]).await;
    let other = FakeLlm::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    let absolute = format!("http://{}/v1/chat/completions", other.addr);
    let relative = format!("//{}/v1/chat/completions", other.addr);
    let user = format!("@{}/v1/chat/completions", other.addr);
    for (id, path) in (1..).zip([&absolute, &relative, &user]) {
        server.send(&[request_head(id, true, ("POST", path), &[("host", &other.addr.to_string())])]).await;
        // An answer or a reset: both are fine, as long as it came from the right place.
        let _ = server.answer(id).await;
    }
    assert_eq!(other.connections(), 0, "a server sent its worker to another host");
}

/// Requests that are none are refused one by one, or the link is closed; the worker lives.
#[tokio::test]
async fn absurd_requests_are_survived() {
    let absurd = [
        Frame::Head(1, true, "".into()),
        Frame::Head(1, true, vec![0xff; 50].into()),
        request_head(1, true, ("NO METHOD", "/v1/x"), &[]),
        request_head(1, true, ("POST", "no path \r\nx: y"), &[]),
        request_head(1, true, ("POST", "/v1/x"), &[("bad name", "v")]),
        request_head(1, true, ("POST", "/v1/x"), &[("x", "a\r\nb: c")]),
        request_head(0, true, CHAT, &[]),
        Frame::Data(5, false, vec![0; 9].into()),
        Frame::Other(0x1f, 3, "".into()),
    ];
    for frame in absurd {
        let mut alone = Alone::start(&[]).await;
        let (mut server, _) = Peer::welcome(&alone.listener).await;
        server.send(&[frame]).await;
        server.send(&ask(3, &Script::Answer)).await;
        // Either the link is closed, or the next request is served.
        let outcome = async {
            loop {
                match server.next().await {
                    Received::Closed(_) => return,
                    Received::Frame(Frame::Head(3, ..)) => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(secs(5), outcome).await.expect("the worker goes on, or closes the link");
        assert!(alone.worker.runs());
        let smuggled = alone.llm.seen().iter().any(|seen| seen.headers.contains_key("b"));
        assert!(!smuggled, "a header was smuggled in");
    }
}

/// A server that says nothing, or nonsense, is left, and dialled again.
#[tokio::test]
async fn a_silent_or_mad_server_is_left() {
    for nonsense in [Message::text("hello?"), Message::binary(vec![0xff; 100])] {
        let mut alone = Alone::start(&[]).await;
        let mut mad = alone.redials().await;
        mad.send_raw(nonsense).await;
        tokio::time::timeout(secs(3), mad.closed()).await.expect("a mad server is left at once");
        assert!(alone.worker.runs());
    }
    let alone = Alone::start(&[]).await;
    let mut silent = alone.redials().await;
    tokio::time::timeout(secs(12), silent.closed()).await.expect("a server without a hello is left");
    Peer::welcome(&alone.listener).await;
}

/// A server that stops says so; the worker finishes there and dials for its successor.
#[tokio::test]
async fn a_stopping_server_is_replaced() {
    let alone = Alone::start(&[]).await;
    let (mut old, _) = Peer::welcome(&alone.listener).await;
    old.send(&ask(1, &Script::stepped(1))).await;
    alone.llm.until_open(1).await;
    old.say(&serde_json::json!({"t": "drain"})).await;
    let next = tokio::time::timeout(PATIENCE, Peer::welcome(&alone.listener)).await;
    alone.llm.step(2);
    assert_eq!(old.answer(1).await, Ok(200));
    let (mut new, hello) = next.expect("a link to the successor");
    assert_eq!(hello["id"], "id-of-alone");
    new.send(&ask(1, &Script::Answer)).await;
    assert_eq!(new.answer(1).await, Ok(200));
}

/// A worker that is asked to stop says so, refuses what crosses, finishes, says goodbye.
#[tokio::test]
async fn a_stopping_worker_says_so() {
    let mut alone = Alone::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    server.send(&ask(1, &Script::stepped(1))).await;
    alone.llm.until_open(1).await;
    alone.worker.sigterm();
    server
        .until(|received| match received {
            Received::Text(text) => (text["t"] == "drain" || text["state"] == "draining").then_some(()),
            _ => None,
        })
        .await;
    server.send(&ask(2, &Script::Answer)).await;
    assert_eq!(server.answer(2).await, Err(REFUSED));
    alone.llm.step(2);
    let (mut finished, mut goodbye) = (false, false);
    let both = server.until(|received| {
        finished |= matches!(received, Received::Frame(Frame::Data(1, true, _)));
        goodbye |= matches!(received, Received::Text(text) if text["t"] == "bye");
        (finished && goodbye).then_some(())
    });
    both.await;
    assert_eq!(alone.worker.wait_exit(secs(5)).await.1, Some(0));
    assert_eq!(alone.llm.seen().len(), 1);
}

/// The runtime's stream stands still when the server grants nothing more.
#[tokio::test]
async fn credit_bounds_what_is_sent() {
    let alone = Alone::start(&[]).await;
    let (mut server, _) = Peer::welcome(&alone.listener).await;
    server.send(&ask(1, &Script::tokens(u32::MAX))).await;
    assert_eq!(server.answer(1).await, Ok(200));
    let mut received = 0;
    let drain = async {
        loop {
            if let Received::Frame(Frame::Data(1, _, body)) = server.next().await {
                received += body.len();
            }
        }
    };
    let _ = tokio::time::timeout(millis(700), drain).await;
    assert_eq!(received, 65_536, "more or less than the window of the hello");
    server.send(&[Frame::Credit(1, 1000)]).await;
    let more = server.until(|received| match received {
        Received::Frame(Frame::Data(1, _, body)) => Some(body.len()),
        _ => None,
    });
    assert!((1..=1000).contains(&more.await));
}
