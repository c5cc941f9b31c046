//! Undoes the `Content-Encoding` of a request body, within the limits of any other body: the decoded size counts.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use crate::body_memory::BodyMemoryPermit;
use crate::http::error::ApiError;

/// Largest window of a zstd frame, which is the decoder's memory: RFC 9659 allows no larger one as a content encoding.
const MAX_WINDOW: usize = 8 * 1024 * 1024;

/// Bytes decoded before the limits are checked again.
const CHUNK: usize = 64 * 1024;

/// A supported encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    /// The encoding of a body; `None` if it has none.
    ///
    /// # Errors
    /// 415 for encodings that are not known, and for more than one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut found = None;
        for value in headers.get_all(CONTENT_ENCODING) {
            let named = value.to_str().map_err(|_| unsupported(headers))?.split(',').map(str::trim);
            for name in named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
                let encoding = Self::named(name).ok_or_else(|| unsupported(headers))?;
                if found.replace(encoding).is_some() {
                    return Err(unsupported(headers));
                }
            }
        }
        Ok(found)
    }

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// Decodes a body of at most `most` bytes, on another thread, because a few bytes can become many. Afterwards the permit holds the memory of
    /// the decoded body only.
    ///
    /// # Errors
    /// 413, 503 if the memory for bodies is exhausted, 400 if the body does not have the stated encoding.
    pub(super) async fn decode(
        self,
        body: Bytes,
        most: usize,
        mut memory: BodyMemoryPermit,
    ) -> Result<(Bytes, BodyMemoryPermit), ApiError> {
        let decode = move || {
            let mut decoded = Decoded { bytes: BytesMut::new(), most, memory: &mut memory };
            match self {
                Self::Gzip => decoded.read(MultiGzDecoder::new(&*body), self),
                Self::Deflate => decoded.read(ZlibDecoder::new(&*body), self),
                Self::Zstd => decoded.read_frames(&body),
            }?;
            let bytes = decoded.bytes.freeze();
            memory.shrink(body.len());
            Ok((bytes, memory))
        };
        tokio::task::spawn_blocking(decode).await.map_err(|_| ApiError::Internal)?
    }
}

/// The decoded part of a body.
struct Decoded<'a> {
    bytes: BytesMut,
    most: usize,
    memory: &'a mut BodyMemoryPermit,
}

impl Decoded<'_> {
    fn read(&mut self, mut decoder: impl Read, encoding: Encoding) -> Result<(), ApiError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = decoder.read(&mut chunk).map_err(|_| broken(encoding))?;
            if length == 0 {
                return Ok(());
            }
            if self.bytes.len() + length > self.most {
                return Err(ApiError::BodyTooLarge(self.most));
            }
            self.memory.grow(length).map_err(|_| ApiError::Overloaded)?;
            self.bytes.extend_from_slice(&chunk[..length]);
        }
    }

    /// A zstd body is one or more frames. Skippable frames contain nothing.
    fn read_frames(&mut self, body: &[u8]) -> Result<(), ApiError> {
        // The decoder keeps no more of a frame than exists, and no more than is allowed.
        let window = MAX_WINDOW.min(self.most);
        self.memory.grow(window).map_err(|_| ApiError::Overloaded)?;
        let mut rest = body;
        while !rest.is_empty() {
            match StreamingDecoder::new_with_max_window_size(&mut rest, MAX_WINDOW as u64) {
                Ok(decoder) => self.read(decoder, Encoding::Zstd)?,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => rest = rest.get(length as usize..).ok_or_else(|| broken(Encoding::Zstd))?,
                Err(_) => return Err(broken(Encoding::Zstd)),
            }
        }
        self.memory.shrink(window);
        Ok(())
    }
}

fn unsupported(headers: &HeaderMap) -> ApiError {
    let given: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.as_bytes()).collect();
    ApiError::UnsupportedEncoding(String::from_utf8_lossy(&given.join(&b", "[..])).into_owned())
}

fn broken(encoding: Encoding) -> ApiError {
    ApiError::invalid(format!(
        "The body is not valid {0}, though its Content-Encoding is {0}.",
        encoding.name()
    ))
}
