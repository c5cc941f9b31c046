//! One response of the runtime, passed on chunk by chunk.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::{Response, response};
use http_body::Body;
use http_body_util::BodyExt;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::{RequestBody, Responder, head};

use super::client::Reply;
use super::headers;
use super::model_not_found::Watch;
use super::named_model::Guarded;
use crate::ledger::{Job, Outcome};

/// The body of a response.
type Answer = Reply<Guarded<RequestBody>>;

/// Sends the response as it arrives. Body bytes that arrive with the head are sent with it.
pub(super) async fn stream(
    response: Response<Answer>,
    mut responder: Responder,
    silence: Option<Duration>,
    mut watch: Watch,
    job: &mut Job,
) -> Outcome {
    let (parts, mut body) = response.into_parts();
    if parts.status.is_informational() {
        responder.fail(Code::Backend, "the runtime asked to switch to another protocol");
        return Outcome::Failed;
    }
    let length = length(&parts, &body);
    let headers = headers::from_runtime(parts.headers, length);
    let Ok(block) = head::encode_response(parts.status, &headers) else {
        responder.fail(Code::Protocol, "the runtime's headers are too large");
        return Outcome::Failed;
    };
    job.answered(parts.status);
    drop(headers); // they would keep a buffer of the connection alive as long as the stream
    let next = match next_now(&mut body) {
        Some(Ok(chunk)) => {
            watch.see(&chunk);
            let after = next_now(&mut body);
            job.pass(&chunk);
            responder.respond(block, chunk, is_done(after.as_ref()));
            after
        }
        Some(Err(End::Done)) => {
            responder.respond(block, Bytes::new(), true);
            return job.whole();
        }
        other => {
            responder.respond(block, Bytes::new(), false);
            other
        }
    };
    pour(body, next, responder, silence, watch, job).await
}

/// Sends the rest, beginning with `next` if that has arrived. A chunk is held back only to check whether it is the last one.
async fn pour(
    mut body: Answer,
    mut next: Option<Result<Bytes, End>>,
    mut responder: Responder,
    silence: Option<Duration>,
    mut watch: Watch,
    job: &mut Job,
) -> Outcome {
    loop {
        let chunk = match next.take() {
            Some(chunk) => chunk,
            None => tokio::select! {
                biased;
                chunk = quiet_for(silence, next_chunk(&mut body)) => chunk.unwrap_or(Err(End::Silent)),
                stopped = responder.stopped() => return job.unwanted(stopped),
            },
        };
        let (code, why) = match chunk {
            Ok(chunk) => {
                if let Err(stopped) = responder.ready().await {
                    return job.unwanted(stopped);
                }
                watch.see(&chunk);
                next = next_now(&mut body);
                job.pass(&chunk);
                responder.send(chunk, is_done(next.as_ref()));
                continue;
            }
            Err(End::Done) => {
                watch.end();
                return finish(responder, job).await;
            }
            Err(End::Broken(why)) => (Code::Backend, why),
            Err(End::Silent) => (Code::Timeout, "the runtime was silent for too long".to_owned()),
        };
        responder.fail(code, &why);
        return Outcome::Failed;
    }
}

/// The body is complete: waits until the last chunk is on its way, and ends the response if that chunk did not end it.
async fn finish(mut responder: Responder, job: &mut Job) -> Outcome {
    match responder.ready().await {
        Ok(()) => responder.send(Bytes::new(), true),
        Err(_) if responder.is_sent() => {}
        Err(stopped) => return job.unwanted(stopped),
    }
    job.whole()
}

/// How a body ended.
enum End {
    Done,
    Broken(String),
    Silent,
}

fn is_done(next: Option<&Result<Bytes, End>>) -> bool {
    matches!(next, Some(Err(End::Done)))
}

/// The next chunk, if it has already arrived.
fn next_now(body: &mut Answer) -> Option<Result<Bytes, End>> {
    next_chunk(body).now_or_never()
}

async fn next_chunk(body: &mut Answer) -> Result<Bytes, End> {
    loop {
        if body.is_end_stream() {
            return Err(End::Done);
        }
        match body.frame().await {
            None => return Err(End::Done),
            Some(Err(error)) => return Err(End::Broken(error.to_string())),
            // Trailers are dropped: no hop between a runtime and a browser passes them on.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) if !chunk.is_empty() => return Ok(chunk),
                _ => {}
            },
        }
    }
}

/// Nothing arrived in time.
pub(super) struct Silent;

pub(super) async fn quiet_for<T>(
    limit: Option<Duration>,
    work: impl Future<Output = T>,
) -> Result<T, Silent> {
    match limit {
        None => Ok(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| Silent),
    }
}

/// The length that a body states, as the connection has parsed it and will enforce it.
fn length(parts: &response::Parts, body: &Answer) -> Option<u64> {
    let says_it = parts.headers.contains_key(CONTENT_LENGTH) && !head::is_bodiless(parts.status);
    says_it.then(|| body.size_hint().exact()).flatten()
}
