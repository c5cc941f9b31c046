//! A worker as an upstream: requests travel through its tunnel.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use llamapool_tunnel::frame::{Code, MAX_HEAD};
use llamapool_tunnel::head::{self, ResponseHead};
use llamapool_tunnel::mux::{Lost, OpenError};
use llamapool_tunnel::{self as tunnel, Link};
use tokio::time::Instant;

use super::reply_head::ReplyHead;
use super::{Blame, Fault, FaultKind, RequestHead};

/// The body of a worker's reply.
pub(super) struct WorkerBody {
    body: tunnel::ReplyBody,
    sent: Instant,
    /// Whether a part of the body has arrived.
    begun: bool,
}

/// Sends a request through a tunnel.
pub(super) async fn open(
    link: &Link,
    head: RequestHead<'_>,
    body: Bytes,
) -> Result<(ReplyHead, WorkerBody), Fault> {
    let block = head::encode_request(head.method, head.target, head.headers).map_err(|_| too_large())?;
    let mut exchange = link.open(block, body).map_err(not_opened)?;
    let sent = Instant::now();
    let ResponseHead { status, headers } = exchange.head().await.map_err(|lost| fault(&lost, sent, false))?;
    let head = ReplyHead::new(status, headers)?;
    Ok((head, WorkerBody { body: exchange.into_body(), sent, begun: false }))
}

impl Body for WorkerBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let frame = frame.map(|frame| frame.map_err(|lost| fault(&lost, this.sent, this.begun)));
        this.begun = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

fn too_large() -> Fault {
    Fault {
        kind: FaultKind::HeadTooLarge(MAX_HEAD),
        blame: Blame::Caller,
        retry: false,
        text: format!("The request's headers are larger than {MAX_HEAD} bytes.").into(),
    }
}

fn not_opened(error: OpenError) -> Fault {
    match error {
        OpenError::Closed => Fault::refused("The worker has just left."),
        OpenError::Full => Fault {
            kind: FaultKind::Full,
            blame: Blame::Server,
            retry: true,
            text: "its tunnel has no free stream".into(),
        },
    }
}

/// The fault of an exchange that ended early; `begun` says whether a part of the body had arrived.
fn fault(lost: &Lost, sent: Instant, begun: bool) -> Fault {
    match (lost, begun) {
        (Lost::Reset(Code::Timeout, _), false) => Fault::timeout(sent.elapsed()),
        (Lost::Reset(Code::Refused, _), false) => Fault::refused("The worker accepts no more requests."),
        (Lost::Reset(Code::Unreachable, _), false) => {
            Fault::unreachable("The model's runtime cannot be reached.")
        }
        (Lost::Reset(..), false) => Fault::lost("The model's runtime failed before it responded."),
        (Lost::Closed(_), false) => Fault::lost("The worker was lost before it responded."),
        (Lost::Reset(Code::Timeout, _), true) => Fault::lost("The model's runtime was silent for too long."),
        (Lost::Reset(..), true) => Fault::lost("The model's runtime failed in the middle of its response."),
        (Lost::Closed(_), true) => Fault::lost("The worker was lost in the middle of its response."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fault_before_the_first_byte_may_be_a_timeout_or_a_refusal() {
        let check = |code, begun, (kind, blame): (&str, Blame), text: &str| {
            let fault = fault(&Lost::Reset(code, String::new()), Instant::now(), begun);
            assert_eq!((fault.kind.as_str(), fault.blame), (kind, blame));
            assert!(fault.text.contains(text), "{fault}");
        };
        let lost = ("lost", Blame::Upstream);
        check(Code::Timeout, false, ("timeout", Blame::Upstream), "silent for");
        check(Code::Refused, false, ("refused", Blame::Server), "accepts no more requests");
        check(Code::Backend, false, lost, "before it responded");
        check(Code::Unreachable, false, ("unreachable", Blame::Upstream), "cannot be reached");
        check(Code::Timeout, true, lost, "silent for too long");
        check(Code::Refused, true, lost, "in the middle");
    }
}
