use std::convert::Infallible;

use futures_util::stream;
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const TOO_LARGE: &str = "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig";

fn client<B>() -> Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    Client::new(false, Duration::from_secs(5), None).unwrap()
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/x?y=1", listener.local_addr().unwrap());
    (listener, address)
}

fn post<B>(address: &str, body: B) -> Request<B> {
    Request::builder().method(Method::POST).uri(address).body(body).unwrap()
}

async fn told<B>(answered: Result<Response<Reply<B>>, Failure>) -> (StatusCode, Bytes)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let response = answered.unwrap();
    (response.status(), response.into_body().collect().await.unwrap().to_bytes())
}

/// Reads a request whose body ends with `end`.
async fn read(socket: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "the request ends too early");
    }
    seen
}

#[tokio::test]
async fn a_connection_is_kept_and_names_its_host() {
    let (listener, address) = listener().await;
    let client = client();
    let runtime = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen = read(&mut socket, b"hi").await;
            socket.write_all(OK.as_bytes()).await.unwrap();
        }
        String::from_utf8(seen).unwrap()
    };
    let requests = async {
        for _ in 0..2 {
            let answered = client.request(post(&address, Full::new(Bytes::from("hi")))).await;
            assert_eq!(told(answered).await, (StatusCode::OK, "ok".into()));
        }
    };
    let (seen, ()) = tokio::join!(runtime, requests);
    assert!(seen.starts_with("POST /v1/x?y=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: {}\r\n", listener.local_addr().unwrap())), "{seen}");
}

/// The runtime refuses after the head, and closes with most of the body unread: its system resets the connection.
#[tokio::test]
async fn an_early_refusal_is_read_before_the_write_error_counts() {
    let (listener, address) = listener().await;
    let runtime = async {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_u8().await.unwrap();
            socket.write_all(TOO_LARGE.as_bytes()).await.unwrap();
        }
    };
    let requests = async {
        let client = client();
        for attempt in 0..50 {
            let body = Full::new(Bytes::from(vec![b'x'; 4 * 1024 * 1024]));
            let answered = client.request(post(&address, body)).await;
            assert_eq!(told(answered).await, (StatusCode::PAYLOAD_TOO_LARGE, "big".into()), "{attempt}");
        }
    };
    tokio::select! {
        () = requests => {}
        () = runtime => {}
    }
}

/// The runtime closes a kept connection just as it is reused: it cannot have read that request.
#[tokio::test]
async fn a_request_that_nobody_can_have_read_is_sent_again_once() {
    let (listener, address) = listener().await;
    let client = client();
    let first = client.request(post(&address, Full::new(Bytes::from("hi"))));
    let kept = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read(&mut socket, b"hi").await;
        socket.write_all(OK.as_bytes()).await.unwrap();
        socket
    };
    let (answered, kept) = tokio::join!(first, kept);
    told(answered).await;
    drop(kept);
    // Without a pause in between, the client has not noticed yet.
    let (answered, seen) =
        tokio::join!(client.request(post(&address, Full::new(Bytes::from("again")))), async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let seen = read(&mut socket, b"again").await;
            socket.write_all(OK.as_bytes()).await.unwrap();
            seen
        });
    assert_eq!(told(answered).await, (StatusCode::OK, "ok".into()));
    assert!(seen.ends_with(b"\r\n\r\nagain"), "the body is sent whole");
}

/// A runtime that has read a request and breaks off may have started to serve it.
#[tokio::test]
async fn a_request_that_was_read_is_not_sent_again() {
    let (listener, address) = listener().await;
    let client = client();
    let runtime = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read(&mut socket, b"hi").await;
        socket.write_all(OK.as_bytes()).await.unwrap();
        read(&mut socket, b"again").await;
        drop(socket);
        listener.accept().await.unwrap();
        panic!("the request is sent again");
    };
    let requests = async {
        told(client.request(post(&address, Full::new(Bytes::from("hi")))).await).await;
        let answered = client.request(post(&address, Full::new(Bytes::from("again")))).await;
        assert!(matches!(answered, Err(Failure::Broken(_))));
    };
    tokio::select! {
        () = requests => {}
        () = runtime => {}
    }
}

/// A response that does not wait for the body: the rest of the body must not be read as the next request.
#[tokio::test]
async fn a_connection_with_a_body_on_its_way_is_not_kept() {
    let (listener, address) = listener().await;
    let client = client();
    let endless = || {
        let piece = Ok::<_, Infallible>(Frame::data(Bytes::from("x")));
        StreamBody::new(Box::pin(stream::unfold(Some(piece), async |piece| match piece {
            Some(piece) => Some((piece, None)),
            None => std::future::pending().await,
        })))
    };
    for _ in 0..2 {
        let runtime = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_u8().await.unwrap();
            socket.write_all(OK.as_bytes()).await.unwrap();
            socket
        };
        let (answered, _socket) = tokio::join!(client.request(post(&address, endless())), runtime);
        assert_eq!(told(answered).await, (StatusCode::OK, "ok".into()));
    }
}

#[tokio::test]
async fn who_cannot_be_reached_and_who_speaks_no_http() {
    let (listener, address) = listener().await;
    let garbage = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"\0\xffhello\r\n\r\n").await.unwrap();
        socket
    };
    let client = client();
    let (answered, _socket) =
        tokio::join!(client.request(post(&address, Full::new(Bytes::from("hi")))), garbage);
    assert!(matches!(answered, Err(Failure::Broken(_))));
    drop(listener);
    let answered = client.request(post(&address, Full::new(Bytes::from("hi")))).await;
    assert!(matches!(answered, Err(Failure::Unreachable(_))));
}

/// A response with an invalid length is an error.
#[tokio::test]
async fn nonsense_about_the_length_is_refused() {
    for length in ["+2", "abc", "2, 60", "2\r\ncontent-length: 3", "99999999999999999999999", "-1", "0x2"] {
        let (listener, address) = listener().await;
        let runtime = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            read(&mut socket, b"hi").await;
            let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok");
            socket.write_all(response.as_bytes()).await.unwrap();
        };
        let client = client();
        let (answered, ()) =
            tokio::join!(client.request(post(&address, Full::new(Bytes::from("hi")))), runtime);
        assert!(matches!(answered, Err(Failure::Broken(_))), "{length}");
    }
}
