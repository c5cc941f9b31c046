//! The join link that was opened last, with its key, which no window ever sees.

use std::sync::{Mutex, MutexGuard, PoisonError};

use llamapool_worker_core::join::{Join, NoInvitation, keeps_key};
use secrecy::SecretString;
use url::Url;

use crate::ipc::{JoinLink, Problem};
use crate::snapshot;

/// Reads a join link, or the plain address of a server.
///
/// # Errors
/// What is wrong with it. Nothing of the text is repeated: there may be a key in it.
pub fn read(text: &str) -> Result<Join, Problem> {
    Join::read(text).map_err(not_read)
}

/// The problem with what could not be read.
pub fn not_read(error: NoInvitation) -> Problem {
    let what = match error {
        NoInvitation::Path | NoInvitation::Server => "This is no address of a server",
        _ => "This is no join link",
    };
    Problem::new(what)
        .because(snapshot::sentence(&error.to_string()))
        .fixed_by("A join link begins with llamapool://join?server= and is shown by the server's dashboard.")
        .about("server_url")
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
    /// Not yet shown by a window; or what is wrong with it.
    untold: Option<Result<JoinLink, Problem>>,
}

impl LastLink {
    /// Reads a link that was pasted into a window. It takes the place of the one before, also if it is none.
    ///
    /// # Errors
    /// As [`read`].
    pub fn pasted(&self, text: &str) -> Result<JoinLink, Problem> {
        let read = read(text);
        let shown = read.as_ref().map(view).map_err(Clone::clone);
        *self.lock() = Last { link: read.ok(), untold: None };
        shown
    }

    /// Reads a link that was opened outside, and that some window is to show.
    ///
    /// # Errors
    /// As [`read`]. The window shows that too.
    pub fn opened(&self, text: &str) -> Result<(), Problem> {
        let read = read(text);
        let untold = Some(read.as_ref().map(view).map_err(Clone::clone));
        let told = read.as_ref().map(|_| ()).map_err(Clone::clone);
        *self.lock() = Last { link: read.ok(), untold };
        told
    }

    /// Its key, for its own server alone.
    pub fn key_for(&self, server: &Url) -> Option<SecretString> {
        let last = self.lock();
        let link = last.link.as_ref().filter(|link| keeps_key(Some(&link.server), server));
        link.and_then(|link| link.key.clone())
    }

    /// What a window is to show. The first that asks gets it: one that has just been opened, or that was told to ask.
    pub fn untold(&self) -> Option<Result<JoinLink, Problem>> {
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
        let link = "llamapool://join?server=wss://pool.example";
        last.opened(link).unwrap();
        assert!(last.untold().unwrap().is_ok_and(|link| !link.has_key) && last.untold().is_none());
        last.opened(link).unwrap();
        last.pasted(link).unwrap();
        assert!(last.untold().is_none(), "a link that is pasted later is the one that counts");
        last.opened("llamapool://leave").unwrap_err();
        assert!(last.untold().unwrap().is_err() && last.untold().is_none());
    }

    #[test]
    fn a_key_is_for_the_server_of_its_link() {
        let last = LastLink::default();
        let link = "llamapool://join?server=wss://pool.example&key=hush";
        let has_key = |server: &str| last.key_for(&Url::parse(server).unwrap()).is_some();
        last.opened(link).unwrap();
        assert!(has_key("wss://pool.example/api/workers/connect"));
        for other in ["wss://pool.example.com", "ws://pool.example", "wss://pool.example:444"] {
            assert!(!has_key(other), "{other}");
        }
        last.pasted("rub bish").unwrap_err();
        assert!(!has_key("wss://pool.example"), "the link is gone");
    }
}
