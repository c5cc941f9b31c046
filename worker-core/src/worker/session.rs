//! One session with the server: hello, reports, relaying, goodbye.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use llamapool_tunnel::control::{
    Bye, ByeCode, FromServer, FromWorker, HELLO_TIMEOUT, MAX_STREAMS, REPORT_INTERVAL, REQUEST_WINDOW,
    Readiness, Report, ServerHello, WorkerHello,
};
use llamapool_tunnel::dial::Wire;
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_tunnel::reconnect::{Clocks, Disconnect, SessionEnd};
use llamapool_tunnel::{Driver, Event, Link};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::status::Connection;
use super::{Shared, counted};
use crate::host::{self, Host};
use llamapool_settings::DrainTimeout;

/// Maximum window of a request body, bytes: uploads are few and large.
const MAX_WINDOW: u32 = 4 * 1024 * 1024;

/// Largest credit accepted from a server's hello; more would only risk overflow.
const MAX_CREDIT: u32 = 64 * 1024 * 1024;

/// Time limit for sending the last responses when a worker ends, and how often to check.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
const LAST_ANSWERS_POLL: Duration = Duration::from_millis(5);

/// Changes within this time are combined into one report.
const GATHER: Duration = Duration::from_millis(20);

/// The id of this run of the process, which is the same for all its connections.
static INSTANCE: LazyLock<String> = LazyLock::new(|| uuid::Uuid::new_v4().to_string());

pub(super) type Socket = WebSocketStream<Wire>;

/// Runs a session on an open connection until it ends.
pub(super) async fn run(shared: &Shared, mut socket: Socket) -> SessionEnd {
    let hello = match tokio::time::timeout(HELLO_TIMEOUT, say_hello(shared, &mut socket)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(disconnect)) => return SessionEnd::Disconnected(disconnect),
        Err(_) => return lost("the server did not respond to the hello message"),
    };
    let credit = hello.recv_window.min(MAX_CREDIT);
    let windows = Windows { initial: REQUEST_WINDOW, max: MAX_WINDOW };
    let link = Link::new(Role::Acceptor, Limits { windows, credit, max_streams: MAX_STREAMS });
    tracing::info!(
        tunnel = hello.tunnel,
        server.version = hello.version,
        "Connected to {}",
        shared.config.server.url
    );
    if let Some(assigned) = &hello.assigned_id {
        tracing::warn!(
            "Another connected worker has the id {}: this one is {assigned} at the server. Set CLIENT_ID to a different id on one of them; a copied \
             folder or disk image carries the stored id of the original",
            shared.id
        );
    }
    shared.publisher.change(|status| {
        status.id.clone_from(hello.assigned_id.as_ref().unwrap_or(&shared.id));
        status.connection = Connection::Connected;
        status.connections += 1;
        status.link_error = None;
    });

    let mut relay = shared.relay();
    let (mut bye, mut is_stopping) = (None, false);
    let driver =
        Driver::new(socket, link.clone(), shared.config.server.keepalive_timeout, |event| match event {
            Event::Request(incoming) => relay.take(incoming),
            Event::Control(FromServer::Bye(said)) => bye = Some(said),
            Event::Control(FromServer::Drain) if is_stopping => {}
            Event::Control(FromServer::Drain) => {
                is_stopping = true;
                tracing::info!("The server is stopping");
            }
            Event::Control(FromServer::Hello(_) | FromServer::Unknown) => {}
            Event::RoundTrip(took) => shared.publisher.measured(took),
            Event::Unreadable(why) => tracing::warn!("From the server: {why}"),
        })
        .asking_at_once();
    let end = tokio::select! {
        end = driver => end,
        () = report(shared, &link) => unreachable!("reports go on as long as the session"),
        () = say_goodbye(shared, &link) => unreachable!("the driver ends first"),
    };
    match bye {
        _ if shared.handle.orders.borrow().shutdown.is_some() && link.is_closed() => SessionEnd::Stopped,
        Some(Bye { code: ByeCode::Stopping, reason }) => lost(reason),
        Some(Bye { code: ByeCode::Replaced, reason }) => {
            refused(format!("{reason}; if it is another machine, set a different CLIENT_ID on one of them"))
        }
        Some(Bye { reason, .. }) => refused(reason),
        None => lost(end.to_string()),
    }
}

fn lost(reason: impl Into<String>) -> SessionEnd {
    SessionEnd::Disconnected(Disconnect::lost(reason))
}

fn refused(reason: impl Into<String>) -> SessionEnd {
    SessionEnd::Disconnected(Disconnect::refused(reason))
}

async fn say_hello(shared: &Shared, socket: &mut Socket) -> Result<ServerHello, Disconnect> {
    let hello = FromWorker::Hello(WorkerHello {
        id: shared.id.clone(),
        name: shared.config.identity.name.clone(),
        version: llamapool_settings::build::VERSION.to_owned(),
        instance: INSTANCE.clone(),
        resumed: Some(shared.publisher.watch().borrow().connections > 0),
        max_streams: MAX_STREAMS,
        recv_window: REQUEST_WINDOW,
    });
    let text = serde_json::to_string(&hello).expect("plain data");
    let lost = |error: &dyn std::fmt::Display| Disconnect::lost(error.to_string());
    socket.send(Message::text(text)).await.map_err(|error| lost(&error))?;
    loop {
        let message = socket
            .next()
            .await
            .ok_or_else(|| lost(&"the server closed the connection"))?
            .map_err(|error| lost(&error))?;
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(FromServer::Hello(hello)) if hello.recv_window > 0 => return Ok(hello),
                Ok(FromServer::Bye(bye)) => return Err(Disconnect::refused(bye.reason)),
                Ok(FromServer::Drain | FromServer::Unknown) => {}
                _ => return Err(Disconnect::refused("the server's hello message could not be read")),
            },
            Message::Close(_) => return Err(lost(&"the server closed the connection")),
            Message::Binary(_) => {
                return Err(Disconnect::refused("the server did not send a hello message"));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// Sends reports: after every change, and at regular intervals.
async fn report(shared: &Shared, link: &Link) {
    let host = host::this_machine();
    let mut clocks = Clocks::now();
    let (mut probed, mut orders) = (shared.probed.clone(), shared.handle.orders.subscribe());
    loop {
        probed.mark_unchanged();
        let draining = orders.borrow_and_update().draining;
        link.refuse(draining);
        link.say(&FromWorker::Report(current(shared, draining, &host)));
        shared.publisher.reported();
        tokio::select! {
            _ = probed.changed() => tokio::time::sleep(GATHER).await,
            _ = orders.changed() => {}
            () = tokio::time::sleep(REPORT_INTERVAL) => {}
        }
        if clocks.have_slept() && shared.ledger.running() == 0 {
            tracing::info!("Resumed from sleep; reconnecting");
            shared.handle.redial();
        }
    }
}

fn current(shared: &Shared, draining: bool, host: &Host) -> Report {
    let (info, error) = shared.runtime_info();
    let state = match (&error, draining) {
        (_, true) => Readiness::Draining,
        (Some(_), _) => Readiness::NotReady,
        (None, _) => Readiness::Ready,
    };
    Report {
        state,
        reason: error,
        capacity: shared.config.runtime.max_concurrency,
        in_flight: shared.ledger.running(),
        models: info.models.into_iter().filter(|model| !model.withheld).collect(),
        runtime: Some(info.kind),
        runtime_version: info.version,
        host: Some(host.clone()),
    }
}

/// On shutdown: waits for the requests in flight within the drain timeout, then sends the goodbye, which ends the driver.
async fn say_goodbye(shared: &Shared, link: &Link) {
    stopped(shared).await;
    // The last responses have been handed over; they are sent before the goodbye.
    let sent = async {
        while link.streams() > 0 {
            tokio::time::sleep(LAST_ANSWERS_POLL).await;
        }
    };
    if shared.ledger.running() == 0 {
        let _ = tokio::time::timeout(LAST_ANSWERS, sent).await;
    }
    link.close(&Bye::stopping("the worker stops"));
    std::future::pending().await
}

/// Completes when the worker was asked to stop and no request is in flight, or when the drain timeout has passed.
pub(super) async fn stopped(shared: &Shared) {
    let mut orders = shared.handle.orders.subscribe();
    let mut jobs = shared.ledger.watch();
    let Ok(_) = orders.wait_for(|orders| orders.shutdown.is_some()).await else { return };
    let since = Instant::now();
    tracing::info!("Draining: waiting for {}", running(shared));
    loop {
        let timeout = orders.borrow_and_update().shutdown.unwrap_or(DrainTimeout::Now);
        let deadline = async {
            match timeout {
                DrainTimeout::Now => {}
                DrainTimeout::After(timeout) => tokio::time::sleep_until(since + timeout).await,
                DrainTimeout::Never => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = jobs.wait_for(|jobs| *jobs == 0) => return tracing::info!("Drained"),
            () = deadline => return tracing::warn!("Drain timeout reached: {} cut off", running(shared)),
            _ = orders.changed() => {} // another shutdown, perhaps with a shorter timeout
        }
    }
}

fn running(shared: &Shared) -> String {
    counted(shared.ledger.running() as usize, "request")
}
