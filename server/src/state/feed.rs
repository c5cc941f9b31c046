//! The event stream. An update is made once, at most four times a second, and shared by all readers. A reader that cannot keep up skips updates
//! and gets the whole state again. With many readers or large events, updates are rarer, so that relaying requests comes first. A reader may ask for
//! changes only: then it gets the workers that have changed, after one update with all of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::snapshot::{StateSources, snapshot_since};
use super::view::Snapshot;
use crate::accounting::{Since, unix_seconds};

/// The shortest time between two events.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest time between two events, even without a change: it shows readers that the server is alive.
const LONGEST: Duration = Duration::from_secs(15);

/// Bytes per second that all readers together get at most, approximately: copying that much to sockets takes a tenth of a core.
const BUDGET: usize = 100 * 1000 * 1000;

/// Generating snapshots takes at most one in this many parts of the time, unless that allows fewer than one event per second. With 200 workers and 50
/// models each, an event has 1.1 MB, and an event in which one worker has changed has 20 KB.
const MAKING_SHARE: u32 = 20;

/// The longest time between two events while requests are open: their age and tokens change all the time.
const WHILE_OPEN: Duration = Duration::from_secs(1);

/// The text before and after the JSON of an event.
const DATA: &[u8] = b"\ndata: ";
const END: &[u8] = b"\n\n";

/// The state as events, for any number of readers.
pub struct Feed {
    sources: Arc<StateSources>,
    events: watch::Sender<Event>,
    /// The whole state as it was sent last: readers that come or skip at the same time share it.
    whole: Mutex<Option<Whole>>,
}

/// What a reader gets with each update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All workers and models.
    Everything,
    /// Those that have changed since the previous update.
    Changes,
}

/// One update. Each form of it is written when the first reader needs it.
#[derive(Debug, Clone, Default)]
struct Event {
    version: u64,
    update: Option<Arc<Update>>,
}

#[derive(Debug)]
struct Update {
    now: Arc<Snapshot>,
    before: Option<Arc<Snapshot>>,
    /// How long the snapshot took to make.
    took: Duration,
    everything: OnceLock<Bytes>,
    changes: OnceLock<Bytes>,
}

/// The whole state at one moment.
struct Whole {
    made: Instant,
    /// The number of changes at that time.
    changes: u64,
    version: u64,
    text: Bytes,
}

/// One reader's position in the feed.
pub struct Reader {
    feed: Arc<Feed>,
    events: watch::Receiver<Event>,
    detail: Detail,
    /// The version of the event it got last.
    last: Option<u64>,
    /// Whether it has the state of exactly that event. A whole state may be newer than its version, so changes since that version do not fit it.
    is_in_step: bool,
}

impl Feed {
    /// A feed without readers.
    pub fn new(sources: Arc<StateSources>) -> Self {
        Self { sources, events: watch::Sender::default(), whole: Mutex::default() }
    }

    /// A new reader, whose first event comes at once.
    pub fn subscribe(self: &Arc<Self>, detail: Detail) -> Reader {
        let events = self.events.subscribe();
        self.sources.changes.notify_changed(); // `publish` sleeps while there are no readers
        Reader { feed: self.clone(), events, detail, last: None, is_in_step: false }
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.events.receiver_count()
    }

    /// The whole state as JSON. Readers share it for a quarter of a second, unless something changes.
    pub fn json(&self) -> Bytes {
        let (changes, version) = (self.sources.changes.count(), self.events.borrow().version);
        let event = self.shared(version, |whole| whole.changes == changes);
        let begin =
            event.windows(DATA.len()).position(|window| window == DATA).map_or(0, |at| at + DATA.len());
        event.slice(begin..event.len() - END.len())
    }

    /// The whole state after event `version`, at most [`SHORTEST`] old.
    fn whole(&self, version: u64) -> Bytes {
        self.shared(version, |whole| whole.version == version)
    }

    fn shared(&self, version: u64, is_current: impl Fn(&Whole) -> bool) -> Bytes {
        let mut shared = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole) =
            shared.as_ref().filter(|whole| whole.made.elapsed() < SHORTEST && is_current(whole))
        {
            return whole.text.clone();
        }
        let changes = self.sources.changes.count(); // before the state is read: a change in between is not missed
        let text = event("snapshot", version, &snapshot_since(&self.sources, version, Since::default()));
        *shared = Some(Whole { made: Instant::now(), changes, version, text: text.clone() });
        text
    }

    /// Publishes as long as the server runs; sleeps while there are no readers.
    pub async fn publish(self: Arc<Self>) {
        let Self { sources, events, .. } = &*self;
        let mut since = Since::default();
        let mut last = Instant::now();
        let mut before = None;
        loop {
            let longest = if sources.ledger.open_requests() > 0 { WHILE_OPEN } else { LONGEST };
            // Continues in either case: after a change, or after the longest time without one.
            let _ = timeout_at(last + longest, sources.changes.changed()).await;
            sleep_until(last + self.pause()).await;
            if self.readers() == 0 {
                before = None;
                sources.changes.changed().await;
                continue;
            }
            last = Instant::now();
            let version = events.borrow().version + 1;
            let now = Arc::new(snapshot_since(sources, version, since));
            if let Some(newest) = now.recent.first() {
                since.ended = Some(newest.number);
            }
            since.history = unix_seconds(SystemTime::now());
            let update = Update::new(now.clone(), before.replace(now), last.elapsed());
            events.send_replace(Event { version, update: Some(Arc::new(update)) });
        }
    }

    /// The shortest time between the last event and the next one.
    fn pause(&self) -> Duration {
        let event = self.events.borrow();
        event.update.as_ref().map_or(SHORTEST, |update| pace(self.readers(), update.len(), update.took))
    }
}

impl Update {
    fn new(now: Arc<Snapshot>, before: Option<Arc<Snapshot>>, took: Duration) -> Self {
        Self { now, before, took, everything: OnceLock::new(), changes: OnceLock::new() }
    }

    fn everything(&self) -> Bytes {
        self.everything.get_or_init(|| event("update", self.now.version, &*self.now)).clone()
    }

    /// What has changed, if that can be told.
    fn changes(&self) -> Option<Bytes> {
        let before = self.before.as_ref()?;
        let changes = || event("update", self.now.version, &self.now.changes_since(before));
        Some(self.changes.get_or_init(changes).clone())
    }

    /// The bytes of the largest form that a reader has needed.
    fn len(&self) -> usize {
        self.everything.get().or(self.changes.get()).map_or(0, Bytes::len)
    }
}

impl Reader {
    /// The next event to send.
    pub async fn next(&mut self) -> Option<Bytes> {
        let Some(last) = self.last else {
            self.events.mark_unchanged();
            return Some(self.whole());
        };
        tokio::select! {
            changed = self.events.changed() => changed.ok()?,
            () = self.feed.sources.drain.stopped().cancelled() => return None,
        }
        let Event { version, update } = self.events.borrow_and_update().clone();
        let Some(update) = update.filter(|_| version == last + 1) else { return Some(self.whole()) };
        let wants_changes = self.detail == Detail::Changes && self.is_in_step;
        (self.last, self.is_in_step) = (Some(version), true);
        let changes = if wants_changes { update.changes() } else { None };
        Some(changes.unwrap_or_else(|| update.everything()))
    }

    /// The whole state, with the version of the last event: the next update may repeat some of it, which does no harm.
    fn whole(&mut self) -> Bytes {
        let version = self.events.borrow().version;
        (self.last, self.is_in_step) = (Some(version), false);
        self.feed.whole(version)
    }
}

/// The shortest time between an event of `bytes` to `readers`, which took `took` to make, and the next one.
fn pace(readers: usize, bytes: usize, took: Duration) -> Duration {
    let sending = Duration::from_secs_f64((readers * bytes) as f64 / BUDGET as f64);
    sending.max(took * MAKING_SHARE).clamp(SHORTEST, WHILE_OPEN)
}

fn event(name: &str, version: u64, snapshot: &impl Serialize) -> Bytes {
    let json = serde_json::to_string(snapshot).expect("plain data");
    format!("event: {name}\nid: {version}\ndata: {json}\n\n").into() // as DATA and END say
}

#[cfg(test)]
mod tests;
