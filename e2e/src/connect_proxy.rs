//! An HTTP proxy as companies have them: `CONNECT host:port`, then bytes both ways.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// A host that only the proxy can resolve: loopback is commonly never proxied.
pub const HIDDEN: &str = "pool.test";

/// A running proxy that remembers what it was asked.
pub struct ConnectProxy {
    /// Where it listens.
    pub addr: SocketAddr,
    requests: Requests,
    _accept: AbortOnDropHandle<()>,
}

/// Request heads, one string each.
type Requests = Arc<Mutex<Vec<String>>>;

impl ConnectProxy {
    /// A proxy that lets everybody through who sends `authorization` (if any) as `Proxy-Authorization`. It alone knows
    /// the host [`HIDDEN`], which is at `hidden`.
    pub async fn start(authorization: Option<&'static str>, hidden: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let requests = Requests::default();
        let seen = Arc::clone(&requests);
        let accept = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut wires = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                wires.spawn(serve(stream, Arc::clone(&seen), authorization, hidden));
            }
        }));
        Self { addr, requests, _accept: accept }
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(stream: TcpStream, seen: Requests, authorization: Option<&'static str>, hidden: SocketAddr) {
    let mut near = BufReader::new(stream);
    let mut head = String::new();
    while near.read_line(&mut head).await.is_ok_and(|n| n > 2) {}
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let refusal = match (head.split(' ').next(), authorization) {
        (Some("CONNECT"), Some(wanted)) if !head.contains(wanted) => {
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
        }
        (Some("CONNECT"), _) => "",
        _ => "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
    };
    if !refusal.is_empty() {
        let _ = near.write_all(refusal.as_bytes()).await;
        return;
    }
    let target = head.split(' ').nth(1).unwrap_or_default();
    let target = if target.starts_with(HIDDEN) { hidden.to_string() } else { target.to_owned() };
    let Ok(mut far) = TcpStream::connect(target).await else {
        let _ = near.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        return;
    };
    if near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_ok() {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
