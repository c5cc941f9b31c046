//! A way in for the fuzz targets: what strangers send is looked through here.

use axum::body::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::{Ask, INLINE_PEEK, find_model};

/// A body in which a model was found.
pub struct Found(Ask);

impl Found {
    /// Looks for the model; `None` if the request would be refused.
    pub fn find(content_type: &[u8], body: &[u8]) -> Option<Self> {
        if body.len() > INLINE_PEEK {
            return None; // that needs a runtime
        }
        let headers: HeaderMap =
            [(CONTENT_TYPE, HeaderValue::from_bytes(content_type).ok()?)].into_iter().collect();
        let body = Bytes::copy_from_slice(body);
        let model = find_model(&headers, body.clone()).now_or_never()?.ok()?;
        Some(Self(Ask { target: String::new(), headers, model, body }))
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.0.model.name
    }

    /// The body with another name for the model.
    pub fn body_for(&self, model: &str) -> Bytes {
        self.0.body_for(model)
    }
}
