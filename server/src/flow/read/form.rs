//! Reads a multipart form (RFC 7578), the format in which audio and images are sent. `model` and `stream` are fields of their own.

use bytes::Bytes;
use memchr::memmem;

use super::{Model, Peek, Spelling};
use crate::http::error::ApiError;

/// Longest boundary, RFC 2046, 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// Most fields of a form; OpenAI's largest has about 15.
const MAX_FIELDS: usize = 1000;

/// Most headers of a field: it has two.
const MAX_HEADERS: usize = 16;

/// The boundary, if the content type is that of a form.
pub(super) fn boundary(content_type: &str) -> Result<Option<String>, ApiError> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    match parameter(parameters, "boundary")? {
        Some(boundary) if (1..=MAX_BOUNDARY).contains(&boundary.len()) => Ok(Some(boundary)),
        _ => Err(ApiError::invalid("The form's content type has no valid boundary.")),
    }
}

pub(super) fn peek(body: &Bytes, boundary: &str) -> Result<Peek, ApiError> {
    let (mut found, mut stream) = (None, None);
    for field in Fields::new(body, boundary)? {
        let (name, start, end) = field?;
        if name == "stream" {
            let is_true = body[start..end].trim_ascii().eq_ignore_ascii_case(b"true");
            if stream.replace(is_true).is_some() {
                return Err(ApiError::field("stream", "The form has more than one `stream`."));
            }
        }
        if name != "model" {
            continue;
        }
        let Ok(model) = std::str::from_utf8(&body[start..end]) else {
            return Err(ApiError::field("model", "`model` is not valid UTF-8."));
        };
        if found.is_some() {
            return Err(ApiError::field("model", "The form has more than one `model`."));
        }
        found = Some(Model { name: model.to_owned(), at: start..end, spelling: Spelling::Form });
    }
    let model = found.ok_or_else(|| ApiError::field("model", "You must provide a `model`."))?;
    Ok(Peek { model, stream: stream.unwrap_or_default() })
}

/// The fields of a form: name, start and end of the value.
struct Fields<'a> {
    body: &'a [u8],
    delimiter: Vec<u8>,
    at: usize,
    left: usize,
}

impl<'a> Fields<'a> {
    fn new(body: &'a [u8], boundary: &str) -> Result<Self, ApiError> {
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first delimiter may be at the very start, without its line break.
        let at = if body.starts_with(&delimiter[2..]) {
            delimiter.len() - 2
        } else {
            memmem::find(body, &delimiter).ok_or_else(broken)? + delimiter.len()
        };
        Ok(Self { body, delimiter, at, left: MAX_FIELDS })
    }

    /// The field after the delimiter that ends at `at`; `None` after the closing one.
    fn field(&mut self) -> Result<Option<(String, usize, usize)>, ApiError> {
        let rest = &self.body[self.at..];
        if rest.starts_with(b"--") {
            return Ok(None);
        }
        self.left =
            self.left.checked_sub(1).ok_or_else(|| ApiError::invalid("The form has too many fields."))?;
        let line_end = memmem::find(rest, b"\r\n").ok_or_else(broken)?;
        if !rest[..line_end].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(broken());
        }
        let head = self.at + line_end + 2;
        let head_end = memmem::find(&self.body[head..], b"\r\n\r\n").ok_or_else(broken)?;
        let start = head + head_end + 4;
        let length = memmem::find(&self.body[start..], &self.delimiter).ok_or_else(broken)?;
        self.at = start + length + self.delimiter.len();
        Ok(Some((name(&self.body[head..start])?, start, start + length)))
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<(String, usize, usize), ApiError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.field().transpose()
    }
}

fn broken() -> ApiError {
    ApiError::invalid("The body is not a complete multipart form.")
}

fn ambiguous() -> ApiError {
    ApiError::invalid("A field of the form has more than one name, so programs would read it differently.")
}

/// The name in a field's `Content-Disposition`. There must be exactly one of each: programs differ in which of several they take.
fn name(head: &[u8]) -> Result<String, ApiError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let parsed = httparse::parse_headers(head, &mut headers).map_err(|_| broken())?;
    let httparse::Status::Complete((_, headers)) = parsed else { return Err(broken()) };
    let mut dispositions =
        headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-disposition"));
    let disposition = dispositions.next().ok_or_else(broken)?;
    if dispositions.next().is_some() {
        return Err(ambiguous());
    }
    let disposition = std::str::from_utf8(disposition.value).map_err(|_| broken())?;
    let (_, parameters) = disposition.split_once(';').ok_or_else(broken)?;
    parameter(parameters, "name")?.ok_or_else(broken)
}

/// A parameter of a header value: `; name=token` or `; name="quoted \" string"`.
///
/// 400 if it is given twice, or in parts or with a character set (`name*0`, `name*`: RFC 2231), which only some programs read.
/// 400 if it is there twice, or in parts and with a character set (`name*0`, `name*`: RFC 2231), which only some programs read.
fn parameter(mut rest: &str, wanted: &str) -> Result<Option<String>, ApiError> {
    let mut found = None;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or_else(broken)?,
            None => {
                let (token, after) = after.split_once(';').unwrap_or((after, ""));
                (token.trim().to_owned(), after)
            }
        };
        // Parameters without a value may precede it: `; flag; name=token`.
        let name = name.rsplit(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_extended = name.strip_prefix(wanted).is_some_and(|rest| rest.trim_start().starts_with('*'));
        if is_extended || (name == wanted && found.replace(value).is_some()) {
            return Err(ambiguous());
        }
        rest = after;
    }
    Ok(found)
}

/// A quoted string whose opening quote has been taken, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' if escapes(&quoted[at + 1..]) => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    None
}

/// Whether the backslash before `rest` belongs to a quote. Browsers do not escape backslashes (and write quotes as `%22`), so only a quote can be
/// escaped, and one that ends the parameter follows a name that ends with a backslash.
fn escapes(rest: &str) -> bool {
    rest.strip_prefix('"').is_some_and(|after| !matches!(after.trim_start().chars().next(), None | Some(';')))
}
