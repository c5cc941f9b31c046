//! Reads a JSON body: all of it is checked to be JSON, but only `model` and `stream` are read. A body in which another program would find
//! another model is refused.

use std::fmt::{self, Formatter};

use bytes::Bytes;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Model, Peek, Spelling};
use crate::http::error::ApiError;

/// The fields that are read.
#[derive(Default)]
struct Fields<'a> {
    model: Option<&'a RawValue>,
    stream: Option<&'a RawValue>,
}

/// A key of the body.
enum Key {
    Model,
    Stream,
    /// Another spelling of `model` or `stream`: runtimes in Go treat it as the same field, those in Python do not.
    Twin(&'static str),
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "model" => Key::Model,
                    "stream" => Key::Stream,
                    twin if twin.eq_ignore_ascii_case("model") => Key::Twin("model"),
                    twin if twin.eq_ignore_ascii_case("stream") => Key::Twin("stream"),
                    // Go also treats a long s as an s.
                    twin if !twin.is_ascii()
                        && twin.replace('\u{17f}', "s").eq_ignore_ascii_case("stream") =>
                    {
                        Key::Twin("stream")
                    }
                    _ => Key::Other,
                })
            }
        }
        from.deserialize_identifier(KeyVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some(key) = map.next_key::<Key>()? {
                    let (name, field) = match key {
                        Key::Model => ("model", &mut fields.model),
                        Key::Stream => ("stream", &mut fields.stream),
                        Key::Twin(name) => {
                            return Err(Error::custom(format_args!(
                                "it has another spelling of the key `{name}`"
                            )));
                        }
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if field.replace(map.next_value()?).is_some() {
                        return Err(Error::duplicate_field(name));
                    }
                }
                Ok(fields)
            }
        }
        from.deserialize_map(FieldsVisitor)
    }
}

/// The byte order mark, which some editors and clients write in front of JSON. RFC 8259, 8.1 lets a reader ignore it; not every runtime does.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The body without a byte order mark.
pub(super) fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body }
}

pub(super) fn peek(body: &Bytes) -> Result<Peek, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ApiError::invalid(format!("The body is not valid UTF-8 (at byte {}).", error.valid_up_to()))
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ApiError::invalid("The body must be a JSON object."));
    }
    let fields: Fields<'_> = serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("The body is not valid JSON: {error}.")))?;
    let stream = match fields.stream.map(|stream| truth(stream.get())) {
        Some(None) => return Err(ApiError::field("stream", "`stream` must be true or false.")),
        Some(Some(stream)) => stream,
        None => false,
    };
    let given = fields.model.filter(|raw| raw.get() != "null");
    let raw = given.ok_or_else(|| ApiError::field("model", "You must provide a `model`."))?.get();
    let name: String =
        serde_json::from_str(raw).map_err(|_| ApiError::field("model", "`model` must be a string."))?;
    // `raw` is a slice of `text`, which is `body`.
    let start = raw.as_ptr() as usize - body.as_ptr() as usize;
    let model = Model { name, at: start..start + raw.len(), spelling: Spelling::Json };
    Ok(Peek { model, stream })
}

/// A boolean as Python runtimes read it: they also accept strings and numbers.
fn truth(raw: &str) -> Option<bool> {
    let word = raw.trim_matches('"').to_ascii_lowercase();
    match word.as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" | "null" => Some(false),
        _ => None,
    }
}
