//! Looks into a JSON body: all of it is checked to be JSON, but only `model` and `stream` are read.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Model, Peek, Spelling};
use crate::http::error::ApiError;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

pub(super) fn peek(body: &Bytes) -> Result<Peek, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ApiError::invalid(format!("The body is not valid UTF-8 (at byte {}).", error.valid_up_to()))
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ApiError::invalid("The body must be a JSON object."));
    }
    let fields: Fields<'_> = serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("The body is not the JSON it should be: {error}.")))?;
    if let Some(stream) = fields.stream
        && !matches!(stream.get(), "true" | "false" | "null")
    {
        return Err(ApiError::field("stream", "`stream` must be true or false."));
    }
    let stream = fields.stream.is_some_and(|stream| stream.get() == "true");
    let raw = fields.model.ok_or_else(|| ApiError::field("model", "You must provide a `model`."))?.get();
    let name: String =
        serde_json::from_str(raw).map_err(|_| ApiError::field("model", "`model` must be a string."))?;
    // `raw` is a slice of `text`, which is `body`.
    let start = raw.as_ptr() as usize - body.as_ptr() as usize;
    let model = Model { name, at: start..start + raw.len(), spelling: Spelling::Json };
    Ok(Peek { model, stream })
}
