//! A real server on a free port, and workers that do what a test says: they speak the real tunnel, but answer by script.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use llamapool_server::config::Config;
use llamapool_server::drain::Shutdown;
use llamapool_telemetry::tasks::TaskFailed;
use llamapool_tunnel::control::{
    FromServer, FromWorker, MAX_STREAMS, REQUEST_WINDOW, Readiness, Report, WorkerHello,
};
use llamapool_tunnel::dial::{self, Dialed};
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_tunnel::{Driver, Event, Incoming, Link, RuntimeKind, head};
use llamapool_worker_core::runtime::Model;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Time that goes on only when a test says so, until this is dropped or a test has hung for [`PATIENCE`]. Sockets are real: tokio's paused time alone,
/// which jumps to the next timer whenever nothing is ready, would outrun them.
pub(crate) struct Clock {
    _held: std::sync::mpsc::SyncSender<()>,
}

/// The steps in which time goes on: what tokio's timers can tell apart.
const STEP: Duration = Duration::from_millis(1);

impl Clock {
    pub(crate) fn stop() -> Self {
        tokio::time::pause();
        // Paused time does not jump while a blocking task runs.
        let (held, dropped) = std::sync::mpsc::sync_channel(0);
        tokio::task::spawn_blocking(move || {
            let _ = dropped.recv_timeout(PATIENCE);
        });
        Self { _held: held }
    }

    /// Lets this time pass.
    pub(crate) async fn advance(&self, time: Duration) {
        // What is due at the very end is a step late, because timers are rounded up.
        tokio::time::advance(time + STEP).await;
    }

    /// Lets time pass until the work is done.
    pub(crate) async fn advance_until<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::advance(STEP) => {}
            }
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// A running server. [`TestServer::stop`] proves that nothing was left open.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) shutdown: Shutdown,
    pub(crate) client: reqwest::Client,
    pub(crate) task: JoinHandle<Result<(), TaskFailed>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        llamapool_tunnel::tls::install();
        let mut config = Config::for_testing();
        configure(&mut config);
        let listener = llamapool_server::listen::bind(&config.addresses()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = Shutdown::default();
        let task = tokio::spawn(llamapool_server::run(config, listener, shutdown.clone(), None));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, shutdown, client, task }
    }

    /// A chat request for a model.
    pub(crate) fn chat(&self, model: &str) -> reqwest::RequestBuilder {
        let body = format!(r#"{{"messages":[],"model":"{model}"}}"#);
        self.client.post(format!("{}/v1/chat/completions", self.url)).body(body)
    }

    /// Sends a chat request in a task of its own.
    pub(crate) fn ask(&self, model: &str) -> JoinHandle<reqwest::Response> {
        let request = self.chat(model);
        tokio::spawn(async move { request.send().await.unwrap() })
    }

    /// Waits until the model list has so many entries.
    pub(crate) async fn until_models(&self, models: usize) {
        let listed = async || {
            let list = self.client.get(format!("{}/v1/models", self.url)).send().await.unwrap();
            serde_json::from_slice::<serde_json::Value>(&list.bytes().await.unwrap()).unwrap()["data"]
                .as_array()
                .unwrap()
                .len()
        };
        let wait = async {
            while listed().await != models {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the models never came");
    }

    /// Stops the server gently; with nothing open that takes no time.
    pub(crate) async fn stop(self) {
        self.shutdown.gently.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("something is still open").unwrap().unwrap();
    }
}

/// A worker by script.
pub(crate) struct ScriptedWorker {
    pub(crate) link: Link,
    /// The id that it got, if it is not the one it asked for.
    pub(crate) assigned_id: Option<String>,
    requests: mpsc::Receiver<Incoming>,
    driver: JoinHandle<()>,
}

impl ScriptedWorker {
    /// Joins with some models and room for some requests.
    pub(crate) async fn join(server: &TestServer, id: &str, capacity: u32, models: &[&str]) -> Self {
        let worker = Self::connect(server, id, None).await;
        worker.report(Readiness::Ready, capacity, models);
        worker
    }

    /// Joins without a report; `resumed` is as in its hello.
    pub(crate) async fn connect(server: &TestServer, id: &str, resumed: Option<bool>) -> Self {
        Self::join_as(server, id, id, resumed).await.expect("the server takes it")
    }

    /// Joins as a process, without a report; `resumed` is `None` for a worker of an older version.
    ///
    /// # Errors
    /// The server's reason to refuse the worker.
    pub(crate) async fn join_as(
        server: &TestServer,
        id: &str,
        instance: &str,
        resumed: Option<bool>,
    ) -> Result<Self, String> {
        let (socket, answer) = Self::hello(server, id, instance, resumed).await;
        let answer = match answer {
            FromServer::Hello(answer) => answer,
            FromServer::Bye(bye) => return Err(bye.reason),
            _ => panic!("{answer:?}"),
        };

        let windows = Windows { initial: REQUEST_WINDOW, max: REQUEST_WINDOW };
        let limits = Limits { windows, credit: answer.recv_window, max_streams: MAX_STREAMS };
        let link = Link::new(Role::Acceptor, limits);
        let (inbox, requests) = mpsc::channel(100);
        let driver = Driver::new(socket, link.clone(), PATIENCE, move |event: Event<FromServer>| {
            if let Event::Request(incoming) = event {
                inbox.try_send(incoming).unwrap();
            }
        });
        let driver = tokio::spawn(async move {
            driver.await;
        });
        Ok(Self { link, assigned_id: answer.assigned_id, requests, driver })
    }

    pub(crate) async fn hello(
        server: &TestServer,
        id: &str,
        instance: &str,
        resumed: Option<bool>,
    ) -> (WebSocketStream<dial::Wire>, FromServer) {
        let url = format!("{}/api/workers/connect", server.url.replace("http", "ws")).parse().unwrap();
        let Dialed { mut socket, .. } = dial::dial(&url, None, &dial::Options::new(None)).await.unwrap();
        let hello = FromWorker::Hello(WorkerHello {
            id: id.into(),
            name: id.into(),
            version: "0".into(),
            instance: instance.into(),
            resumed,
            max_streams: MAX_STREAMS,
            recv_window: REQUEST_WINDOW,
        });
        socket.send(Message::text(serde_json::to_string(&hello).unwrap())).await.unwrap();
        let Some(Ok(Message::Text(answer))) = socket.next().await else { panic!("no answer to the hello") };
        (socket, serde_json::from_str(&answer).unwrap())
    }

    /// Says hello and leaves again.
    ///
    /// # Errors
    /// The server's reason to refuse the worker.
    pub(crate) async fn try_join(server: &TestServer, id: &str) -> Result<(), String> {
        match Self::hello(server, id, id, None).await.1 {
            FromServer::Bye(bye) => Err(bye.reason),
            _ => Ok(()),
        }
    }

    pub(crate) fn report(&self, state: Readiness, capacity: u32, models: &[&str]) {
        let models = models.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() });
        self.report_of(state, capacity, None, models.collect());
    }

    /// A report about a runtime of a certain kind.
    pub(crate) fn report_of(
        &self,
        state: Readiness,
        capacity: u32,
        runtime: Option<RuntimeKind>,
        models: Vec<Model>,
    ) {
        self.link.say(&FromWorker::Report(Report { state, runtime, ..Report::ready(capacity, models) }));
    }

    /// A report about a runtime of this version.
    pub(crate) fn report_version(&self, version: &str, models: Vec<Model>) {
        let runtime_version = Some(version.to_owned());
        self.link.say(&FromWorker::Report(Report { runtime_version, ..Report::ready(1, models) }));
    }

    /// The next request that arrives here.
    pub(crate) async fn next(&mut self) -> Incoming {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("no request came").unwrap()
    }

    /// Waits until a request is here, and leaves it there.
    pub(crate) async fn wait_asked(&mut self) {
        let wait = async {
            while !self.is_asked() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("no request came");
    }

    /// Whether a request is here.
    pub(crate) fn is_asked(&mut self) -> bool {
        !self.requests.is_empty()
    }

    /// Answers the next request whole.
    pub(crate) async fn answer(&mut self, status: u16, body: &'static str) {
        let Incoming { mut responder, .. } = self.next().await;
        responder.respond(response(status, "application/json"), Bytes::from_static(body.as_bytes()), true);
    }

    /// Drops the connection without a word, as a machine that loses its power does.
    pub(crate) fn die(self) {
        self.driver.abort();
    }
}

/// An encoded response head.
pub(crate) fn response(status: u16, content_type: &'static str) -> Bytes {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("content-type"), HeaderValue::from_static(content_type));
    head::encode_response(StatusCode::from_u16(status).unwrap(), &headers).unwrap()
}

/// Everything that arrives of a response's body, and whether it ended properly.
pub(crate) async fn read(response: reqwest::Response) -> (String, bool) {
    let mut body = String::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => body.push_str(std::str::from_utf8(&chunk).unwrap()),
            Err(_) => return (body, false),
        }
    }
    (body, true)
}
