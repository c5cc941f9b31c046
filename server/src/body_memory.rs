//! Memory for request bodies: how much all of them may take, and how much each of them holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// How many bytes all request bodies hold together, and how many they may hold.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    held: Arc<AtomicUsize>,
    limit: usize,
}

/// The memory that one request's body holds, released on drop.
#[derive(Debug)]
pub(crate) struct BodyMemoryPermit {
    memory: BodyMemory,
    bytes: usize,
}

/// A body with the memory that it fills.
struct HeldBody {
    body: Bytes,
    _permit: BodyMemoryPermit,
}

impl AsRef<[u8]> for HeldBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// All memory for request bodies is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl BodyMemory {
    /// Memory for `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { held: Arc::default(), limit }
    }

    /// A permit that holds nothing yet.
    pub(crate) fn permit(&self) -> BodyMemoryPermit {
        BodyMemoryPermit { memory: self.clone(), bytes: 0 }
    }
}

impl BodyMemoryPermit {
    /// Takes more memory, before it is filled.
    ///
    /// # Errors
    /// When the limit of all bodies is reached.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let before = self.memory.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes > self.memory.limit { Err(Exhausted) } else { Ok(()) }
    }

    /// Releases a part.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.memory.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The body that fills this memory. It counts until the last part of it is dropped, wherever that is: in a queue, or on its way to an upstream.
    pub(crate) fn hold(self, body: Bytes) -> Bytes {
        if body.is_empty() { body } else { Bytes::from_owner(HeldBody { body, _permit: self }) }
    }
}

impl Drop for BodyMemoryPermit {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_counts_until_its_last_part_is_dropped() {
        let memory = BodyMemory::new(10);
        let mut permit = memory.permit();
        assert_eq!(permit.grow(6), Ok(()));
        let body = permit.hold(Bytes::from_static(b"abcdef"));
        let mut sending = body.clone();
        drop(body);
        let sent = sending.split_to(4);
        assert_eq!((&*sent, &*sending), (&b"abcd"[..], &b"ef"[..]));
        drop(sent);
        assert_eq!(memory.held.load(Ordering::Relaxed), 6);
        drop(sending);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_dropped_permit_gives_its_memory_back() {
        let memory = BodyMemory::new(10);
        let (mut one, mut other) = (memory.permit(), memory.permit());
        assert_eq!(one.grow(6), Ok(()));
        assert_eq!(other.grow(5), Err(Exhausted));
        drop(other);
        assert_eq!(one.grow(4), Ok(()));
        one.shrink(3);
        assert_eq!(memory.held.load(Ordering::Relaxed), 7);
        drop(one);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }
}
