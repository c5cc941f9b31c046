//! Measures how long a stream is silent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// What a silence requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// A heartbeat to the client.
    Heartbeat,
    /// The end: the silence has reached this limit.
    TooLong(Duration),
}

/// Measures the silence of a stream, and fires at each heartbeat and at the limit. A chunk costs at most one look at the clock, and none while
/// chunks arrive before they are requested; the timer is reset only when it fires.
pub(super) struct IdleTimer {
    limit: Option<Duration>,
    heartbeat: Option<Duration>,
    /// When the last chunk was passed on; `None` until the first wait for one.
    last: Option<Instant>,
    /// When the last heartbeat was due.
    beaten: Option<Instant>,
    /// Whether a chunk has been awaited since then. If the client reads slowly, the runtime is not silent.
    waited: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    pub(super) fn new(limit: Option<Duration>, heartbeat: Option<Duration>) -> Self {
        Self { limit, heartbeat, last: None, beaten: None, waited: false, timer: None }
    }

    /// A chunk has arrived. Returns how long it was awaited.
    pub(super) fn chunk_arrived(&mut self) -> Option<Duration> {
        let last = self.last.as_mut()?;
        let now = Instant::now();
        let gap = now - std::mem::replace(last, now);
        std::mem::take(&mut self.waited).then_some(gap)
    }

    /// Ready when the silence requires something. Heartbeats that are due while `may_beat` is false are skipped.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, may_beat: bool) -> Poll<Silence> {
        self.waited = true;
        let last = *self.last.get_or_insert_with(Instant::now);
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(cx)); // it fires no later than what comes next
        }
        loop {
            let too_long = self.limit.map(|limit| (last + limit, Silence::TooLong(limit)));
            let since = self.beaten.map_or(last, |beaten| beaten.max(last));
            let beat = self.heartbeat.map(|interval| (since + interval, Silence::Heartbeat));
            let next = too_long.into_iter().chain(beat).min_by_key(|(due, _)| *due);
            let Some((due, silence)) = next else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            if now < due {
                timer.as_mut().reset(due);
            } else if silence == Silence::Heartbeat {
                self.beaten = Some(now);
                if may_beat {
                    return Poll::Ready(silence);
                }
            } else {
                return Poll::Ready(silence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a chunk that arrives after `time`.
    async fn wait(idle: &mut IdleTimer, time: Duration) -> Option<Duration> {
        let waited = std::future::poll_fn(|cx| idle.poll(cx, true));
        assert!(tokio::time::timeout(time, waited).await.is_err(), "it is not silent for too long yet");
        idle.chunk_arrived()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_wait_is_a_gap() {
        let second = Duration::from_secs(1);
        for limit in [None, Some(10 * second)] {
            let mut idle = IdleTimer::new(limit, None);
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
        let mut idle = IdleTimer::new(Some(limit), None);
        for _ in 0..3 {
            wait(&mut idle, Duration::from_secs(9)).await;
        }
        let before = Instant::now();
        assert_eq!(std::future::poll_fn(|cx| idle.poll(cx, true)).await, Silence::TooLong(limit));
        assert_eq!(before.elapsed(), limit);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_filled_with_heartbeats_until_it_is_too_long() {
        let second = Duration::from_secs(1);
        let mut idle = IdleTimer::new(Some(50 * second), Some(15 * second));
        let mut heard = Vec::new();
        let began = Instant::now();
        loop {
            let silence = std::future::poll_fn(|cx| idle.poll(cx, heard.len() != 1)).await;
            heard.push((silence, began.elapsed().as_secs()));
            if silence != Silence::Heartbeat {
                break;
            }
        }
        // The second one is due in the middle of an event.
        assert_eq!(heard, [(Silence::Heartbeat, 15), (Silence::TooLong(50 * second), 50)], "{heard:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_delays_the_heartbeat() {
        let second = Duration::from_secs(1);
        let mut idle = IdleTimer::new(None, Some(15 * second));
        wait(&mut idle, 10 * second).await;
        let began = Instant::now();
        assert_eq!(std::future::poll_fn(|cx| idle.poll(cx, true)).await, Silence::Heartbeat);
        assert_eq!(began.elapsed(), 15 * second);
        assert_eq!(std::future::poll_fn(|cx| idle.poll(cx, true)).await, Silence::Heartbeat);
        assert_eq!(began.elapsed(), 30 * second);
    }
}
