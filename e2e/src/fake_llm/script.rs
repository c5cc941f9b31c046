//! What a fake runtime can be told to do with a request.

use serde::{Deserialize, Serialize};

/// What to do with one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Answer at once, in full.
    Answer,
    /// Send the body back as it came, with its content type.
    Echo,
    /// Stream tokens as chat completion chunks.
    Stream {
        /// How many.
        tokens: u32,
        /// How fast.
        pace: Pace,
        /// How it ends.
        end: End,
    },
    /// Stream these very chunks.
    Chunks {
        /// Their content type.
        content_type: String,
        /// The bytes, each element written at once.
        chunks: Vec<Vec<u8>>,
        /// How fast.
        pace: Pace,
        /// How it ends.
        end: End,
    },
    /// Send so many MiB that differ everywhere, see `fake_llm::pattern`.
    Pattern {
        /// How many.
        mib: u32,
    },
    /// Refuse, in OpenAI's shape.
    Status {
        /// The status.
        code: u16,
        /// Seconds in `Retry-After`.
        retry_after: Option<u32>,
    },
    /// Read the request and never answer.
    HangBeforeHead,
    /// Never read the body; wait.
    IgnoreBody,
    /// Refuse with this status at once, and read the rest of the body for politeness.
    RefuseEarly(u16),
    /// Refuse with this status and close without having read the body.
    RefuseUnread(u16),
    /// Read the body one piece for each step, then answer.
    ReadStepped,
    /// Answer something that is not HTTP.
    Garbage,
    /// Close the connection without a word.
    Slam,
}

/// How fast chunks follow each other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As fast as they are taken.
    FlatOut,
    /// One in so many milliseconds.
    Every(u64),
    /// One for each `FakeLlm::step`.
    Stepped,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// As it should; a token stream with `[DONE]`.
    Clean,
    /// The connection breaks.
    Die,
    /// Nothing more comes.
    Hang,
}

impl Script {
    /// `tokens` as fast as they are taken, with a clean end.
    pub fn tokens(tokens: u32) -> Self {
        Self::Stream { tokens, pace: Pace::FlatOut, end: End::Clean }
    }

    /// One token in so many milliseconds, with a clean end.
    pub fn paced(tokens: u32, gap_ms: u64) -> Self {
        Self::Stream { tokens, pace: Pace::Every(gap_ms), end: End::Clean }
    }

    /// One token for each step of the test, with a clean end.
    pub fn stepped(tokens: u32) -> Self {
        Self::Stream { tokens, pace: Pace::Stepped, end: End::Clean }
    }

    /// Refuse with `code`.
    pub fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None }
    }
}
