//! One notification for everything that the published state is made of. Every writer (registry, ledger, drain) holds a clone of the same
//! [`Changes`] and notifies it by itself; the state feed waits for it.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells the state feed that something has changed. Clones share one notification.
#[derive(Debug, Clone, Default)]
pub struct Changes(Arc<Notify>);

impl Changes {
    /// Wakes the feed. While the feed is busy, the notification is kept for its next wait; several of them count as one.
    pub fn notify_changed(&self) {
        self.0.notify_one();
    }

    /// Waits until something has changed since the last call. There is one waiter: the feed.
    pub(crate) async fn changed(&self) {
        self.0.notified().await;
    }
}
