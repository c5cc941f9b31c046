//! The idle connections.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;

/// Idle connections are closed after this time. Python's and Node's servers close theirs after 5 s, and whichever end closes first does not lose a
/// request.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// The idle connections to one runtime.
pub(super) struct Pool<B>(Mutex<Idle<B>>);

struct Idle<B> {
    /// With the time since which each is idle, the longest first.
    connections: VecDeque<(Instant, Connection<B>)>,
    /// Closes connections that have been idle for too long; runs while there are any.
    closer: Option<AbortOnDropHandle<()>>,
}

impl<B> Default for Pool<B> {
    fn default() -> Self {
        Self(Mutex::new(Idle { connections: VecDeque::new(), closer: None }))
    }
}

impl<B> Pool<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// The most recently used connection, if one is open.
    pub(super) async fn take(&self) -> Option<Connection<B>> {
        loop {
            let (_, mut connection) = self.idle().connections.pop_back()?;
            if connection.is_ready().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn put(self: &Arc<Self>, connection: Connection<B>) {
        let mut idle = self.idle();
        idle.connections.push_back((Instant::now(), connection));
        if idle.closer.is_none() {
            idle.closer = Some(AbortOnDropHandle::new(tokio::spawn(close_idle(Arc::downgrade(self)))));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes connections that have been idle for too long. Returns when to check again; `None` if none is left.
    fn close_expired(&self) -> Option<Instant> {
        let mut idle = self.idle();
        let now = Instant::now();
        while idle.connections.front().is_some_and(|(since, _)| *since + POOL_IDLE <= now) {
            idle.connections.pop_front();
        }
        let next = idle.connections.front().map(|(since, _)| *since + POOL_IDLE);
        if next.is_none() {
            // Under the lock, so that the next connection either starts another task or is seen by this one. The task ends on its own.
            idle.closer.take().map(AbortOnDropHandle::detach);
        }
        next
    }
}

async fn close_idle<B>(pool: Weak<Pool<B>>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        let next = pool.upgrade().and_then(|pool| pool.close_expired());
        let Some(next) = next else { return };
        tokio::time::sleep_until(next).await;
    }
}
