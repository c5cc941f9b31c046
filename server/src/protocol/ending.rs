//! Whether a stream of events is complete: each API has a mark in its last events. A runtime that is killed may still close its stream
//! properly, for example through a proxy in front of it, so a proper end alone proves nothing.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

/// The mark that ends the streams of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// `finish_reason` with a reason, in chat and completions.
    FinishReason,
    /// `response.completed`, `response.failed` or `response.incomplete`.
    ResponseEvent,
    /// Unknown: a proper end is the end.
    Unknown,
}

/// The data that some clients wait for. Nothing follows it.
static DONE: LazyLock<Mark> = LazyLock::new(|| Mark::new(b"[DONE]"));

static FINISH_REASON: LazyLock<Mark> = LazyLock::new(|| Mark::new(br#""finish_reason""#));
static ERROR: LazyLock<Mark> = LazyLock::new(|| Mark::new(br#""error""#));
static TYPE: LazyLock<Mark> = LazyLock::new(|| Mark::new(br#""type""#));
static SEQUENCE_NUMBER: LazyLock<FinderRev<'static>> =
    LazyLock::new(|| FinderRev::new(br#""sequence_number""#));

/// The types of events that end a stream of the Responses API.
const RESPONSE_ENDS: [&[u8]; 4] =
    [br#""response.completed""#, br#""response.failed""#, br#""response.incomplete""#, br#""error""#];

/// A string to search for. Its search is prepared once, because that costs as much as searching several events.
struct Mark(Finder<'static>);

/// Watches a stream for its terminal mark. It sees the stream in large parts, not token by token.
#[derive(Debug)]
pub struct Ending {
    terminal: Terminal,
    is_complete: bool,
    /// The last sequence number of a stream of the Responses API.
    sequence: Option<u64>,
}

impl Ending {
    /// Nothing of the stream has been seen.
    pub fn new(terminal: Terminal) -> Self {
        Self { terminal, is_complete: terminal == Terminal::Unknown, sequence: None }
    }

    /// Searches a part of the stream. Consecutive parts overlap.
    pub fn look(&mut self, part: &[u8]) {
        if self.terminal == Terminal::ResponseEvent {
            self.sequence = last_sequence(part).or(self.sequence);
        }
        self.is_complete = self.is_complete
            || match self.terminal {
                Terminal::FinishReason => has_finish_reason(part) || has_error(part),
                Terminal::ResponseEvent => has_end_type(part),
                Terminal::Unknown => true,
            };
    }

    /// Looks at the end of the stream.
    pub fn look_at_end(&mut self, end: &[u8]) {
        self.look(end);
        self.is_complete = self.is_complete || has_done(end);
    }

    /// Whether the terminal mark, or an error sent by the runtime, has been seen.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The sequence number of the next event.
    pub fn next_sequence(&self) -> u64 {
        self.sequence.map_or(0, |last| last.saturating_add(1))
    }
}

// In JSON, quotes inside a string are escaped, so none of these can be part of a model's text.

fn has_finish_reason(part: &[u8]) -> bool {
    FINISH_REASON.values(part).any(|value| value.starts_with(b"\""))
}

fn has_end_type(part: &[u8]) -> bool {
    TYPE.values(part).any(|value| RESPONSE_ENDS.iter().any(|end| value.starts_with(end)))
}

/// Whether a line of data is the mark. A line break inside a string is escaped, so it cannot occur in a model's text.
fn has_done(part: &[u8]) -> bool {
    DONE.0.find_iter(part).any(|at| {
        let before = part[..at].trim_ascii_end().strip_suffix(b"data:");
        before.is_some_and(|before| matches!(before.last(), None | Some(b'\n' | b'\r')))
    })
}

/// An error sent by the runtime, which clients show.
fn has_error(part: &[u8]) -> bool {
    ERROR.values(part).any(|value| value.starts_with(b"{") || value.starts_with(b"\""))
}

fn last_sequence(part: &[u8]) -> Option<u64> {
    let name = &*SEQUENCE_NUMBER;
    name.rfind_iter(part).find_map(|at| {
        let value = value_after(&part[at + name.needle().len()..])?;
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // A number that is cut off at the end of a part is complete in the next part.
        let is_whole = digits < value.len();
        is_whole.then(|| std::str::from_utf8(&value[..digits]).ok()?.parse().ok())?
    })
}

impl Mark {
    fn new(mark: &'static [u8]) -> Self {
        Self(Finder::new(mark))
    }

    /// The text after each member of this name.
    fn values<'a>(&'a self, part: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.0.find_iter(part).filter_map(|at| value_after(&part[at + self.0.needle().len()..]))
    }
}

fn value_after(name: &[u8]) -> Option<&[u8]> {
    Some(name.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(terminal: Terminal, stream: &str) -> Ending {
        let mut ending = Ending::new(terminal);
        ending.look_at_end(stream.as_bytes());
        ending
    }

    #[test]
    fn a_stream_is_complete_with_the_mark_of_its_api() {
        let check = |terminal, stream: &str, expect| {
            assert_eq!(ending(terminal, stream).is_complete(), expect, "{stream}");
        };
        let chat = Terminal::FinishReason;
        check(chat, "", false);
        check(chat, r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}"#, false);
        check(chat, r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#, true);
        check(chat, r#"data: {"choices":[{"delta":{},"finish_reason": "length"}]}"#, true);
        check(chat, "data: [DONE]\n\n", true);
        check(chat, r#"data: {"error":{"message":"out of memory"}}"#, true);
        check(chat, r#"data: {"delta":{"content":"say \"finish_reason\":\"stop\", \"error\":{}"}}"#, false);
        check(chat, r#"data: {"delta":{"content":"\ndata: [DONE]"}}"#, false);
        check(chat, "data:[DONE]\r\n\r\n", true);

        let responses = Terminal::ResponseEvent;
        check(responses, r#"data: {"type":"response.created","response":{"error":null}}"#, false);
        check(
            responses,
            r#"data: {"type":"response.output_text.delta","delta":"response.completed"}"#,
            false,
        );
        for end in ["completed", "failed", "incomplete"] {
            check(responses, &format!(r#"data: {{"sequence_number":4,"type": "response.{end}"}}"#), true);
        }
        check(responses, r#"data: {"type":"error","message":"no"}"#, true);
        check(Terminal::Unknown, "data: {}\n\n", true);
    }

    #[test]
    fn the_next_event_follows_the_last_sequence_number() {
        let check = |stream: &str, expect| {
            assert_eq!(ending(Terminal::ResponseEvent, stream).next_sequence(), expect, "{stream}");
        };
        check("", 0);
        check(r#"data: {"type":"response.created"}"#, 0);
        check("data: {\"sequence_number\":3}\n\ndata: {\"sequence_number\": 41}\n\n", 42);
        check("data: {\"sequence_number\":3}\n\ndata: {\"sequence_number\":4", 4);
        let mut ending = ending(Terminal::ResponseEvent, r#"{"sequence_number":7,"#);
        ending.look(b"\"delta\":\"a long text\"}");
        assert_eq!(ending.next_sequence(), 8);
    }
}
