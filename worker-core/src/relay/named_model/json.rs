//! Finds `model` at the top level of a JSON object that arrives in parts. Go compares keys case-insensitively, so this does too.

use memchr::memchr2;

use super::{Found, MAX_SPELLING, TOO_LONG};

const KEY: &str = "model";

/// Longest encoding of the key: each character as `\u006d`. A longer key is a different one.
const MAX_KEY: usize = 6 * KEY.len();

const NOT_JSON: &str = "The body is not a JSON object.";
const NOT_TEXT: &str = "The model's name must be a string.";

/// Parses a JSON object part by part. Invalid JSON is refused if it could change where a key is.
#[derive(Debug, Default)]
pub(super) struct JsonScanner {
    at: At,
    /// How much of a byte order mark has passed.
    mark: usize,
    /// Open brackets in the current value.
    depth: u32,
    /// The key or name that is being read, as encoded.
    text: Vec<u8>,
    is_model: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    /// After `{`.
    FirstKey,
    /// After `,`.
    Key,
    InKey(Escape),
    Colon,
    Value,
    /// In the value of the model's name.
    InName(Escape),
    InText(Escape),
    /// In a string inside brackets.
    InInnerText(Escape),
    InBrackets,
    InScalar,
    AfterValue,
    End,
}

/// Whether the next character of a string is escaped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    No,
    Yes,
}

impl JsonScanner {
    /// Parses up to the next find, and removes what it has parsed from the part.
    pub(super) fn find(&mut self, piece: &mut &[u8]) -> Result<Found, &'static str> {
        while let [byte, rest @ ..] = *piece {
            if let At::InText(Escape::No) | At::InInnerText(Escape::No) = self.at {
                let Some(skip) = memchr2(b'"', b'\\', piece) else { break };
                if skip > 0 {
                    *piece = &piece[skip..];
                    continue;
                }
            }
            *piece = rest;
            match self.step(*byte)? {
                Found::Nothing => {}
                found => return Ok(found),
            }
        }
        *piece = &[];
        Ok(Found::Nothing)
    }

    fn step(&mut self, byte: u8) -> Result<Found, &'static str> {
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at = match (self.at, byte) {
            (At::Start, 0xEF | 0xBB | 0xBF) if b"\xEF\xBB\xBF".get(self.mark) == Some(&byte) => {
                self.mark += 1;
                At::Start
            }
            (At::Start, b'{') => At::FirstKey,
            (At::FirstKey | At::AfterValue, b'}') => {
                self.at = At::End;
                return Ok(Found::End);
            }
            (At::FirstKey | At::Key, b'"') => {
                self.text.clear();
                At::InKey(Escape::No)
            }
            (At::InKey(escape), _) => return self.in_key(escape, byte),
            (At::InName(escape), _) => return self.in_name(escape, byte),
            (At::Colon, b':') => At::Value,
            (At::Value, b'"') if self.is_model => {
                self.text.clear();
                At::InName(Escape::No)
            }
            (At::Value, _) if self.is_model && !is_space => return Err(NOT_TEXT),
            (At::Value, b'"') => At::InText(Escape::No),
            (At::Value, b'{' | b'[') => {
                self.depth = 1;
                At::InBrackets
            }
            (At::InText(escape), _) => within(escape, byte).map_or(At::AfterValue, At::InText),
            (At::InInnerText(escape), _) => within(escape, byte).map_or(At::InBrackets, At::InInnerText),
            (At::InBrackets, b'"') => At::InInnerText(Escape::No),
            (At::InBrackets, b'{' | b'[') => {
                self.depth = self.depth.checked_add(1).ok_or(NOT_JSON)?;
                At::InBrackets
            }
            (At::InBrackets, b'}' | b']') => {
                self.depth -= 1;
                if self.depth == 0 { At::AfterValue } else { At::InBrackets }
            }
            (At::InBrackets, b',' | b':') => At::InBrackets,
            (At::Value | At::InScalar, _) if is_scalar(byte) => At::InScalar,
            (At::InBrackets, _) if is_scalar(byte) => At::InBrackets,
            (At::InScalar | At::AfterValue, b',') => At::Key,
            (At::InScalar, b'}') => {
                self.at = At::End;
                return Ok(Found::End);
            }
            (At::InScalar, _) if is_space => At::AfterValue,
            (at, _) if is_space => at,
            _ => return Err(NOT_JSON),
        };
        Ok(Found::Nothing)
    }

    fn in_key(&mut self, escape: Escape, byte: u8) -> Result<Found, &'static str> {
        let Some(escape) = within(escape, byte) else {
            self.is_model = self.text.len() <= MAX_KEY && unquoted(&self.text)?.eq_ignore_ascii_case(KEY);
            self.at = At::Colon;
            return Ok(Found::Nothing);
        };
        if self.text.len() <= MAX_KEY {
            self.text.push(byte);
        }
        self.at = At::InKey(escape);
        Ok(Found::Nothing)
    }

    fn in_name(&mut self, escape: Escape, byte: u8) -> Result<Found, &'static str> {
        let Some(escape) = within(escape, byte) else {
            self.at = At::AfterValue;
            return unquoted(&self.text).map(Found::Model);
        };
        if self.text.len() == MAX_SPELLING {
            return Err(TOO_LONG);
        }
        self.text.push(byte);
        self.at = At::InName(escape);
        Ok(Found::Nothing)
    }
}

/// The state in a string after this byte; `None` at its end.
fn within(escape: Escape, byte: u8) -> Option<Escape> {
    match (escape, byte) {
        (Escape::No, b'"') => None,
        (Escape::No, b'\\') => Some(Escape::Yes),
        _ => Some(Escape::No),
    }
}

/// Numbers, `true`, `false`, `null`, and `NaN` and `Infinity`, which Python accepts.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Decodes a string.
fn unquoted(spelling: &[u8]) -> Result<String, &'static str> {
    let quoted = [b"\"", spelling, b"\""].concat();
    serde_json::from_slice(&quoted).map_err(|_| NOT_JSON)
}
