//! One notification for everything that the published state is made of. Every writer (registry, ledger, drain) holds a clone of the same
//! [`Changes`] and notifies it itself; the state feed waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Tells the state feed that something has changed. Clones share one notification.
#[derive(Debug, Clone, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    changed: Notify,
    count: AtomicU64,
}

impl Changes {
    /// Wakes the feed. While the feed is busy, the notification is kept for its next wait; several of them count as one.
    pub fn notify_changed(&self) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    /// Waits until something has changed since the last call. There is one waiter: the feed.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// The number of changes so far. As long as it is the same, so is the state, except for ages and times.
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }
}
