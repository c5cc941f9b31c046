//! One multiplexer, of either role, between a peer that may send anything and users who keep to the rules: nothing panics, what it sends can be
//! decoded, and when its users are gone nothing is left.

#![no_main]

use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use llamapool_tunnel::control::{REQUEST_WINDOW, RESPONSE_WINDOW};
use llamapool_tunnel::frame::{Code, Frame, MAX_FIRST_DATA, StreamId};
use llamapool_tunnel::mux::{Limits, Mux, Role, Windows};

/// Few streams, so that frames hit them.
const STREAMS: u8 = 6;

#[derive(Arbitrary, Debug)]
struct Script {
    opener: bool,
    credit: u32,
    max_streams: u8,
    acts: Vec<Act>,
}

#[derive(Arbitrary, Debug)]
enum Act {
    /// The peer sends bytes.
    Raw(Vec<u8>),
    /// The peer sends frames, all in one message.
    Frames(Vec<Said>),
    /// The socket takes what is to be sent.
    Take,
    /// The users of this end.
    Open {
        head: u8,
        body: u32,
    },
    PollHead(u8),
    Read(u8),
    Release(u8),
    Respond {
        at: u8,
        chunk: u32,
        end: bool,
    },
    Send {
        at: u8,
        chunk: u32,
        end: bool,
    },
    Fail {
        at: u8,
        text: String,
    },
    ReleaseBody(u8),
    ReleaseAnswer(u8),
    Refuse(bool),
    Ping,
}

#[derive(Arbitrary, Debug)]
enum Said {
    Head { id: u8, end: bool, size: u8 },
    Data { id: u8, end: bool, size: u16 },
    Reset { id: u8, code: u8 },
    Credit { id: u8, bytes: u32 },
    Ping,
    Pong,
}

impl Said {
    fn encode(&self, out: &mut BytesMut) {
        let id = |id: &u8| StreamId::from(id % (STREAMS + 2));
        let bytes = |size: usize| Bytes::from(vec![b'x'; size]);
        let frame = match self {
            Self::Head { id: of, end, size } => {
                Frame::Head { id: id(of), end: *end, block: bytes((*size).into()) }
            }
            Self::Data { id: of, end, size } => {
                Frame::Data { id: id(of), end: *end, body: bytes((*size).into()) }
            }
            Self::Reset { id: of, code } => {
                let codes =
                    [Code::Stop, Code::Cancel, Code::Backend, Code::Protocol, Code::Refused, Code::Timeout, Code::Unreachable];
                Frame::Reset {
                    id: id(of),
                    code: codes[usize::from(*code) % codes.len()],
                    text: String::new(),
                }
            }
            Self::Credit { id: of, bytes } => Frame::Credit { id: id(of), bytes: *bytes },
            Self::Ping => Frame::Ping,
            Self::Pong => Frame::Pong,
        };
        frame.encode(out);
    }
}

/// A stream whose user holds it still.
#[derive(Debug)]
struct Held {
    id: StreamId,
    opened: bool,
    body: bool,
    answer: bool,
    responded: bool,
}

struct End {
    mux: Mux,
    held: Vec<Held>,
    closed: bool,
}

impl End {
    fn new(script: &Script) -> Self {
        let role = if script.opener { Role::Opener } else { Role::Acceptor };
        let initial = if script.opener { RESPONSE_WINDOW } else { REQUEST_WINDOW };
        let limits = Limits {
            windows: Windows { initial, max: 4 * initial },
            credit: script.credit % (64 * 1024 * 1024) + 1,
            max_streams: usize::from(script.max_streams % STREAMS) + 1,
        };
        Self { mux: Mux::new(role, limits), held: Vec::new(), closed: false }
    }

    fn receive(&mut self, message: Bytes) {
        if self.closed {
            return;
        }
        let mut accepted = Vec::new();
        let result = self.mux.receive(message, &mut accepted);
        self.held.extend(accepted.into_iter().map(|stream| Held {
            id: stream.id,
            opened: false,
            body: stream.has_body,
            answer: true,
            responded: false,
        }));
        if let Err(violation) = result {
            self.closed = true;
            self.mux.close(&violation.to_string());
        }
    }

    fn take(&mut self) {
        let Some(mut batch) = self.mux.take_batch() else { return };
        while Frame::decode(&mut batch).expect("what we send can be decoded").is_some() {}
    }

    fn act(&mut self, opener: bool, act: &Act) {
        let cx = Context::from_waker(Waker::noop());
        let Self { mux, held, .. } = self;
        match act {
            Act::Raw(_) | Act::Frames(_) | Act::Take => {}
            Act::Ping => mux.ping(),
            Act::Refuse(refusing) => mux.refuse(*refusing),
            Act::Open { head, body } if opener => {
                let (head, body) = (vec![0; usize::from(*head)], vec![1; (*body % 300_000) as usize]);
                if let Ok(id) = mux.open(head.into(), body.into()) {
                    held.push(Held { id, opened: true, body: false, answer: false, responded: false });
                }
            }
            Act::Open { .. } => {}
            Act::PollHead(at) => {
                if let Some(stream) = pick(held, *at, |held| held.opened) {
                    let _ = mux.poll_head(stream.id, &cx);
                }
            }
            Act::Read(at) => {
                if let Some(stream) = pick(held, *at, |held| held.opened || held.body) {
                    while let Poll::Ready(Some(Ok(chunk))) = mux.poll_data(stream.id, &cx) {
                        assert!(!chunk.bytes.is_empty() && chunk.bytes.len() <= MAX_FIRST_DATA + 64 * 1024);
                    }
                }
            }
            Act::Release(at) => {
                if let Some(stream) = pick(held, *at, |held| held.opened) {
                    stream.opened = false;
                    mux.release(stream.id);
                }
            }
            Act::Respond { at, chunk, end } => {
                if let Some(stream) = pick(held, *at, |held| held.answer && !held.responded) {
                    stream.responded = true;
                    mux.respond(stream.id, Bytes::from_static(b"head"), piece(*chunk), *end);
                }
            }
            Act::Send { at, chunk, end } => {
                if let Some(stream) = pick(held, *at, |held| held.answer && held.responded)
                    && mux.poll_ready(stream.id, &cx) == Poll::Ready(Ok(()))
                {
                    mux.send(stream.id, piece(*chunk), *end);
                }
            }
            Act::Fail { at, text } => {
                if let Some(stream) = pick(held, *at, |held| held.answer) {
                    mux.fail(stream.id, Code::Backend, text);
                }
            }
            Act::ReleaseBody(at) => {
                if let Some(stream) = pick(held, *at, |held| held.body) {
                    stream.body = false;
                    mux.release_body(stream.id);
                }
            }
            Act::ReleaseAnswer(at) => {
                if let Some(stream) = pick(held, *at, |held| held.answer) {
                    stream.answer = false;
                    mux.release_answer(stream.id);
                }
            }
        }
        mux.take_woken();
        held.retain(|stream| stream.opened || stream.body || stream.answer);
    }

    fn leave(mut self) {
        for stream in self.held.drain(..) {
            if stream.opened {
                self.mux.release(stream.id);
            }
            if stream.body {
                self.mux.release_body(stream.id);
            }
            if stream.answer {
                self.mux.release_answer(stream.id);
            }
        }
        assert!(self.mux.is_empty(), "nobody holds a stream");
        self.take();
    }
}

fn pick(held: &mut [Held], at: u8, fits: impl Fn(&Held) -> bool) -> Option<&mut Held> {
    let mut fitting: Vec<&mut Held> = held.iter_mut().filter(|held| fits(held)).collect();
    if fitting.is_empty() {
        return None;
    }
    let at = usize::from(at) % fitting.len();
    Some(fitting.swap_remove(at))
}

fn piece(size: u32) -> Bytes {
    vec![b'y'; (size % 200_000) as usize].into()
}

fuzz_target!(|script: Script| {
    let mut end = End::new(&script);
    for act in &script.acts {
        match act {
            Act::Raw(message) => end.receive(Bytes::copy_from_slice(message)),
            Act::Frames(frames) => {
                let mut message = BytesMut::new();
                frames.iter().for_each(|frame| {
                    // An empty DATA without END is refused by the decoder, which has a target of its own.
                    if !matches!(frame, Said::Data { size: 0, end: false, .. }) {
                        frame.encode(&mut message);
                    }
                });
                end.receive(message.freeze());
            }
            Act::Take => end.take(),
            act => end.act(script.opener, act),
        }
    }
    end.leave();
});
