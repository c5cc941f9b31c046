//! The most recent join link with its key, which is never passed to a window.

use std::sync::{Mutex, MutexGuard, PoisonError};

use llamapool_worker_core::invitation::{Invitation, InvitationError, keeps_key};
use secrecy::SecretString;
use url::Url;

use crate::ipc::{JoinLink, Problem};
use crate::snapshot::sentence;

/// Parses a join link, or the plain address of a server.
///
/// # Errors
/// Why it is invalid. The text is not repeated, as it may contain a key.
pub fn parse(text: &str) -> Result<Invitation, Problem> {
    Invitation::read(text).map_err(invalid)
}

/// Describes an invalid link or address.
pub fn invalid(error: InvitationError) -> Problem {
    let what = match error {
        InvitationError::Path | InvitationError::Server => "That doesn’t look like a server address",
        _ => "That doesn’t look like a join link",
    };
    Problem::new(what)
        .because(sentence(&error.to_string()))
        .fixed_by("Copy the join link from your server’s dashboard. It starts with llamapool://join?server=")
        .about("server_url")
}

/// The part of a link that windows may see.
pub fn view(link: &Invitation) -> JoinLink {
    JoinLink { server_url: link.server.to_string(), has_key: link.key.is_some() }
}

/// The most recent link.
#[derive(Default)]
pub struct LastLink(Mutex<Last>);

#[derive(Default)]
struct Last {
    link: Option<Invitation>,
    /// To be shown by a window, or why the link is invalid.
    pending: Option<Result<JoinLink, Problem>>,
}

impl LastLink {
    /// Parses a link pasted into a window. It replaces the previous one even if it is invalid.
    ///
    /// # Errors
    /// As for [`parse`].
    pub fn paste(&self, text: &str) -> Result<JoinLink, Problem> {
        let parsed = parse(text);
        let shown = parsed.as_ref().map(view).map_err(Clone::clone);
        *self.lock() = Last { link: parsed.ok(), pending: None };
        shown
    }

    /// Parses a link opened outside the app, to be shown by a window.
    ///
    /// # Errors
    /// As for [`parse`]. The window shows them too.
    pub fn open(&self, text: &str) -> Result<(), Problem> {
        let parsed = parse(text);
        let pending = Some(parsed.as_ref().map(view).map_err(Clone::clone));
        let result = parsed.as_ref().map(|_| ()).map_err(Clone::clone);
        *self.lock() = Last { link: parsed.ok(), pending };
        result
    }

    /// The link's key, if this is the link's server.
    pub fn key_for(&self, server: &Url) -> Option<SecretString> {
        let last = self.lock();
        let link = last.link.as_ref().filter(|link| keeps_key(Some(&link.server), server));
        link.and_then(|link| link.key.clone())
    }

    /// The link to show. Only the first window that asks gets it.
    pub fn take_pending(&self) -> Option<Result<JoinLink, Problem>> {
        self.lock().pending.take()
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
        let link = parse("llamapool://join?server=wss://pool.example&key=hush").unwrap();
        let shown = view(&link);
        assert_eq!(
            (shown.server_url.as_str(), shown.has_key),
            ("wss://pool.example/api/workers/connect", true)
        );
        assert!(!serde_json::to_string(&shown).unwrap().contains("hush"));
        let problem = parse("llamapool://leave?key=hush").unwrap_err();
        assert!(!format!("{problem:?}").contains("hush"));
    }

    #[test]
    fn a_pending_link_is_shown_once() {
        let last = LastLink::default();
        let link = "llamapool://join?server=wss://pool.example";
        last.open(link).unwrap();
        assert!(
            last.take_pending().unwrap().is_ok_and(|link| !link.has_key) && last.take_pending().is_none()
        );
        last.open(link).unwrap();
        last.paste(link).unwrap();
        assert!(last.take_pending().is_none(), "a pasted link replaces it");
        last.open("llamapool://leave").unwrap_err();
        assert!(last.take_pending().unwrap().is_err() && last.take_pending().is_none());
    }

    #[test]
    fn a_key_is_only_for_the_server_of_its_link() {
        let last = LastLink::default();
        let link = "llamapool://join?server=wss://pool.example&key=hush";
        let has_key = |server: &str| last.key_for(&Url::parse(server).unwrap()).is_some();
        last.open(link).unwrap();
        assert!(has_key("wss://pool.example/api/workers/connect"));
        for other in ["wss://pool.example.com", "ws://pool.example", "wss://pool.example:444"] {
            assert!(!has_key(other), "{other}");
        }
        last.paste("rub bish").unwrap_err();
        assert!(!has_key("wss://pool.example"), "an invalid link replaces it");
    }
}
