//! Bytes whose place tells them apart: whatever is lost, doubled, swapped or from another stream is noticed at the byte.

use std::sync::LazyLock;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use llamapool_tunnel::mux::Lost;

use super::in_time;

/// The largest body.
pub(crate) const HUNDRED_MIB: usize = 100 * 1024 * 1024;

static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut bytes = vec![0; HUNDRED_MIB];
    fastrand::Rng::with_seed(1).fill(&mut bytes);
    bytes.into()
});

/// `length` bytes from a place on; a slice, nothing is copied.
pub(crate) fn pattern(from: usize, length: usize) -> Bytes {
    PATTERN.slice(from..from + length)
}

/// Reads a body to its end and compares every byte; how many there were.
pub(crate) async fn compare<B>(mut body: B, from: usize) -> Result<usize, Lost>
where
    B: Body<Data = Bytes, Error = Lost> + Unpin,
{
    let mut at = from;
    while let Some(frame) = in_time(body.frame()).await {
        let chunk = frame?.into_data().unwrap();
        assert!(chunk == PATTERN[at..at + chunk.len()], "other bytes within {} of {at}", chunk.len());
        at += chunk.len();
    }
    Ok(at - from)
}
