//! The clipboard. On Linux the program that copied something has to keep providing it, so the handle is kept.

use std::sync::{Mutex, PoisonError};

/// The clipboard, opened when something is copied for the first time.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Copies text.
    ///
    /// # Errors
    /// There is no clipboard, or another program has locked it.
    pub fn set(&self, text: String) -> Result<(), arboard::Error> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match &mut *held {
            Some(clipboard) => clipboard,
            None => held.insert(arboard::Clipboard::new()?),
        };
        clipboard.set_text(text)
    }
}
