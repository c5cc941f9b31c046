//! Frames as values, with `encode` next to `decode`: the units of a binary message.
//!
//! A frame is `u32 length << 8 | type`, `u32 stream id` (both little-endian) and the payload; bit 7 of the type is END. A message consists of
//! complete frames, back to back. The table is in `docs/tunnel.md`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::lenient;

/// Bytes before the payload.
pub const FRAME_HEADER: usize = 8;

/// Most body bytes in a DATA frame that we send: small enough that a RESET or another stream's token is never far behind a long response.
pub const MAX_DATA: usize = 16 * 1024;

/// Most body bytes in a DATA frame sent together with its HEAD: a request that fits is one write, and the largest frame that a peer may send.
pub const MAX_FIRST_DATA: usize = 64 * 1024;

/// Largest head block. HTTP servers commonly allow 8 to 64 KiB; a larger one is a 431 at the server, a RESET at the worker.
pub const MAX_HEAD: usize = 64 * 1024;

/// Longest text of a RESET: a reason for a log line, not a page.
pub const MAX_RESET_TEXT: usize = 1024;

const HEAD: u8 = 1;
const DATA: u8 = 2;
const RESET: u8 = 4;
const CREDIT: u8 = 5;
const PING: u8 = 6;
const PONG: u8 = 7;
const END: u8 = 0x80;

/// Identifies an exchange on a tunnel: from 1 upward, wrapping, never 0.
pub type StreamId = u32;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The head of a request (server to worker) or of a response (back), see [`super::head`].
    Head {
        /// The stream.
        id: StreamId,
        /// Whether no body follows.
        end: bool,
        /// The encoded head.
        block: Bytes,
    },
    /// Body bytes, opaque. Empty only together with `end`.
    Data {
        /// The stream.
        id: StreamId,
        /// Whether the body is complete.
        end: bool,
        /// The bytes.
        body: Bytes,
    },
    /// The sender ends the stream early.
    Reset {
        /// The stream.
        id: StreamId,
        /// The reason, for programs.
        code: Code,
        /// The reason, for logs and error messages.
        text: String,
    },
    /// This many more bytes may be sent on the stream.
    Credit {
        /// The stream.
        id: StreamId,
        /// Added to the remaining credit.
        bytes: u32,
    },
    /// Asks whether the peer's multiplexer is running.
    Ping,
    /// The response to PING.
    Pong,
}

/// Why a stream was reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// The rest of the body is not needed. Not an error.
    Stop = 0,
    /// The client disconnected.
    Cancel = 1,
    /// The runtime failed before or during its response.
    Backend = 2,
    /// A rule of the tunnel was broken in this stream only, for example by a head that is too large.
    Protocol = 3,
    /// Nothing was done: the request can safely be sent elsewhere.
    Refused = 4,
    /// The runtime was silent for too long.
    Timeout = 5,
    /// The runtime could not be connected to, so nothing was done. Older peers read it as [`Self::Backend`].
    Unreachable = 6,
}

impl Code {
    /// An unknown code of a newer peer: the stream failed.
    fn from_wire(code: u32) -> Self {
        match code {
            0 => Self::Stop,
            1 => Self::Cancel,
            3 => Self::Protocol,
            4 => Self::Refused,
            5 => Self::Timeout,
            6 => Self::Unreachable,
            _ => Self::Backend,
        }
    }
}

/// The peer broke the protocol: the tunnel is closed with WebSocket code 1002.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The message ends in the middle of a frame.
    #[error("truncated frame")]
    Truncated,
    /// The frame type is unknown.
    #[error("unknown frame type {0}")]
    UnknownType(u8),
    /// The payload's size is invalid for the frame's type.
    #[error("frame of type {0} with a payload of {1} bytes")]
    Size(u8, usize),
    /// HEAD with an id that is 0, in use, or not the receiver's to answer.
    #[error("unexpected HEAD on stream {0}")]
    UnexpectedHead(StreamId),
    /// DATA after END, or before the head of the response.
    #[error("unexpected DATA on stream {0}")]
    UnexpectedData(StreamId),
    /// More DATA than the credit allows.
    #[error("DATA beyond the credit of stream {0}")]
    Credit(StreamId),
    /// Too many unreadable messages.
    #[error("too many unreadable messages")]
    Unreadable,
    /// Credit that adds up to more than a sender may ever hold.
    #[error("absurd credit on stream {0}")]
    Overflow(StreamId),
}

impl Frame {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Head { id, end, block } => put(out, HEAD, *end, *id, block),
            Self::Data { id, end, body } => put(out, DATA, *end, *id, body),
            Self::Reset { id, code, text } => {
                let text = &text.as_bytes()[..floor_char_boundary(text, MAX_RESET_TEXT)];
                put_header(out, RESET, false, *id, 4 + text.len());
                out.put_u32_le(*code as u32);
                out.put_slice(text);
            }
            Self::Credit { id, bytes } => put(out, CREDIT, false, *id, &bytes.to_le_bytes()),
            Self::Ping => put(out, PING, false, 0, &[]),
            Self::Pong => put(out, PONG, false, 0, &[]),
        }
    }

    /// Takes the next frame of a message; its payload is a slice of the message. `None` at the end.
    ///
    /// # Errors
    /// The frame is invalid; sizes are checked before anything is stored.
    pub fn decode(message: &mut Bytes) -> Result<Option<Self>, Violation> {
        if message.is_empty() {
            return Ok(None);
        }
        if message.len() < FRAME_HEADER {
            return Err(Violation::Truncated);
        }
        let word = message.get_u32_le();
        let id = message.get_u32_le();
        let (length, kind, end) = ((word >> 8) as usize, word as u8 & !END, word as u8 & END != 0);
        if length > message.len() {
            return Err(Violation::Truncated);
        }
        let mut payload = message.split_to(length);
        Ok(Some(match kind {
            HEAD if length <= MAX_HEAD => Self::Head { id, end, block: payload },
            DATA if length <= MAX_FIRST_DATA && (length > 0 || end) => Self::Data { id, end, body: payload },
            RESET if (4..=4 + MAX_RESET_TEXT).contains(&length) => {
                let code = Code::from_wire(payload.get_u32_le());
                Self::Reset {
                    id,
                    code,
                    text: lenient::line(&String::from_utf8_lossy(&payload), MAX_RESET_TEXT),
                }
            }
            CREDIT if length == 4 => Self::Credit { id, bytes: payload.get_u32_le() },
            PING if length == 0 => Self::Ping,
            PONG if length == 0 => Self::Pong,
            HEAD | DATA | RESET | CREDIT | PING | PONG => return Err(Violation::Size(kind, length)),
            _ => return Err(Violation::UnknownType(kind)),
        }))
    }
}

/// Appends a DATA frame without creating a value first: this runs once per token.
pub(super) fn put_data(out: &mut BytesMut, id: StreamId, end: bool, body: &[u8]) {
    put(out, DATA, end, id, body);
}

/// Appends `body` to the DATA frame without END that starts at `at` and is the last one in `out`.
pub(super) fn extend_data(out: &mut BytesMut, at: usize, end: bool, body: &[u8]) {
    out.put_slice(body);
    let length = out.len() - at - FRAME_HEADER;
    out[at..at + 4].copy_from_slice(&word(DATA, end, length).to_le_bytes());
}

/// The payload length of the frame at the start of `encoded`, which we have encoded ourselves.
pub(super) fn payload_length(mut encoded: &[u8]) -> usize {
    (encoded.get_u32_le() >> 8) as usize
}

fn put(out: &mut BytesMut, kind: u8, end: bool, id: StreamId, payload: &[u8]) {
    put_header(out, kind, end, id, payload.len());
    out.put_slice(payload);
}

fn put_header(out: &mut BytesMut, kind: u8, end: bool, id: StreamId, length: usize) {
    debug_assert!(length < 1 << 24, "the length field has 24 bits");
    out.reserve(FRAME_HEADER + length);
    out.put_u32_le(word(kind, end, length));
    out.put_u32_le(id);
}

fn word(kind: u8, end: bool, length: usize) -> u32 {
    (length as u32) << 8 | u32::from(kind) | if end { u32::from(END) } else { 0 }
}

fn floor_char_boundary(text: &str, most: usize) -> usize {
    let mut at = text.len().min(most);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let bytes = |most| prop::collection::vec(any::<u8>(), 1..most).prop_map(Bytes::from);
        let code = prop::sample::select(vec![
            Code::Stop,
            Code::Cancel,
            Code::Backend,
            Code::Protocol,
            Code::Refused,
            Code::Timeout,
            Code::Unreachable,
        ]);
        prop_oneof![
            (any::<u32>(), any::<bool>(), bytes(300)).prop_map(|(id, end, block)| Frame::Head {
                id,
                end,
                block
            }),
            (any::<u32>(), any::<bool>(), bytes(2000)).prop_map(|(id, end, body)| Frame::Data {
                id,
                end,
                body
            }),
            any::<u32>().prop_map(|id| Frame::Data { id, end: true, body: Bytes::new() }),
            (any::<u32>(), code, "[ -~é模]{0,40}").prop_map(|(id, code, text)| Frame::Reset {
                id,
                code,
                text
            }),
            (any::<u32>(), any::<u32>()).prop_map(|(id, bytes)| Frame::Credit { id, bytes }),
            Just(Frame::Ping),
            Just(Frame::Pong),
        ]
    }

    fn decode_all(mut message: Bytes) -> Result<Vec<Frame>, Violation> {
        std::iter::from_fn(|| Frame::decode(&mut message).transpose()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn decoding_is_the_inverse_of_encoding(frames in prop::collection::vec(frames(), 0..8)) {
            let mut message = BytesMut::new();
            frames.iter().for_each(|frame| frame.encode(&mut message));
            prop_assert_eq!(decode_all(message.freeze()).unwrap(), frames);
        }

        #[test]
        fn any_cut_is_noticed(frame in frames(), cut in any::<prop::sample::Index>()) {
            let mut message = BytesMut::new();
            frame.encode(&mut message);
            let cut = 1 + cut.index(message.len() - 1).min(message.len() - 2);
            message.truncate(cut);
            prop_assert_eq!(decode_all(message.freeze()), Err(Violation::Truncated));
        }

        #[test]
        fn rubbish_is_refused_or_decoded_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_all(bytes.into());
        }
    }

    #[test]
    fn sizes_are_checked_before_anything_is_kept() {
        let check = |kind: u8, end, length: usize, expect| {
            let mut message = BytesMut::new();
            put(&mut message, kind, end, 1, &vec![0; length]);
            assert_eq!(decode_all(message.freeze()), Err(expect), "type {kind}, {length} bytes");
        };
        check(DATA, false, 0, Violation::Size(DATA, 0));
        check(DATA, false, MAX_FIRST_DATA + 1, Violation::Size(DATA, MAX_FIRST_DATA + 1));
        check(HEAD, true, MAX_HEAD + 1, Violation::Size(HEAD, MAX_HEAD + 1));
        check(CREDIT, false, 3, Violation::Size(CREDIT, 3));
        check(RESET, false, 3, Violation::Size(RESET, 3));
        check(PING, false, 1, Violation::Size(PING, 1));
        check(9, false, 0, Violation::UnknownType(9));
    }

    #[test]
    fn a_reset_text_is_one_line() {
        let mut message = BytesMut::new();
        put(&mut message, RESET, false, 1, b"\x02\0\0\0gone\n2026-01-01 INFO all is well\x1b[2J");
        let text = "gone 2026-01-01 INFO all is well [2J".to_owned();
        assert_eq!(decode_all(message.freeze()), Ok(vec![Frame::Reset { id: 1, code: Code::Backend, text }]));
    }

    #[test]
    fn a_long_reset_text_is_cut_between_characters() {
        let mut message = BytesMut::new();
        Frame::Reset { id: 1, code: Code::Backend, text: "é".repeat(MAX_RESET_TEXT) }.encode(&mut message);
        let [Frame::Reset { text, .. }] = &decode_all(message.freeze()).unwrap()[..] else {
            panic!("not one RESET")
        };
        assert_eq!(text.len(), MAX_RESET_TEXT);
        assert!(!text.contains(char::REPLACEMENT_CHARACTER));
    }
}
