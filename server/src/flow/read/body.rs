//! Reads the body of a request: up to the limit, within the memory for bodies, and within the time limits.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;

use crate::body_memory::BodyMemoryPermit;
use crate::http::error::ApiError;

/// Memory allocated at first for a body that declares its length; more follows as the body arrives.
const FIRST_ALLOCATION: usize = 1024 * 1024;

/// Limits of a body.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Largest size, bytes.
    pub(super) most: usize,
    /// Longest time without data.
    pub(super) silence: Duration,
}

/// Reads the whole body.
///
/// # Errors
/// 413, 408, 503 if the memory for bodies is exhausted, 400 if the body is cut off.
pub(super) async fn collect(
    mut body: Body,
    headers: &HeaderMap,
    Bounds { most, silence }: Bounds,
    memory: &mut BodyMemoryPermit,
) -> Result<Bytes, ApiError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|declared| declared > most) {
        return Err(ApiError::BodyTooLarge(most));
    }
    let Some(first) = next(&mut body, silence).await? else { return Ok(Bytes::new()) };
    if declared == Some(first.len()) {
        memory.grow(first.len()).map_err(|_| ApiError::Overloaded)?;
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.unwrap_or(first.len()).min(FIRST_ALLOCATION));
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        if whole.len() + bytes.len() > most {
            return Err(ApiError::BodyTooLarge(most));
        }
        memory.grow(bytes.len()).map_err(|_| ApiError::Overloaded)?;
        whole.extend_from_slice(&bytes);
        chunk = next(&mut body, silence).await?;
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Body, silence: Duration) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame =
            tokio::time::timeout(silence, body.frame()).await.map_err(|_| ApiError::RequestTimeout)?;
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
