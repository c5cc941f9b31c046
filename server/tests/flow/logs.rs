//! What workers can make the server write, and a log that breaks one of its tasks.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::SinkExt;
use llamapool_telemetry::tasks::TaskFailed;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{PATIENCE, ScriptedWorker, TestServer};

/// Keeps the messages of this thread, and panics at one of them.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    panics_at: Option<&'static str>,
}

impl Log {
    fn count(&self, text: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.lines.lock().unwrap().push(text.0.clone());
        assert!(self.panics_at.is_none_or(|at| !text.0.contains(at)), "{}", text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Connections of one worker. Each writes less than ten lines if nothing limits them.
const CONNECTIONS: usize = 60;

#[tokio::test]
async fn a_worker_that_is_refused_again_and_again_does_not_fill_the_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = TestServer::with(|config| config.limits.max_workers = 1).await;
    let _first = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    for _ in 0..CONNECTIONS {
        ScriptedWorker::try_join(&server, "b").await.unwrap_err();
    }
    assert_eq!(log.count("was refused"), 10);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_whose_id_is_taken_does_not_fill_the_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = TestServer::start().await;
    let _first = ScriptedWorker::join_as(&server, "a", "first", Some(false)).await.unwrap();
    for _ in 0..CONNECTIONS {
        let second = ScriptedWorker::join_as(&server, "a", "second", Some(false)).await.unwrap();
        assert_eq!(second.assigned_id.as_deref(), Some("a-2"));
    }
    assert_eq!(log.count("Two workers have the id a"), 10);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_sends_rubbish_does_not_fill_the_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = TestServer::start().await;
    for _ in 0..CONNECTIONS {
        let (mut socket, _) = ScriptedWorker::hello(&server, "a", "a", None).await;
        for _ in 0..10 {
            socket.send(Message::text("rubbish")).await.unwrap();
        }
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = futures_util::StreamExt::next(&mut socket).await {}
    }
    assert_eq!(log.count("ignored an unreadable message"), 10);
    server.stop().await;
}

/// The only place is taken by a request, so that the next connection is closed, which is logged: in the task that accepts connections.
#[tokio::test]
async fn a_panic_in_a_background_task_ends_the_server() {
    let log = Log { panics_at: Some("too many are open"), ..Log::default() };
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = TestServer::with(|config| config.limits.max_connections = 1).await;
    let mut busy = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    busy.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n")
        .await
        .unwrap();
    let mut go_on = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut busy, &mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100", "its body is awaited");
    let _next = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, server.task).await.expect("it goes on, deaf").unwrap();
    let Err(TaskFailed { task, message }) = ended else { panic!("{ended:?}") };
    assert_eq!(task, "listener");
    assert!(message.contains("too many are open"), "{message}");
}
