//! The task that owns the socket and moves messages between it and the multiplexer, in both directions.
//!
//! Each wake-up reads the messages that have arrived, then writes everything queued as one message. Run it as a task of its own (`spawn`), not
//! inside `block_on`, where every frame would cross threads.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, Stream};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, protocol::CloseFrame};

use super::control::MAX_REASON;
use super::frame::Violation;
use super::incoming::Incoming;
use super::lenient;
use super::link::{Link, Outgoing};
use super::mux::Accepted;
use unreadable::Unreadable;

mod unreadable;

/// Most messages read in one wake-up before other tasks run.
const READ_BURST: usize = 64;

/// Keepalive ticks per timeout: a peer is lost after two ticks without a message, that is after two to three intervals.
const TICKS: u32 = 3;

/// Time limit for closing, from our close message to the peer's; then the socket is dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Events for the owner of a tunnel.
pub enum Event<C> {
    /// A control message.
    Control(C),
    /// A request to handle.
    Request(Incoming),
    /// The peer responded to a PING after this time.
    RoundTrip(Duration),
    /// An unreadable message was ignored. Only the first few in a minute are events. Contains the reason, in one line.
    Unreadable(String),
}

/// Why a tunnel ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// This end closed it.
    #[error("closed")]
    Asked,
    /// The peer closed it, or its process ended.
    #[error("the peer closed the connection{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    Closed(String),
    /// The peer sent nothing for this time.
    #[error("the peer has been silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// The peer broke the protocol.
    #[error("protocol error: {0}")]
    Violation(#[from] Violation),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Failed(String),
}

/// Drives one tunnel until it ends; every stream is lost then. Dropping it ends the tunnel at once.
pub struct Driver<S, C, F> {
    socket: WebSocketStream<S>,
    link: Link,
    on_event: F,
    accepted: Vec<Accepted>,
    flushing: bool,
    /// Reading is paused until the peer has read what is queued for it.
    paused: bool,
    /// Runs from the moment this end is told to close.
    closing: Option<Pin<Box<Sleep>>>,
    keepalive: Keepalive,
    unreadable: Unreadable,
    control: std::marker::PhantomData<fn() -> C>,
}

impl<S, C, F> Driver<S, C, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: DeserializeOwned,
    F: FnMut(Event<C>) + Unpin,
{
    /// `on_event` is called from within the driver's task and must not block. A peer silent for `keepalive_timeout` is lost.
    pub fn new(socket: WebSocketStream<S>, link: Link, keepalive_timeout: Duration, on_event: F) -> Self {
        Self {
            socket,
            link,
            on_event,
            accepted: Vec::new(),
            flushing: false,
            paused: false,
            closing: None,
            keepalive: Keepalive::new(keepalive_timeout),
            unreadable: Unreadable::new(),
            control: std::marker::PhantomData,
        }
    }

    /// Sends the first PING immediately, so that the latency is known before the first tick of the keepalive.
    #[must_use]
    pub fn asking_at_once(mut self) -> Self {
        self.keepalive.ask(&self.link);
        self
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..READ_BURST {
            if !self.link.mux(|mux| mux.may_receive()) {
                self.paused = true;
                return Ok(());
            }
            let Poll::Ready(message) = Pin::new(&mut self.socket).poll_next(cx) else { return Ok(()) };
            self.keepalive.heard = true;
            match message {
                Some(Ok(Message::Binary(batch))) => self.receive(batch)?,
                Some(Ok(Message::Text(text))) => self.control(&text)?,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    return Err(self.ended(frame.map(|frame| frame.reason.to_string())));
                }
                Some(Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed)) | None => {
                    return Err(self.ended(None));
                }
                Some(Err(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    return Err(self.ended(Some("without a goodbye".to_owned())));
                }
                Some(Err(error)) => return Err(self.failed(&error)),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn receive(&mut self, batch: bytes::Bytes) -> Result<(), End> {
        let result = self.link.receive(batch, &mut self.accepted);
        for accepted in self.accepted.drain(..) {
            match Incoming::new(&self.link, accepted) {
                Ok(incoming) => (self.on_event)(Event::Request(incoming)),
                Err(error) => {
                    if self.unreadable.count()? {
                        (self.on_event)(Event::Unreadable(format!("refused a malformed request: {error}")));
                    }
                }
            }
        }
        if let Some(took) = self.keepalive.round_trip(&self.link) {
            (self.on_event)(Event::RoundTrip(took));
        }
        Ok(result?)
    }

    fn control(&mut self, text: &str) -> Result<(), Violation> {
        match serde_json::from_str(text) {
            Ok(message) => (self.on_event)(Event::Control(message)),
            Err(error) => {
                if self.unreadable.count()? {
                    // The error message may contain a part of the message.
                    let error = lenient::line(&error.to_string(), MAX_REASON);
                    (self.on_event)(Event::Unreadable(format!("ignored an unreadable message: {error}")));
                }
            }
        }
        Ok(())
    }

    fn ended(&self, reason: Option<String>) -> End {
        if self.closing.is_some() {
            End::Asked
        } else {
            End::Closed(lenient::line(&reason.unwrap_or_default(), MAX_REASON))
        }
    }

    fn failed(&self, error: &SocketError) -> End {
        if self.closing.is_some() { End::Asked } else { End::Failed(error.to_string()) }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        loop {
            if self.flushing {
                ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
                self.flushing = false;
            }
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            let message = match ready!(self.link.poll_outgoing(cx)) {
                Outgoing::Text(text) => Message::text(text),
                Outgoing::Batch(batch) => Message::Binary(batch),
                Outgoing::Close => Message::Close(None),
            };
            Pin::new(&mut self.socket).start_send(message)?;
            self.flushing = true;
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if let Err(end) = self.read(cx) {
            return Poll::Ready(end);
        }
        if let Poll::Ready(lost) = self.keepalive.poll(&self.link, cx) {
            return Poll::Ready(lost);
        }
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            return Poll::Ready(self.failed(&error));
        }
        if self.paused && self.link.mux(|mux| mux.may_receive()) {
            self.paused = false;
            cx.waker().wake_by_ref(); // cx.waker().wake_by_ref(); // nothing else wakes the task for the unread rest
        }
        if self.closing.is_none() && self.link.is_closing() {
            self.closing = Some(Box::pin(tokio::time::sleep(CLOSE_TIMEOUT)));
        }
        match &mut self.closing {
            Some(deadline) => deadline.as_mut().poll(cx).map(|()| End::Asked),
            None => Poll::Pending,
        }
    }
}

impl<S, C, F> Future for Driver<S, C, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: DeserializeOwned,
    F: FnMut(Event<C>) + Unpin,
{
    type Output = End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let this = self.get_mut();
        let end = ready!(this.poll_end(cx));
        this.link.went_down(&end.to_string());
        if let End::Violation(violation) = end {
            let reason = violation.to_string().into();
            let frame = CloseFrame { code: CloseCode::Protocol, reason };
            let _ = Pin::new(&mut this.socket).start_send(Message::Close(Some(frame)));
        }
        // One attempt to send our close message, or the response to the peer's, without waiting for it.
        let _ = Pin::new(&mut this.socket).poll_flush(cx);
        Poll::Ready(end)
    }
}

impl<S, C, F> Drop for Driver<S, C, F> {
    fn drop(&mut self) {
        self.link.went_down("the tunnel was dropped");
    }
}

/// Detects a dead peer. Any message counts as a sign of life; a PING ensures that there is one. It is a frame of the protocol, because that proves
/// that the peer's multiplexer runs, and counts as traffic for every proxy in between.
struct Keepalive {
    timeout: Duration,
    ticks: Interval,
    heard: bool,
    missed: u32,
    /// When the oldest PING without a response was sent.
    asked: Option<Instant>,
}

impl Keepalive {
    fn new(timeout: Duration) -> Self {
        let period = timeout / TICKS;
        let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
        // A process that was suspended must first read what has arrived meanwhile.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { timeout, ticks, heard: false, missed: 0, asked: None }
    }

    fn poll(&mut self, link: &Link, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            ready!(self.ticks.poll_tick(cx));
            self.missed = if std::mem::take(&mut self.heard) { 0 } else { self.missed + 1 };
            if self.missed + 1 >= TICKS {
                return Poll::Ready(End::Silent(self.timeout));
            }
            self.ask(link);
        }
    }

    fn ask(&mut self, link: &Link) {
        link.mux(|mux| mux.ping());
        self.asked.get_or_insert_with(Instant::now);
    }

    /// How long the peer took to respond, once per PING that got a response.
    fn round_trip(&mut self, link: &Link) -> Option<Duration> {
        let took = self.asked?.elapsed();
        link.mux(|mux| mux.take_pong()).then(|| self.asked = None)?;
        Some(took)
    }
}

#[cfg(test)]
mod tests;
