//! Answers of a worker that several tests want.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use llamapool_tunnel::mux::Lost;
use llamapool_tunnel::{Incoming, RequestBody, Responder, Stopped, head};

/// An encoded head.
pub(crate) fn status(status: u16) -> Bytes {
    head::encode_response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).unwrap()
}

/// The next piece of a request's body.
pub(crate) async fn next(body: &mut RequestBody) -> Option<Result<Bytes, Lost>> {
    Some(body.frame().await?.map(|frame| frame.into_data().unwrap()))
}

/// Sends the body back as it comes, and its length if that is known.
pub(crate) async fn echo(Incoming { head, mut body, mut responder }: Incoming) {
    let length = head.headers.get(header::CONTENT_LENGTH).cloned();
    let headers = length.into_iter().map(|length| (header::CONTENT_LENGTH, length)).collect();
    responder.respond(head::encode_response(StatusCode::OK, &headers).unwrap(), Bytes::new(), false);
    while let Some(chunk) = next(&mut body).await {
        let Ok(chunk) = chunk else { return };
        if responder.ready().await.is_err() {
            return;
        }
        responder.send(chunk, false);
    }
    if responder.ready().await.is_ok() {
        responder.send(Bytes::new(), true);
    }
}

/// Sends a body in pieces of a size; `sent` is told of each.
pub(crate) async fn give(
    responder: &mut Responder,
    bytes: Bytes,
    piece: usize,
    sent: impl Fn(usize),
) -> Result<(), Stopped> {
    responder.respond(status(200), Bytes::new(), bytes.is_empty());
    let mut left = bytes;
    while !left.is_empty() {
        responder.ready().await?;
        let piece = left.split_to(piece.min(left.len()));
        sent(piece.len());
        responder.send(piece, left.is_empty());
    }
    Ok(())
}
