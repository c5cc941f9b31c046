//! What client and backend say to each other: the same bytes on every path.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// The only model of the backend.
pub(crate) const MODEL: &str = "bench";
/// Where completions are asked for.
pub(crate) const CHAT: &str = "/v1/chat/completions";
/// Size of a request body: a short question of an SDK.
pub(crate) const ASK_BYTES: usize = 500;
/// Size of an answer that is not streamed: a paragraph.
pub(crate) const ANSWER_BYTES: usize = 1024;
/// Size of one streamed event: what a runtime sends for one token.
pub(crate) const TOKEN_BYTES: usize = 180;

/// How the backend is to stream, written by the client into the body's field `bench`, which every path must
/// hand on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Script {
    /// Size of each event in bytes.
    pub(crate) bytes: usize,
    /// Time between events in microseconds; 0 is as fast as they are taken.
    pub(crate) gap_us: u64,
}

/// The part of a request body that the backend looks at.
#[derive(Deserialize)]
pub(crate) struct Question {
    pub(crate) model: String,
    pub(crate) bench: Option<Script>,
}

/// The body of a completion request, [`ASK_BYTES`] long.
pub(crate) fn ask(script: Option<&Script>) -> Bytes {
    let extra = match script {
        Some(s) => format!(r#","stream":true,"bench":{{"bytes":{},"gap_us":{}}}"#, s.bytes, s.gap_us),
        None => String::new(),
    };
    let head = format!(
        r#"{{"model":"{MODEL}","temperature":0.7,"max_tokens":256{extra},"messages":[{{"role":"system","content":"You are brief."}},{{"role":"user","content":""#
    );
    padded(&head, "\"}]}", ASK_BYTES)
}

/// The headers of a completion request as an SDK sends them; `host` and `content-length` make them nine.
pub(crate) fn headers() -> HeaderMap {
    [
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate"),
        ("authorization", "Bearer sk-bench-0123456789abcdef0123456789abcdef"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/Python 1.99.0"),
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "1.99.0"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect()
}

/// The answer to a request that does not stream, [`ANSWER_BYTES`] long.
pub(crate) fn answer() -> Bytes {
    let head = format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"{MODEL}","usage":{{"prompt_tokens":9,"completion_tokens":120,"total_tokens":129}},"choices":[{{"index":0,"finish_reason":"stop","message":{{"role":"assistant","content":""#
    );
    padded(&head, "\"}}]}", ANSWER_BYTES)
}

const STAMP_AT: &str = r#"data: {"t":"#;
const STAMP_DIGITS: usize = 20;

/// One event of exactly `bytes` that carries the time `now_ns` at which it was sent.
pub(crate) fn stamped_event(bytes: usize, now_ns: u64) -> Bytes {
    let head = format!(
        r#"{STAMP_AT}"{now_ns:0STAMP_DIGITS$}","id":"chatcmpl-bench","object":"chat.completion.chunk","model":"{MODEL}","choices":[{{"index":0,"delta":{{"content":""#
    );
    padded(&head, "\"}}]}\n\n", bytes)
}

/// When the first event in `data` was sent, if `data` begins with a stamped event.
pub(crate) fn stamp(data: &[u8]) -> Option<u64> {
    let digits = data.strip_prefix(STAMP_AT.as_bytes())?.get(1..=STAMP_DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// One event of exactly `bytes` without a time: for sizes that leave no room, and speeds that leave none.
pub(crate) fn plain_event(bytes: usize) -> Bytes {
    padded("data: \"", "\"\n\n", bytes)
}

/// `head`, as many letters as it takes, `tail`: `length` bytes in all (more if there is no room for letters).
fn padded(head: &str, tail: &str, length: usize) -> Bytes {
    let letters = length.saturating_sub(head.len() + tail.len());
    Bytes::from(format!("{head}{}{tail}", "x".repeat(letters)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_promised() {
        let script = Script { bytes: TOKEN_BYTES, gap_us: 20_000 };
        assert_eq!(ask(None).len(), ASK_BYTES);
        assert_eq!(ask(Some(&script)).len(), ASK_BYTES);
        assert_eq!(answer().len(), ANSWER_BYTES);
        assert_eq!(stamped_event(TOKEN_BYTES, u64::MAX).len(), TOKEN_BYTES);
        assert_eq!(plain_event(20).len(), 20);
    }

    #[test]
    fn bodies_are_json_and_the_script_survives() {
        let script = Script { bytes: 20, gap_us: 0 };
        let question: Question = serde_json::from_slice(&ask(Some(&script))).unwrap();
        assert_eq!((question.model.as_str(), question.bench), (MODEL, Some(script)));
        serde_json::from_slice::<serde_json::Value>(&answer()).unwrap();
        let event = stamped_event(TOKEN_BYTES, 7);
        serde_json::from_slice::<serde_json::Value>(event.strip_prefix(b"data: ").unwrap()).unwrap();
    }

    #[test]
    fn a_stamp_is_read_back_and_nothing_else_is() {
        assert_eq!(stamp(&stamped_event(TOKEN_BYTES, 42)), Some(42));
        assert_eq!(stamp(b"x\",\"id\""), None);
        assert_eq!(stamp(STAMP_AT.as_bytes()), None);
    }
}
