//! What kind of value a setting takes: how it is read from text, and the words that say what is allowed.
//!
//! A kind is a value built from small pieces: `count(1..=4096)`, `duration().at_least(SECOND)`,
//! `secret().list()`. The words for people grow with it, so that no check goes without its explanation.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{duration, size};

/// Longer keys than this are files pasted by accident; they travel in every request head.
const LONGEST_SECRET: usize = 512;

/// Reads a value; `None` if the text is not one.
type Parse<T> = dyn Fn(&str) -> Option<T>;

/// How one kind of value is written and read.
pub struct Kind<T> {
    pub(super) allowed: String,
    parse: Box<Parse<T>>,
    pub(super) form: Form,
    pub(super) secret: bool,
    /// What stands for a value in the help: `--port <PORT>`.
    pub(super) called: &'static str,
    /// The words, where only a few will do.
    pub(super) choices: Vec<&'static str>,
}

/// How a value looks to the flags and to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One value: `--port 8080`.
    Value,
    /// A number that may be below zero: `--drain-timeout -1`.
    Signed,
    /// Yes or no: `--reconnect`, `--reconnect=false`, `--no-reconnect`.
    Switch,
    /// Several values: commas, or a YAML list.
    List,
}

impl<T: 'static> Kind<T> {
    /// A kind that reads with `parse`. Its values are `called` so in the help; `allowed` completes "wanted: ...".
    pub fn new(
        called: &'static str,
        allowed: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + 'static,
    ) -> Self {
        Self {
            allowed: allowed.into(),
            parse: Box::new(parse),
            form: Form::Value,
            secret: false,
            called,
            choices: Vec::new(),
        }
    }

    /// The value that `text` stands for; `None` if it is not of this kind.
    pub fn read(&self, text: &str) -> Option<T> {
        (self.parse)(text.trim())
    }

    /// The same kind, where values may begin with a minus sign.
    pub fn signed(self) -> Self {
        Self { form: Form::Signed, ..self }
    }

    /// The same kind, where values are never to be shown.
    pub fn private(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Only the values that pass `check`, which `allowed` describes (it replaces the former words).
    pub fn only(self, allowed: impl Into<String>, check: impl Fn(&T) -> bool + 'static) -> Self {
        let parse = self.parse;
        Self {
            allowed: allowed.into(),
            parse: Box::new(move |text| parse(text).filter(|v| check(v))),
            ..self
        }
    }

    /// The same text, understood as something else.
    pub fn map<U>(self, change: impl Fn(T) -> U + 'static) -> Kind<U> {
        let parse = self.parse;
        Kind {
            allowed: self.allowed,
            parse: Box::new(move |text| parse(text).map(&change)),
            form: self.form,
            secret: self.secret,
            called: self.called,
            choices: self.choices,
        }
    }

    /// The same kind, where nothing given means `None`.
    pub fn optional(self) -> Kind<Option<T>> {
        let parse = self.parse;
        Kind {
            allowed: self.allowed,
            parse: Box::new(move |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) }),
            form: self.form,
            secret: self.secret,
            called: self.called,
            choices: self.choices,
        }
    }

    /// Several of them, with commas (or line breaks, in a secret's file) between.
    pub fn list(self) -> Kind<Vec<T>> {
        let parse = self.parse;
        let items = move |text: &str| {
            text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(&parse).collect()
        };
        let allowed = format!("{}; several with commas between, or a YAML list", self.allowed);
        Kind {
            allowed,
            parse: Box::new(items),
            form: Form::List,
            secret: self.secret,
            called: self.called,
            choices: self.choices,
        }
    }
}

impl Kind<Duration> {
    /// Not shorter than `least`.
    pub fn at_least(self, least: Duration) -> Self {
        let allowed = format!("{}, at least {}", self.allowed, duration::words(least));
        self.only(allowed, move |value| *value >= least)
    }

    /// Where `0` means "no limit".
    pub fn or_off(self) -> Kind<Option<Duration>> {
        let allowed = format!("{}, or 0 for none", self.allowed);
        Kind { allowed, ..self.map(|value| Some(value).filter(|v| !v.is_zero())) }
    }
}

/// A span of time, see [`duration::parse`].
pub fn duration() -> Kind<Duration> {
    Kind::new("DURATION", "a duration such as 90 (seconds), 500ms, 30s, 5m or 1h30m", duration::parse)
}

/// How long a drain may take, see [`duration::DrainTimeout`].
pub fn drain_timeout() -> Kind<duration::DrainTimeout> {
    let allowed = "a duration such as 30s or 5m; 0 stops at once, a negative one waits for ever";
    Kind::new("DURATION", allowed, duration::DrainTimeout::parse).signed()
}

/// A whole number in `range`.
pub fn count(range: std::ops::RangeInclusive<u64>) -> Kind<u64> {
    let allowed = match *range.end() {
        u64::MAX => format!("a whole number from {}", range.start()),
        end => format!("a whole number from {} to {end}", range.start()),
    };
    Kind::new("NUMBER", allowed, move |text| text.parse().ok().filter(|n| range.contains(n)))
}

/// A number of bytes in `range`, see [`size::parse`].
pub fn bytes(range: std::ops::RangeInclusive<u64>) -> Kind<u64> {
    let (least, most) = (size::words(*range.start()), size::words(*range.end()));
    Kind::new(
        "SIZE",
        format!("a size such as 64KiB, 50MB or plain bytes, from {least} to {most}"),
        move |text| size::parse(text).filter(|n| range.contains(n)),
    )
}

/// Yes or no.
pub fn switch() -> Kind<bool> {
    let kind = Kind::new("BOOL", "true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    });
    Kind { form: Form::Switch, ..kind }
}

/// One of a few words.
pub fn one_of<T: Copy + 'static>(words: &'static [(&'static str, T)]) -> Kind<T> {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let kind = Kind::new("WORD", format!("one of {}", names.join(", ")), |text| {
        words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
    });
    Kind { choices: names, ..kind }
}

/// A short text for people and lists: 1 to 128 characters, none of them a control character.
pub fn name() -> Kind<String> {
    Kind::new("TEXT", "1 to 128 characters without control characters", |text| {
        let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    })
}

/// A key or password. It goes into HTTP headers, so only visible ASCII characters will do.
pub fn secret() -> Kind<SecretString> {
    Kind::new(
        "KEY",
        format!("1 to {LONGEST_SECRET} visible ASCII characters without spaces or commas"),
        |text| {
            let fits = (1..=LONGEST_SECRET).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
            fits.then(|| SecretString::from(text))
        },
    )
    .private()
}

/// A file or folder.
pub fn path() -> Kind<PathBuf> {
    Kind::new("PATH", "a path", |text| Some(PathBuf::from(text)))
}

/// A port, 0 for any that is free.
pub fn port() -> Kind<u16> {
    Kind::new("PORT", "a port from 0 (any free one) to 65535", |text| {
        text.trim_start_matches(':').parse().ok()
    })
}

/// An address with a port.
pub fn socket_addr() -> Kind<SocketAddr> {
    Kind::new("ADDRESS", "an address with a port such as 127.0.0.1:4555", |text| {
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        local.as_deref().unwrap_or(text).parse().ok()
    })
}

/// An `http` or `https` address.
pub fn http_url() -> Kind<Url> {
    Kind::new("URL", "an http:// or https:// address without user and password", |text| {
        let fits =
            |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host() && has_no_login(url);
        Url::parse(text).ok().filter(fits)
    })
}

/// Addresses are logged and shown, so nothing secret may stand in them.
pub fn has_no_login(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}
