//! Whatever strangers send as workers: they lose their own link, and everybody else goes on as if nothing had happened.

use http::Method;
use llamapool_e2e::client::plain_chat;
use llamapool_e2e::peer::{Frame, Peer, answer_head, hello, report};
use llamapool_e2e::server::{API_KEY, CLIENT_KEY};
use llamapool_e2e::{Ask, MODEL, Pool, holds, millis, secs};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

/// Others are served as before.
async fn expect_unharmed(pool: &Pool) {
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL)).whole().await.expect_ok();
}

/// Workers that are no workers are refused at the door.
#[tokio::test]
async fn upgrades_are_checked() {
    let pool = Pool::start().await;
    assert_eq!(Peer::connect(pool.server.addr, "wrong").await.err(), Some(401));
    assert_eq!(Peer::connect(pool.server.addr, API_KEY).await.err(), Some(401));
    let connect = || Ask::new(pool.server.addr, Method::GET, "/api/workers/connect").key(CLIENT_KEY);
    let plain = connect().whole().await;
    assert!((400..500).contains(&plain.status), "{}", plain.text());
    let upgrade = connect().header("connection", "upgrade").header("upgrade", "websocket");
    let upgrade =
        upgrade.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let no_protocol = upgrade.try_send().await.unwrap();
    assert!((400..500).contains(&no_protocol.status), "{}", no_protocol.status);
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A peer that connects and says nothing, or stops in the middle, is closed within 10 seconds.
#[tokio::test]
async fn a_silent_peer_is_closed() {
    let pool = Pool::start().await;
    let mut silent = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap();
    let mut half = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap();
    half.say(&json!({"t": "song"})).await;
    let both = async { (silent.closed().await, half.closed().await) };
    tokio::time::timeout(secs(12), both).await.expect("silent peers are closed");
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A peer that speaks nonsense is closed at once.
#[tokio::test]
async fn a_peer_that_speaks_nonsense_is_closed() {
    let pool = Pool::start().await;
    let binary = |bytes: &[u8]| vec![Message::binary(bytes.to_vec())];
    let cases: Vec<(&str, Vec<Message>)> = vec![
        ("text that is no JSON", vec![Message::text("hello?")]),
        ("an absurd hello", vec![Message::text(r#"{"t":"hello","id":7}"#)]),
        ("a hello without an id", vec![Message::text(r#"{"t":"hello"}"#)]),
        ("a frame before the hello", binary(&[0, 0, 0, 0, 6, 0, 0, 0])),
        ("noise", binary(&[0xff; 1000])),
        ("a giant message", binary(&vec![0; 3 << 20])),
    ];
    for (what, messages) in cases {
        let mut peer = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap();
        for message in messages {
            peer.send_raw(message).await;
        }
        let closed = tokio::time::timeout(secs(3), peer.closed()).await;
        assert!(closed.is_ok(), "{what}: still open after 3 s");
    }
    let mut no_websocket = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap().into_stream();
    no_websocket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut no_websocket, &mut rest);
    let _ = tokio::time::timeout(secs(3), read).await.expect("it is closed");
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A worker that breaks the rules of the tunnel after a proper start loses its link, and only its own.
#[tokio::test]
async fn a_peer_that_breaks_the_rules_is_closed() {
    let pool = Pool::start().await;
    let cases: Vec<(&str, Frame)> = vec![
        ("an unknown type", Frame::Other(0x33, 1, "x".into())),
        ("a CREDIT without a number", Frame::Other(5, 1, "x".into())),
        ("a PING with a payload", Frame::Other(6, 0, "payload".into())),
    ];
    for (what, frame) in cases {
        let mut peer = Peer::join(pool.server.addr, "rude", &["rude"], 4).await;
        peer.send(&[frame]).await;
        let closed = tokio::time::timeout(secs(3), peer.closed()).await;
        assert!(closed.is_ok(), "{what}: still open after 3 s");
        pool.server.until_owners("rude", 0).await;
    }
    let mut truncated = Peer::join(pool.server.addr, "rude", &["rude"], 4).await;
    truncated.send_raw(Message::binary(vec![2, 0xff, 0, 0, 1, 0, 0, 0, b'x'])).await;
    tokio::time::timeout(secs(3), truncated.closed()).await.expect("a truncated frame closes");
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// A worker that sends more than it was granted loses its link; its client gets an error.
#[tokio::test]
async fn a_peer_that_floods_is_closed() {
    let pool = Pool::start().await;
    let mut peer = Peer::join(pool.server.addr, "flood", &["flood"], 4).await;
    pool.server.until_owners("flood", 1).await;
    let mut reply = Box::pin(pool.server.post("/v1/chat/completions", &plain_chat("flood")).send());
    let id = tokio::select! {
        (id, _) = peer.request() => id,
        _ = &mut reply => panic!("an answer from nowhere"),
    };
    peer.send(&[answer_head(id, false, 200, &[("content-type", "text/event-stream")])]).await;
    peer.send(&[Frame::Data(id, false, "data: {}\n\n".into())]).await;
    let reply = reply.await;
    for _ in 0..2000 {
        peer.send(&[Frame::Data(id, false, vec![b'x'; 16 * 1024].into())]).await;
    }
    tokio::time::timeout(secs(5), peer.closed()).await.expect("data beyond the credit closes the link");
    assert!(reply.whole().await.broken.is_some(), "a flooded answer looks complete");
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// Frames for streams that are over are the normal tail of a cancel, however many.
#[tokio::test]
async fn late_frames_are_ignored() {
    let pool = Pool::start().await;
    let mut peer = Peer::join(pool.server.addr, "late", &["late"], 4).await;
    for _ in 0..200 {
        peer.send(&[Frame::Data(9, false, "x".into()), Frame::Credit(9, 7), Frame::Reset(9, 1)]).await;
    }
    peer.send(&[Frame::Ping]).await;
    peer.until(|received| {
        matches!(received, llamapool_e2e::peer::Received::Frame(Frame::Pong)).then_some(())
    })
    .await;
    peer.say(&json!({"t": "from the future", "x": [1, 2]})).await;
    holds(millis(300), "the link", async || pool.server.owners("late").await).await;
    drop(peer);
    pool.server.until_owners("late", 0).await;
    pool.stop().await;
}

/// A worker's answer that makes no sense is an error for its client.
#[tokio::test]
async fn absurd_answers_are_errors() {
    let pool = Pool::start().await;
    let absurd = [
        (0, "zero"),
        (99, "below the smallest"),
        (101, "a switch of protocols"),
        (1000, "beyond the largest"),
        (65535, "the largest number"),
    ];
    for (status, what) in absurd {
        let mut peer = Peer::join(pool.server.addr, "odd", &["odd"], 4).await;
        pool.server.until_owners("odd", 1).await;
        let waiting = tokio::spawn(pool.server.post("/v1/chat/completions", &plain_chat("odd")).whole());
        let (id, _) = peer.request().await;
        peer.send(&[answer_head(id, true, status, &[])]).await;
        let answer = waiting.await.unwrap();
        assert!([502, 503].contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        drop(peer);
        pool.server.until_owners("odd", 0).await;
    }
    let mut peer = Peer::join(pool.server.addr, "odd", &["odd"], 4).await;
    pool.server.until_owners("odd", 1).await;
    let waiting = tokio::spawn(pool.server.post("/v1/chat/completions", &plain_chat("odd")).whole());
    let (id, _) = peer.request().await;
    peer.send(&[answer_head(id, true, 200, &[("x-split", "a\r\nx-injected: 1")])]).await;
    let answer = waiting.await.unwrap();
    assert_ne!(
        answer.header("x-injected"),
        "1",
        "a worker can write headers of its own into the client's answer"
    );
    assert_eq!(answer.status, 502, "{}", answer.text());
    drop(peer);
    expect_unharmed(&pool).await;
    pool.stop().await;
}

/// Absurd reports are not believed, and cost nobody else anything.
#[tokio::test]
async fn absurd_reports_are_not_believed() {
    let pool = Pool::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut absurd = report(&["fine"], 4);
        change(&mut absurd);
        absurd
    };
    let reports = vec![
        with(&|r| r["capacity"] = json!(-1)),
        with(&|r| r["capacity"] = json!(4_294_967_295_u32)),
        with(&|r| r["capacity"] = json!(1e300)),
        with(&|r| r["capacity"] = json!("many")),
        with(&|r| r["in_flight"] = json!(4_294_967_295_u32)),
        with(&|r| r["state"] = json!("ecstatic")),
        with(&|r| r["models"] = json!("all of them")),
        with(&|r| {
            r["models"] = json!([{"name": ""}, {"name": 7}, {"name": "x".repeat(100_000)}, {"name": "a\u{0}b\n<script>"}])
        }),
        with(&|r| r["models"] = (0..15_000).map(|at| json!({"name": format!("m{at}")})).collect()),
        with(&|r| r["models"] = json!([{"name": "fine", "size": -5, "context": 1e99, "loaded": "no"}])),
        with(&|r| r["host"] = json!({"memory": "x".repeat(10_000)})),
    ];
    for absurd in reports {
        let mut peer = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap();
        peer.say(&hello("absurd")).await;
        peer.say(&absurd).await;
        // Closed, or kept with what was sensible in it; either is fine if nobody else notices.
        let _ = tokio::time::timeout(millis(300), peer.closed()).await;
        let ids = pool.server.models().await;
        let bad: Vec<_> = ids
            .iter()
            .filter(|id| id.is_empty() || id.len() > 1000 || id.contains(char::is_control))
            .collect();
        assert!(bad.is_empty(), "{bad:?} listed");
        assert!(ids.len() < 10_000, "{} models listed", ids.len());
        expect_unharmed(&pool).await;
        drop(peer);
        pool.server.until_models(&[MODEL]).await;
    }
    pool.stop().await;
}

/// Names of workers end up in JSON and on pages: odd ones must not break either.
#[tokio::test]
async fn odd_names_are_harmless() {
    let pool = Pool::start().await;
    for name in
        ["<img src=x onerror=alert(1)>", "a\",\"b", "\u{202e}gnp.exe", "x\u{0}y", &"n".repeat(100_000)]
    {
        let mut peer = Peer::connect(pool.server.addr, CLIENT_KEY).await.unwrap();
        let mut odd = hello("odd");
        odd["name"] = json!(name);
        peer.say(&odd).await;
        peer.say(&report(&["odd"], 1)).await;
        let _ = tokio::time::timeout(millis(200), peer.closed()).await;
        let list = pool.server.get("/v1/models").whole().await;
        assert!(list.expect_ok().body.len() < 20_000, "a worker's name fills the list");
        list.json();
    }
    expect_unharmed(&pool).await;
    pool.stop().await;
}
