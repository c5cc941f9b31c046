//! Reading JSON from other programs: a value of the wrong type costs that field or that entry, not the whole message.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Entries beyond this number are skipped unread, so that an answer of a few megabytes cannot become
/// hundreds of megabytes of parsed entries. At least twice the number of models that are kept, to allow for duplicates.
pub(crate) const MAX_ENTRIES: usize = 4_000;

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

/// A list without the entries that cannot be read; null is an empty list.
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
