//! The loop with a scripted client, in paused time.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

use super::*;

/// A client whose dials go as scripted, and whose sessions last a given time.
struct Scripted {
    server: Url,
    dials: Mutex<VecDeque<Result<Duration, Disconnect>>>,
    waits: Mutex<Vec<Duration>>,
    stop: CancellationToken,
}

impl Scripted {
    fn new(dials: impl IntoIterator<Item = Result<Duration, Disconnect>>) -> Self {
        Self {
            server: "ws://127.0.0.1:9/".parse().unwrap(),
            dials: Mutex::new(dials.into_iter().collect()),
            waits: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

impl Client for &Scripted {
    type Connection = Duration;

    fn server(&self) -> &Url {
        &self.server
    }

    async fn dial(&self) -> Result<Duration, Disconnect> {
        let next = self.dials.lock().unwrap().pop_front();
        next.unwrap_or_else(|| {
            self.stop.cancel();
            Err(Disconnect::lost("the script is over"))
        })
    }

    async fn session(&self, lasts: Duration) -> SessionEnd {
        tokio::time::sleep(lasts).await;
        SessionEnd::Disconnected(Disconnect::lost("the session is over"))
    }

    async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    fn step(&self, step: Step<'_>) {
        if let Step::Waiting { until, .. } = step {
            self.waits.lock().unwrap().push(until - Instant::now());
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn waits_grow_until_a_good_session() {
    let lost = || Err(Disconnect::lost("away"));
    let dials = (0..6).map(|_| lost()).chain([Ok(seconds(60)), lost()]);
    let client = Scripted::new(dials);
    let exit = Reconnect::new(&client, Arc::default()).run().await;
    assert_eq!(exit, Exit::Stopped);
    let waits = client.waits();
    assert!(waits.iter().take(6).all(|wait| *wait >= seconds(1) && *wait <= seconds(30)), "{waits:?}");
    assert!(waits[6] <= seconds(2), "the wait after a good session starts small: {waits:?}");
    assert!(waits[7] <= seconds(4), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_waits_long_and_is_not_hurried() {
    let client = Scripted::new([Err(Disconnect::refused("wrong key"))]);
    let redial = Arc::new(Notify::new());
    let running = async {
        tokio::time::sleep(seconds(1)).await;
        redial.notify_one();
        std::future::pending::<()>().await
    };
    let started = Instant::now();
    tokio::select! {
        exit = Reconnect::new(&client, redial.clone()).run() => assert_eq!(exit, Exit::Stopped),
        () = running => {}
    }
    assert!(client.waits()[0] >= seconds(30) && started.elapsed() >= seconds(30));
}

#[tokio::test(start_paused = true)]
async fn a_redial_ends_the_session_and_the_wait() {
    let client = Scripted::new([Ok(seconds(3_600)), Err(Disconnect::lost("away"))]);
    let redial = Arc::new(Notify::new());
    let hurry = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            redial.notify_one();
        }
        std::future::pending::<()>().await
    };
    let started = Instant::now();
    tokio::select! {
        exit = Reconnect::new(&client, redial.clone()).run() => assert_eq!(exit, Exit::Stopped),
        () = hurry => {}
    }
    assert!(started.elapsed() < seconds(3), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_time_gets_it_within_bounds() {
    let busy = |wait| Err(Disconnect { retry_after: Some(wait), ..Disconnect::lost("busy") });
    let client = Scripted::new([busy(seconds(100)), busy(seconds(100_000))]);
    Reconnect::new(&client, Arc::default()).run().await;
    assert_eq!(client.waits()[..2], [seconds(100), MAX_RETRY_AFTER]);
}

#[tokio::test(start_paused = true)]
async fn without_reconnecting_the_first_disconnect_is_the_last() {
    let client = Scripted::new([Ok(seconds(1)), Ok(seconds(1))]);
    let exit = Reconnect::new(&client, Arc::default()).enabled(false).run().await;
    assert_eq!(exit, Exit::Lost("the session is over".to_owned()));
    assert_eq!(client.dials.lock().unwrap().len(), 1);
}
