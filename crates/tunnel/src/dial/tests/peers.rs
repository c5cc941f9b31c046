//! Scripted peers: each does one thing, on a port of its own, for as long as the test runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::control::SUBPROTOCOL;

pub(super) async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port on which nothing listens: it was ours until just now.
pub(super) fn unused_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends the same response to everyone and hangs up, after reading the request.
pub(super) async fn answering(answer: &'static str) -> u16 {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    port
}

/// Accepts connections, reads the request and hangs up without a response.
pub(super) async fn closing() -> u16 {
    answering("").await
}

/// Accepts connections and sends nothing.
pub(super) async fn silent() -> u16 {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    port
}

/// A llamapool server that echoes messages, and the head of the first request it got.
pub(super) async fn echoing(tls: Option<TlsAcceptor>) -> (u16, oneshot::Receiver<Request>) {
    accepting(tls, |_, mut answer| {
        answer.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        answer.headers_mut().insert(crate::dial::VERSION_HEADER, HeaderValue::from_static("9.9.9"));
        answer
    })
    .await
}

/// A WebSocket server with a scripted handshake response.
pub(super) async fn accepting(
    tls: Option<TlsAcceptor>,
    answer: fn(&Request, Response) -> Response,
) -> (u16, oneshot::Receiver<Request>) {
    let (listener, port) = listen().await;
    let (seen, heads) = oneshot::channel();
    tokio::spawn(async move {
        let mut seen = Some(seen);
        while let Ok((socket, _)) = listener.accept().await {
            let seen = seen.take();
            match &tls {
                None => drop(tokio::spawn(echo(socket, seen, answer))),
                Some(tls) => {
                    if let Ok(stream) = tls.accept(socket).await {
                        drop(tokio::spawn(echo(stream, seen, answer)));
                    }
                }
            }
        }
    });
    (port, heads)
}

#[expect(clippy::result_large_err, reason = "the shape that the WebSocket library asks of callbacks")]
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    seen: Option<oneshot::Sender<Request>>,
    answer: fn(&Request, Response) -> Response,
) {
    let shake = |asked: &Request, given: Response| {
        if let Some(seen) = seen {
            let _ = seen.send(asked.clone());
        }
        Ok(answer(asked, given))
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, shake).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// A certificate authority of our own.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    pub(super) fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        crate::tls::install();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let leaf = params.unwrap().signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A proxy that connects every host to the one port it knows, and records its requests.
pub(super) struct Proxy {
    pub(super) port: u16,
    asked: mpsc::Receiver<String>,
}

impl Proxy {
    /// CONNECT over plain HTTP; responds with `status`.
    pub(super) async fn http(to: u16, status: u16) -> Self {
        Self::start(move |socket, asked| connect(socket, to, status, asked)).await
    }

    /// CONNECT to a proxy that itself requires TLS.
    pub(super) async fn secured(to: u16, tls: TlsAcceptor) -> Self {
        Self::start(move |socket, asked| {
            let tls = tls.clone();
            async move { connect(tls.accept(socket).await.unwrap(), to, 200, asked).await }
        })
        .await
    }

    pub(super) async fn socks(to: u16) -> Self {
        Self::start(move |socket, asked| socks(socket, to, asked)).await
    }

    pub(super) async fn asked(mut self) -> String {
        self.asked.recv().await.unwrap()
    }

    async fn start<F, R>(serve: F) -> Self
    where
        F: Fn(TcpStream, mpsc::Sender<String>) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let (listener, port) = listen().await;
        let (said, asked) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, said.clone()));
            }
        });
        Self { port, asked }
    }
}

async fn connect<S>(mut client: S, to: u16, status: u16, asked: mpsc::Sender<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    asked.send(String::from_utf8(head).unwrap()).await.unwrap();
    client.write_all(format!("HTTP/1.1 {status} Whatever\r\n\r\n").as_bytes()).await.unwrap();
    if status == 200 {
        join(client, to).await;
    }
}

/// The part of SOCKS 5 that a client without a password uses.
async fn socks(mut client: TcpStream, to: u16, asked: mpsc::Sender<String>) {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await.unwrap();
    let mut methods = vec![0; usize::from(greeting[1])];
    client.read_exact(&mut methods).await.unwrap();
    client.write_all(&[5, 0]).await.unwrap();
    let mut wish = [0; 5];
    client.read_exact(&mut wish).await.unwrap();
    assert_eq!(wish[..4], [5, 1, 0, 3], "CONNECT to a name, which the proxy resolves");
    let mut name = vec![0; usize::from(wish[4])];
    client.read_exact(&mut name).await.unwrap();
    let port = client.read_u16().await.unwrap();
    asked.send(format!("{}:{port}", String::from_utf8(name).unwrap())).await.unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    join(client, to).await;
}

async fn join<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, to: u16) {
    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
