//! Invitations to a pool: `llamapool://join?server=wss://pool.example&key=...`, or just the server's address.
//!
//! A link comes from a browser, a chat or the clipboard. It is parsed strictly, and errors never quote it, because it may contain a key.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::server_url;
use llamapool_settings::edit::{Edit, EditError};
use llamapool_settings::kind;
use llamapool_tunnel::control::CONNECT_PATH;

/// The URL scheme for which the desktop app is registered.
pub const SCHEME: &str = "llamapool";

/// The only action of such a link.
const JOIN: &str = "join";

/// Longest link accepted: a server's address and a key need a tenth of it, and any web page can send one.
pub const MAX_LINK: usize = 4_096;

/// An invitation: the server, and the key for it.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The server's URL, including the path where workers connect.
    pub server: Url,
    /// The key for it, if the link contains one.
    pub key: Option<SecretString>,
}

/// Why a text is not an invitation. Errors never quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// The text is empty.
    #[error("there is no link")]
    Empty,
    /// It is longer than a link needs to be.
    #[error("the link is longer than {MAX_LINK} characters")]
    TooLong,
    /// It cannot be parsed, or requests another action.
    #[error("expected a link that begins with llamapool://join?server=, or the address of a server")]
    NoLink,
    /// No server is named.
    #[error("the link contains no server: `server=` is missing")]
    NoServer,
    /// The server's address is invalid.
    #[error(
        "the server's address is invalid; expected wss://, ws://, https:// or http:// with a host, without user and password"
    )]
    Server,
    /// The address is that of a page, or of another resource on the server.
    #[error("the address has a path that is not {CONNECT_PATH}; leave the path out")]
    Path,
    /// The key is invalid.
    #[error(
        "the key in the link is invalid: it contains spaces or other characters that keys cannot have, or is too long"
    )]
    Key,
    /// A parameter is given twice.
    #[error("the link contains more than one server or key")]
    Twice,
}

impl Invitation {
    /// Reads a link, or the address of a server. Unknown parameters are ignored: later versions may add some.
    ///
    /// # Errors
    /// What is wrong, without quoting the text.
    pub fn read(text: &str) -> Result<Self, InvitationError> {
        let text = text.trim();
        match text {
            "" => return Err(InvitationError::Empty),
            _ if text.len() > MAX_LINK => return Err(InvitationError::TooLong),
            _ => {}
        }
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return Ok(Self { server: address(text, InvitationError::NoLink)?, key: None });
        }
        // `+` in a key is a plus; only form encoding uses it for a space.
        let link = Url::parse(&text.replace('+', "%2B")).map_err(|_| InvitationError::NoLink)?;
        let is_join = link.host_str().is_some_and(|host| host.eq_ignore_ascii_case(JOIN))
            && matches!(link.path(), "" | "/")
            && link.port().is_none()
            && link.fragment().is_none()
            && kind::has_no_login(&link);
        if !is_join {
            return Err(InvitationError::NoLink);
        }
        let server = only(&link, "server")?.ok_or(InvitationError::NoServer)?;
        let key = only(&link, "key")?.filter(|key| !key.is_empty());
        Ok(Self {
            server: address(&server, InvitationError::Server)?,
            key: key.map(|key| kind::secret().read(&key).ok_or(InvitationError::Key)).transpose()?,
        })
    }

    /// The link, as [`Invitation::read`] reads it. The key is in it.
    pub fn link(&self) -> SecretString {
        let mut server = self.server.clone();
        if server.path() == CONNECT_PATH {
            server.set_path("");
        }
        // The trailing slash means nothing, and makes the link harder to read.
        let server = encoded(server.as_str().strip_suffix('/').unwrap_or(server.as_str()));
        let key = self.key.as_ref().map(|key| format!("&key={}", encoded(key.expose_secret())));
        format!("{SCHEME}://{JOIN}?server={server}{}", key.unwrap_or_default()).into()
    }

    /// Writes it into a worker's settings. An existing key is kept only for its own server: no other server may get it.
    ///
    /// # Errors
    /// As [`Edit::set`].
    pub fn write(&self, edit: &mut Edit) -> Result<(), EditError> {
        let before = edit.value("server_url").and_then(|url| server_url(&url));
        edit.set("server_url", self.server.as_str())?;
        match &self.key {
            Some(key) => edit.set("client_key", key.expose_secret()),
            None if keeps_key(before.as_ref(), &self.server) => Ok(()),
            None => edit.unset("client_key"),
        }
    }
}

/// Whether a key for the server `before` may be sent to the server `now`: a key belongs to one origin.
pub fn keeps_key(before: Option<&Url>, now: &Url) -> bool {
    before.is_some_and(|before| before.origin() == now.origin())
}

/// Checks the address of a server as people paste it. Settings accept any path, for proxies that require one; here, another path means that the
/// address of a page was copied.
fn address(text: &str, no_address: InvitationError) -> Result<Url, InvitationError> {
    let url = server_url(text).filter(|_| names_a_host(text)).ok_or(no_address)?;
    // A proxy's path may come before it.
    if url.path().ends_with(CONNECT_PATH) { Ok(url) } else { Err(InvitationError::Path) }
}

/// Whether each part of the host has a letter or a digit. Domain names may contain other characters, but a part with nothing else is a mistake.
fn names_a_host(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.starts_with('[') {
        return true; // an IPv6 address, which has been parsed
    }
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    host.split('.').all(|label| label.chars().any(char::is_alphanumeric))
}

/// Percent-encodes what a parameter cannot contain, and what chat programs end a link at. The usual characters of addresses stay readable.
fn encoded(text: &str) -> String {
    const KEPT: &[u8] = b"-._~:/";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || KEPT.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The value of a parameter that may be given once.
fn only(link: &Url, name: &str) -> Result<Option<String>, InvitationError> {
    let mut values =
        link.query_pairs().filter(|(given, _)| given == name).map(|(_, value)| value.into_owned());
    let value = values.next();
    values.next().map_or(Ok(value), |_| Err(InvitationError::Twice))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    fn read(link: &str) -> (String, Option<String>) {
        let join = Invitation::read(link).unwrap_or_else(|error| panic!("{link}: {error}"));
        (join.server.to_string(), join.key.map(|key| key.expose_secret().to_owned()))
    }

    #[test]
    fn links_and_addresses() {
        let check = |link: &str, server: &str, key: Option<&str>| {
            assert_eq!(read(link), (server.to_owned(), key.map(str::to_owned)), "{link}");
        };
        let here = "wss://pool.example/api/workers/connect";
        check("llamapool://join?server=wss://pool.example/api/workers/connect&key=sk-1", here, Some("sk-1"));
        check("  LLAMAPOOL://Join/?key=a%2Fb&server=wss%3A%2F%2Fpool.example\n", here, Some("a/b"));
        check("llamapool://join?server=https://pool.example&key=a+b==&later=1", here, Some("a+b=="));
        check("llamapool://join?server=pool:8080", "ws://pool:8080/api/workers/connect", None);
        check("llamapool://join?server=wss://pool.example&key=", here, None);
        check("https://pool.example", here, None);
        check(
            "wss://pool.example/x/api/workers/connect?y=1",
            "wss://pool.example/x/api/workers/connect?y=1",
            None,
        );
        check("https://bücher.example.", "wss://xn--bcher-kva.example./api/workers/connect", None);
        check("[::1]:8080", "ws://[::1]:8080/api/workers/connect", None);
        check("localhost:8080", "ws://localhost:8080/api/workers/connect", None);
    }

    #[test]
    fn what_is_none_is_told_without_repeating_it() {
        let long = format!("llamapool://join?server=wss://h&key={}", "k".repeat(MAX_LINK));
        for (link, expect) in [
            ("", InvitationError::Empty),
            (&long, InvitationError::TooLong),
            ("llamapool://leave?server=wss://h&key=hush", InvitationError::NoLink),
            ("llamapool://join/deeper?server=wss://h&key=hush", InvitationError::NoLink),
            ("llamapool://me:hush@join?server=wss://h", InvitationError::NoLink),
            ("llamapool:join?server=wss://h&key=hush", InvitationError::NoLink),
            ("llamapool://join:1?server=wss://h&key=hush", InvitationError::NoLink),
            ("llamapool://join?server=wss://h&key=hush#x", InvitationError::NoLink),
            ("javascript:hush", InvitationError::NoLink),
            ("file:///hush", InvitationError::NoLink),
            ("https://pool.example/join", InvitationError::Path),
            ("llamapool://join?server=wss://h/dashboard", InvitationError::Path),
            ("https://🦙", InvitationError::NoLink),
            ("🦙.example:8080", InvitationError::NoLink),
            ("pool..example", InvitationError::NoLink),
            ("llamapool://join?server=wss://🦙", InvitationError::Server),
            ("llamapool://join?key=hush", InvitationError::NoServer),
            ("llamapool://join?server=ftp://h&key=hush", InvitationError::Server),
            ("llamapool://join?server=wss://me:hush@h", InvitationError::Server),
            ("llamapool://join?server=&key=hush", InvitationError::Server),
            ("llamapool://join?server=wss://h&key=hu%20sh", InvitationError::Key),
            ("llamapool://join?server=wss://h&key=hu%0Ash", InvitationError::Key),
            ("llamapool://join?server=wss://h&key=hush,hush", InvitationError::Key),
            ("llamapool://join?server=wss://h&key=hush&key=hush", InvitationError::Twice),
            ("llamapool://join?server=wss://h&server=wss://i&key=hush", InvitationError::Twice),
        ] {
            assert_eq!(Invitation::read(link).unwrap_err(), expect, "{link}");
        }
        let join = Invitation::read("llamapool://join?server=wss://h&key=hush").unwrap();
        assert!(!format!("{join:?}").contains("hush"));
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let check = |server: &str, key: Option<&str>, expect: &str| {
            let server = server_url(server).unwrap();
            let invitation = Invitation { server: server.clone(), key: key.map(SecretString::from) };
            let link = invitation.link();
            assert_eq!(link.expose_secret(), expect);
            assert_eq!(read(link.expose_secret()), (server.to_string(), key.map(str::to_owned)));
        };
        check("wss://pool.example", Some("sk-1"), "llamapool://join?server=wss://pool.example&key=sk-1");
        check("pool:8080", None, "llamapool://join?server=ws://pool:8080");
        check(
            "ws://[::1]:80/",
            Some("a+b=&#%"),
            "llamapool://join?server=ws://%5B::1%5D&key=a%2Bb%3D%26%23%25",
        );
        let elsewhere = "wss://h/x/api/workers/connect?y=1&z";
        check(elsewhere, None, "llamapool://join?server=wss://h/x/api/workers/connect%3Fy%3D1%26z");
    }

    #[test]
    fn a_key_is_for_its_server_alone() {
        let dir = tempfile::tempdir().unwrap();
        let after = |text: &str, link: &str| {
            let path = dir.path().join("worker.yaml");
            std::fs::write(&path, text).unwrap();
            let mut edit = Edit::open::<Config>(&path).unwrap();
            Invitation::read(link).unwrap().write(&mut edit).unwrap();
            edit.text().to_owned()
        };
        let before = "# mine\nserver_url: wss://h # there\nclient_key: old\n";
        let here = "wss://h/api/workers/connect";
        assert_eq!(
            after(before, "llamapool://join?server=wss://h&key=new"),
            format!("# mine\nserver_url: {here} # there\nclient_key: new\n")
        );
        assert_eq!(
            after(before, "wss://h"),
            format!("# mine\nserver_url: {here} # there\nclient_key: old\n")
        );
        assert!(!after(before, "wss://other").contains("client_key"));
        assert!(!after("client_key: old", "wss://other").contains("client_key"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(llamapool://join\\?|server=|key=|wss://|[&%?=/:@#]|\\PC){0,12}") {
            if let Ok(join) = Invitation::read(&text) {
                prop_assert!(matches!(join.server.scheme(), "ws" | "wss"));
            }
        }
    }
}
