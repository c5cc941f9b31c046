//! The two ends of a tunnel on a TCP connection of their own. The server's end is driven by the test, the worker's by a closure that answers.

pub(crate) mod answer;
pub(crate) mod cable;
pub(crate) mod pattern;
pub(crate) mod peer;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use llamapool_tunnel::control::{Bye, FromServer, FromWorker, MAX_STREAMS, REQUEST_WINDOW, RESPONSE_WINDOW};
use llamapool_tunnel::dial;
use llamapool_tunnel::mux::{Limits, Lost, Role, Windows};
use llamapool_tunnel::{Driver, End, Event, Exchange, Incoming, Link, head};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a peer may be silent.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What the two ends agreed on.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) replies: Windows,
    pub(crate) requests: Windows,
    pub(crate) keepalive: Duration,
}

impl Default for Terms {
    /// As in production.
    fn default() -> Self {
        Self {
            replies: Windows { initial: RESPONSE_WINDOW, max: 512 * 1024 },
            requests: Windows { initial: REQUEST_WINDOW, max: 4 * 1024 * 1024 },
            keepalive: KEEPALIVE,
        }
    }
}

/// One end, driven by a task of its own.
pub(crate) struct Side {
    pub(crate) link: Link,
    driver: AbortOnDropHandle<End>,
}

impl Side {
    /// The opener.
    pub(crate) async fn server(socket: TcpStream, terms: Terms) -> Self {
        let limits =
            Limits { windows: terms.replies, credit: terms.requests.initial, max_streams: MAX_STREAMS };
        let link = Link::new(Role::Opener, limits);
        let socket = websocket(socket, SocketRole::Server).await;
        let driver = Driver::new(socket, link.clone(), terms.keepalive, |_: Event<FromWorker>| {});
        Self { link, driver: AbortOnDropHandle::new(tokio::spawn(driver)) }
    }

    /// The acceptor: every request is answered in a task of its own.
    pub(crate) async fn worker<A, F>(socket: TcpStream, terms: Terms, tasks: TaskTracker, answer: A) -> Self
    where
        A: Fn(Incoming) -> F + Send + Unpin + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let limits =
            Limits { windows: terms.requests, credit: terms.replies.initial, max_streams: MAX_STREAMS };
        let link = Link::new(Role::Acceptor, limits);
        let socket = websocket(socket, SocketRole::Client).await;
        let on_event = move |event: Event<FromServer>| {
            if let Event::Request(incoming) = event {
                tasks.spawn(answer(incoming));
            }
        };
        let driver = Driver::new(socket, link.clone(), terms.keepalive, on_event);
        Self { link, driver: AbortOnDropHandle::new(tokio::spawn(driver)) }
    }

    /// Sends a request; `told` if it says how long its body is.
    pub(crate) fn ask(&self, target: &str, body: Bytes, told: bool) -> Exchange {
        let mut headers = HeaderMap::new();
        if told {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        let block = head::encode_request(&Method::POST, target, &headers).unwrap();
        self.link.open(block, body).unwrap()
    }

    /// Sends a request without a body.
    pub(crate) fn get(&self, target: &str) -> Exchange {
        self.ask(target, Bytes::new(), false)
    }

    /// How the tunnel ended.
    pub(crate) async fn ended(&mut self) -> End {
        in_time(&mut self.driver).await.unwrap()
    }

    /// Drops the connection without a word, as a killed process does.
    pub(crate) fn kill(&self) {
        self.driver.abort();
    }

    /// Waits until no stream is open.
    pub(crate) async fn settled(&self) {
        until(|| self.link.streams() == 0).await;
    }
}

/// Both ends.
pub(crate) struct Tunnel {
    pub(crate) server: Side,
    pub(crate) worker: Side,
    tasks: TaskTracker,
}

impl Tunnel {
    pub(crate) async fn new<A, F>(answer: A) -> Self
    where
        A: Fn(Incoming) -> F + Send + Unpin + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::with(Terms::default(), tcp().await, answer).await
    }

    /// On other terms or another pair of sockets: the server's and the worker's.
    pub(crate) async fn with<A, F>(terms: Terms, wire: (TcpStream, TcpStream), answer: A) -> Self
    where
        A: Fn(Incoming) -> F + Send + Unpin + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = TaskTracker::new();
        Self {
            server: Side::server(wire.0, terms).await,
            worker: Side::worker(wire.1, terms, tasks.clone(), answer).await,
            tasks,
        }
    }

    /// Waits until every answer's task has ended and no stream is left at either end.
    pub(crate) async fn settled(&self) {
        self.tasks.close();
        in_time(self.tasks.wait()).await;
        self.tasks.reopen();
        self.server.settled().await;
        self.worker.settled().await;
    }

    /// Proves that nothing is left, and that the tunnel is well to the end.
    pub(crate) async fn finish(mut self) {
        self.settled().await;
        self.worker.link.close(&Bye::stopping("done"));
        assert_eq!(self.worker.ended().await, End::Asked);
        assert_eq!(self.server.ended().await, End::Closed(String::new()));
    }
}

/// Two connected sockets, set up as both programs do.
pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, dialed) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let (accepted, dialed) = (accepted.unwrap().0, dialed.unwrap());
    dial::tune(&accepted, KEEPALIVE);
    dial::tune(&dialed, KEEPALIVE);
    (accepted, dialed)
}

pub(crate) async fn websocket(socket: TcpStream, role: SocketRole) -> WebSocketStream<TcpStream> {
    WebSocketStream::from_raw_socket(socket, role, Some(dial::websocket_config())).await
}

/// The whole answer.
pub(crate) async fn read(mut exchange: Exchange) -> Result<(StatusCode, Bytes), Lost> {
    in_time(async {
        let head = exchange.head().await?;
        Ok((head.status, exchange.into_body().collect().await?.to_bytes()))
    })
    .await
}

pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it takes too long")
}

/// Lets other tasks run until something is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    in_time(async {
        while !so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
