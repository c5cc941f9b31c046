//! The entry point of the fuzz targets: bodies that strangers send are parsed here.

use axum::body::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::{INLINE_PEEK, Model, peek};

/// A body in which a model was found.
pub struct Found {
    model: Model,
    body: Bytes,
}

impl Found {
    /// Looks for the model; `None` if the request would be refused.
    pub fn find(content_type: &[u8], body: &[u8]) -> Option<Self> {
        if body.len() > INLINE_PEEK {
            return None; // that needs a runtime
        }
        let headers: HeaderMap =
            [(CONTENT_TYPE, HeaderValue::from_bytes(content_type).ok()?)].into_iter().collect();
        let body = Bytes::copy_from_slice(body);
        let model = peek(&headers, body.clone()).now_or_never()?.ok()?.model;
        Some(Self { model, body })
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model.name
    }

    /// The body with another name for the model.
    pub fn body_for(&self, model: &str) -> Bytes {
        self.model.rewritten_in(&self.body, model)
    }
}
