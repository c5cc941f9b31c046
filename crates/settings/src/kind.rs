//! The kinds of values: how they are parsed, compared and described.
//!
//! A kind is composed of small parts: `count(1..=4096)`, `duration().at_least(SECOND)`,
//! `secret().list()`. The description grows with it, so that every check is described.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{duration, size};

/// A longer key is a file pasted by accident; keys are sent with each request.
const LONGEST_SECRET: usize = 512;

/// Parses a value; `None` if the text is not valid.
type Parse<T> = dyn Fn(&str) -> Option<T>;

/// Whether two values are equal.
type Same<T> = dyn Fn(&T, &T) -> bool;

/// How values of one kind are parsed, compared and described.
pub struct ValueKind<T> {
    pub(super) format: Format,
    parse: Box<Parse<T>>,
    same: Box<Same<T>>,
}

pub use ValueKind as Kind;

/// The format of the values of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The allowed values; completes "expected ...".
    pub expected: String,
    /// An example, if that helps.
    pub example: &'static str,
    /// The form of values in flags and in the file.
    pub syntax: Syntax,
    /// The placeholder for a value in the help: `--port <PORT>`.
    pub value_name: &'static str,
    /// The allowed words, if only these are allowed.
    pub choices: Vec<&'static str>,
    /// Whether values must not be shown.
    pub secret: bool,
}

/// The form of values in flags and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// One value: `--port 8080`.
    Value,
    /// A number that may be negative: `--drain-timeout -1`.
    Signed,
    /// Yes or no: `--reconnect`, `--reconnect=false`, `--no-reconnect`.
    Switch,
    /// Several values: separated by commas, or a YAML list.
    List,
}

impl<T: 'static> ValueKind<T> {
    /// A kind with the parser `parse`. `value_name` is the placeholder in the help; `expected` completes
    /// "expected ...".
    pub fn new(
        value_name: &'static str,
        expected: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + 'static,
    ) -> Self
    where
        T: PartialEq,
    {
        Self::compared_by(value_name, expected, parse, T::eq)
    }

    fn compared_by(
        value_name: &'static str,
        expected: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + 'static,
        same: impl Fn(&T, &T) -> bool + 'static,
    ) -> Self {
        let format = Format {
            expected: expected.into(),
            example: "",
            syntax: Syntax::Value,
            value_name,
            choices: Vec::new(),
            secret: false,
        };
        Self { format, parse: Box::new(parse), same: Box::new(same) }
    }

    /// Parses `text`; `None` if it is not a value of this kind.
    pub fn read(&self, text: &str) -> Option<T> {
        (self.parse)(text.trim())
    }

    /// Whether two values are equal. Secrets are compared too.
    pub fn is_same(&self, one: &T, other: &T) -> bool {
        (self.same)(one, other)
    }

    /// The same kind with this example.
    pub fn example(mut self, text: &'static str) -> Self {
        self.format.example = text;
        self
    }

    /// The same kind, whose values may begin with a minus sign.
    pub fn signed(mut self) -> Self {
        self.format.syntax = Syntax::Signed;
        self
    }

    /// The same kind, whose values must not be shown.
    pub fn private(mut self) -> Self {
        self.format.secret = true;
        self
    }

    /// Only values that pass `check`, described by `expected`, which replaces the previous description.
    pub fn only(self, expected: impl Into<String>, check: impl Fn(&T) -> bool + 'static) -> Self {
        let parse = self.parse;
        let parse = Box::new(move |text: &str| parse(text).filter(|value| check(value)));
        let example = if parse(self.format.example).is_some() { self.format.example } else { "" };
        Self { format: Format { expected: expected.into(), example, ..self.format }, parse, ..self }
    }

    /// The same text, parsed into another type.
    pub fn map<U: PartialEq + 'static>(self, change: impl Fn(T) -> U + 'static) -> ValueKind<U> {
        let parse = self.parse;
        ValueKind {
            format: self.format,
            parse: Box::new(move |text| parse(text).map(&change)),
            same: Box::new(U::eq),
        }
    }

    /// The same kind, where a missing value means `None`.
    pub fn optional(self) -> ValueKind<Option<T>> {
        let (parse, same) = (self.parse, self.same);
        ValueKind {
            format: self.format,
            parse: Box::new(move |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) }),
            same: Box::new(move |one, other| match (one, other) {
                (Some(one), Some(other)) => same(one, other),
                (None, None) => true,
                _ => false,
            }),
        }
    }

    /// Several values, separated by commas (or line breaks, in a secret's file).
    pub fn list(self) -> ValueKind<Vec<T>> {
        let (parse, same) = (self.parse, self.same);
        let items = move |text: &str| {
            text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(&parse).collect()
        };
        let expected = format!("{}; several separated by commas, or a YAML list", self.format.expected);
        ValueKind {
            format: Format { expected, syntax: Syntax::List, ..self.format },
            parse: Box::new(items),
            same: Box::new(move |one, other| {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
            }),
        }
    }
}

impl ValueKind<Duration> {
    /// Not shorter than `least`.
    pub fn at_least(self, least: Duration) -> Self {
        let expected = format!("{} of at least {}", self.format.expected, duration::words(least));
        self.only(expected, move |value| *value >= least)
    }

    /// Where `0` means "no limit".
    pub fn or_off(mut self) -> ValueKind<Option<Duration>> {
        self.format.expected += ", or 0 for no limit";
        self.map(|value| Some(value).filter(|value| !value.is_zero()))
    }
}

/// A duration, see [`duration::parse`].
pub fn duration() -> ValueKind<Duration> {
    ValueKind::new("DURATION", "a duration", duration::parse).example("30s")
}

/// How long a drain may take, see [`duration::DrainTimeout`].
pub fn drain_timeout() -> ValueKind<duration::DrainTimeout> {
    let expected = "a duration; 0 stops immediately, a negative one waits without limit";
    ValueKind::new("DURATION", expected, duration::DrainTimeout::parse).signed().example("30s")
}

/// A whole number in `range`.
pub fn count(range: std::ops::RangeInclusive<u64>) -> ValueKind<u64> {
    let expected = match *range.end() {
        u64::MAX => format!("a whole number from {}", range.start()),
        end => format!("a whole number from {} to {end}", range.start()),
    };
    ValueKind::new("NUMBER", expected, move |text| text.parse().ok().filter(|n| range.contains(n)))
}

/// A size in bytes in `range`, see [`size::parse`].
pub fn bytes(range: std::ops::RangeInclusive<u64>) -> ValueKind<u64> {
    let (least, most) = (size::words(*range.start()), size::words(*range.end()));
    ValueKind::new(
        "SIZE",
        format!("a size from {least} to {most}, plain bytes or with a unit such as KiB or MB"),
        move |text| size::parse(text).filter(|n| range.contains(n)),
    )
}

/// Yes or no.
pub fn switch() -> ValueKind<bool> {
    let mut kind = ValueKind::new("BOOL", "true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    });
    kind.format.syntax = Syntax::Switch;
    kind
}

/// One of a few words.
pub fn one_of<T: Copy + PartialEq + 'static>(words: &'static [(&'static str, T)]) -> ValueKind<T> {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let mut kind = ValueKind::new("WORD", format!("one of {}", names.join(", ")), |text| {
        words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
    });
    kind.format.choices = names;
    kind
}

/// A short text for names: 1 to 128 characters without control characters.
pub fn name() -> ValueKind<String> {
    ValueKind::new("TEXT", "1 to 128 characters without control characters", |text| {
        let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    })
}

/// A key or password. It goes into HTTP headers, so only visible ASCII characters are allowed.
pub fn secret() -> ValueKind<SecretString> {
    // An attacker cannot measure whether a configuration has changed, so a plain comparison is fine.
    let same = |one: &SecretString, other: &SecretString| one.expose_secret() == other.expose_secret();
    ValueKind::compared_by(
        "KEY",
        format!("1 to {LONGEST_SECRET} visible ASCII characters without spaces or commas"),
        |text| {
            let fits = (1..=LONGEST_SECRET).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
            fits.then(|| SecretString::from(text))
        },
        same,
    )
    .private()
}

/// A file or folder.
pub fn path() -> ValueKind<PathBuf> {
    ValueKind::new("PATH", "a path", |text| Some(PathBuf::from(text)))
}

/// A port; 0 for any free one.
pub fn port() -> ValueKind<u16> {
    ValueKind::new("PORT", "a port from 0 (any free one) to 65535", |text| {
        text.trim_start_matches(':').parse().ok()
    })
}

/// An address with a port.
pub fn socket_addr() -> ValueKind<SocketAddr> {
    ValueKind::new("ADDRESS", "an IP address with a port", |text| {
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        local.as_deref().unwrap_or(text).parse().ok()
    })
    .example("127.0.0.1:4555")
}

/// An `http` or `https` address.
pub fn http_url() -> ValueKind<Url> {
    ValueKind::new("URL", "an http:// or https:// address without user and password", |text| {
        let fits =
            |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host() && has_no_login(url);
        Url::parse(text).ok().filter(fits)
    })
    .example("http://127.0.0.1:8000/v1")
}

/// Whether a URL has neither user nor password. URLs are logged and shown, so they must not contain secrets.
pub fn has_no_login(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}
