//! The event stream: what has changed is put together once, at most four times a second, and handed to every reader. A reader that cannot keep up
//! skips, and gets the whole state again. Where readers are many and events large, events are rarer: requests come first.

use std::sync::{Arc, Mutex, PoisonError};
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

/// Bytes a second that all readers together are sent, about: copying that much to sockets takes a tenth of a core.
const BUDGET: usize = 100 * 1000 * 1000;

/// While requests run, their age and tokens change all the time: looked at so often.
const WHILE_LIVE: Duration = Duration::from_secs(1);

/// Events, for any number of readers.
#[derive(Default)]
pub struct Feed {
    events: watch::Sender<Event>,
    /// The whole state as it was told last: those who come or skip at the same time share it.
    whole: Mutex<Option<(Instant, Event)>>,
}

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

impl Feed {
    /// A new reader, whose first event comes at once.
    pub fn subscribe(app: &Arc<App>) -> Reader {
        let events = app.feed.events.subscribe();
        app.ledger.ring(); // whoever publishes may be asleep for want of readers
        Reader { app: app.clone(), events, had: None }
    }

    /// How many read.
    pub fn readers(&self) -> usize {
        self.events.receiver_count()
    }

    /// The whole state after event `version`, not older than what readers are used to.
    fn whole(&self, app: &App, version: u64) -> Bytes {
        let mut told = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        match &*told {
            Some((at, event)) if event.version == version && at.elapsed() < SHORTEST => event.text.clone(),
            _ => {
                let text = event("snapshot", version, &since(app, version, Had::default()));
                *told = Some((Instant::now(), Event { version, text: text.clone() }));
                text
            }
        }
    }

    /// Publishes as long as the server runs; sleeps while nobody reads.
    pub async fn publish(app: Arc<App>) {
        let feed = &app.feed.events;
        let mut had = Had::default();
        let mut last = Instant::now() - LONGEST;
        let mut pause = SHORTEST;
        loop {
            let longest = if app.open_requests() > 0 { WHILE_LIVE } else { LONGEST };
            // Either is a reason to go on: a change, or that there has been none for long.
            let _ = timeout_at(last + longest, app.ledger.changed()).await;
            sleep_until(last + pause).await;
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
            let text = event("update", version, &update);
            pause = pace(feed.receiver_count(), text.len());
            feed.send_replace(Event { version, text });
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
        self.app.feed.whole(&self.app, version)
    }
}

/// How long after an event of `bytes` to `readers` the next one comes at the earliest.
fn pace(readers: usize, bytes: usize) -> Duration {
    Duration::from_secs_f64((readers * bytes) as f64 / BUDGET as f64).clamp(SHORTEST, WHILE_LIVE)
}

fn event(name: &str, version: u64, snapshot: &super::view::Snapshot) -> Bytes {
    let json = serde_json::to_string(snapshot).expect("plain data");
    format!("event: {name}\nid: {version}\ndata: {json}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_rarer_where_they_cost_much() {
        assert_eq!(pace(1, 200_000), SHORTEST);
        assert_eq!(pace(1_000, 2_000), SHORTEST);
        assert_eq!(pace(1_000, 50_000), Duration::from_millis(500));
        assert_eq!(pace(10_000, 80_000), WHILE_LIVE);
    }
}
