//! Removes secrets from text: known ones in any encoding, and anything that looks like one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// The replacement for a secret.
pub(super) const REMOVED: &str = "[removed]";

/// A shorter secret may be part of any word, so it is removed only as a whole word.
const LONG_ENOUGH: usize = 6;

/// Words that are followed by a secret, after a colon or equals sign.
const TELLING: [&str; 6] = ["key", "token", "secret", "password", "passwd", "authorization"];

/// Words that announce a credential without a colon.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Prefixes of the keys of well-known services. In a comment, nothing else identifies a key.
const KEY_PREFIXES: [&str; 16] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "hf_",
    "gsk_",
    "xai-",
    "nvapi-",
    "pplx-",
    "AIza",
    "ghp_",
    "github_pat_",
    "glpat-",
    "xox",
    "tskey-",
    "eyJ",
];

/// Minimum number of characters after such a prefix; ordinary words have fewer.
const KEY_LENGTH: usize = 8;

/// A join link contains a key.
const LINK: &str = "llamapool://";

/// The secrets to remove.
pub(super) struct Scrub {
    secrets: Vec<SecretString>,
    /// The part of each secret that is the same at every position within base64, and its hexadecimal form.
    encoded: Vec<SecretString>,
}

impl Scrub {
    pub(super) fn new(secrets: Vec<SecretString>) -> Self {
        let mut secrets: Vec<_> =
            secrets.into_iter().filter(|secret| !secret.expose_secret().is_empty()).collect();
        // A secret may be the beginning of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        let encoded = secrets.iter().flat_map(|secret| encodings(secret.expose_secret()));
        let encoded = encoded.filter(|text| text.len() >= LONG_ENOUGH).map(SecretString::from).collect();
        Self { secrets, encoded }
    }

    /// The text without any of the known secrets.
    pub(super) fn known(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.encoded {
            text = without(&text, |rest| starts_encoded(rest, secret.expose_secret()), false);
        }
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            text = without(&text, |rest| starts_with(rest, secret), secret.len() < LONG_ENOUGH);
        }
        text
    }

    /// The text without known secrets and without anything that looks like one: for text that strangers may have written.
    pub(super) fn all(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| guessed(&without_login(line)));
        self.known(&lines.collect::<String>())
    }
}

/// The text without each part for which `find` returns a length at its start.
fn without(text: &str, find: impl Fn(&str) -> Option<usize>, alone: bool) -> String {
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    while let Some(c) = text[at..].chars().next() {
        let found = find(&text[at..]).filter(|length| {
            let (before, after) = (text[..at].chars().next_back(), text[at + length..].chars().next());
            !alone || !is_word(before) && !is_word(after)
        });
        match found {
            Some(length) => {
                new.push_str(REMOVED);
                at += length;
            }
            None => {
                new.push(c);
                at += c.len_utf8();
            }
        }
    }
    new
}

/// The length of `secret` at the start of `text`, where each character may be literal, percent-encoded (even repeatedly) or
/// escaped as in JSON.
fn starts_with(text: &str, secret: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = [bytes.first(), secret.as_bytes().first()];
    if first[0] != first[1] && !matches!(first[0], Some(b'\\' | b'%')) {
        return None; // the common case
    }
    // Text can be read in more than one way: all of them are followed.
    let mut ends = vec![0];
    for byte in secret.bytes() {
        let next = ends.iter().flat_map(|at| spelled(&bytes[*at..], byte).map(move |length| at + length));
        ends = next.collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return None;
        }
    }
    // In the middle of a character, it would be a different text.
    ends.into_iter().rfind(|at| text.is_char_boundary(*at))
}

/// Longest encoding of one byte.
fn spelled(text: &[u8], byte: u8) -> impl Iterator<Item = usize> {
    let hex = |at: usize, digits: usize| {
        let digits = std::str::from_utf8(text.get(at..at + digits)?).ok()?;
        u32::from_str_radix(digits, 16).ok().filter(|code| *code == u32::from(byte))
    };
    let plain = (text.first() == Some(&byte)).then_some(1);
    let escape = text.first() == Some(&b'\\');
    let unicode = (escape && text.get(1) == Some(&b'u')).then(|| hex(2, 4)).flatten().map(|_| 6);
    let escaped = (escape && text.get(1) == Some(&byte) && byte.is_ascii_punctuation()).then_some(2);
    // `%2f`, or `%252f` if it was encoded twice.
    let twice = if text.first() == Some(&b'%') {
        text[1..].chunks(2).take_while(|two| *two == b"25").count()
    } else {
        0
    };
    let percent = (0..=twice).filter(|_| text.first() == Some(&b'%')).map(|times| 1 + 2 * times);
    let percent: Vec<_> = percent.filter(|at| hex(*at, 2).is_some()).map(|at| at + 2).collect();
    [plain, unicode, escaped].into_iter().flatten().chain(percent)
}

/// Encoded text is interrupted only by percent signs (`%2B`), and hexadecimal digits may have either case.
fn starts_encoded(text: &str, encoded: &str) -> Option<usize> {
    let is_hex = encoded.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let same = text.get(..encoded.len()).filter(|start| is_hex && start.eq_ignore_ascii_case(encoded));
    same.map(str::len).or_else(|| starts_with(text, encoded))
}

/// The base64 forms of a secret at each of the three possible positions, without the characters that
/// depend on its neighbours; and its hexadecimal form.
fn encodings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.bytes().map(|byte| format!("{byte:02x}")).collect()];
    for shift in 0..3 {
        let padded = [&b"\0\0"[..shift], secret.as_bytes()].concat();
        let first = [0, 2, 3][shift];
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            // The last character contains bits of what follows, unless the secret ends with it.
            let last = if padded.len().is_multiple_of(3) { text.len() } else { text.len() - 1 };
            all.extend(text.get(first..last).map(str::to_owned));
        }
    }
    all
}

/// A line without the values after words that announce a secret, and without join links.
fn guessed(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for (at, _) in lower.match_indices(LINK) {
        cuts.push((at + LINK.len(), token_end(line, at + LINK.len())));
    }
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            cuts.push((at + scheme.len(), token_end(line, at + scheme.len())));
        }
    }
    for prefix in KEY_PREFIXES {
        cuts.extend(line.match_indices(prefix).filter_map(|(at, _)| key_at(line, at, prefix)));
    }
    for word in TELLING {
        for (at, _) in lower.match_indices(word) {
            cuts.extend(value_after(line, at + word.len()));
        }
    }
    cuts.sort_unstable();
    let (mut new, mut done) = (String::new(), 0);
    for (start, end) in cuts.into_iter().filter(|(start, end)| start < end) {
        if start >= done {
            new.push_str(&line[done..start]);
            new.push_str(REMOVED);
        }
        done = done.max(end);
    }
    new + &line[done..]
}

/// The key that begins here, if one does.
fn key_at(line: &str, at: usize, prefix: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=');
    let starts_here = !line[..at].ends_with(|c: char| c.is_alphanumeric());
    let rest = &line[at + prefix.len()..];
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    (starts_here && length >= KEY_LENGTH).then_some((at, at + prefix.len() + length))
}

/// The position of the value after a word, an optional quote, and a colon or equals sign.
fn value_after(line: &str, at: usize) -> Option<(usize, usize)> {
    let rest = line[at..].trim_start_matches(['"', '\'', '\\']).trim_start();
    let rest = rest.strip_prefix([':', '='])?.trim_start();
    let quoted = rest.trim_start_matches(['"', '\'', '\\']);
    let start = line.len() - quoted.len();
    let end = match &rest[..rest.len() - quoted.len()] {
        "" => token_end(line, start),
        quotes => {
            let quote = quotes.chars().next_back().unwrap_or('"');
            quoted.find(quote).map_or(line.trim_end().len(), |found| start + found)
        }
    };
    Some((start, end.max(start)))
}

/// The end of the word that begins at `at`.
fn token_end(line: &str, at: usize) -> usize {
    let is_end = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '<' | '>' | '`' | '}' | ']' | ')')
    };
    line[at..].find(is_end).map_or(line.len(), |found| at + found)
}

/// `https://user:password@host` without the user and the password.
fn without_login(line: &str) -> String {
    let (mut new, mut rest) = (String::new(), line);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        new.push_str(before);
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = after;
        if let Some(login) = authority.rfind('@') {
            new.push_str(REMOVED);
            rest = &after[login..];
        }
    }
    new + rest
}

#[cfg(test)]
mod tests;
