//! Reads the model's name where the runtime will read it, in the body, as the body passes. The chunk that would complete the body is sent on only
//! after the name is known to be offered. Only the name is kept.
//!
//! A body that two programs could read differently is refused: one with a name that is given twice, or in a place where only some runtimes look.

mod form;
mod json;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Body, Frame, SizeHint};

use super::refusal::Refusal;
use crate::runtime::{MAX_NAME, Offered};
use form::FormScanner;
use json::JsonScanner;

/// Longest encoding of a name that is read, bytes: in JSON, a character may take six.
const MAX_SPELLING: usize = 6 * MAX_NAME;

const TOO_LONG: &str = "The model's name is too long.";
const NOT_ONE: &str = "The request must name its model once.";

/// Finds the model's name in a body as it passes.
pub(super) struct Scanner {
    format: Format,
    offered: Offered,
    found: bool,
}

enum Format {
    Json(JsonScanner),
    Form(Box<FormScanner>),
}

/// What a scanner has found in a part of a body.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing in the rest of the part.
    Nothing,
    /// The model's name.
    Model(String),
    /// The end of what a runtime reads.
    End,
}

impl Scanner {
    /// A scanner for a request with these headers and this path and query.
    ///
    /// # Errors
    /// The runtime may read the body in more than one way.
    pub(super) fn new(target: &str, headers: &HeaderMap, offered: Offered) -> Result<Self, Refusal> {
        if target.split_once('?').is_some_and(|(_, query)| form::query_names_model(query)) {
            return Err(Refusal::Ambiguous("The model must be named in the body, not in the query."));
        }
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let format = match (types.next(), types.next()) {
            (None, _) => Format::Json(JsonScanner::default()),
            (Some(one), None) => format(one.to_str().unwrap_or("form"))?,
            (Some(_), Some(_)) => {
                return Err(Refusal::Ambiguous("The request has more than one content type."));
            }
        };
        Ok(Self { format, offered, found: false })
    }

    /// Scans the next part.
    ///
    /// # Errors
    /// The request must not reach the runtime completely.
    fn pass(&mut self, mut piece: &[u8]) -> Result<(), Refusal> {
        loop {
            let found = match &mut self.format {
                Format::Json(scanner) => scanner.find(&mut piece),
                Format::Form(scanner) => scanner.find(&mut piece),
            };
            match found.map_err(Refusal::Ambiguous)? {
                Found::Nothing => return Ok(()),
                Found::Model(_) if self.found => return Err(Refusal::Ambiguous(NOT_ONE)),
                Found::Model(name) if self.offered.refuses(&name) => return Err(Refusal::NotOffered(name)),
                Found::Model(_) => self.found = true,
                Found::End if self.found => {}
                Found::End => return Err(Refusal::Ambiguous(NOT_ONE)),
            }
        }
    }
}

/// The scanner for a body of this type. Some runtimes may treat a type that resembles a form's as a form.
fn format(content_type: &str) -> Result<Format, Refusal> {
    let content_type_lower = content_type.to_ascii_lowercase();
    if !content_type_lower.contains("form") && !content_type_lower.contains("multipart") {
        return Ok(Format::Json(JsonScanner::default()));
    }
    let boundary = form::boundary(content_type);
    let boundary = boundary.ok_or(Refusal::Ambiguous("The form's content type has no usable boundary."))?;
    Ok(Format::Form(Box::new(FormScanner::new(boundary))))
}

/// A body that is scanned as it passes, and breaks off if the runtime must not get all of it.
pub(super) struct Guarded<B> {
    body: B,
    scanner: Option<Scanner>,
    refusal: Arc<OnceLock<Refusal>>,
}

/// The request was refused while its body was passing.
#[derive(Debug, thiserror::Error)]
#[error("the request was refused")]
pub(super) struct BrokenOff;

impl<B> Guarded<B> {
    /// Without a scanner, the body passes unchanged.
    pub(super) fn new(body: B, scanner: Option<Scanner>) -> Self {
        Self { body, scanner, refusal: Arc::default() }
    }

    /// Where the reason is stored if the body is refused.
    pub(super) fn refusal(&self) -> Arc<OnceLock<Refusal>> {
        self.refusal.clone()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Guarded<B>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx)).map(|frame| frame.map_err(Into::into));
        let (Some(scanner), Some(Ok(piece))) = (&mut this.scanner, &frame) else { return Poll::Ready(frame) };
        if let Err(refusal) = scanner.pass(piece.data_ref().map_or(&[], |piece| piece)) {
            // Only the first reason is kept; hyper does not continue after it.
            let _ = this.refusal.set(refusal);
            return Poll::Ready(Some(Err(Box::new(BrokenOff))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
