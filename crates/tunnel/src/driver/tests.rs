use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use tokio::io::DuplexStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;

use super::*;
use crate::control::{Bye, FromServer, FromWorker, MAX_STREAMS, REQUEST_WINDOW, RESPONSE_WINDOW};
use crate::frame::Frame;
use crate::head;
use crate::mux::{Limits, Role, Windows};

const TIMEOUT: Duration = Duration::from_secs(15);

type Socket = WebSocketStream<DuplexStream>;

/// An open WebSocket: the server's end and the worker's.
async fn sockets() -> (Socket, Socket) {
    sockets_with(256 * 1024).await
}

/// The same, with this many bytes of buffer in between.
async fn sockets_with(buffer: usize) -> (Socket, Socket) {
    let (server, worker) = tokio::io::duplex(buffer);
    let config = Some(crate::dial::websocket_config());
    (
        WebSocketStream::from_raw_socket(server, SocketRole::Server, config).await,
        WebSocketStream::from_raw_socket(worker, SocketRole::Client, config).await,
    )
}

fn server_link() -> Link {
    let windows = Windows { initial: RESPONSE_WINDOW, max: 1024 * 1024 };
    Link::new(Role::Opener, Limits { windows, credit: REQUEST_WINDOW, max_streams: MAX_STREAMS })
}

fn worker_link() -> Link {
    let windows = Windows { initial: REQUEST_WINDOW, max: 4 * 1024 * 1024 };
    Link::new(Role::Acceptor, Limits { windows, credit: RESPONSE_WINDOW, max_streams: MAX_STREAMS })
}

/// The server's driver as a task, and its events.
fn drive_server(socket: Socket, link: &Link) -> (tokio::task::JoinHandle<End>, Receiver<FromWorker>) {
    let (said, heard) = channel(16);
    let driver = Driver::new(socket, link.clone(), TIMEOUT, move |event| {
        if let Event::Control(message) = event {
            said.try_send(message).unwrap();
        }
    });
    (tokio::spawn(driver), heard)
}

fn drive_worker(socket: Socket, link: &Link, requests: Sender<Incoming>) -> tokio::task::JoinHandle<End> {
    tokio::spawn(Driver::new(socket, link.clone(), TIMEOUT, move |event: Event<FromServer>| {
        if let Event::Request(incoming) = event {
            assert!(requests.try_send(incoming).is_ok());
        }
    }))
}

#[tokio::test(start_paused = true)]
async fn an_exchange_crosses_a_real_websocket() {
    let (server_socket, worker_socket) = sockets().await;
    let (server, worker) = (server_link(), worker_link());
    let (server_task, _heard) = drive_server(server_socket, &server);
    let (requests, mut inbox) = channel(1);
    let worker_task = drive_worker(worker_socket, &worker, requests);

    let body: Bytes = (0..300_000u32).map(|n| n as u8).collect::<Vec<_>>().into();
    let mut headers = http::HeaderMap::new();
    headers.insert("content-length", body.len().into());
    let block = head::encode_request(&http::Method::POST, "/v1/chat/completions", &headers).unwrap();
    let mut exchange = server.open(block, body.clone()).unwrap();

    let echo = async {
        let Incoming { head, body, mut responder } = inbox.recv().await.unwrap();
        assert_eq!(head.target, "/v1/chat/completions");
        let bytes = body.collect().await.unwrap().to_bytes();
        let block = head::encode_response(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        responder.respond(block, Bytes::new(), false);
        responder.ready().await.unwrap();
        responder.send(bytes, true);
        responder.ready().await.unwrap_err();
    };
    let answer = async {
        assert_eq!(exchange.head().await.unwrap().status, 200);
        exchange.into_body().collect().await.unwrap().to_bytes()
    };
    let ((), answer) = tokio::join!(echo, answer);
    assert!(answer == body, "the bytes are the same");
    assert_eq!((server.streams(), worker.streams()), (0, 0));

    worker.close(&Bye::stopping("done"));
    assert_eq!(worker_task.await.unwrap(), End::Asked);
    assert_eq!(server_task.await.unwrap(), End::Closed(String::new()));
}

#[tokio::test(start_paused = true)]
async fn control_messages_pass_and_what_is_not_one_does_no_harm() {
    let (server_socket, mut worker) = sockets().await;
    let server = server_link();
    let (_task, mut heard) = drive_server(server_socket, &server);
    worker.send(Message::text("nonsense")).await.unwrap();
    worker.send(Message::Ping(Bytes::from_static(b"x"))).await.unwrap();
    worker.send(Message::text(r#"{"t":"bye","code":"stopping","reason":"r"}"#)).await.unwrap();
    assert!(matches!(worker.next().await, Some(Ok(Message::Pong(_)))));
    assert_eq!(heard.recv().await, Some(FromWorker::Bye(Bye::stopping("r"))));
    assert!(!server.is_closed());
}

/// A newer peer may send a few messages that are not understood; only a broken or hostile one sends many.
#[tokio::test(start_paused = true)]
async fn a_flood_of_unreadable_messages_ends_the_tunnel() {
    let (server_socket, mut worker) = sockets().await;
    let server = server_link();
    let (task, _heard) = drive_server(server_socket, &server);
    for _ in 0..3 {
        for _ in 0..100 {
            worker.send(Message::text("nonsense")).await.unwrap();
        }
        let mut ping = bytes::BytesMut::new();
        Frame::Ping.encode(&mut ping);
        worker.send(Message::Binary(ping.freeze())).await.unwrap();
        while !matches!(worker.next().await.unwrap().unwrap(), Message::Binary(_)) {}
        assert!(!task.is_finished(), "so many in a minute are ignored");
        for _ in 0..12 {
            tokio::time::advance(Duration::from_secs(5)).await;
            worker.send(Message::Ping(Bytes::new())).await.unwrap();
            while !matches!(worker.next().await.unwrap().unwrap(), Message::Pong(_)) {}
        }
    }
    for _ in 0..101 {
        worker.send(Message::text("nonsense")).await.unwrap();
    }
    assert_eq!(task.await.unwrap(), End::Violation(crate::frame::Violation::Unreadable));
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_says_at_the_close_is_one_line() {
    let (server_socket, mut worker) = sockets().await;
    let (task, _heard) = drive_server(server_socket, &server_link());
    let frame = CloseFrame { code: CloseCode::Normal, reason: "gone\nWorker x joined".into() };
    worker.send(Message::Close(Some(frame))).await.unwrap();
    assert_eq!(task.await.unwrap(), End::Closed("gone Worker x joined".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_lost_within_the_timeout_and_its_streams_with_it() {
    let (server_socket, _silent) = sockets().await;
    let server = server_link();
    let (task, _heard) = drive_server(server_socket, &server);
    let block = head::encode_request(&http::Method::GET, "/v1/models", &http::HeaderMap::new()).unwrap();
    let mut exchange = server.open(block, Bytes::new()).unwrap();
    let started = tokio::time::Instant::now();
    assert!(exchange.head().await.is_err());
    assert!(started.elapsed() <= TIMEOUT, "{:?}", started.elapsed());
    assert_eq!(task.await.unwrap(), End::Silent(TIMEOUT));
    assert!(server.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_tunnel_stays_up() {
    let (server_socket, worker_socket) = sockets().await;
    let (server, worker) = (server_link(), worker_link());
    let (server_task, _heard) = drive_server(server_socket, &server);
    let (requests, _inbox) = channel(1);
    let worker_task = drive_worker(worker_socket, &worker, requests);
    tokio::time::sleep(TIMEOUT * 100).await;
    assert!(!server_task.is_finished() && !worker_task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_violation_closes_with_1002() {
    let (server_socket, mut worker) = sockets().await;
    let (task, _heard) = drive_server(server_socket, &server_link());
    worker.send(Message::Binary(Bytes::from_static(b"rubbish rubbish"))).await.unwrap();
    assert!(matches!(task.await.unwrap(), End::Violation(_)));
    let closed = worker.next().await;
    assert!(
        matches!(&closed, Some(Ok(Message::Close(Some(frame)))) if frame.code == CloseCode::Protocol),
        "{closed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_driver_loses_its_streams() {
    let (server_socket, _worker) = sockets().await;
    let server = server_link();
    let (task, _heard) = drive_server(server_socket, &server);
    let block = head::encode_request(&http::Method::GET, "/", &http::HeaderMap::new()).unwrap();
    let mut exchange = server.open(block, Bytes::new()).unwrap();
    task.abort();
    assert!(exchange.head().await.is_err());
    assert_eq!(server.streams(), 1, "held by its handle");
    drop(exchange);
    assert_eq!(server.streams(), 0);
}

/// A backlog that pauses reading is gone at once if the socket takes all of it: then nothing else would resume reading.
#[tokio::test(start_paused = true)]
async fn reading_goes_on_when_the_backlog_is_gone() {
    let (mut server, worker_socket) = sockets_with(16 * 1024 * 1024).await;
    let worker = worker_link();
    worker.refuse(true);
    let (requests, _inbox) = channel(1);
    let mut heads = bytes::BytesMut::new();
    (1..100_000).for_each(|id| Frame::Head { id, end: true, block: Bytes::new() }.encode(&mut heads));
    server.send(Message::Binary(heads.freeze())).await.unwrap();
    server.send(Message::text(r#"{"t":"drain"}"#)).await.unwrap();
    server.send(Message::Ping(Bytes::from_static(b"are you there?"))).await.unwrap();
    let started = tokio::time::Instant::now();
    let _task = drive_worker(worker_socket, &worker, requests);
    while !matches!(server.next().await.unwrap().unwrap(), Message::Pong(_)) {}
    assert_eq!(started.elapsed(), Duration::ZERO, "it waited for the keepalive");
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_is_measured_at_once_and_at_every_tick() {
    let (server_socket, worker_socket) = sockets().await;
    let server = server_link();
    let (_server, _heard) = drive_server(server_socket, &server);
    let (measured, mut trips) = channel(16);
    let driver = Driver::new(worker_socket, worker_link(), TIMEOUT, move |event: Event<FromServer>| {
        if let Event::RoundTrip(took) = event {
            measured.try_send(took).unwrap();
        }
    });
    let started = tokio::time::Instant::now();
    let _worker = tokio::spawn(driver.asking_at_once());
    assert_eq!(trips.recv().await, Some(Duration::ZERO), "the clock stands still");
    assert_eq!(started.elapsed(), Duration::ZERO);
    trips.recv().await.unwrap();
    assert_eq!(started.elapsed(), TIMEOUT / 3);
}

/// An unsolicited PONG does not shorten the next measurement.
#[tokio::test(start_paused = true)]
async fn a_round_trip_takes_as_long_as_the_answer() {
    let (mut server, worker_socket) = sockets().await;
    let (measured, mut trips) = channel(16);
    let driver = Driver::new(worker_socket, worker_link(), TIMEOUT, move |event: Event<FromServer>| {
        if let Event::RoundTrip(took) = event {
            measured.try_send(took).unwrap();
        }
    });
    let mut pong = bytes::BytesMut::new();
    Frame::Pong.encode(&mut pong);
    let pong = Message::Binary(pong.freeze());
    server.send(pong.clone()).await.unwrap();
    let _worker = tokio::spawn(driver);
    while !matches!(server.next().await.unwrap().unwrap(), Message::Binary(_)) {}
    let late = Duration::from_millis(120);
    tokio::time::advance(late).await;
    server.send(pong).await.unwrap();
    assert_eq!(trips.recv().await, Some(late));
}
