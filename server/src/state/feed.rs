//! The event stream: what has changed is put together once, at most four times a second, and handed to every reader. A reader that cannot keep up
//! skips, and gets the whole state again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::snapshot::{Had, since};
use crate::app::App;

/// At most so often.
const SHORTEST: Duration = Duration::from_millis(250);

/// At least so often, changed or not: readers tell a quiet server from a dead one by it.
const LONGEST: Duration = Duration::from_secs(15);

/// While requests run, their age and tokens change all the time: looked at so often.
const WHILE_LIVE: Duration = Duration::from_secs(1);

/// Events, for any number of readers.
pub struct Feed(watch::Sender<Event>);

/// One event, ready to be sent.
#[derive(Debug, Clone, Default)]
struct Event {
    version: u64,
    text: Bytes,
}

/// One reader's place in the feed.
pub struct Reader {
    app: Arc<App>,
    events: watch::Receiver<Event>,
    had: Option<u64>,
}

impl Default for Feed {
    fn default() -> Self {
        Self(watch::Sender::new(Event::default()))
    }
}

impl Feed {
    /// A new reader, whose first event comes at once.
    pub fn subscribe(app: &Arc<App>) -> Reader {
        let events = app.feed.0.subscribe();
        app.ledger.ring(); // whoever publishes may be asleep for want of readers
        Reader { app: app.clone(), events, had: None }
    }

    /// How many read.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }

    /// Publishes as long as the server runs; sleeps while nobody reads.
    pub async fn publish(app: Arc<App>) {
        let feed = &app.feed.0;
        let mut had = Had::default();
        let mut last = Instant::now() - LONGEST;
        loop {
            let longest = if app.open_requests() > 0 { WHILE_LIVE } else { LONGEST };
            // Either is a reason to go on: a change, or that there has been none for long.
            let _ = timeout_at(last + longest, app.ledger.changed()).await;
            sleep_until(last + SHORTEST).await;
            if feed.receiver_count() == 0 {
                app.ledger.changed().await;
                continue;
            }
            last = Instant::now();
            let version = feed.borrow().version + 1;
            let update = since(&app, version, had);
            if let Some(newest) = update.recent.first() {
                had.newest_ended = Some(newest.number);
            }
            had.history = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            feed.send_replace(Event { version, text: event("update", version, &update) });
        }
    }
}

impl Reader {
    /// The next event to send.
    pub async fn next(&mut self) -> Option<Bytes> {
        let Some(had) = self.had else {
            self.events.mark_unchanged();
            return Some(self.whole());
        };
        tokio::select! {
            changed = self.events.changed() => changed.ok()?,
            () = self.app.drain.stopped().cancelled() => return None,
        }
        let event = self.events.borrow_and_update().clone();
        if event.version == had + 1 {
            self.had = Some(event.version);
            return Some(event.text);
        }
        Some(self.whole())
    }

    /// The state as it is, numbered as the last event: what follows may repeat some of it, which does no harm.
    fn whole(&mut self) -> Bytes {
        let version = self.events.borrow().version;
        self.had = Some(version);
        event("snapshot", version, &since(&self.app, version, Had::default()))
    }
}

fn event(name: &str, version: u64, snapshot: &super::view::Snapshot) -> Bytes {
    let json = serde_json::to_string(snapshot).expect("plain data");
    format!("event: {name}\nid: {version}\ndata: {json}\n\n").into()
}
