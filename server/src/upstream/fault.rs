//! Why an upstream did not respond, or did not finish: what failed, whose fault it is, and whether another upstream may be tried.

use std::borrow::Cow;
use std::time::Duration;

/// A failed request to an upstream. Displays as its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// What failed.
    pub kind: FaultKind,
    /// Whose fault it is.
    pub blame: Blame,
    /// Whether another upstream may be tried, as long as the client has not received anything.
    pub retry: bool,
    /// The message for callers.
    pub text: Cow<'static, str>,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection has no room for another request at the moment.
    Full,
    /// The upstream did not start the request: it is busy, draining or has just left.
    Refused,
    /// No connection could be made.
    Unreachable,
    /// The upstream was lost, or it or its runtime failed.
    Lost,
    /// The upstream sent nothing for this long.
    Timeout(Duration),
    /// The head of the request is larger than this many bytes.
    HeadTooLarge(usize),
    /// The memory for request bodies is exhausted, so the body cannot be rewritten.
    NoMemory,
    /// The request cannot be expressed for this upstream.
    Unsendable,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller sent something that no upstream accepts.
    Caller,
    /// The upstream, its runtime, or the network in between.
    Upstream,
    /// This server.
    Server,
}

impl Fault {
    /// The upstream was lost or failed.
    pub fn lost(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: FaultKind::Lost, blame: Blame::Upstream, retry: true, text: text.into() }
    }

    /// The upstream did not start the request, which says nothing against it.
    pub fn refused(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: FaultKind::Refused, blame: Blame::Server, retry: true, text: text.into() }
    }

    /// There is no memory to rewrite the request's body for this upstream.
    pub fn no_memory() -> Self {
        let text = "there is no memory to rewrite the request's body".into();
        Self { kind: FaultKind::NoMemory, blame: Blame::Server, retry: true, text }
    }

    /// No connection to the upstream could be made.
    pub fn unreachable(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: FaultKind::Unreachable, blame: Blame::Upstream, retry: true, text: text.into() }
    }

    /// The upstream sent nothing for this long. The client has waited long enough, so no other upstream is tried.
    pub fn timeout(after: Duration) -> Self {
        let text = format!("silent for {} s", after.as_secs_f32()).into();
        Self { kind: FaultKind::Timeout(after), blame: Blame::Upstream, retry: false, text }
    }
}

impl FaultKind {
    /// The `error.type` of traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Lost => "lost",
            Self::Timeout(_) => "timeout",
            Self::HeadTooLarge(_) => "headers_too_large",
            Self::NoMemory => "no_memory",
            Self::Unsendable => "unsendable",
        }
    }
}
