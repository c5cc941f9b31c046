//! The join link that was opened last, with its key, which no window ever sees.

use std::sync::{Mutex, MutexGuard, PoisonError};

use llamapool_worker_core::join::Join;
use secrecy::SecretString;

use crate::ipc::{JoinLink, Problem};

/// Reads a join link, or the plain address of a server.
///
/// # Errors
/// What is wrong with it. Nothing of the text is repeated: there may be a key in it.
pub fn read(text: &str) -> Result<Join, Problem> {
    Join::read(text).map_err(|error| {
        Problem::new("This is no join link")
            .because(error.to_string())
            .fixed_by(
                "A join link begins with llamapool://join?server= and is shown by the server's dashboard.",
            )
            .about("server_url")
    })
}

/// What windows may know of a link.
pub fn view(link: &Join) -> JoinLink {
    JoinLink { server_url: link.server.to_string(), has_key: link.key.is_some() }
}

/// The link that was opened last.
#[derive(Default)]
pub struct LastLink(Mutex<Last>);

#[derive(Default)]
struct Last {
    link: Option<Join>,
    /// Not yet shown by a window.
    untold: Option<JoinLink>,
}

impl LastLink {
    /// Remembers a link that was pasted into a window.
    pub fn keep(&self, link: Join) {
        *self.lock() = Last { link: Some(link), untold: None };
    }

    /// Remembers a link that was opened outside, and that some window is to show.
    pub fn keep_for_a_window(&self, link: Join) {
        *self.lock() = Last { untold: Some(view(&link)), link: Some(link) };
    }

    /// Its key.
    pub fn key(&self) -> Option<SecretString> {
        self.lock().link.as_ref().and_then(|link| link.key.clone())
    }

    /// What a window is to show. The first that asks gets it: one that has just been opened, or that was told to ask.
    pub fn untold(&self) -> Option<JoinLink> {
        self.lock().untold.take()
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let link = read("llamapool://join?server=wss://pool.example&key=hush").unwrap();
        let shown = view(&link);
        assert_eq!(
            (shown.server_url.as_str(), shown.has_key),
            ("wss://pool.example/api/workers/connect", true)
        );
        assert!(!serde_json::to_string(&shown).unwrap().contains("hush"));
        let problem = read("llamapool://leave?key=hush").unwrap_err();
        assert!(!format!("{problem:?}").contains("hush"));
    }

    #[test]
    fn what_was_not_told_is_told_once() {
        let last = LastLink::default();
        let link = read("llamapool://join?server=wss://pool.example").unwrap();
        last.keep_for_a_window(link.clone());
        assert!(last.untold().is_some_and(|link| !link.has_key) && last.untold().is_none());
        assert!(last.key().is_none());
        last.keep_for_a_window(link.clone());
        last.keep(link);
        assert!(last.untold().is_none(), "a link that is pasted later is the one that counts");
    }
}
