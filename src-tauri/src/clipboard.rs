//! The clipboard. On Linux what was copied lives in the program it was copied from, so it is held on to.

use std::sync::{Mutex, PoisonError};

/// The clipboard, from the first time that something is copied.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Copies this.
    ///
    /// # Errors
    /// There is no clipboard here, or somebody else holds it.
    pub fn set(&self, text: String) -> Result<(), arboard::Error> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match &mut *held {
            Some(clipboard) => clipboard,
            None => held.insert(arboard::Clipboard::new()?),
        };
        clipboard.set_text(text)
    }
}
