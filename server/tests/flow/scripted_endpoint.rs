//! An HTTP endpoint by script: it lists its models, and answers requests as a test says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// A running endpoint. Dropping it closes its port and its connections.
pub(crate) struct ScriptedEndpoint {
    pub(crate) url: String,
    pub(crate) requests: mpsc::Receiver<EndpointRequest>,
    _server: AbortOnDropHandle<()>,
}

/// A request that has arrived whole.
pub(crate) struct EndpointRequest {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) reply: EndpointReply,
}

/// The reply to a request. Dropping it before its end breaks the connection.
pub(crate) struct EndpointReply {
    head: Option<oneshot::Sender<Response<ScriptedBody>>>,
    chunks: mpsc::Sender<Bytes>,
    body: Option<ScriptedBody>,
    /// Ends the body properly; dropped, it breaks the connection.
    end: Option<oneshot::Sender<()>>,
}

impl ScriptedEndpoint {
    pub(crate) async fn start(models: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (inbox, requests) = mpsc::channel(100);
        let models: Vec<_> = models.iter().map(|id| serde_json::json!({ "id": id })).collect();
        let listing = serde_json::json!({ "object": "list", "data": models }).to_string();
        let server = tokio::spawn(accept(listener, Arc::new(listing), inbox));
        Self { url, requests, _server: AbortOnDropHandle::new(server) }
    }
}

async fn accept(listener: TcpListener, listing: Arc<String>, inbox: mpsc::Sender<EndpointRequest>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (listing, inbox) = (listing.clone(), inbox.clone());
        let service = service_fn(move |request| answer(request, listing.clone(), inbox.clone()));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    listing: Arc<String>,
    inbox: mpsc::Sender<EndpointRequest>,
) -> io::Result<Response<ScriptedBody>> {
    if request.method() == Method::GET {
        let known = request.uri().path() == "/v1/models";
        let mut response = Response::new(ScriptedBody::whole(if known { &listing } else { "{}" }));
        *response.status_mut() = if known { StatusCode::OK } else { StatusCode::NOT_FOUND };
        return Ok(response);
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (respond, response) = oneshot::channel();
    let (chunks, queued) = mpsc::channel(1);
    let (end, ended) = oneshot::channel();
    let body_of_reply = Some(ScriptedBody { chunks: queued, ended: Some(ended) });
    let reply = EndpointReply { head: Some(respond), chunks, body: body_of_reply, end: Some(end) };
    inbox.send(EndpointRequest { head, body, reply }).await.map_err(io::Error::other)?;
    response.await.map_err(io::Error::other)
}

impl EndpointReply {
    /// Sends the head and the first part of the body.
    pub(crate) async fn respond(&mut self, status: u16, content_type: &'static str, first: &'static str) {
        let mut response = Response::new(self.body.take().expect("one head for each reply"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        response.headers_mut().insert("connection", HeaderValue::from_static("x-private"));
        response.headers_mut().insert("x-private", HeaderValue::from_static("of this connection"));
        let head = self.head.take().expect("one head for each reply");
        head.send(response).unwrap_or_else(|_| panic!("the client is gone"));
        self.send(first).await;
    }

    pub(crate) async fn send(&mut self, chunk: &'static str) {
        self.chunks.send(Bytes::from_static(chunk.as_bytes())).await.expect("the client is there");
    }

    /// Ends the reply properly.
    pub(crate) fn finish(mut self) {
        self.end.take().into_iter().for_each(|end| end.send(()).expect("the client is there"));
    }

    /// Waits until the client is gone.
    pub(crate) async fn stopped(&mut self) {
        match &mut self.head {
            Some(head) => head.closed().await,
            None => self.chunks.closed().await,
        }
    }
}

/// A body that a test writes.
pub(crate) struct ScriptedBody {
    chunks: mpsc::Receiver<Bytes>,
    /// Fires when the body ends properly.
    ended: Option<oneshot::Receiver<()>>,
}

impl ScriptedBody {
    fn whole(text: &str) -> Self {
        let (chunks, queued) = mpsc::channel(1);
        chunks.try_send(Bytes::copy_from_slice(text.as_bytes())).expect("it is empty");
        Self { chunks: queued, ended: None }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.chunks.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(chunk)) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Poll::Ready(None) => match self.ended.take().map(|mut ended| ended.try_recv()) {
                None | Some(Ok(())) => Poll::Ready(None),
                Some(Err(_)) => Poll::Ready(Some(Err(io::Error::other("the script breaks the connection")))),
            },
        }
    }
}
