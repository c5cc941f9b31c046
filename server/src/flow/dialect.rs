//! The paths that carry a model, and how streams of their answers say that something went wrong.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::http::error::ApiError;

/// The service whose events have types.
const RESPONSES: &str = "/v1/responses";

/// A service of the API: a path below `/v1` that is relayed to whoever has the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service(&'static str);

impl Service {
    /// All of them, as OpenAI names them; rerank as Cohere and Jina do.
    pub const ALL: &[Self] = &[
        Self("/v1/chat/completions"),
        Self("/v1/completions"),
        Self("/v1/embeddings"),
        Self("/v1/responses"),
        Self("/v1/rerank"),
        Self("/v1/moderations"),
        Self("/v1/images/generations"),
        Self("/v1/images/edits"),
        Self("/v1/images/variations"),
        Self("/v1/audio/speech"),
        Self("/v1/audio/transcriptions"),
        Self("/v1/audio/translations"),
    ];

    /// The path as workers see it.
    pub fn path(self) -> &'static str {
        self.0
    }
}

/// How a stream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Server-sent events, as chat and completions stream.
    Events,
    /// Server-sent events that have a name and a type, as the Responses API streams.
    TypedEvents,
    /// One JSON object on a line.
    Lines,
    /// Not a stream with room for a word of ours.
    Opaque,
}

impl Dialect {
    /// What the headers of a reply say. One with a length has no room for more.
    pub(super) fn of(path: &str, headers: &HeaderMap) -> Self {
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if headers.contains_key(http::header::CONTENT_LENGTH)
            || headers.contains_key(http::header::CONTENT_ENCODING)
        {
            return Self::Opaque;
        }
        match essence.as_str() {
            "text/event-stream" if path == RESPONSES => Self::TypedEvents,
            "text/event-stream" => Self::Events,
            "application/x-ndjson" | "application/jsonl" | "application/jsonlines" => Self::Lines,
            _ => Self::Opaque,
        }
    }

    /// The last words of a broken stream; `boundary` is what the stream ended with so far. An event or line that was cut is closed first: the
    /// client cannot use it, but must not take our words for its rest.
    pub(super) fn error_frame(
        self,
        boundary: &StreamTail,
        error: &ApiError,
        request_id: &str,
    ) -> Option<String> {
        let gap = boundary.gap(self);
        match self {
            Self::Events => Some(format!("{gap}data: {}\n\n", error.json(request_id))),
            Self::TypedEvents => {
                Some(format!("{gap}event: error\ndata: {}\n\n", error.typed_json(request_id)))
            }
            Self::Lines => Some(format!("{gap}{}\n", error.json(request_id))),
            Self::Opaque => None,
        }
    }

    /// Whether it is a stream of events.
    pub(super) fn is_events(self) -> bool {
        matches!(self, Self::Events | Self::TypedEvents)
    }
}

/// Remembers how a stream ended so far: its last bytes, and nothing else.
#[derive(Debug, Default)]
pub(super) struct StreamTail {
    last: [u8; 4],
    len: u8,
}

impl StreamTail {
    /// Takes note of a chunk. Constant time, whatever its size.
    pub(super) fn pass(&mut self, chunk: &[u8]) {
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

    fn seen(&self) -> &[u8] {
        &self.last[4 - usize::from(self.len)..]
    }

    /// What is missing to the end of an event or line (events end with an empty line; a line ends with LF, CR LF or CR).
    fn gap(&self, dialect: Dialect) -> &'static str {
        let seen = self.seen();
        let line_ended = seen.is_empty() || seen.ends_with(b"\n") || seen.ends_with(b"\r");
        let event_ended =
            seen.is_empty() || [&b"\n\n"[..], b"\r\r", b"\n\r\n"].iter().any(|end| seen.ends_with(end));
        match dialect {
            Dialect::Events | Dialect::TypedEvents if event_ended => "",
            Dialect::Events | Dialect::TypedEvents if line_ended => "\n",
            Dialect::Events | Dialect::TypedEvents => "\n\n",
            Dialect::Lines if line_ended => "",
            Dialect::Lines => "\n",
            Dialect::Opaque => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_event_is_closed_before_our_words() {
        let check = |dialect: Dialect, sent: &str, expect: &str| {
            let mut boundary = StreamTail::default();
            boundary.pass(sent.as_bytes());
            let words = dialect.error_frame(&boundary, &ApiError::Cancelled, "id").unwrap();
            let gap = words.trim_end_matches('\n').trim_end_matches(|other| other != '\n');
            assert_eq!(gap, expect, "{sent:?}");
        };
        check(Dialect::Events, "data: 1\n\n", "");
        check(Dialect::Events, "data: 1\r\n\r\n", "");
        check(Dialect::Events, "data: 1\r\r", "");
        check(Dialect::Events, "", "");
        check(Dialect::Events, "data: 1\n", "\n");
        check(Dialect::Events, "data: 1\r\n", "\n");
        check(Dialect::Events, "data: {\"a", "\n\n");
        check(Dialect::Lines, "{}\n", "");
        check(Dialect::Lines, "{\"a", "\n");
    }

    #[test]
    fn the_dialect_follows_the_content_type_and_never_breaks_a_length() {
        let check = |pairs: &[(&str, &str)], expect| {
            let headers = pairs.iter().map(|(name, value)| {
                (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap())
            });
            assert_eq!(Dialect::of("/v1/completions", &headers.collect()), expect, "{pairs:?}");
        };
        check(&[("content-type", "text/event-stream; charset=utf-8")], Dialect::Events);
        check(&[("content-type", "Text/Event-Stream")], Dialect::Events);
        check(&[("content-type", "application/x-ndjson")], Dialect::Lines);
        check(&[("content-type", "application/json")], Dialect::Opaque);
        check(&[("content-type", "text/event-stream"), ("content-length", "5")], Dialect::Opaque);
        check(&[("content-type", "text/event-stream"), ("content-encoding", "gzip")], Dialect::Opaque);
        check(&[], Dialect::Opaque);
    }

    proptest! {
        /// However a stream is cut into chunks, its boundary is the same.
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
