//! Memory for request bodies: how much all of them may take, and what each holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::http::error::ApiError;

/// Bytes of request bodies that are held, all together, and how many may be.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// One request's part of it, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BodyMemoryPermit {
    memory: BodyMemory,
    bytes: usize,
}

impl BodyMemory {
    /// At most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }

    /// A permit that holds nothing yet.
    pub(crate) fn permit(&self) -> BodyMemoryPermit {
        BodyMemoryPermit { memory: self.clone(), bytes: 0 }
    }
}

impl BodyMemoryPermit {
    /// Takes more, before it is filled.
    ///
    /// # Errors
    /// 503 if there is none left.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        let before = self.memory.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes > self.memory.most { Err(ApiError::Overloaded) } else { Ok(()) }
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
    fn what_is_held_is_given_back() {
        let memory = BodyMemory::new(10);
        let share = || BodyMemoryPermit { memory: memory.clone(), bytes: 0 };
        let (mut one, mut other) = (share(), share());
        assert_eq!(one.grow(6), Ok(()));
        assert_eq!(other.grow(5), Err(ApiError::Overloaded));
        drop(other);
        assert_eq!(one.grow(4), Ok(()));
        drop(one);
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }
}
