//! Unreadable messages from a peer: a few are events, more are ignored, and many end the tunnel. A newer peer may send some that this end cannot
//! read; no correct one sends many.

use std::time::Duration;

use tokio::time::Instant;

use crate::frame::Violation;

/// The time after which counting starts again.
const SPAN: Duration = Duration::from_secs(60);

/// Most events within that time.
const REPORTED: u32 = 5;

/// More messages within that time end the tunnel. Unreadable reports, sent every few seconds, do not reach this.
const MAX_UNREADABLE: u32 = 100;

/// Counts them.
pub(super) struct Unreadable {
    since: Instant,
    count: u32,
}

impl Unreadable {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    /// Counts one more. Returns whether it is an event.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn count(&mut self) -> Result<bool, Violation> {
        if self.since.elapsed() >= SPAN {
            *self = Self::new();
        }
        self.count += 1;
        if self.count > MAX_UNREADABLE { Err(Violation::Unreadable) } else { Ok(self.count <= REPORTED) }
    }
}
