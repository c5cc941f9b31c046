//! A body is as long as its head says, or its stream fails: what is left over would be read as another response on a client's connection.

use bytes::{BufMut, Bytes, BytesMut};
use http::{Method, header};
use http_body_util::BodyExt;
use llamapool_tunnel::frame::{Code, Frame, StreamId};
use llamapool_tunnel::mux::Lost;
use llamapool_tunnel::{Exchange, head};

use crate::support::answer::next;
use crate::support::in_time;
use crate::support::peer::Peer;

/// A response head as a peer may write it: encoders of ours refuse most of these.
fn said(status: u16, headers: &[(&str, &str)]) -> Bytes {
    let mut block = BytesMut::new();
    block.put_u16_le(status);
    put(&mut block, headers);
    block.freeze()
}

fn put(block: &mut BytesMut, headers: &[(&str, &str)]) {
    block.put_u16_le(headers.len() as u16);
    for (name, value) in headers {
        block.put_u16_le(name.len() as u16);
        block.put_u16_le(value.len() as u16);
        block.put_slice(name.as_bytes());
        block.put_slice(value.as_bytes());
    }
}

/// Headers of a response, and the body that is read or that it fails.
type Case<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, ()>);

/// The body that the server reads of a response, or why it fails.
async fn read(mut exchange: Exchange) -> Result<Bytes, Lost> {
    in_time(exchange.head()).await?;
    Ok(in_time(exchange.into_body().collect()).await?.to_bytes())
}

fn is_protocol(read: &Result<Bytes, Lost>) -> bool {
    matches!(read, Err(Lost::Reset(Code::Protocol, _)))
}

async fn asked(peer: &mut Peer) -> StreamId {
    loop {
        if let Frame::Head { id, .. } = peer.hear().await {
            return id;
        }
    }
}

#[tokio::test]
async fn a_response_is_as_long_as_its_head_says_or_fails() {
    let (mut peer, server) = Peer::worker().await;
    let cases: &[Case] = &[
        (&[("content-length", "6")], Ok("answer")),
        (&[("content-length", "6"), ("content-length", "6")], Ok("answer")),
        (&[("content-length", "6, 6")], Ok("answer")),
        (&[], Ok("answer")),
        (&[("content-length", "2"), ("transfer-encoding", "chunked")], Ok("answer")),
        (&[("content-length", "5")], Err(())),
        (&[("content-length", "0")], Err(())),
        (&[("content-length", "7")], Err(())),
        (&[("content-length", "6"), ("content-length", "60")], Err(())),
        (&[("content-length", "+6")], Err(())),
        (&[("content-length", "six")], Err(())),
        (&[("content-length", "100000000000000000000000")], Err(())),
    ];
    for (headers, expect) in cases {
        for pieces in [&["answer"][..], &["ans", "wer"], &["answer", ""]] {
            let exchange = server.get("/");
            let id = asked(&mut peer).await;
            let mut frames = vec![Frame::Head { id, end: false, block: said(200, headers) }];
            frames.extend(pieces.iter().enumerate().map(|(n, piece)| Frame::Data {
                id,
                end: n + 1 == pieces.len(),
                body: Bytes::from_static(piece.as_bytes()),
            }));
            peer.say(&frames).await;
            let read = read(exchange).await;
            match expect {
                Ok(body) => assert_eq!(read.as_deref(), Ok(body.as_bytes()), "{headers:?}"),
                Err(()) => assert!(is_protocol(&read), "{headers:?} {pieces:?} {read:?}"),
            }
        }
    }
    server.settled().await;
}

#[tokio::test]
async fn a_head_that_promises_a_body_and_ends_is_a_failure() {
    let (mut peer, server) = Peer::worker().await;
    let exchange = server.get("/");
    let id = asked(&mut peer).await;
    peer.say(&[Frame::Head { id, end: true, block: said(200, &[("content-length", "100")]) }]).await;
    assert!(is_protocol(&read(exchange).await));
}

#[tokio::test]
async fn some_responses_have_no_body_whatever_their_head_says() {
    let (mut peer, server) = Peer::worker().await;
    let length = [("content-length", "100")];
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
        for ends in [true, false] {
            let block = head::encode_request(&method, "/", &http::HeaderMap::new()).unwrap();
            let mut exchange = server.link.open(block, Bytes::new()).unwrap();
            let id = asked(&mut peer).await;
            let mut frames = vec![Frame::Head { id, end: ends, block: said(status, &length) }];
            frames.extend((!ends).then(|| Frame::Data { id, end: true, body: Bytes::from_static(b"x") }));
            peer.say(&frames).await;
            let head = in_time(exchange.head()).await.unwrap();
            assert_eq!(head.headers[header::CONTENT_LENGTH], "100", "it is what GET would have");
            let body = in_time(exchange.into_body().collect()).await.map(http_body_util::Collected::to_bytes);
            match ends {
                true => assert_eq!(body, Ok(Bytes::new())),
                false => assert!(is_protocol(&body), "{method} {status}"),
            }
        }
    }
}

/// The worker passes the error on as a request that breaks off, so that the runtime never takes a part for the whole.
#[tokio::test]
async fn a_request_is_as_long_as_its_head_says_or_fails() {
    let (told, mut heard) = tokio::sync::mpsc::channel(1);
    let (mut peer, _worker) = Peer::server(move |mut incoming| {
        let told = told.clone();
        async move {
            let mut read = Ok(0);
            while let (Ok(sum), Some(chunk)) = (&mut read, next(&mut incoming.body).await) {
                match chunk {
                    Ok(chunk) => *sum += chunk.len(),
                    Err(lost) => read = Err(lost),
                }
            }
            told.send(read).await.unwrap();
        }
    })
    .await;
    let broken = Err(());
    for (id, (length, body, expect)) in
        (1..).zip([("3", "abc", Ok(3)), ("2", "abc", broken), ("4", "abc", broken), ("4", "", broken)])
    {
        let mut block = BytesMut::new();
        for text in ["POST", "/"] {
            block.put_u16_le(text.len() as u16);
            block.put_slice(text.as_bytes());
        }
        put(&mut block, &[("content-length", length)]);
        let mut frames = vec![Frame::Head { id, end: body.is_empty(), block: block.freeze() }];
        frames.extend((!body.is_empty()).then(|| Frame::Data { id, end: true, body: body.into() }));
        peer.say(&frames).await;
        let read = in_time(heard.recv()).await.unwrap();
        assert!(read.is_ok() || matches!(read, Err(Lost::Reset(Code::Protocol, _))), "{read:?}");
        assert_eq!(read.map_err(|_| ()), expect, "{length} {body:?}");
    }
}
