//! Finds the field `model` of a multipart form (RFC 7578) that arrives in parts. Programs differ in the mistakes they tolerate, so this one tolerates
//! none that would change a field's name or its bounds.

use memchr::memmem::Finder;

use super::{Found, MAX_SPELLING, TOO_LONG};

const FIELD: &str = "model";

/// Longest boundary, RFC 2046, 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// Longest header block of a field; usual ones have about 100 bytes, including a file's name.
const MAX_FIELD_HEAD: usize = 4 * 1024;

const NOT_A_FORM: &str = "The body is not a well-formed multipart form.";
const UNCLEAR: &str = "A field of the form can be read in more than one way.";

/// Parses a form part by part.
pub(super) struct FormScanner {
    /// The delimiter that ends a field: a line break, two dashes and the boundary.
    delimiter: Finder<'static>,
    head_end: Finder<'static>,
    at: At,
    /// The part of a header block or of the model's name that has been read, or what may be the beginning of a delimiter.
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The first delimiter has no line break before it.
    Start,
    /// After a delimiter: two dashes, or a line break.
    AfterDelimiter,
    Head,
    Value,
    /// In the value of the model's name.
    Model,
    End,
}

impl FormScanner {
    pub(super) fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            delimiter: Finder::new(&delimiter).into_owned(),
            head_end: Finder::new(b"\r\n\r\n").into_owned(),
            at: At::Start,
            held: Vec::new(),
        }
    }

    /// Parses up to the next find, and removes what it has parsed from the part.
    pub(super) fn find(&mut self, piece: &mut &[u8]) -> Result<Found, &'static str> {
        loop {
            let found = match self.at {
                At::Start => self.start(piece)?,
                At::AfterDelimiter => self.after_delimiter(piece)?,
                At::Head => self.head(piece)?,
                At::Value => self.value(piece),
                At::Model => self.model(piece)?,
                At::End if piece.iter().all(u8::is_ascii_whitespace) => None,
                At::End => return Err(NOT_A_FORM),
            };
            match found {
                None => {
                    *piece = &[];
                    return Ok(Found::Nothing);
                }
                Some(Found::Nothing) => {}
                Some(found) => return Ok(found),
            }
        }
    }

    /// Removes this many bytes from the part, together with the bytes that are held. `None` if there are fewer.
    fn take(&mut self, piece: &mut &[u8], wanted: usize) -> Option<Vec<u8>> {
        let more = (wanted - self.held.len()).min(piece.len());
        self.held.extend_from_slice(&piece[..more]);
        *piece = &piece[more..];
        (self.held.len() == wanted).then(|| std::mem::take(&mut self.held))
    }

    fn start(&mut self, piece: &mut &[u8]) -> Result<Option<Found>, &'static str> {
        let wanted = self.delimiter.needle().len() - 2;
        let Some(begin) = self.take(piece, wanted) else { return Ok(None) };
        if begin != self.delimiter.needle()[2..] {
            return Err(NOT_A_FORM);
        }
        self.at = At::AfterDelimiter;
        Ok(Some(Found::Nothing))
    }

    fn after_delimiter(&mut self, piece: &mut &[u8]) -> Result<Option<Found>, &'static str> {
        match self.take(piece, 2).as_deref() {
            None => Ok(None),
            Some(b"\r\n") => {
                // So that a header block without any line ends like the others.
                self.held.extend_from_slice(b"\r\n");
                self.at = At::Head;
                Ok(Some(Found::Nothing))
            }
            Some(b"--") => {
                self.at = At::End;
                Ok(Some(Found::End))
            }
            Some(_) => Err(NOT_A_FORM),
        }
    }

    fn head(&mut self, piece: &mut &[u8]) -> Result<Option<Found>, &'static str> {
        let before = self.held.len();
        let room = (MAX_FIELD_HEAD - before).min(piece.len());
        self.held.extend_from_slice(&piece[..room]);
        // The end may have begun in the previous part.
        let from = before.saturating_sub(3);
        let Some(found) = self.head_end.find(&self.held[from..]) else {
            return if self.held.len() == MAX_FIELD_HEAD { Err(NOT_A_FORM) } else { Ok(None) };
        };
        let end = from + found + 4;
        *piece = &piece[end - before..];
        let is_model = field_name(&self.held[2..end - 2])? == FIELD;
        self.held.clear();
        self.at = if is_model { At::Model } else { At::Value };
        Ok(Some(Found::Nothing))
    }

    /// The model's name is held until its end.
    fn model(&mut self, piece: &mut &[u8]) -> Result<Option<Found>, &'static str> {
        let (delimiter, before) = (self.delimiter.needle().len(), self.held.len());
        let most = MAX_SPELLING + delimiter;
        self.held.extend_from_slice(&piece[..(most - before).min(piece.len())]);
        let from = before.saturating_sub(delimiter - 1);
        let Some(found) = self.delimiter.find(&self.held[from..]) else {
            return if self.held.len() == most { Err(TOO_LONG) } else { Ok(None) };
        };
        let end = from + found;
        *piece = &piece[end + delimiter - before..];
        self.at = At::AfterDelimiter;
        self.held.truncate(end);
        let name = String::from_utf8(std::mem::take(&mut self.held));
        name.map(|name| Some(Found::Model(name))).map_err(|_| "The model's name is not valid UTF-8.")
    }

    /// Of any other value, only what may be the beginning of its delimiter is held.
    fn value(&mut self, piece: &mut &[u8]) -> Option<Found> {
        let (delimiter, before) = (self.delimiter.needle().len(), self.held.len());
        self.held.extend_from_slice(&piece[..piece.len().min(delimiter - 1)]);
        let in_both = self.delimiter.find(&self.held).map(|start| start + delimiter - before);
        let end = in_both.or_else(|| self.delimiter.find(piece).map(|start| start + delimiter));
        if let Some(end) = end {
            *piece = &piece[end..];
            self.held.clear();
            self.at = At::AfterDelimiter;
            return Some(Found::Nothing);
        }
        if piece.len() >= delimiter {
            self.held.clear();
            self.held.extend_from_slice(&piece[piece.len() - (delimiter - 1)..]);
        } else {
            self.held.drain(..self.held.len().saturating_sub(delimiter - 1));
        }
        None
    }
}

/// The boundary in a form's content type, if all programs agree on it.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = only_parameter(parameters, "boundary").ok()?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    ((1..=MAX_BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(is_allowed)).then_some(boundary)
}

/// Whether a query names a model too: Go combines the query and the form.
pub(super) fn query_names_model(query: &str) -> bool {
    let named = |(name, _): (std::borrow::Cow<'_, str>, _)| name.trim().eq_ignore_ascii_case(FIELD);
    url::form_urlencoded::parse(query.as_bytes()).any(named)
}

/// The name of the field with this header block.
fn field_name(head: &[u8]) -> Result<&str, &'static str> {
    let head = std::str::from_utf8(head).map_err(|_| UNCLEAR)?;
    let mut disposition = None;
    for line in head.split_terminator("\r\n") {
        let (name, value) = line.split_once(':').ok_or(NOT_A_FORM)?;
        // A folded line, a space before the colon, a lone line break: some programs join or split here, others do not.
        if name.contains(char::is_whitespace) || value.contains(['\r', '\n', '\0']) {
            return Err(UNCLEAR);
        }
        if name.eq_ignore_ascii_case("content-disposition") {
            let (kind, parameters) = value.split_once(';').ok_or(NOT_A_FORM)?;
            let is_second = disposition.replace(parameters).is_some();
            if is_second || !kind.trim().eq_ignore_ascii_case("form-data") {
                return Err(UNCLEAR);
            }
        }
        // Go decodes it, other programs do not.
        if name.eq_ignore_ascii_case("content-transfer-encoding") && !is_plain(value) {
            return Err(UNCLEAR);
        }
    }
    let parameters = disposition.ok_or(NOT_A_FORM)?;
    let name = only_parameter(parameters, "name")?;
    let is_file = parameters.to_ascii_lowercase().contains("filename");
    if name == FIELD && is_file { Err(UNCLEAR) } else { Ok(name) }
}

fn is_plain(encoding: &str) -> bool {
    ["7bit", "8bit", "binary"].iter().any(|plain| encoding.trim().eq_ignore_ascii_case(plain))
}

/// The value of a parameter, if it is given once, however quotes and backslashes are parsed.
fn only_parameter<'a>(parameters: &'a str, wanted: &str) -> Result<&'a str, &'static str> {
    let lower = parameters.to_ascii_lowercase();
    let mut starts = lower.match_indices(wanted).filter_map(|(at, _)| {
        let is_begin =
            !lower[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || "-_".contains(before));
        let after = lower[at + wanted.len()..].trim_start();
        (is_begin && after.starts_with(['=', '*'])).then_some(at)
    });
    let (Some(at), None) = (starts.next(), starts.next()) else { return Err(UNCLEAR) };
    let before = &parameters[..at];
    if before.contains('\\') || before.matches('"').count() % 2 == 1 {
        return Err(UNCLEAR);
    }
    let after = parameters[at + wanted.len()..].trim_start().strip_prefix('=').ok_or(UNCLEAR)?.trim_start();
    let value = match after.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"').ok_or(UNCLEAR)?;
            let is_end = rest.trim_start().is_empty() || rest.trim_start().starts_with(';');
            if is_end { value } else { return Err(UNCLEAR) }
        }
        None => after.split(';').next().unwrap_or_default().trim_end(),
    };
    if value.contains(['\\', '"']) { Err(UNCLEAR) } else { Ok(value) }
}
