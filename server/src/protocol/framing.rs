//! How the stream of a reply is divided into events or lines, and how an error is added to a stream that breaks.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

/// How the stream of a reply is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events with data only, as chat and completions stream.
    Events,
    /// Server-sent events with a name, and a type in their data, as the Responses API streams.
    TypedEvents,
    /// One JSON object per line.
    Lines,
    /// Not a stream to which an error could be added.
    Opaque,
}

/// The JSON shape of an error inside a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    /// OpenAI's: `{"error": {…}}`.
    OpenAi,
    /// An event of the Responses API: `{"type": "error", …}`.
    OpenAiEvent,
}

impl Framing {
    /// The framing that the headers of a reply declare; `typed` says whether its events have types. An error cannot be added to a reply with a length
    /// or a content encoding.
    pub(super) fn new(headers: &HeaderMap, typed: bool) -> Self {
        if headers.contains_key(CONTENT_LENGTH) || headers.contains_key(CONTENT_ENCODING) {
            return Self::Opaque;
        }
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/event-stream" if typed => Self::TypedEvents,
            "text/event-stream" => Self::Events,
            "application/x-ndjson" | "application/jsonl" | "application/jsonlines" => Self::Lines,
            _ => Self::Opaque,
        }
    }

    /// The last frame of a broken stream: an error, whose JSON is `error`. An incomplete event or line is ended first, so that the client
    /// does not take the error for its rest.
    pub fn error_frame(self, tail: &StreamTail, error: &str) -> Option<String> {
        let gap = tail.gap(self);
        match self {
            Self::Events => Some(format!("{gap}data: {error}\n\n")),
            Self::TypedEvents => Some(format!("{gap}event: error\ndata: {error}\n\n")),
            Self::Lines => Some(format!("{gap}{error}\n")),
            Self::Opaque => None,
        }
    }

    /// Whether it is a stream of events.
    pub fn is_events(self) -> bool {
        matches!(self, Self::Events | Self::TypedEvents)
    }
}

/// The last four bytes of a stream, which tell whether an event or line is complete.
#[derive(Debug, Default)]
pub struct StreamTail {
    last: [u8; 4],
    len: u8,
}

impl StreamTail {
    /// Adds a chunk. Takes constant time.
    pub fn pass(&mut self, chunk: &[u8]) {
        if let Some((_, last)) = chunk.split_last_chunk::<4>() {
            (self.last, self.len) = (*last, 4);
            return;
        }
        for byte in chunk {
            self.last.rotate_left(1);
            self.last[3] = *byte;
            self.len = (self.len + 1).min(4);
        }
    }

    /// Whether the last event is complete, so that a comment may follow.
    pub fn is_between_events(&self) -> bool {
        self.gap(Framing::Events).is_empty()
    }

    fn seen(&self) -> &[u8] {
        &self.last[4 - usize::from(self.len)..]
    }

    /// The line breaks that complete the current event or line. Events end with an empty line; a line ends with LF, CR LF or CR.
    fn gap(&self, framing: Framing) -> &'static str {
        let seen = self.seen();
        let line_ended = seen.is_empty() || seen.ends_with(b"\n") || seen.ends_with(b"\r");
        let event_ended =
            seen.is_empty() || [&b"\n\n"[..], b"\r\r", b"\n\r\n"].iter().any(|end| seen.ends_with(end));
        match framing {
            Framing::Events | Framing::TypedEvents if event_ended => "",
            Framing::Events | Framing::TypedEvents if line_ended => "\n",
            Framing::Events | Framing::TypedEvents => "\n\n",
            Framing::Lines if line_ended => "",
            Framing::Lines => "\n",
            Framing::Opaque => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Api, Service};
    use super::*;

    #[test]
    fn a_cut_event_is_closed_before_the_error() {
        let check = |framing: Framing, sent: &str, expect: &str| {
            let mut tail = StreamTail::default();
            tail.pass(sent.as_bytes());
            assert_eq!(framing.error_frame(&tail, "{}").as_deref(), Some(expect), "{sent:?}");
        };
        check(Framing::Events, "data: 1\n\n", "data: {}\n\n");
        check(Framing::Events, "data: 1\r\n\r\n", "data: {}\n\n");
        check(Framing::Events, "data: 1\r\r", "data: {}\n\n");
        check(Framing::Events, "", "data: {}\n\n");
        check(Framing::Events, "data: 1\n", "\ndata: {}\n\n");
        check(Framing::Events, "data: 1\r\n", "\ndata: {}\n\n");
        check(Framing::Events, "data: {\"a", "\n\ndata: {}\n\n");
        check(Framing::TypedEvents, "data: {\"a", "\n\nevent: error\ndata: {}\n\n");
        check(Framing::Lines, "{}\n", "{}\n");
        check(Framing::Lines, "{\"a", "\n{}\n");
    }

    #[test]
    fn the_framing_follows_the_content_type_and_never_breaks_a_length() {
        let check = |pairs: &[(&str, &str)], expect| {
            let headers = pairs.iter().map(|(name, value)| {
                (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap())
            });
            assert_eq!(Framing::new(&headers.collect(), false), expect, "{pairs:?}");
        };
        check(&[("content-type", "text/event-stream; charset=utf-8")], Framing::Events);
        check(&[("content-type", "Text/Event-Stream")], Framing::Events);
        check(&[("content-type", "application/x-ndjson")], Framing::Lines);
        check(&[("content-type", "application/json")], Framing::Opaque);
        check(&[("content-type", "text/event-stream"), ("content-length", "5")], Framing::Opaque);
        check(&[("content-type", "text/event-stream"), ("content-encoding", "gzip")], Framing::Opaque);
        check(&[], Framing::Opaque);
    }

    #[test]
    fn only_the_events_of_the_responses_api_have_types() {
        let headers = [(CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"))];
        let headers: HeaderMap = headers.into_iter().collect();
        for service in Service::ALL {
            let typed = service.path() == "/v1/responses";
            let expect = if typed { Framing::TypedEvents } else { Framing::Events };
            assert_eq!(service.framing(&headers), expect, "{}", service.path());
        }
    }

    proptest! {
        /// A broken stream never gets the mark of a complete one.
        #[test]
        fn an_error_frame_is_no_end_mark(sent in "[a\r\n]{0,12}") {
            let mut tail = StreamTail::default();
            tail.pass(sent.as_bytes());
            for framing in [Framing::Events, Framing::TypedEvents, Framing::Lines] {
                let frame = framing.error_frame(&tail, "{}").unwrap_or_default();
                prop_assert!(!frame.is_empty() && !frame.contains(Api::OpenAi.end_mark()));
            }
        }

        /// However a stream is cut into chunks, its tail is the same.
        #[test]
        fn cuts_make_no_difference(stream in "[a\r\n]{0,12}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut whole = StreamTail::default();
            whole.pass(stream.as_bytes());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut pieces = StreamTail::default();
            cuts.windows(2).for_each(|cut| pieces.pass(&stream.as_bytes()[cut[0]..cut[1]]));
            prop_assert_eq!(pieces.seen(), whole.seen());
        }
    }
}
