//! How a fake runtime answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::seen::Visit;
use super::wire::Mode;
use super::{End, Pace, Script, Shared, lock};

type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(super) async fn answer(request: Request<Incoming>, shared: Arc<Shared>, wire: Mode) -> Response<Body> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return match head.uri.path() {
            "/v1/models" => reply(200, &model_list(&shared)),
            _ => reply(404, &json!({"error": {"message": "no such path", "type": "not_found_error"}})),
        };
    }
    let mut visit = shared.record.begin(&head);
    let always = lock(&shared.always).clone();
    match always {
        Script::IgnoreBody => hang().await,
        Script::RefuseUnread(code) => {
            visit.finish();
            return refusal(code, None);
        }
        Script::RefuseEarly(code) => {
            visit.finish();
            let mut body = body;
            shared.tasks.spawn(async move { while let Some(Ok(_)) = body.frame().await {} });
            return refusal(code, None);
        }
        _ => {}
    }
    let stepped = matches!(always, Script::ReadStepped);
    let Some(text) = read(body, &mut visit, stepped.then_some(&*shared)).await else {
        // The rest of the request never came: there is nobody to answer.
        drop(visit);
        return hang().await;
    };
    let ask: Value = serde_json::from_slice(&text).unwrap_or_default();
    let script = serde_json::from_value(ask["script"].clone()).unwrap_or(always);
    let content_type = head.headers.get(header::CONTENT_TYPE).cloned();
    let mut response = play(script, &ask, text, visit, &shared, &wire).await;
    if response.headers().get(header::CONTENT_TYPE).is_none() {
        response.headers_mut().extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
    }
    response
}

async fn play(
    script: Script,
    ask: &Value,
    text: Bytes,
    visit: Visit,
    shared: &Arc<Shared>,
    wire: &Mode,
) -> Response<Body> {
    let model = ask["model"].as_str().unwrap_or("unknown");
    match script {
        Script::Echo => {
            visit.finish();
            Response::new(whole(text))
        }
        Script::Stream { tokens, pace, end } => {
            let model = model.to_owned();
            let done = matches!(end, End::Clean).then(|| Bytes::from(DONE));
            let chunks = (0..tokens).map(move |at| sse_token(&model, at)).chain(done);
            stream_of("text/event-stream", Box::new(chunks), pace, end, visit, shared)
        }
        Script::Chunks { content_type, chunks, pace, end } => {
            let chunks = chunks.into_iter().map(Bytes::from);
            stream_of(&content_type, Box::new(chunks), pace, end, visit, shared)
        }
        Script::Pattern { mib } => {
            let pieces = Box::new(pattern(mib));
            stream_of("application/octet-stream", pieces, Pace::FlatOut, End::Clean, visit, shared)
        }
        Script::Status { code, retry_after } => {
            visit.finish();
            refusal(code, retry_after)
        }
        Script::HangBeforeHead => {
            // Held, so that it is dropped when the connection is.
            let _visit = visit;
            hang().await
        }
        Script::Garbage => {
            wire.speak_garbage();
            visit.finish();
            refusal(500, None)
        }
        Script::Slam => {
            wire.slam();
            visit.finish();
            refusal(500, None)
        }
        Script::Answer
        | Script::IgnoreBody
        | Script::RefuseEarly(_)
        | Script::RefuseUnread(_)
        | Script::ReadStepped => {
            visit.finish();
            reply(200, &completion(model))
        }
    }
}

/// Reads the body; with `steps`, one piece for each step. `None`: it broke off.
async fn read(mut body: Incoming, visit: &mut Visit, steps: Option<&Shared>) -> Option<Bytes> {
    loop {
        if let Some(shared) = steps {
            shared.steps.acquire().await.expect("steps are never closed").forget();
        }
        match body.frame().await {
            None => return Some(visit.read_all()),
            Some(Err(_)) => return None,
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    visit.read(piece);
                }
            }
        }
    }
}

async fn hang<T>() -> T {
    std::future::pending().await
}

/// A chat completion chunk as an SSE event.
pub fn sse_token(model: &str, at: u32) -> Bytes {
    let chunk = json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": model,
        "choices": [{"index": 0, "delta": {"content": format!("tok{at} ")}, "finish_reason": null}],
    });
    format!("data: {chunk}\n\n").into()
}

const DONE: &str = "data: [DONE]\n\n";

/// All bytes of a clean stream of `tokens`.
pub fn sse_whole(model: &str, tokens: u32) -> Vec<u8> {
    let mut all: Vec<u8> = (0..tokens).flat_map(|at| sse_token(model, at)).collect();
    all.extend_from_slice(DONE.as_bytes());
    all
}

type Chunks = Box<dyn Iterator<Item = Bytes> + Send>;

/// Bytes that differ everywhere, in pieces of 64 KiB.
pub fn pattern(mib: u32) -> impl Iterator<Item = Bytes> + Send {
    const PIECE: u32 = 64 * 1024;
    (0..mib * 16).map(|piece| {
        let numbers = (piece * PIECE / 4..(piece + 1) * PIECE / 4).map(|n| n.wrapping_mul(2_654_435_761));
        numbers.flat_map(u32::to_le_bytes).collect()
    })
}

/// The chunks left, and all that a stream needs meanwhile.
struct Telling {
    chunks: Chunks,
    told: u32,
    pace: Pace,
    end: End,
    visit: Visit,
    shared: Arc<Shared>,
}

fn stream_of(
    content_type: &str,
    chunks: Chunks,
    pace: Pace,
    end: End,
    visit: Visit,
    shared: &Arc<Shared>,
) -> Response<Body> {
    let telling = Telling { chunks, told: 0, pace, end, visit, shared: Arc::clone(shared) };
    let frames = stream::unfold(Some(telling), async |telling| {
        let mut telling = telling?;
        match telling.next().await {
            Some(Ok(chunk)) => Some((Ok(Frame::data(chunk)), Some(telling))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let content_type = content_type.parse().expect("tests name content types well");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

impl Telling {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let Some(chunk) = self.chunks.next() else { return self.ending().await };
        match self.pace {
            Pace::FlatOut => {}
            // The first token is not late.
            Pace::Every(_) if self.told == 0 => {}
            Pace::Every(gap) => tokio::time::sleep(Duration::from_millis(gap)).await,
            Pace::Stepped => self.shared.steps.acquire().await.expect("steps are never closed").forget(),
        }
        self.told += 1;
        Some(Ok(chunk))
    }

    async fn ending(&mut self) -> Option<io::Result<Bytes>> {
        match self.end {
            End::Clean => {
                self.visit.finish();
                None
            }
            End::Die => {
                // What was told so far shall be on the wire: the web server flushes when there is nothing to do.
                tokio::task::yield_now().await;
                self.visit.finish();
                Some(Err(io::ErrorKind::BrokenPipe.into()))
            }
            End::Hang => hang().await,
        }
    }
}

fn completion(model: &str) -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    })
}

fn model_list(shared: &Shared) -> Value {
    let entry = |id: &String| json!({"id": id, "object": "model", "created": 1, "owned_by": "fake"});
    json!({"object": "list", "data": lock(&shared.models).iter().map(entry).collect::<Vec<_>>()})
}

fn refusal(code: u16, retry_after: Option<u32>) -> Response<Body> {
    let error = json!({"message": format!("the runtime says {code}"), "type": "fake_error", "code": null});
    let mut response = reply(code, &json!({"error": error}));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn reply(code: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from(body.to_string())));
    *response.status_mut() = code.try_into().expect("tests use real statuses");
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}
