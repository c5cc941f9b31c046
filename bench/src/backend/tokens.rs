//! A streamed answer: events at a fixed pace, or as fast as they are taken, until the client has had enough.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::exchange::{self, Script};
use crate::meter;

/// The body of a streamed answer.
pub(super) enum Tokens {
    /// One event of `bytes` at each tick, stamped with the time; the first at once.
    Paced { ticks: Interval, bytes: usize },
    /// The same event whenever there is room for it.
    FlatOut(Bytes),
}

impl Tokens {
    pub(super) fn new(script: Script) -> Self {
        if script.gap_us == 0 {
            return Self::FlatOut(exchange::plain_event(script.bytes));
        }
        let mut ticks = interval(Duration::from_micros(script.gap_us));
        // Catching up would send several events in one write and make a slow minute look cheap.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self::Paced { ticks, bytes: script.bytes }
    }
}

impl Body for Tokens {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = match self.get_mut() {
            Self::FlatOut(event) => event.clone(),
            Self::Paced { ticks, bytes } => {
                ready!(ticks.poll_tick(cx));
                exchange::stamped_event(*bytes, meter::now_ns())
            }
        };
        Poll::Ready(Some(Ok(Frame::data(event))))
    }
}
