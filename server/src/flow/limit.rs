//! What is allowed: no more open requests, and no more memory for their bodies, than the server has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::authenticate::Caller;
use crate::app::App;
use crate::refusal::Refusal;

/// A request that may be read: it has a caller who may ask, and there is room. Made by [`limit`] only.
pub(super) struct Admitted {
    pub(super) share: Share,
}

/// Bytes of request bodies that are held, all together, and how many may be.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// One request's part of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    memory: BodyMemory,
    bytes: usize,
}

/// Lets a request on.
///
/// # Errors
/// 503 if too many are open.
pub(super) fn limit(app: &App, _: Caller) -> Result<Admitted, Refusal> {
    if app.open_requests() > app.config.limits.max_requests {
        return Err(Refusal::Overloaded);
    }
    Ok(Admitted { share: Share { memory: app.body_memory.clone(), bytes: 0 } })
}

impl BodyMemory {
    /// At most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }
}

impl Share {
    #[cfg(any(test, fuzzing))]
    pub(super) fn none() -> Self {
        Self { memory: BodyMemory::new(0), bytes: 0 }
    }

    /// Takes more, before it is filled.
    ///
    /// # Errors
    /// 503 if there is none left.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let before = self.memory.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes > self.memory.most { Err(Refusal::Overloaded) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let memory = BodyMemory::new(10);
        let share = || Share { memory: memory.clone(), bytes: 0 };
        let (mut one, mut other) = (share(), share());
        assert_eq!(one.grow(6), Ok(()));
        assert_eq!(other.grow(5), Err(Refusal::Overloaded));
        drop(other);
        assert_eq!(one.grow(4), Ok(()));
        drop(one);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }
}
