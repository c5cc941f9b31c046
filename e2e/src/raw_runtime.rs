//! A runtime over raw sockets, for what an HTTP library would hide: it lists its models by itself, and hands over every other request together with
//! its connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::wait::PATIENCE;

/// Requests that wait for the test.
const WAITING: usize = 64;

/// A running runtime.
pub struct RawRuntime {
    /// Where it listens.
    pub addr: SocketAddr,
    requests: mpsc::Receiver<RawRequest>,
    shared: Arc<Shared>,
    _accept: AbortOnDropHandle<()>,
}

struct Shared {
    models: Mutex<Vec<String>>,
    arrived: AtomicUsize,
    lists: AtomicUsize,
    inbox: mpsc::Sender<RawRequest>,
}

/// A request whose head has been read, and its connection.
pub struct RawRequest {
    /// The head, with its empty line.
    pub head: String,
    socket: TcpStream,
    /// What has been read after the head.
    read: Vec<u8>,
}

impl RawRuntime {
    /// A runtime that lists `models`.
    pub async fn start(models: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let (inbox, requests) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared {
            models: Mutex::default(),
            arrived: AtomicUsize::new(0),
            lists: AtomicUsize::new(0),
            inbox,
        });
        let accept = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        let runtime = Self { addr, requests, shared, _accept: accept };
        runtime.set_models(models);
        runtime
    }

    /// Lists other models from now on.
    pub fn set_models(&self, models: &[&str]) {
        let models = models.iter().map(|&id| id.to_owned()).collect();
        *self.shared.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
    }

    /// What to give to a worker.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// The next request for a model.
    pub async fn next(&mut self) -> RawRequest {
        let next = tokio::time::timeout(PATIENCE, self.requests.recv()).await;
        next.expect("a request comes").expect("the runtime runs")
    }

    /// How often its list has been read.
    pub fn lists(&self) -> usize {
        self.shared.lists.load(Ordering::SeqCst)
    }

    /// How many requests for a model have arrived on new connections.
    pub fn arrived(&self) -> usize {
        self.shared.arrived.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let tasks = TaskTracker::new();
    while let Ok((socket, _)) = listener.accept().await {
        tasks.spawn(serve(socket, Arc::clone(&shared)));
    }
}

/// Answers questions about the runtime; the first request of another kind goes to the test.
async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    while let Some(request) = RawRequest::read(socket).await {
        if !request.head.starts_with("GET ") {
            shared.arrived.fetch_add(1, Ordering::SeqCst);
            // A test that has ended wants no more.
            let _ = shared.inbox.send(request).await;
            return;
        }
        socket = request.socket;
        let answer = if request.head.starts_with("GET /v1/models ") {
            shared.lists.fetch_add(1, Ordering::SeqCst);
            let models = shared.models.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let entries: Vec<_> = models.iter().map(|id| json!({"id": id, "object": "model"})).collect();
            response("200 OK", &json!({"object": "list", "data": entries}).to_string())
        } else {
            response("404 Not Found", r#"{"error":{"message":"no such path"}}"#)
        };
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A whole response on a connection that stays open.
pub fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

impl RawRequest {
    /// Reads a head. `None`: the connection ended before.
    async fn read(mut socket: TcpStream) -> Option<Self> {
        let mut read = Vec::new();
        loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                let body = read.split_off(at + 4);
                let head = String::from_utf8(read).expect("our heads are text");
                return Some(Self { head, socket, read: body });
            }
            if socket.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Reads the whole body.
    pub async fn body(&mut self) -> &[u8] {
        let head = self.head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a declared length").parse().expect("a number");
        while self.read.len() < length {
            assert!(self.socket.read_buf(&mut self.read).await.expect("no error") > 0, "the body ends early");
        }
        &self.read
    }

    /// Writes these very bytes.
    pub async fn write(&mut self, bytes: &str) {
        self.socket.write_all(bytes.as_bytes()).await.expect("the worker reads");
    }

    /// Reads the body, and answers in full.
    pub async fn answer(&mut self) {
        self.body().await;
        self.write(&response("200 OK", r#"{"choices":[]}"#)).await;
    }

    /// The next request on the same connection.
    pub async fn next(self) -> Self {
        let next = tokio::time::timeout(PATIENCE, Self::read(self.socket)).await;
        next.expect("another request").expect("the connection is kept")
    }

    /// Reads and forgets the rest of the body, until the worker closes.
    pub async fn drain(mut self) {
        let mut rest = vec![0; 64 * 1024];
        while matches!(self.socket.read(&mut rest).await, Ok(1..)) {}
    }
}
