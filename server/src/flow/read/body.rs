//! Collects a request's body: up to the limit, within the memory there is, and no slower than the client may be.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::body_memory::BodyMemoryPermit;
use crate::flow::accept::Arrival;
use crate::http::error::ApiError;

/// Memory set aside at once for a body that says how long it is; more follows as it comes.
const FIRST_ALLOCATION: usize = 1024 * 1024;

/// After a refusal, what the client still sends is read and thrown away, so much and so long, because most clients read the answer only when
/// they have sent everything.
const LINGER_BYTES: usize = 32 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(3);

/// A client that sends nothing for so long waits for our answer.
const LINGER_SILENCE: Duration = Duration::from_millis(250);

/// What a body may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes.
    pub(super) most: usize,
    /// Longest silence.
    pub(super) silence: Duration,
}

/// Reads a body whole.
///
/// # Errors
/// 413, 408, 503 for want of memory, 400 if it is cut off. After a refusal of ours the rest is drained for a moment.
pub(super) async fn collect(
    mut body: Body,
    headers: &HeaderMap,
    bounds: Bounds,
    share: &mut BodyMemoryPermit,
) -> Result<Bytes, ApiError> {
    let collected = gather(&mut body, headers, bounds, share).await;
    if collected.is_err() {
        drain(body, headers).await;
    }
    collected
}

/// Throws away what a refused client still sends.
pub(in crate::flow) async fn linger(arrival: Arrival) {
    drain(arrival.body, &arrival.head.headers).await;
}

async fn gather(
    body: &mut Body,
    headers: &HeaderMap,
    Bounds { most, silence }: Bounds,
    share: &mut BodyMemoryPermit,
) -> Result<Bytes, ApiError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|declared| declared > most) {
        return Err(ApiError::BodyTooLarge(most));
    }
    let Some(first) = next(body, silence).await? else { return Ok(Bytes::new()) };
    if declared == Some(first.len()) {
        share.grow(first.len())?;
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.unwrap_or(first.len()).min(FIRST_ALLOCATION));
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        if whole.len() + bytes.len() > most {
            return Err(ApiError::BodyTooLarge(most));
        }
        share.grow(bytes.len())?;
        whole.extend_from_slice(&bytes);
        chunk = next(body, silence).await?;
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Body, silence: Duration) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(silence, body.frame()).await.map_err(|_| ApiError::TooSlow)?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(_)) => return Err(ApiError::invalid("The request's body was cut off.")),
        }
    }
}

async fn drain(mut body: Body, headers: &HeaderMap) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return; // nothing more comes: a client that asked first sends nothing now
    }
    let mut left = LINGER_BYTES;
    let drain = async {
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(LINGER_SILENCE, body.frame()).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}
