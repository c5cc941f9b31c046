//! How long a stream is silent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Measures how long a stream is silent, and fires after a limit. A chunk costs at most one look at the clock, and none while chunks are there
/// before they are asked for; the timer is reset only when it fires.
pub(super) struct IdleTimer {
    limit: Option<Duration>,
    /// When the last chunk was passed on; `None` until the first wait for one.
    last: Option<Instant>,
    /// Whether a chunk has been waited for since then. If the client reads slowly, the runtime is not silent.
    waited: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, last: None, waited: false, timer: None }
    }

    /// A chunk has arrived. Returns how long it was waited for.
    pub(super) fn chunk_arrived(&mut self) -> Option<Duration> {
        let last = self.last.as_mut()?;
        let now = Instant::now();
        let gap = now - std::mem::replace(last, now);
        std::mem::take(&mut self.waited).then_some(gap)
    }

    /// Ready with the limit once the stream has been silent for that long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        self.waited = true;
        let last = *self.last.get_or_insert_with(Instant::now);
        let Some(limit) = self.limit else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(last + limit)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let due = last + limit;
            if due <= Instant::now() {
                return Poll::Ready(limit);
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a chunk that arrives after `time`.
    async fn wait(idle: &mut IdleTimer, time: Duration) -> Option<Duration> {
        let waited = std::future::poll_fn(|cx| idle.poll(cx));
        assert!(tokio::time::timeout(time, waited).await.is_err(), "it is not silent for too long yet");
        idle.chunk_arrived()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_wait_is_a_gap() {
        let second = Duration::from_secs(1);
        for limit in [None, Some(10 * second)] {
            let mut idle = IdleTimer::new(limit);
            assert_eq!(idle.chunk_arrived(), None, "it was there at once");
            assert_eq!(wait(&mut idle, 3 * second).await, Some(3 * second));
            tokio::time::advance(9 * second).await;
            assert_eq!(idle.chunk_arrived(), None, "the client read late");
            assert_eq!(wait(&mut idle, second).await, Some(second));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_restarts_the_timer() {
        let limit = Duration::from_secs(10);
        let mut idle = IdleTimer::new(Some(limit));
        for _ in 0..3 {
            wait(&mut idle, Duration::from_secs(9)).await;
        }
        let before = Instant::now();
        assert_eq!(std::future::poll_fn(|cx| idle.poll(cx)).await, limit);
        assert_eq!(before.elapsed(), limit);
    }
}
