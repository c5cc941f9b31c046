use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::out::MAX_BATCH;
use super::*;
use crate::control::{REQUEST_WINDOW, RESPONSE_WINDOW};
use crate::frame::MAX_FIRST_DATA;

const RESPONSES: Windows = Windows { initial: RESPONSE_WINDOW, max: 1024 * 1024 };
const REQUESTS: Windows = Windows { initial: REQUEST_WINDOW, max: 4 * 1024 * 1024 };

/// Two multiplexers and the connection between them.
struct Pair {
    server: Mux,
    worker: Mux,
    accepted: Vec<Accepted>,
}

impl Pair {
    fn new() -> Self {
        Self::with_streams(4)
    }

    fn with_streams(max_streams: usize) -> Self {
        let server = Limits { windows: RESPONSES, credit: REQUEST_WINDOW, max_streams };
        let worker = Limits { windows: REQUESTS, credit: RESPONSE_WINDOW, max_streams };
        Self {
            server: Mux::new(Role::Opener, server),
            worker: Mux::new(Role::Acceptor, worker),
            accepted: Vec::new(),
        }
    }

    /// Transfers all pending frames, both ways, until none is left.
    fn carry(&mut self) {
        loop {
            let down = self.server.take_batch();
            let up = self.worker.take_batch();
            if down.is_none() && up.is_none() {
                return;
            }
            down.into_iter().for_each(|batch| self.worker.receive(batch, &mut self.accepted).unwrap());
            up.into_iter().for_each(|batch| self.server.receive(batch, &mut Vec::new()).unwrap());
        }
    }

    /// Opens a stream and transfers it.
    fn open(&mut self, body: &'static [u8]) -> StreamId {
        let id = self.server.open(Bytes::from_static(b"head"), Bytes::from_static(body)).unwrap();
        self.carry();
        assert_eq!(self.accepted.pop().map(|accepted| accepted.id), Some(id));
        id
    }

    fn respond(&mut self, id: StreamId, body: &'static [u8], end: bool) {
        self.worker.respond(id, Bytes::from_static(b"ok"), Bytes::from_static(body), end);
        self.carry();
    }

    fn is_empty(&self) -> bool {
        self.server.is_empty() && self.worker.is_empty()
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Everything that can be read of a body now, and how it ended, if it did.
fn read(mux: &mut Mux, id: StreamId) -> (Vec<u8>, Option<Result<(), Lost>>) {
    let mut body = Vec::new();
    loop {
        match mux.poll_data(id, &idle()) {
            Poll::Ready(Some(Ok(chunk))) => body.extend_from_slice(&chunk.bytes),
            Poll::Ready(Some(Err(lost))) => return (body, Some(Err(lost))),
            Poll::Ready(None) => return (body, Some(Ok(()))),
            Poll::Pending => return (body, None),
        }
    }
}

#[test]
fn an_exchange_there_and_back_leaves_nothing_behind() {
    let mut pair = Pair::new();
    let id = pair.open(b"question");
    assert_eq!(read(&mut pair.worker, id), (b"question".to_vec(), Some(Ok(()))));
    pair.worker.release_body(id);
    pair.respond(id, b"answer", true);
    pair.worker.release_answer(id);
    assert!(matches!(pair.server.poll_head(id, &idle()), Poll::Ready(Ok(block)) if block == "ok"));
    assert_eq!(read(&mut pair.server, id), (b"answer".to_vec(), Some(Ok(()))));
    pair.server.release(id);
    pair.carry();
    assert!(pair.is_empty());
}

#[test]
fn a_body_larger_than_the_window_flows_as_it_is_read() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    pair.respond(id, b"", false);
    pair.worker.send(id, body.clone().into(), true);
    let mut got = Vec::new();
    loop {
        pair.carry();
        let (part, end) = read(&mut pair.server, id);
        got.extend(part);
        if end.is_some() {
            break;
        }
    }
    assert!(got == body, "the bytes are the same");
}

#[test]
fn a_reader_that_stops_holds_one_window_and_stalls_nobody() {
    let mut pair = Pair::new();
    let (stalled, other) = (pair.open(b""), pair.open(b""));
    pair.respond(stalled, b"", false);
    pair.worker.send(stalled, vec![7; 1_000_000].into(), true);
    pair.carry();
    assert!(pair.worker.poll_ready(stalled, &idle()).is_pending());
    pair.respond(other, b"quick", true);
    assert_eq!(read(&mut pair.server, other), (b"quick".to_vec(), Some(Ok(()))));
    let (held, end) = read(&mut pair.server, stalled);
    assert_eq!((held.len(), end), (RESPONSE_WINDOW as usize, None));
}

#[test]
fn large_bodies_take_turns() {
    let mut pair = Pair::new();
    let ids = [pair.open(b""), pair.open(b"")];
    ids.iter().for_each(|id| pair.respond(*id, b"", false));
    ids.iter().for_each(|id| pair.worker.send(*id, vec![*id as u8; 60_000].into(), true));
    let batch = pair.worker.take_batch().unwrap();
    let sizes = |id| {
        let mut batch = batch.clone();
        let frames = std::iter::from_fn(|| Frame::decode(&mut batch).unwrap());
        frames.filter(|frame| matches!(frame, Frame::Data { id: of, .. } if *of == id)).count()
    };
    assert_eq!((sizes(ids[0]), sizes(ids[1])), (2, 2), "16 KiB each in turn, about 64 KiB in a batch");
}

#[test]
fn tokens_that_queue_up_become_one_frame() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    pair.respond(id, b"", false);
    for _ in 0..10 {
        pair.worker.send(id, Bytes::from_static(b"token "), false);
    }
    let mut batch = pair.worker.take_batch().unwrap();
    let frame = Frame::decode(&mut batch).unwrap();
    assert!(matches!(frame, Some(Frame::Data { body, end: false, .. }) if body == "token ".repeat(10)));
    assert!(batch.is_empty());
}

#[test]
fn a_client_that_leaves_frees_the_worker_and_late_data_is_ignored() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    pair.respond(id, b"first", false);
    pair.server.release(id);
    pair.worker.send(id, Bytes::from_static(b"late"), false);
    pair.carry();
    assert_eq!(pair.worker.poll_ready(id, &idle()), Poll::Ready(Err(())));
    assert!(pair.worker.poll_stopped(id, &idle()).is_ready());
    pair.worker.release_answer(id);
    pair.carry();
    assert!(pair.is_empty());
}

#[test]
fn a_reset_is_seen_after_what_came_before_it() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    pair.respond(id, b"half an ans", false);
    pair.worker.fail(id, Code::Backend, "the runtime died");
    pair.carry();
    let (body, end) = read(&mut pair.server, id);
    assert_eq!(body, b"half an ans");
    assert_eq!(end, Some(Err(Lost::Reset(Code::Backend, "the runtime died".into()))));
}

#[test]
fn an_early_answer_stops_the_upload_and_is_not_harmed_by_it() {
    let mut pair = Pair::new();
    let big: &'static [u8] = vec![1; 5_000_000].leak();
    let id = pair.open(big);
    pair.worker.release_body(id);
    pair.respond(id, b"413", true);
    pair.worker.release_answer(id);
    pair.carry();
    assert_eq!(read(&mut pair.server, id), (b"413".to_vec(), Some(Ok(()))));
    pair.server.release(id);
    pair.carry();
    assert!(pair.is_empty());
}

#[test]
fn an_answer_that_ends_before_the_upload_takes_the_upload_with_it() {
    let mut pair = Pair::new();
    let id = pair.open(vec![1; 5_000_000].leak());
    pair.respond(id, b"no", true);
    pair.worker.release_answer(id);
    assert!(matches!(read(&mut pair.worker, id).1, Some(Err(Lost::Reset(Code::Stop, _)))));
    pair.worker.release_body(id);
    pair.server.release(id);
    pair.carry();
    assert!(pair.is_empty());
}

#[test]
fn an_answer_handed_over_whole_arrives_whole_though_its_user_is_gone() {
    let mut pair = Pair::new();
    let body = vec![3; 200_000];
    let check = |pair: &mut Pair, id| {
        let (mut got, mut end) = read(&mut pair.server, id);
        while end.is_none() {
            pair.carry();
            let (part, now) = read(&mut pair.server, id);
            got.extend(part);
            end = now;
        }
        assert!(got == body && end == Some(Ok(())), "{} bytes, {end:?}", got.len());
        pair.server.release(id);
        pair.carry();
    };
    let id = pair.open(b"");
    pair.worker.respond(id, Bytes::from_static(b"ok"), body.clone().into(), true);
    pair.worker.release_answer(id);
    check(&mut pair, id);
    assert!(pair.is_empty());

    // The request's reader, which may be slower than the response, is not affected either.
    let id = pair.open(b"question");
    pair.worker.respond(id, Bytes::from_static(b"ok"), body.clone().into(), true);
    pair.worker.release_answer(id);
    assert_eq!(read(&mut pair.worker, id), (b"question".to_vec(), Some(Ok(()))));
    check(&mut pair, id);
    pair.worker.release_body(id);
    assert!(pair.is_empty());
}

#[test]
fn an_answer_that_goes_out_alone_ends_with_its_client_or_its_tunnel() {
    let release = |pair: &mut Pair| {
        let id = pair.open(b"");
        pair.worker.respond(id, Bytes::from_static(b"ok"), vec![3; 200_000].into(), true);
        pair.worker.release_answer(id);
        pair.carry();
        assert!(!pair.worker.is_empty(), "it waits for credit");
        id
    };
    let mut pair = Pair::new();
    let id = release(&mut pair);
    pair.server.release(id);
    pair.carry();
    assert!(pair.is_empty());
    release(&mut pair);
    pair.worker.close("cable cut");
    assert!(pair.worker.is_empty());
}

#[test]
fn more_streams_than_allowed_or_any_while_draining_are_refused_unharmed() {
    let mut pair = Pair::with_streams(1);
    let first = pair.open(b"");
    assert_eq!(pair.server.open(Bytes::new(), Bytes::new()), Err(OpenError::Full));
    pair.server.limits.max_streams = 2;
    let refused = |pair: &mut Pair| {
        let id = pair.server.open(Bytes::new(), Bytes::new()).unwrap();
        pair.carry();
        assert!(pair.accepted.is_empty());
        let head = pair.server.poll_head(id, &idle());
        assert!(matches!(head, Poll::Ready(Err(Lost::Reset(Code::Refused, _)))), "{head:?}");
        pair.server.release(id);
    };
    refused(&mut pair);
    pair.worker.limits.max_streams = 2;
    pair.worker.refuse(true);
    refused(&mut pair);
    pair.respond(first, b"fine", true);
    assert_eq!(read(&mut pair.server, first), (b"fine".to_vec(), Some(Ok(()))));
}

#[test]
fn closing_loses_every_stream_and_opens_no_more() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(pair.server.poll_head(id, &Context::from_waker(&waker)).is_pending());
    pair.server.close("cable cut");
    pair.server.take_woken().into_iter().for_each(Waker::wake);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let lost = Lost::Closed("cable cut".into());
    assert!(matches!(pair.server.poll_head(id, &idle()), Poll::Ready(Err(why)) if why == lost));
    assert_eq!(pair.server.open(Bytes::new(), Bytes::new()), Err(OpenError::Closed));
    pair.server.release(id);
    assert!(pair.server.is_empty());
}

#[test]
fn ids_wrap_and_skip_zero_and_those_in_use() {
    let mut pair = Pair::new();
    let first = pair.open(b"");
    pair.server.next_id = u32::MAX;
    assert_eq!(pair.open(b""), u32::MAX);
    assert_eq!(first, 1);
    assert_eq!(pair.open(b""), 2);
}

#[test]
fn what_breaks_the_protocol_is_named() {
    let check = |say: fn(&mut Pair, StreamId) -> Frame, expect: fn(StreamId) -> Violation| {
        let mut pair = Pair::new();
        let id = pair.open(b"");
        let mut wire = bytes::BytesMut::new();
        let frame = say(&mut pair, id);
        frame.encode(&mut wire);
        assert_eq!(pair.server.receive(wire.freeze(), &mut Vec::new()), Err(expect(id)), "{frame:?}");
    };
    check(|_, id| Frame::Data { id, end: true, body: Bytes::new() }, Violation::UnexpectedData);
    check(
        |pair, id| {
            pair.respond(id, b"", false);
            Frame::Head { id, end: true, block: Bytes::new() }
        },
        Violation::UnexpectedHead,
    );
    check(
        |pair, id| {
            pair.respond(id, b"", true);
            Frame::Data { id, end: true, body: Bytes::new() }
        },
        Violation::UnexpectedData,
    );
    check(|_, id| Frame::Credit { id, bytes: u32::MAX }, Violation::Overflow);
}

#[test]
fn data_beyond_the_credit_is_a_violation() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    pair.respond(id, b"", false);
    let piece = Frame::Data { id, end: false, body: vec![0; MAX_FIRST_DATA].into() };
    let mut wire = bytes::BytesMut::new();
    piece.encode(&mut wire);
    let wire = wire.freeze();
    assert_eq!(pair.server.receive(wire.clone(), &mut Vec::new()), Ok(()));
    assert_eq!(pair.server.receive(wire, &mut Vec::new()), Err(Violation::Credit(id)));
}

#[test]
fn the_acceptor_takes_no_id_twice_and_never_zero() {
    let mut pair = Pair::new();
    let id = pair.open(b"");
    for id in [id, 0] {
        let mut wire = bytes::BytesMut::new();
        Frame::Head { id, end: true, block: Bytes::new() }.encode(&mut wire);
        let result = pair.worker.receive(wire.freeze(), &mut Vec::new());
        assert_eq!(result, Err(Violation::UnexpectedHead(id)));
    }
}

#[test]
fn a_flood_of_pings_is_answered_once() {
    let mut pair = Pair::new();
    for _ in 0..100_000 {
        pair.server.ping();
    }
    let flood = pair.server.take_batch().unwrap();
    pair.worker.receive(flood, &mut Vec::new()).unwrap();
    assert_eq!(pair.worker.take_batch().map(|batch| batch.len()), Some(super::super::frame::FRAME_HEADER));
}

/// Thousands of requests and responses whose heads alone are more than a peer accepts in one message, and more than it reads ahead.
#[test]
fn heads_that_queue_up_go_out_in_batches() {
    const STREAMS: usize = 4096;
    let mut pair = Pair::with_streams(STREAMS);
    let head = Bytes::from(vec![b'h'; 2_000]);
    let ids: Vec<_> =
        (0..STREAMS).map(|_| pair.server.open(head.clone(), Bytes::from_static(b"body")).unwrap()).collect();
    let check = |batch: &Bytes| assert!(batch.len() <= MAX_BATCH + MAX_FIRST_DATA, "{} bytes", batch.len());
    while let Some(batch) = pair.server.take_batch() {
        check(&batch);
        pair.worker.receive(batch, &mut pair.accepted).unwrap();
    }
    assert_eq!(pair.accepted.len(), STREAMS);
    ids.iter().for_each(|id| pair.worker.respond(*id, head.clone(), Bytes::new(), true));
    assert!(pair.worker.may_receive(), "heads are no reason to stop reading");
    while let Some(batch) = pair.worker.take_batch() {
        check(&batch);
        pair.server.receive(batch, &mut Vec::new()).unwrap();
    }
    assert!(ids.iter().all(|id| pair.server.poll_head(*id, &idle()).is_ready()));
}

#[test]
fn a_request_given_up_before_it_went_out_is_never_sent() {
    let mut pair = Pair::with_streams(100);
    let ids: Vec<_> =
        (0..100).map(|_| pair.server.open(Bytes::from(vec![b'h'; 2_000]), Bytes::new()).unwrap()).collect();
    ids.iter().for_each(|id| pair.server.release(*id));
    let (mut heads, mut resets) = (0, 0);
    while let Some(mut batch) = pair.server.take_batch() {
        while let Some(frame) = Frame::decode(&mut batch).unwrap() {
            heads += u32::from(matches!(frame, Frame::Head { .. }));
            resets += u32::from(matches!(frame, Frame::Reset { .. }));
        }
    }
    assert!((30..40).contains(&heads), "{heads} of 100 heads of 2 kB fit into the batch");
    assert_eq!(resets, heads, "what the worker never heard of is not cancelled either");
}

#[test]
fn resets_that_queue_up_go_out_in_batches() {
    let mut pair = Pair::new();
    pair.worker.refuse(true);
    let mut wire = bytes::BytesMut::new();
    (1..100_000).for_each(|id| Frame::Head { id, end: true, block: Bytes::new() }.encode(&mut wire));
    pair.worker.receive(wire.freeze(), &mut Vec::new()).unwrap();
    assert!(!pair.worker.may_receive(), "a peer that does not read is not read from");
    let mut resets = 0;
    while let Some(mut batch) = pair.worker.take_batch() {
        assert!(batch.len() < MAX_BATCH + 100, "{} bytes", batch.len());
        resets += std::iter::from_fn(|| Frame::decode(&mut batch).unwrap()).count();
    }
    assert_eq!(resets, 99_999);
    assert!(pair.worker.may_receive());
}

/// What can happen to a stream, by index into the open ones.
#[derive(Debug, Clone)]
enum Act {
    Open(usize),
    Respond(usize, usize, bool),
    Send(usize, usize, bool),
    Read(usize),
    ReadBody(usize),
    DropBody(usize),
    DropAnswer(usize),
    Release(usize),
    Carry,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let which = 0..4usize;
    let size = prop_oneof![Just(0usize), 1..200usize, Just(20_000), Just(90_000)];
    let act = prop_oneof![
        size.clone().prop_map(Act::Open),
        (which.clone(), size.clone(), any::<bool>()).prop_map(|(at, size, end)| Act::Respond(at, size, end)),
        (which.clone(), size, any::<bool>()).prop_map(|(at, size, end)| Act::Send(at, size, end)),
        which.clone().prop_map(Act::Read),
        which.clone().prop_map(Act::ReadBody),
        which.clone().prop_map(Act::DropBody),
        which.clone().prop_map(Act::DropAnswer),
        which.prop_map(Act::Release),
        Just(Act::Carry),
    ];
    prop::collection::vec(act, 1..80)
}

/// A stream in the property test: which handles are still held.
struct Held {
    id: StreamId,
    opener: bool,
    body: bool,
    answer: bool,
    responded: bool,
}

impl Held {
    fn act(&mut self, pair: &mut Pair, act: &Act) {
        match act {
            Act::Respond(_, size, end) if self.answer && !self.responded && (*size > 0 || *end) => {
                self.responded = true;
                pair.worker.respond(self.id, Bytes::from_static(b"ok"), vec![1; *size].into(), *end);
            }
            Act::Send(_, size, end)
                if self.answer
                    && self.responded
                    && (*size > 0 || *end)
                    && pair.worker.poll_ready(self.id, &idle()) == Poll::Ready(Ok(())) =>
            {
                pair.worker.send(self.id, vec![2; *size].into(), *end);
            }
            Act::Read(_) if self.opener => drop(read(&mut pair.server, self.id)),
            Act::ReadBody(_) if self.body => drop(read(&mut pair.worker, self.id)),
            Act::DropBody(_) if std::mem::take(&mut self.body) => pair.worker.release_body(self.id),
            Act::DropAnswer(_) if std::mem::take(&mut self.answer) => pair.worker.release_answer(self.id),
            Act::Release(_) if std::mem::take(&mut self.opener) => pair.server.release(self.id),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever two correct users do, no end sees a violation (`carry` unwraps), and when all handles are dropped, nothing is left.
    #[test]
    fn no_order_of_events_breaks_the_protocol_or_leaks(acts in acts()) {
        let mut pair = Pair::new();
        let mut held: Vec<Held> = Vec::new();
        for act in acts {
            match act {
                Act::Open(size) => {
                    if let Ok(id) = pair.server.open(Bytes::from_static(b"head"), vec![0; size].into()) {
                        held.push(Held { id, opener: true, body: false, answer: false, responded: false });
                    }
                }
                Act::Carry => pair.carry(),
                Act::Respond(at, ..) | Act::Send(at, ..) | Act::Read(at) | Act::ReadBody(at) | Act::DropBody(at)
                | Act::DropAnswer(at) | Act::Release(at) => {
                    let recent = held.len().saturating_sub(4);
                    if let Some(stream) = held.get_mut(recent + at) {
                        stream.act(&mut pair, &act);
                    }
                }
            }
            for accepted in std::mem::take(&mut pair.accepted) {
                let stream = held.iter_mut().rfind(|held| held.id == accepted.id).unwrap();
                (stream.answer, stream.body) = (true, accepted.has_body);
            }
        }
        pair.carry();
        for accepted in std::mem::take(&mut pair.accepted) {
            let stream = held.iter_mut().rfind(|held| held.id == accepted.id).unwrap();
            (stream.answer, stream.body) = (true, accepted.has_body);
        }
        for stream in &mut held {
            for act in [Act::DropBody(0), Act::Release(0), Act::DropAnswer(0)] {
                stream.act(&mut pair, &act);
            }
        }
        pair.carry();
        prop_assert!(pair.is_empty());
        prop_assert_eq!((pair.server.grown, pair.worker.grown), (0, 0));
        prop_assert!(pair.server.ready.is_empty() && pair.worker.ready.is_empty());
    }
}
