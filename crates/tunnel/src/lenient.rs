//! Lenient parsing of what other programs send: a value of the wrong type invalidates only that field or entry, not the whole message, and a text
//! becomes one line of bounded length.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Entries beyond this number are skipped without parsing, so that a response of a few megabytes cannot become
/// hundreds of megabytes of parsed entries. At least twice the number of models that are kept, to allow for duplicates.
pub(crate) const MAX_ENTRIES: usize = 4_000;

/// A peer's text as one line of at most `longest` bytes, safe for a log and a terminal: unprintable characters become spaces.
pub fn line(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    for c in text.chars() {
        if line.len() + c.len_utf8() > longest {
            break;
        }
        line.push(if is_printable(c) { c } else { ' ' });
    }
    line
}

/// Whether a character is harmless: it does not control a terminal, break a line, or change the direction of the text around it.
pub fn is_printable(c: char) -> bool {
    let is_separator = matches!(c, '\u{2028}' | '\u{2029}');
    let is_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !is_separator && !is_direction
}

/// A value of the expected type, or anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose<T> {
    Fine(T),
    Other(IgnoredAny),
}

/// A field that is `None` when it is null or of another type (`#[serde(default, deserialize_with)]`).
///
/// # Errors
/// The input is not JSON.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(match Option::<Loose<T>>::deserialize(deserializer)? {
        Some(Loose::Fine(value)) => Some(value),
        Some(Loose::Other(_)) | None => None,
    })
}

/// A field that is `false` unless it is `true` (`#[serde(default, deserialize_with)]`).
///
/// # Errors
/// The input is not JSON.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(optional(deserializer)?.unwrap_or(false))
}

/// A list without the entries that cannot be parsed; null is an empty list.
///
/// # Errors
/// The value is neither a list nor null.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(Entries(PhantomData))
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < MAX_ENTRIES {
            match entries.next_element::<Loose<T>>()? {
                Some(Loose::Fine(entry)) => kept.push(entry),
                Some(Loose::Other(_)) => {}
                None => return Ok(kept),
            }
        }
        while entries.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_bounded_line() {
        assert_eq!(line("plain, with é and 模型", 100), "plain, with é and 模型");
        assert_eq!(
            line("a\nWorker b joined\r\u{1b}[2J\u{2028}c\u{202e}d", 100),
            "a Worker b joined  [2J c d"
        );
        assert_eq!(line("ééé", 5), "éé");
        assert_eq!(line(&"x".repeat(1_000), 7), "xxxxxxx");
    }
}
